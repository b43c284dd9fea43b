// The credentials of one request: the key that was presented, in whichever of the places where it may come. What is
// wrong with them is told as 401, and never which of several keys is good.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/key.hpp"
#include "base/response.hpp"

namespace tallyd {

class Credentials {
public:
    // A key in the query string, in the body.
    void add(std::string_view key) { keys_.add(key); }

    // Of the header Authorization, which came so many times; nullptr: it did not.
    std::optional<Response> read_header(const char* value, int count);

    // The refusal where there is no key, or two that differ.
    std::optional<Response> check() const;

    bool none() const noexcept { return keys_.none(); }

    // Once check() has passed.
    const KeyHash& hash() const noexcept { return keys_.hash(); }
    std::string_view bytes() const noexcept { return {reinterpret_cast<const char*>(hash().data()), hash().size()}; }

private:
    PresentedKeys keys_;
};

}  // namespace tallyd
