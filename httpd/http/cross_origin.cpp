// Cross-origin requests: see cross_origin.hpp.
#include "http/cross_origin.hpp"

#include <algorithm>

namespace tallyd {

CrossOrigin::CrossOrigin(const std::vector<std::string>& origins) {
    for (const std::string& origin : origins) {
        if (origin == "*") any_ = true;
        else if (origin != "none") origins_.insert(origin);
    }
    if (any_) origins_.clear();
}

const char* CrossOrigin::allowed(const char* origin) const noexcept {
    if (any_) return "*";
    return origin && origins_.find(std::string_view(origin)) != origins_.end() ? origin : nullptr;
}

bool is_origin_rule(std::string_view text) noexcept {
    if (text == "*" || text == "none") return true;
    const std::size_t scheme = text.find("://");
    if (scheme == 0 || scheme == std::string_view::npos || scheme + 3 == text.size()) return false;
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+';
    };
    const auto host = [plain](char c) { return plain(c) || c == ':' || c == '[' || c == ']' || c == '_'; };
    const std::string_view rest = text.substr(scheme + 3);
    return std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(scheme), plain) &&
           std::all_of(rest.begin(), rest.end(), host) && !rest.ends_with(':');
}

}  // namespace tallyd
