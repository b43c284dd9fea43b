// Cross-origin requests: which web pages may read our answers. No credentials of browsers (cookies) are involved, keys
// are always sent on purpose; so any origin is the safe default, and Access-Control-Allow-Credentials is never sent.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tallyd {

class CrossOrigin {
public:
    // "*": any; "none" or nothing: no origin; else origins as browsers write them, "https://app.example.com".
    explicit CrossOrigin(const std::vector<std::string>& origins);

    // The value of Access-Control-Allow-Origin, nullptr: none is sent. origin: nullptr when the client named none.
    const char* allowed(const char* origin) const noexcept;

    bool depends_on_origin() const noexcept { return !origins_.empty(); }

private:
    bool any_ = false;
    std::set<std::string, std::less<>> origins_;
};

// "*", "none", or scheme://host[:port] in lower case with nothing behind it.
bool is_origin_rule(std::string_view text) noexcept;

}  // namespace tallyd
