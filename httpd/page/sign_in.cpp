// Signing in by a code: see sign_in.hpp.
#include "page/sign_in.hpp"

#include <gnutls/gnutls.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <utility>

namespace tallyd::page {

std::string SignIn::read(const std::string& path, Clock::time_point now) {
    struct stat status {};
    if (stat(path.c_str(), &status) != 0) return "cannot read " + path;
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) return path + " may be read by others: chmod 600";
    std::ifstream file(path);
    std::string code, key;
    std::getline(file, code);
    std::getline(file, key);
    const bool is_code = code.size() == kCodeLength &&
                         std::all_of(code.begin(), code.end(), [](unsigned char c) { return std::isxdigit(c) != 0; });
    if (!is_code || key.empty()) return path + " must hold a code of 32 random hexadecimal digits and a key, a line each";
    const std::lock_guard lock(mutex_);
    code_ = code;
    key_ = key;
    until_ = now + kLifetime;
    return {};
}

std::optional<std::string> SignIn::take(std::string_view code, Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    if (code_.empty() || now >= until_ || code.size() != code_.size()) return std::nullopt;
    if (gnutls_memcmp(code.data(), code_.data(), code.size()) != 0) return std::nullopt;
    code_.clear();
    return std::exchange(key_, {});
}

}  // namespace tallyd::page
