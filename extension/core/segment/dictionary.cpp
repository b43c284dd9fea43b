// Collects, sorts and front-codes entries; unpacks blocks of them.
#include "core/segment/dictionary.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "core/segment/integers.hpp"
#include "core/segment/packed_bytes.hpp"

namespace tally::segment_format {
namespace {

// A question looks up one customer or one filtered value, a list of events a text of each column: what they come across is
// unpacked, so blocks are small. Blocks of 1,024 pack texts a little closer.
constexpr std::uint8_t block_shift = 7;
constexpr std::size_t block_text_bytes = std::size_t{64} << 10;  // about, so that one long text does not cost megabytes

// Texts and what they share are mostly short: a fixed length is one load and one store, a call to memcpy is ten of each.
// So both sides have this much room behind their last text.
constexpr std::size_t copied_at_once = 16;
void copy_short(char* to, const char* from, std::size_t length) noexcept {
    if (length > copied_at_once) {
        std::memcpy(to, from, length);
        return;
    }
    std::array<char, copied_at_once> bytes;  // the sides may overlap behind `length`
    std::memcpy(bytes.data(), from, copied_at_once);
    std::memcpy(to, bytes.data(), copied_at_once);
}

// Spreads well enough for a table that lives as long as one segment is made.
std::uint32_t quick_hash(PropertyKind kind, std::string_view text) noexcept {
    constexpr std::uint64_t factor = 0x9E3779B97F4A7C15U;
    std::uint64_t hash = (text.size() + 1) * factor + static_cast<std::uint64_t>(kind);
    const auto mix = [&hash](std::uint64_t word) {
        const uint128 product = uint128{hash ^ word} * factor;
        hash = static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
    };
    const auto* at = reinterpret_cast<const std::byte*>(text.data());
    std::size_t left = text.size();
    for (; left >= 8; left -= 8, at += 8) mix(little_u64(at));
    std::uint64_t rest = 0;
    if (left > 0) std::memcpy(&rest, at, left);
    mix(rest);
    return static_cast<std::uint32_t>(hash ^ hash >> 32);
}

std::size_t common_length(std::string_view left, std::string_view right) noexcept {
    const std::size_t limit = std::min(left.size(), right.size());
    std::size_t length = 0;
    while (length < limit && left[length] == right[length]) ++length;
    return length;
}

// The 8 bytes from `from` on, as a number that sorts as they do; missing ones count as zeros.
std::uint64_t sort_prefix(std::string_view text, std::size_t from) noexcept {
    std::uint64_t prefix = 0;
    if (from < text.size()) std::memcpy(&prefix, text.data() + from, std::min<std::size_t>(8, text.size() - from));
    return std::endian::native == std::endian::little ? __builtin_bswap64(prefix) : prefix;
}

}  // namespace

void DictionaryBuilder::grow() {
    const std::size_t size = std::max<std::size_t>(64, slots_.size() * 4);
    slots_.assign(size, 0);
    for (std::uint32_t number = 0; number < hashes_.size(); ++number) {
        std::size_t slot = hashes_[number] & (size - 1);
        while (slots_[slot] != 0) slot = (slot + 1) & (size - 1);
        slots_[slot] = number + 1;
    }
}

std::uint32_t DictionaryBuilder::add(PropertyKind kind, std::string_view text) {
    if (2 * entries_.size() >= slots_.size()) grow();
    const std::uint32_t hash = quick_hash(kind, text);
    std::size_t slot = hash & (slots_.size() - 1);
    for (; slots_[slot] != 0; slot = (slot + 1) & (slots_.size() - 1)) {
        const std::uint32_t number = slots_[slot] - 1;
        if (hashes_[number] == hash && entries_[number].kind == kind && entries_[number].text == text) return number;
    }
    const auto number = static_cast<std::uint32_t>(entries_.size());
    entries_.push_back({text, number, kind});
    hashes_.push_back(hash);
    slots_[slot] = number + 1;
    return number;
}

// All entries of one kind. What they have in common at the front decides nothing, so the 8 bytes after it decide nearly
// all.
void DictionaryBuilder::sort_kind(std::size_t begin, std::size_t end) {
    if (end - begin < 2) return;
    struct Keyed {
        std::uint64_t prefix;
        Entry entry;
    };
    std::size_t common = entries_[begin].text.size();
    for (std::size_t i = begin + 1; i < end; ++i)
        common = std::min(common, common_length(entries_[begin].text, entries_[i].text));
    std::vector<Keyed> keyed(end - begin);
    for (std::size_t i = begin; i < end; ++i) keyed[i - begin] = {sort_prefix(entries_[i].text, common), entries_[i]};
    std::sort(keyed.begin(), keyed.end(), [](const Keyed& left, const Keyed& right) {
        return left.prefix != right.prefix ? left.prefix < right.prefix : left.entry.text < right.entry.text;
    });
    for (std::size_t i = begin; i < end; ++i) entries_[i] = keyed[i - begin].entry;
}

void DictionaryBuilder::sort() {
    std::stable_sort(entries_.begin(), entries_.end(),
                     [](const Entry& left, const Entry& right) { return left.kind < right.kind; });
    for (std::size_t begin = 0, end = 0; begin < entries_.size(); begin = end) {
        while (end < entries_.size() && entries_[end].kind == entries_[begin].kind) ++end;
        sort_kind(begin, end);
    }
    codes_.resize(entries_.size());
    for (std::uint32_t code = 0; code < entries_.size(); ++code) codes_[entries_[code].number] = code;
    slots_.clear();
    hashes_.clear();
}

void DictionaryBuilder::write(Column& column, BlockOutput& out) const {
    std::size_t bytes = 0;
    column.dictionary_entries = size();
    column.texts_end = column.numbers_end = 0;
    for (const Entry& entry : entries_) {
        bytes += entry.text.size();
        if (entry.kind == PropertyKind::text) ++column.texts_end;
        if (entry.kind != PropertyKind::json) ++column.numbers_end;
    }
    column.dictionary_shift = block_shift;
    while (column.dictionary_shift > 0 && (bytes << column.dictionary_shift) > block_text_bytes * entries_.size())
        --column.dictionary_shift;
    if (entries_.empty()) column.dictionary_shift = 0;
    const std::size_t step = std::size_t{1} << column.dictionary_shift;
    for (std::size_t begin = 0; begin < entries_.size(); begin += step)
        write_block(begin, std::min(entries_.size(), begin + step), out);
}

void DictionaryBuilder::write_block(std::size_t begin, std::size_t end, BlockOutput& out) const {
    std::vector<std::uint32_t> shared, rest;
    std::vector<std::byte> texts;
    for (std::size_t i = begin; i < end; ++i) {
        const std::string_view text = entries_[i].text;
        const std::size_t common = i == begin ? 0 : common_length(entries_[i - 1].text, text);
        shared.push_back(static_cast<std::uint32_t>(common));
        rest.push_back(static_cast<std::uint32_t>(text.size() - common));
        append_bytes(texts, std::as_bytes(std::span(text.substr(common))));
    }
    append_integers(out.bytes(), std::span<const std::uint32_t>(shared));
    append_integers(out.bytes(), std::span<const std::uint32_t>(rest));
    append_packed(out.bytes(), texts);
    out.end_block();
}

StoredDictionary::StoredDictionary(BlockTable& table, const Column& column, UnpackBudget& budget)
    : table_(table), column_(column), budget_(budget), blocks_(column.dictionary_blocks()) {}

CodeRange StoredDictionary::codes_of(PropertyKind kind) const noexcept {
    switch (kind) {
        case PropertyKind::text: return {0, column_.texts_end};
        case PropertyKind::number: return {column_.texts_end, column_.numbers_end};
        case PropertyKind::json: break;
    }
    return {column_.numbers_end, column_.dictionary_entries};
}

StoredDictionary::Neighbours StoredDictionary::neighbours(std::uint32_t code) {
    const std::vector<std::string_view>& texts = texts_of(code >> column_.dictionary_shift);
    const std::uint32_t first = code >> column_.dictionary_shift << column_.dictionary_shift;
    const char* const begin = texts[code - first].data();
    const char* const end = texts.back().data() + texts.back().size();
    return {{begin, static_cast<std::size_t>(end - begin)}, first + static_cast<std::uint32_t>(texts.size())};
}

void StoredDictionary::load_all() {
    if (!blocks_.empty()) table_.load(column_.dictionary_block(0), column_.dictionary_block(column_.dictionary_blocks()));
}

// The search comes across several blocks. To fetch one costs as much as to fetch some kilobytes.
void StoredDictionary::load_if_short() {
    constexpr std::size_t short_bytes = std::size_t{32} << 10;
    if (blocks_.size() < 2) return;
    const std::uint32_t first = column_.dictionary_block(0);
    const std::uint32_t last = first + column_.dictionary_blocks();
    if (table_.bytes_of(first, last) <= short_bytes) table_.load(first, last);
}

std::optional<std::uint32_t> StoredDictionary::find(PropertyKind kind, std::string_view wanted) {
    load_if_short();
    auto [begin, end] = codes_of(kind);
    const std::uint32_t last = end;
    while (begin < end) {
        std::uint32_t middle = begin + (end - begin) / 2;
        // The first entry of a block begins with nothing that is not there, so it is had for least.
        const std::uint32_t first = middle >> column_.dictionary_shift << column_.dictionary_shift;
        if (first > begin) middle = first;
        if (lone_text(middle) < wanted) {
            begin = middle + 1;
        } else {
            end = middle;
        }
    }
    if (begin == last || lone_text(begin) != wanted) return std::nullopt;
    return begin;
}

void StoredDictionary::load(std::uint32_t number) {
    const std::uint32_t count = entries_in(number);
    Bytes bytes = table_.block(column_.dictionary_block(number));
    std::array<std::uint32_t, std::size_t{1} << max_dictionary_shift> shared, rest;
    Integers(bytes, count).read_below(max_unpacked_bytes, 0, count, shared.data());
    Integers(bytes, count).read_below(max_unpacked_bytes, 0, count, rest.data());
    std::size_t all = 0, packed = 0, before = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        if (shared[i] > before) fail_damaged("an entry begins with what is not there");
        before = std::size_t{shared[i]} + rest[i];
        all += before;
        packed += rest[i];
    }
    budget_.take(all + packed);
    const std::unique_ptr<char[]> unpacked(new char[packed + copied_at_once]);
    read_packed(bytes, packed, reinterpret_cast<std::byte*>(unpacked.get()));
    if (!bytes.empty()) fail_damaged("a dictionary holds more than its entries");
    Block& block = block_of(number);
    block.memory.reset(new char[all + copied_at_once]);
    block.texts.reserve(count);
    const char* from = unpacked.get();
    char* to = block.memory.get();
    const char* previous = to;
    for (std::uint32_t i = 0; i < count; ++i) {
        copy_short(to, previous, shared[i]);
        copy_short(to + shared[i], from, rest[i]);
        block.texts.emplace_back(to, std::size_t{shared[i]} + rest[i]);
        previous = to;
        from += rest[i];
        to += block.texts.back().size();
    }
}

