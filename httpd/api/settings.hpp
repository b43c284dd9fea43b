// What the API is configured by.
#pragma once

#include <cstddef>

namespace tallyd {

struct ApiSettings {
    std::size_t max_body = std::size_t{1} << 20;
    std::size_t max_ingest_body = std::size_t{8} << 20;
    std::size_t max_inflated_file = std::size_t{64} << 30;  // of an import that comes compressed
};

}  // namespace tallyd
