// CRC-32C by SSE 4.2 where the processor has it (asked at run time, so one build runs everywhere), else by slicing tables.
#include "core/base/crc32c.hpp"

#include <array>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace tally {
namespace {

constexpr std::uint32_t polynomial = 0x82F63B78U;  // reflected

constexpr std::array<std::array<std::uint32_t, 256>, 8> make_tables() {
    std::array<std::array<std::uint32_t, 256>, 8> tables{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t crc = i;
        for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? polynomial : 0);
        tables[0][i] = crc;
    }
    for (std::size_t slice = 1; slice < tables.size(); ++slice)
        for (std::size_t i = 0; i < 256; ++i)
            tables[slice][i] = tables[slice - 1][i] >> 8 ^ tables[0][tables[slice - 1][i] & 0xFF];
    return tables;
}

constexpr auto tables = make_tables();

std::uint32_t by_tables(Bytes bytes) noexcept {
    std::uint32_t crc = ~std::uint32_t{0};
    const std::byte* at = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= 8; left -= 8, at += 8) {
        const std::uint64_t word = little_u64(at) ^ crc;
        crc = 0;
        for (unsigned i = 0; i < 8; ++i) crc ^= tables[7 - i][word >> (8 * i) & 0xFF];
    }
    for (; left > 0; --left, ++at) crc = crc >> 8 ^ tables[0][(crc ^ std::to_integer<std::uint32_t>(*at)) & 0xFF];
    return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t by_instruction(Bytes bytes) noexcept {
    std::uint64_t crc = ~std::uint32_t{0};
    const std::byte* at = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= 8; left -= 8, at += 8) crc = _mm_crc32_u64(crc, little_u64(at));
    auto rest = static_cast<std::uint32_t>(crc);
    for (; left > 0; --left, ++at) rest = _mm_crc32_u8(rest, std::to_integer<std::uint8_t>(*at));
    return ~rest;
}
#endif

}  // namespace

std::uint32_t crc32c(Bytes bytes) noexcept {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) return by_instruction(bytes);
#endif
    return by_tables(bytes);
}

}  // namespace tally