// From behind: of each entry before it, what of its beginning is not of an earlier one still.
std::string_view StoredDictionary::unpack_one(std::uint32_t number, std::uint32_t index) {
    const std::uint32_t count = entries_in(number);
    Bytes bytes = table_.block(column_.dictionary_block(number));
    std::array<std::uint32_t, std::size_t{1} << max_dictionary_shift> shared, rest;
    Integers(bytes, count).read_below(max_unpacked_bytes, 0, index + 1, shared.data());
    Integers(bytes, count).read_below(max_unpacked_bytes, 0, index + 1, rest.data());
    std::size_t begin = 0;
    for (std::uint32_t i = 0; i < index; ++i) begin += rest[i];
    const std::size_t size = std::size_t{shared[index]} + rest[index];
    budget_.take(size);
    const Bytes unpacked = view_packed(bytes, max_unpacked_bytes, unpacked_);
    if (!bytes.empty()) fail_damaged("a dictionary holds more than its entries");
    if (unpacked.size() < begin + rest[index]) fail_damaged("texts are cut short");
    if (size == 0) return {};
    const auto* const texts = reinterpret_cast<const char*>(unpacked.data());
    char* const text = reinterpret_cast<char*>(single_.allocate(size));
    if (rest[index] != 0) std::memcpy(text + shared[index], texts + begin, rest[index]);
    std::uint32_t needed = shared[index];
    for (std::uint32_t i = index; needed > 0;) {
        if (i-- == 0) fail_damaged("an entry begins with what is not there");
        begin -= rest[i];
        if (shared[i] >= needed) continue;
        if (needed - shared[i] > rest[i]) fail_damaged("an entry begins with what is not there");
        std::memcpy(text + shared[i], texts + begin, needed - shared[i]);
        needed = shared[i];
    }
    return {text, size};
}

}  // namespace tally::segment_format
