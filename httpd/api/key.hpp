// Keys as clients present them. tallyd never judges a key: it hands the key's SHA-256 to SQL with every request,
// so a revocation works on the very next one. A key may come in four places (Authorization: Bearer or Basic, the query
// parameter apiKey, the member or field apiKey of the body); those given must all be the same.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace tallyd {

using KeyHash = std::array<unsigned char, 32>;

// The key in an Authorization header: "Bearer <key>" or "Basic base64(<key>:)", scheme without case. Basic: the key is
// the user name; the password is empty or the key once more. nullopt: malformed.
std::optional<std::string> authorization_key(std::string_view header);

KeyHash hash_key(std::string_view key);

// The keys of one request.
class PresentedKeys {
public:
    void add(std::string_view key);

    bool none() const noexcept { return !hash_; }
    bool differ() const noexcept { return differ_; }
    const KeyHash& hash() const noexcept { return *hash_; }

private:
    std::optional<KeyHash> hash_;
    bool differ_ = false;
};

}  // namespace tallyd
