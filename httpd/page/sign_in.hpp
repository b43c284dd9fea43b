// Signing in by a code that can be used once: so that whoever starts a demo can open an address in a browser without a
// key in any address. The code and the key that it stands for come from a file that only its owner may read, two lines.
// The code stands behind the # of the printed address, which no browser sends: the page sends it in the body of a POST.
// Invariant: the key is given once at most, and to nobody after kLifetime.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace tallyd::page {

class SignIn {
public:
    static constexpr std::chrono::minutes kLifetime{15};
    static constexpr std::size_t kCodeLength = 32;  // hexadecimal digits: 128 bits

    // Empty: done. Else what is wrong with the file.
    std::string read(const std::string& path, Clock::time_point now);

    // The key, this once.
    std::optional<std::string> take(std::string_view code, Clock::time_point now);

private:
    std::mutex mutex_;
    std::string code_;  // empty: nobody can sign in so
    std::string key_;
    Clock::time_point until_{};
};

}  // namespace tallyd::page
