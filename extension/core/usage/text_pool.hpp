// Texts by number: each different text once, numbered from 1 in the order in which they came. 0 is no text at all.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/text_arena.hpp"

namespace tally {

class TextPool {
public:
    TextPool();

    std::uint32_t number_of(std::string_view text);            // a new number for a new text
    std::uint32_t find(std::string_view text) const noexcept;  // 0 where it has none
    std::string_view text(std::uint32_t number) const noexcept { return texts_[number]; }
    std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(texts_.size()); }  // numbers are below it

    // Memory taken.
    std::size_t bytes() const noexcept;

    // For each number its place in the order of the texts' bytes; no text comes last.
    std::vector<std::uint32_t> places() const;

private:
    std::size_t slot_of(std::string_view text, std::uint64_t hash) const noexcept;
    void grow();

    TextArena arena_;
    std::vector<std::string_view> texts_;
    std::vector<std::uint64_t> hashes_;
    std::vector<std::uint32_t> table_;  // open addressing; 0 = free
};

}  // namespace tally
