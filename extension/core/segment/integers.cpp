// Frame of reference with a common divisor, and bit packing.
#include "core/segment/integers.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>
#include <utility>

#include "core/segment/output.hpp"

namespace tally::segment_format {
namespace {

constexpr unsigned max_packed_width = 57;  // of which 8 bytes from any byte on hold one whole

using Unpack = void (*)(const std::byte*, std::size_t, std::uint64_t, std::uint64_t, std::int64_t*);

// 8 values from each group of Width bytes; reads up to 8 bytes from the place where the last of them begins.
template <unsigned Width, bool Divided>
void unpack(const std::byte* from, std::size_t groups, std::uint64_t base, std::uint64_t divisor, std::int64_t* values) {
    for (std::size_t group = 0; group < groups; ++group, from += Width, values += 8) {
        const auto lane = [&]<unsigned Index>() {
            constexpr unsigned bit = Index * Width;
            std::uint64_t value = 0;
            if constexpr (Width == 64) {
                value = little_u64(from + 8 * Index);
            } else if constexpr (Width != 0) {
                value = little_u64(from + bit / 8) >> (bit % 8) & ((std::uint64_t{1} << Width) - 1);
            }
            if constexpr (Divided) value *= divisor;
            values[Index] = static_cast<std::int64_t>(base + value);
        };
        lane.template operator()<0>();
        lane.template operator()<1>();
        lane.template operator()<2>();
        lane.template operator()<3>();
        lane.template operator()<4>();
        lane.template operator()<5>();
        lane.template operator()<6>();
        lane.template operator()<7>();
    }
}

template <bool Divided, std::size_t... Width>
constexpr std::array<Unpack, sizeof...(Width)> unpackers(std::index_sequence<Width...>) {
    return {unpack<Width, Divided>...};
}

constexpr auto plain_unpackers = unpackers<false>(std::make_index_sequence<65>{});
constexpr auto divided_unpackers = unpackers<true>(std::make_index_sequence<65>{});

bool possible_width(unsigned width) {
    return width <= max_packed_width || width == 64;
}

std::uint64_t common_divisor(std::span<const std::int64_t> values, std::int64_t base) {
    std::uint64_t divisor = 0;
    for (const std::int64_t value : values) {
        const std::uint64_t distance = static_cast<std::uint64_t>(value) - static_cast<std::uint64_t>(base);
        if (divisor > 1 && distance % divisor == 0) continue;
        divisor = std::gcd(divisor, distance);
        if (divisor == 1) break;
    }
    return std::max<std::uint64_t>(divisor, 1);
}

void pack(std::vector<std::byte>& out, std::span<const std::int64_t> values, std::int64_t base, std::uint64_t divisor,
          unsigned width) {
    if (width == 0) return;
    uint128 bits = 0;
    unsigned filled = 0;
    for (const std::int64_t value : values) {
        std::uint64_t distance = static_cast<std::uint64_t>(value) - static_cast<std::uint64_t>(base);
        if (divisor != 1) distance /= divisor;
        bits |= uint128{distance} << filled;
        filled += width;
        if (filled < 64) continue;
        std::array<std::byte, 8> word;
        for (unsigned i = 0; i < 8; ++i) word[i] = static_cast<std::byte>(static_cast<std::uint64_t>(bits) >> (8 * i));
        out.insert(out.end(), word.begin(), word.end());
        bits >>= 64;
        filled -= 64;
    }
    for (; filled > 0; filled -= std::min(filled, 8U), bits >>= 8) out.push_back(static_cast<std::byte>(bits));
}

template <typename Value>
void append_narrow(std::vector<std::byte>& out, std::span<const Value> values) {
    const std::vector<std::int64_t> wide(values.begin(), values.end());
    append_integers(out, std::span<const std::int64_t>(wide));
}

std::size_t bytes_for(std::uint64_t count, unsigned width) {
    return static_cast<std::size_t>((count * width + 7) / 8);
}

}  // namespace

void append_integers(std::vector<std::byte>& out, std::span<const std::int64_t> values) {
    std::int64_t least = 0, greatest = 0;
    if (!values.empty()) {
        const auto [low, high] = std::minmax_element(values.begin(), values.end());
        least = *low;
        greatest = *high;
    }
    const std::uint64_t range = static_cast<std::uint64_t>(greatest) - static_cast<std::uint64_t>(least);
    const std::uint64_t divisor = range == 0 ? 1 : common_divisor(values, least);
    auto width = static_cast<unsigned>(std::bit_width(range / divisor));
    if (!possible_width(width)) width = 64;
    out.push_back(static_cast<std::byte>(width));
    append_varint(out, (static_cast<std::uint64_t>(least) << 1) ^ static_cast<std::uint64_t>(least >> 63));
    append_varint(out, divisor);
    pack(out, values, least, divisor, width);
}

void append_integers(std::vector<std::byte>& out, std::span<const std::uint32_t> values) {
    append_narrow(out, values);
}

void append_integers(std::vector<std::byte>& out, std::span<const std::uint8_t> values) {
    append_narrow(out, values);
}

Integers::Integers(Bytes& rest, std::uint32_t count) : count_(count) {
    ByteReader reader(rest, "segment");
    width_ = reader.u8();
    base_ = static_cast<std::uint64_t>(reader.signed_varint());
    divisor_ = reader.varint();
    if (!possible_width(width_) || divisor_ == 0) fail_damaged("a width is impossible");
    const std::size_t needed = bytes_for(count, width_);
    bits_ = rest.last(reader.left());
    if (needed > bits_.size()) fail_damaged("numbers are cut short");
    rest = bits_.subspan(needed);
}

void Integers::read(std::uint32_t begin, std::uint32_t end, std::int64_t* values) const {
    if (begin >= end) return;
    const Unpack unpack_groups = (divisor_ == 1 ? plain_unpackers : divided_unpackers)[width_];
    // A group reads at most 8 bytes further than it has: those for which the block has no such bytes go through a copy.
    const std::size_t safe_groups = width_ == 0 ? count_ / 8 : bits_.size() < 8 ? 0 : (bits_.size() - 8) / width_;
    const auto edge = [&](std::uint32_t group, std::uint32_t from, std::uint32_t to) {
        std::array<std::byte, 64 + 8> copy{};
        std::array<std::int64_t, 8> unpacked;
        const Bytes tail = bits_.subspan(std::min(bits_.size(), std::size_t{group} * width_));
        std::copy_n(tail.begin(), std::min<std::size_t>(tail.size(), width_), copy.begin());
        unpack_groups(copy.data(), 1, base_, divisor_, unpacked.data());
        for (std::uint32_t i = from; i < to; ++i) *values++ = unpacked[i];
    };
    std::uint32_t group = begin / 8;
    if (begin % 8 != 0) {
        edge(group, begin % 8, std::min(end - 8 * group, 8U));
        ++group;
    }
    const std::uint32_t whole =
        std::min(end / 8, static_cast<std::uint32_t>(std::min<std::size_t>(safe_groups, UINT32_MAX)));
    if (whole > group) {
        unpack_groups(bits_.data() + std::size_t{group} * width_, whole - group, base_, divisor_, values);
        values += std::size_t{8} * (whole - group);
        group = whole;
    }
    for (; 8 * group < end; ++group) edge(group, 0, std::min(end - 8 * group, 8U));
}

std::int64_t Integers::at(std::uint32_t index) const noexcept {
    std::uint64_t value = 0;
    const std::size_t first = std::size_t{index} * width_;
    for (std::size_t byte = first / 8, shift = 0; shift < width_ + first % 8; ++byte, shift += 8) {
        const auto bits = std::to_integer<std::uint64_t>(bits_[byte]);
        value |= shift < first % 8 ? bits >> (first % 8) : bits << (shift - first % 8);
    }
    if (width_ < 64) value &= (std::uint64_t{1} << width_) - 1;
    return static_cast<std::int64_t>(base_ + divisor_ * value);
}

std::int64_t Integers::bound() const noexcept {
    if (width_ == 64) return INT64_MAX;
    const uint128 reach = uint128{(std::uint64_t{1} << width_) - 1} * divisor_;
    const auto room = static_cast<std::uint64_t>(INT64_MAX) - base_;
    return reach > room ? INT64_MAX : static_cast<std::int64_t>(base_ + static_cast<std::uint64_t>(reach));
}

template <typename Value>
void Integers::read_narrow(std::uint32_t limit, std::uint32_t begin, std::uint32_t end, Value* values) const {
    std::array<std::int64_t, 256> wide;
    while (begin < end) {
        const std::uint32_t count = std::min<std::uint32_t>(end - begin, wide.size());
        read(begin, begin + count, wide.data());
        std::uint64_t greatest = 0;
        for (std::uint32_t i = 0; i < count; ++i) {
            greatest = std::max(greatest, static_cast<std::uint64_t>(wide[i]));
            values[i] = static_cast<Value>(wide[i]);
        }
        if (greatest >= limit) fail_damaged("a code has no entry");
        begin += count;
        values += count;
    }
}

void Integers::read_below(std::uint32_t limit, std::uint32_t begin, std::uint32_t end, std::uint32_t* values) const {
    read_narrow(limit, begin, end, values);
}

void Integers::read_below(std::uint32_t limit, std::uint32_t begin, std::uint32_t end, std::uint8_t* values) const {
    read_narrow(limit, begin, end, values);
}

}  // namespace tally::segment_format
