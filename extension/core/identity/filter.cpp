// Building and asking the filters of sealed identities; the format stands in filter.hpp.
#include "core/identity/filter.hpp"

#include <cstring>

#include "core/base/crc32c.hpp"
#include "core/base/error.hpp"

namespace tally {
namespace {

constexpr unsigned probes = 7;

std::uint64_t second_half(const Hash128& key) noexcept {
    return little_u64(reinterpret_cast<const std::byte*>(key.data()) + 8);
}

// The probes of a key by double hashing (Kirsch, Mitzenmacher 2006).
template <typename Use>
void each_probe(const Hash128& key, Use use) noexcept {
    const std::uint64_t half = second_half(key);
    auto at = static_cast<std::uint32_t>(half);
    const std::uint32_t step = static_cast<std::uint32_t>(half >> 32) | 1;
    for (unsigned i = 0; i < probes; ++i, at += step) {
        use(static_cast<std::uint32_t>((std::uint64_t{at} * filter_bits) >> 32));
    }
}

}  // namespace

FilterBuilder::FilterBuilder() : bytes_(filter_bytes, '\0') {
    bytes_[0] = 1;
}

void FilterBuilder::add(const Hash128& key) noexcept {
    each_probe(key, [&](std::uint32_t bit) {
        char& byte = bytes_[filter_header_bytes + bit / 8];
        byte = static_cast<char>(static_cast<unsigned char>(byte) | 1U << (bit % 8));
    });
}

std::string FilterBuilder::take() {
    const auto bits = std::as_bytes(std::span(bytes_)).subspan(filter_header_bytes);
    const std::uint32_t sum = crc32c(bits);
    for (unsigned i = 0; i < 4; ++i) bytes_[4 + i] = static_cast<char>(sum >> (8 * i));
    std::string finished(filter_bytes, '\0');
    finished[0] = 1;
    finished.swap(bytes_);
    return finished;
}

void check_filter(Bytes filter) {
    std::uint32_t stored = 0;
    if (filter.size() == filter_bytes)
        for (unsigned i = 0; i < 4; ++i) stored |= std::to_integer<std::uint32_t>(filter[4 + i]) << (8 * i);
    if (filter.size() != filter_bytes || filter[0] != std::byte{1} || crc32c(filter.subspan(filter_header_bytes)) != stored)
        throw Error(ErrorKind::corrupted, "a filter of sealed identities is damaged",
                    "Restore table tally.sealed_identity from a backup, or a standby.");
}

bool may_hold(Bytes filter, const Hash128& key) noexcept {
    bool all = true;
    each_probe(key, [&](std::uint32_t bit) {
        all = all && (std::to_integer<unsigned>(filter[filter_header_bytes + bit / 8]) >> (bit % 8) & 1) != 0;
    });
    return all;
}

}  // namespace tally
