// Documents that are part of the program: see document.hpp.
#include "api/document.hpp"

#include <string_view>

namespace tallyd {

namespace {

#include "openapi.inc"  // kText, kTag: made of openapi/*.yaml by openapi.pl

constexpr const char* kCacheControl = "public, max-age=300";

bool holds(std::string_view list, std::string_view tag) noexcept {
    return list == "*" || list.find(tag) != std::string_view::npos;
}

}  // namespace

Response openapi_document(const char* known) {
    Response answer;
    answer.status = 200;
    answer.etag = kTag;
    answer.cache_control = kCacheControl;
    if (known && holds(known, kTag)) {
        answer.status = 304;
        answer.content_type = nullptr;
        return answer;
    }
    answer.body.assign(kText, sizeof kText - 1);
    return answer;
}

}  // namespace tallyd
