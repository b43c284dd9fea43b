// The credentials of one request: see credentials.hpp.
#include "api/credentials.hpp"

#include "base/error.hpp"

namespace tallyd {

std::optional<Response> Credentials::read_header(const char* value, int count) {
    if (count > 1) return refuse(401, "there is more than one Authorization header");
    if (!value) return std::nullopt;
    const auto secret = authorization_key(value);
    if (!secret)
        return refuse(401,
                      "the Authorization header is not of the form: Bearer <key>, or Basic with the key as user "
                      "name and no password");
    keys_.add(*secret);
    return std::nullopt;
}

std::optional<Response> Credentials::check() const {
    if (keys_.none())
        return refuse(401, "an API key is needed: Authorization: Bearer <key>, HTTP Basic, or the parameter apiKey");
    if (keys_.differ()) return bad_key();
    return std::nullopt;
}

}  // namespace tallyd
