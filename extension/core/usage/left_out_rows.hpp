// Which rows of a segment are not counted: those of a block are looked at together, as most often a comparison of their
// seqs with the last one that is known tells.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "core/segment/reader.hpp"
#include "core/usage/known_at.hpp"

namespace tally {

class LeftOutRows {
public:
    LeftOutRows(SegmentReader& segment, const LeftOut& left_out)
        : segment_(segment),
          known_(left_out.known != nullptr && left_out.known->hides_from(segment.first_seq(), segment.last_seq())
                     ? left_out.known
                     : nullptr),
          voided_(seqs_between(left_out.voided, segment.first_seq(), segment.last_seq())) {}

    // Whether there may be any in the segment.
    bool has_any() const noexcept { return known_ != nullptr || !voided_.empty(); }

    // Rows that lie in one block; of `wanted` as many as do are looked at with them. Only where there may be any.
    void load(RowRange rows, RowRange wanted) {
        if (rows.begin >= loaded_.begin && rows.end <= loaded_.end) return;
        loaded_ = rows_with(rows, wanted);
        seqs_.resize(loaded_.size());
        segment_.read_seq(loaded_.begin, loaded_.end, seqs_.data());
        is_left_out_.assign(loaded_.size(), 0);
        if (known_ != nullptr) mark_unknown();
        if (!voided_.empty()) mark_voided();
    }
    // Of rows that are loaded.
    std::uint32_t count(RowRange rows) const noexcept {
        const std::uint8_t* const first = flags(rows.begin);
        return std::accumulate(first, first + rows.size(), std::uint32_t{0});
    }
    // 1: left out.
    const std::uint8_t* flags(std::uint32_t row) const noexcept { return is_left_out_.data() + (row - loaded_.begin); }

    // Those of a block that are worth loading with some of its rows.
    static RowRange rows_with(RowRange rows, RowRange wanted) noexcept {
        const std::uint32_t first = rows.begin / segment_block_rows * segment_block_rows;
        return {std::max(first, std::min(wanted.begin, rows.begin)),
                std::min(first + segment_block_rows, std::max(wanted.end, rows.end))};
    }

private:
    static std::span<const std::int64_t> seqs_between(std::span<const std::int64_t> seqs, std::int64_t first,
                                                      std::int64_t last) noexcept {
        const auto begin = std::lower_bound(seqs.begin(), seqs.end(), first);
        return {begin, std::upper_bound(begin, seqs.end(), last)};
    }

    void mark_unknown() noexcept {
        const std::int64_t last = known_->last_seq;
        for (std::size_t i = 0; i < seqs_.size(); ++i) is_left_out_[i] = seqs_[i] > last ? 1 : 0;
        if (!known_->unseen_seqs.meets(segment_.first_seq(), std::min(last, segment_.last_seq()))) return;
        for (std::size_t i = 0; i < seqs_.size(); ++i)
            if (known_->unseen_seqs.holds(seqs_[i])) is_left_out_[i] = 1;
    }
    void mark_voided() noexcept {
        const auto [least, greatest] = std::minmax_element(seqs_.begin(), seqs_.end());
        const std::span<const std::int64_t> voided = seqs_between(voided_, *least, *greatest);
        if (voided.empty()) return;
        for (std::size_t i = 0; i < seqs_.size(); ++i)
            if (std::binary_search(voided.begin(), voided.end(), seqs_[i])) is_left_out_[i] = 1;
    }

    SegmentReader& segment_;
    const KnownAt* known_;                  // nullptr: all of the segment was known
    std::span<const std::int64_t> voided_;  // those that may be of the segment
    RowRange loaded_;
    std::vector<std::int64_t> seqs_;
    std::vector<std::uint8_t> is_left_out_;
};

}  // namespace tally
