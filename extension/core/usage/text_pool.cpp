// An open-addressing table of numbers, at most half full. Hashes are SipHash: texts come from customers, who must not
// be able to make them collide.
#include "core/usage/text_pool.hpp"

#include <algorithm>
#include <numeric>
#include <span>

#include "core/distinct/set_key.hpp"

namespace tally {
namespace {

constexpr std::size_t first_slots = 64;

std::uint64_t hash_of(std::string_view text) noexcept {
    return siphash128(std::as_bytes(std::span(text.data(), text.size()))).high;
}

}  // namespace

TextPool::TextPool() : texts_(1), hashes_(1), table_(first_slots) {}

std::size_t TextPool::slot_of(std::string_view text, std::uint64_t hash) const noexcept {
    const std::size_t mask = table_.size() - 1;
    std::size_t slot = hash & mask;
    while (table_[slot] != 0 && !(hashes_[table_[slot]] == hash && texts_[table_[slot]] == text)) slot = (slot + 1) & mask;
    return slot;
}

std::uint32_t TextPool::find(std::string_view text) const noexcept {
    return table_[slot_of(text, hash_of(text))];
}

std::uint32_t TextPool::number_of(std::string_view text) {
    const std::uint64_t hash = hash_of(text);
    std::size_t slot = slot_of(text, hash);
    if (table_[slot] != 0) return table_[slot];
    if (2 * texts_.size() >= table_.size()) {
        grow();
        slot = slot_of(text, hash);
    }
    const std::uint32_t number = size();
    texts_.push_back(arena_.keep(text));
    hashes_.push_back(hash);
    table_[slot] = number;
    return number;
}

void TextPool::grow() {
    std::vector<std::uint32_t> larger(2 * table_.size());
    const std::size_t mask = larger.size() - 1;
    for (std::uint32_t number = 1; number < size(); ++number) {
        std::size_t slot = hashes_[number] & mask;
        while (larger[slot] != 0) slot = (slot + 1) & mask;
        larger[slot] = number;
    }
    table_ = std::move(larger);
}

std::size_t TextPool::bytes() const noexcept {
    return arena_.size() + texts_.capacity() * sizeof(std::string_view) + hashes_.capacity() * sizeof(std::uint64_t) +
           table_.size() * sizeof(std::uint32_t);
}

std::vector<std::uint32_t> TextPool::places() const {
    std::vector<std::uint32_t> order(texts_.size() - 1);
    std::iota(order.begin(), order.end(), 1U);
    const auto before = [&](std::uint32_t left, std::uint32_t right) { return texts_[left] < texts_[right]; };
    // Of a segment they come in order.
    if (!std::is_sorted(order.begin(), order.end(), before)) std::sort(order.begin(), order.end(), before);
    std::vector<std::uint32_t> places(texts_.size());
    for (std::uint32_t place = 0; place < order.size(); ++place) places[order[place]] = place;
    places[0] = size();
    return places;
}

}  // namespace tally
