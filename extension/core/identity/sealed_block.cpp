// Writing and searching blocks of sealed identities; the format stands in sealed_block.hpp.
#include "core/identity/sealed_block.hpp"

#include <cstring>

#include "core/base/crc32c.hpp"
#include "core/base/error.hpp"

namespace tally {
namespace {

constexpr std::size_t key_bytes = 16;

std::uint64_t first_half(const Hash128& key) noexcept {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < 8; ++i) value = value << 8 | key[i];
    return value;
}

void append_little(std::string& out, std::uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
}

std::uint64_t read_little(const std::byte* at, unsigned bytes) noexcept {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < bytes; ++i) value |= std::to_integer<std::uint64_t>(at[i]) << (8 * i);
    return value;
}

[[noreturn]] void fail() {
    throw Error(ErrorKind::corrupted, "a block of sealed identities is damaged",
                "Restore table tally.sealed_identity from a backup, or a standby.");
}

}  // namespace

std::uint32_t part_of(const Hash128& key, std::uint32_t parts) noexcept {
    return static_cast<std::uint32_t>((static_cast<uint128>(first_half(key)) * parts) >> 64);
}

std::optional<Hash128> first_key(std::uint32_t part, std::uint32_t parts) noexcept {
    if (part >= parts) return std::nullopt;
    // The least x with floor(x * parts / 2^64) = part.
    const auto start = static_cast<std::uint64_t>(((static_cast<uint128>(part) << 64) + parts - 1) / parts);
    Hash128 key{};
    for (unsigned i = 0; i < 8; ++i) key[i] = static_cast<std::uint8_t>(start >> (8 * (7 - i)));
    return key;
}

void append_block(std::string& out, std::span<const SealedIdentity> entries) {
    const std::size_t start = out.size();
    append_little(out, 1, 2);
    append_little(out, entries.size(), 2);
    append_little(out, 0, 4);
    for (const SealedIdentity& entry : entries) out.append(reinterpret_cast<const char*>(entry.key.data()), key_bytes);
    for (const SealedIdentity& entry : entries) append_little(out, static_cast<std::uint64_t>(entry.payload), 8);
    for (const SealedIdentity& entry : entries) append_little(out, entry.month, 2);
    const auto body = std::as_bytes(std::span(out)).subspan(start + block_header_bytes);
    const std::uint32_t sum = crc32c(body);
    for (unsigned i = 0; i < 4; ++i) out[start + 4 + i] = static_cast<char>(sum >> (8 * i));
}

BlockView::BlockView(Bytes block) {
    if (block.size() < block_header_bytes || read_little(block.data(), 2) != 1) fail();
    count_ = static_cast<std::uint32_t>(read_little(block.data() + 2, 2));
    if (block.size() != block_header_bytes + std::size_t{count_} * block_entry_bytes) fail();
    if (crc32c(block.subspan(block_header_bytes)) != read_little(block.data() + 4, 4)) fail();
    keys_ = block.data() + block_header_bytes;
    for (std::uint32_t i = 1; i < count_; ++i)
        if (std::memcmp(keys_ + key_bytes * (i - 1), keys_ + key_bytes * i, key_bytes) >= 0) fail();
}

SealedIdentity BlockView::at(std::uint32_t place) const noexcept {
    SealedIdentity entry;
    std::memcpy(entry.key.data(), keys_ + key_bytes * place, key_bytes);
    const std::byte* const payloads = keys_ + key_bytes * count_;
    entry.payload = static_cast<std::int64_t>(read_little(payloads + 8 * place, 8));
    entry.month = static_cast<std::uint16_t>(read_little(payloads + 8 * std::size_t{count_} + 2 * place, 2));
    return entry;
}

std::optional<SealedIdentity> BlockView::find(const Hash128& key) const noexcept {
    std::uint32_t low = 0, high = count_;
    while (low < high) {
        const std::uint32_t middle = (low + high) / 2;
        const int order = std::memcmp(keys_ + key_bytes * middle, key.data(), key_bytes);
        if (order == 0) return at(middle);
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return std::nullopt;
}

}  // namespace tally
