// DICTIONARY of a segment's column (format.hpp): made of the entries that occur, read by blocks.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "core/base/text_arena.hpp"
#include "core/segment/format.hpp"
#include "core/segment/output.hpp"

namespace tally::segment_format {

class DictionaryBuilder {
public:
    // The number under which the entry is known until sort(); equal entries have one. The text must outlive the
    // builder.
    std::uint32_t add(PropertyKind kind, std::string_view text);
    std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(entries_.size()); }

    // Gives the entries their codes. Nothing may be added afterwards.
    void sort();
    std::uint32_t code(std::uint32_t number) const noexcept { return codes_[number]; }
    std::string_view text(std::uint32_t code) const noexcept { return entries_[code].text; }

    // Sets what a column says of its dictionary, and appends the blocks.
    void write(Column& column, BlockOutput& out) const;

private:
    struct Entry {
        std::string_view text;
        std::uint32_t number;
        PropertyKind kind;
    };
    void grow();
    void sort_kind(std::size_t begin, std::size_t end);
    void write_block(std::size_t begin, std::size_t end, BlockOutput& out) const;

    std::vector<Entry> entries_;
    std::vector<std::uint32_t> hashes_;  // by number
    std::vector<std::uint32_t> slots_;   // number + 1 of an entry, 0 where free; a power of two of them
    std::vector<std::uint32_t> codes_;
};

// How much a reader may still unpack: a few hostile bytes must not become gigabytes.
class UnpackBudget {
public:
    void take(std::size_t bytes) {
        if (bytes > left_) fail_damaged("its texts are longer than a segment can hold");
        left_ -= bytes;
    }
    std::size_t taken() const noexcept { return max_unpacked_bytes - left_; }

private:
    std::size_t left_ = max_unpacked_bytes;
};

class StoredDictionary final : public SegmentDictionary {
public:
    StoredDictionary(BlockTable& table, const Column& column, UnpackBudget& budget);

    std::uint32_t size() const noexcept override { return column_.dictionary_entries; }
    CodeRange codes_of(PropertyKind kind) const noexcept override;
    DictionaryEntry entry(std::uint32_t code) override { return {kind_of(code), text(code)}; }
    DictionaryEntry lone_entry(std::uint32_t code) override { return {kind_of(code), lone_text(code)}; }
    Neighbours neighbours(std::uint32_t code) override;
    void load_all() override;
    std::optional<std::uint32_t> find(PropertyKind kind, std::string_view text) override;

    // What was given stays while the dictionary lives.
    std::string_view text(std::uint32_t code) {
        const std::uint32_t number = code >> column_.dictionary_shift;
        return texts_of(number)[code - (number << column_.dictionary_shift)];
    }
    // The same for whoever asks for few of a block.
    std::string_view lone_text(std::uint32_t code) {
        const std::uint32_t number = code >> column_.dictionary_shift;
        if (Block& block = block_of(number);
            block.texts.empty() && entries_in(number) >= worth_unpacking_singly && ++block.asked_for <= unpacked_singly)
            return unpack_one(number, code - (number << column_.dictionary_shift));
        return text(code);
    }
    PropertyKind kind_of(std::uint32_t code) const noexcept {
        return code < column_.texts_end     ? PropertyKind::text
               : code < column_.numbers_end ? PropertyKind::number
                                            : PropertyKind::json;
    }

private:
    // So many entries of a block are unpacked each by itself, which takes a fraction of the whole block; then all are.
    // Where there are few, their texts are long.
    static constexpr std::uint32_t unpacked_singly = 2, worth_unpacking_singly = 16;
    struct Block {
        std::vector<std::string_view> texts;  // empty until all are unpacked
        std::unique_ptr<char[]> memory;
        std::uint32_t asked_for = 0;
    };
    Block& block_of(std::uint32_t number) {
        if (!blocks_[number]) blocks_[number] = std::make_unique<Block>();
        return *blocks_[number];
    }
    const std::vector<std::string_view>& texts_of(std::uint32_t number) {
        if (block_of(number).texts.empty()) load(number);
        return blocks_[number]->texts;
    }
    std::uint32_t entries_in(std::uint32_t number) const noexcept {
        return std::min(column_.dictionary_entries - (number << column_.dictionary_shift), 1U << column_.dictionary_shift);
    }
    void load(std::uint32_t number);
    void load_if_short();
    std::string_view unpack_one(std::uint32_t number, std::uint32_t index);

    BlockTable& table_;
    const Column& column_;
    UnpackBudget& budget_;
    std::vector<std::unique_ptr<Block>> blocks_;  // null until they are asked for
    TextArena single_;                            // entries that were unpacked by themselves
    std::vector<std::byte> unpacked_;
};

}  // namespace tally::segment_format
