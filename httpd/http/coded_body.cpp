// A body that comes compressed: see coded_body.hpp.
#include "http/coded_body.hpp"

#include <strings.h>

#include <string>

namespace tallyd {

std::optional<Coding> coding_of(std::string_view name) noexcept {
    const auto is = [name](std::string_view known) {
        return name.size() == known.size() && strncasecmp(name.data(), known.data(), known.size()) == 0;
    };
    if (is("gzip") || is("x-gzip")) return Coding::gzip;
    return is("zstd") ? std::optional(Coding::zstd) : std::nullopt;
}

bool CodedBody::begin() {
    if (!share_.take(Inflater::memory(coding_) + kRoom)) return false;
    inflater_ = Inflater::make(coding_);
    room_ = std::make_unique<char[]>(kRoom);
    return true;
}

}  // namespace tallyd
