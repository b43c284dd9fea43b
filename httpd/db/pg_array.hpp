// PostgreSQL's binary format of one-dimensional arrays without NULLs:
// int32 dimensions (1 or 0), int32 has-null (0), int32 element type, int32 length, int32 lower bound 1,
// then per element int32 bytes + the bytes; all big-endian.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tallyd {

inline constexpr std::uint32_t kByteaOid = 17;
inline constexpr std::uint32_t kTextOid = 25;

class PgArray {
public:
    PgArray(std::uint32_t element_type, std::uint32_t elements, std::size_t bytes_of_elements);
    void add(std::string_view element);
    const std::string& wire() const noexcept { return wire_; }

private:
    void put(std::uint32_t value);
    std::string wire_;
};

}  // namespace tallyd
