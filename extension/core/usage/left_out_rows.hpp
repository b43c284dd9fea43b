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
        is_left_out_.resize(loaded_.size());
        count_ = mark_unknown(known_ != nullptr ? known_->last_seq : INT64_MAX);
        const bool has_unseen = known_ != nullptr && mark_unseen();
        const bool has_voided = mark_voided();
        if (has_unseen || has_voided) count_ = std::accumulate(is_left_out_.begin(), is_left_out_.end(), std::uint32_t{0});
    }
    // Of rows that are loaded.
    std::uint32_t count(RowRange rows) const noexcept {
        if (rows == loaded_) return count_;
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

    // How many come later than the last that is known.
    std::uint32_t mark_unknown(std::int64_t last) noexcept {
        const std::int64_t* const seqs = seqs_.data();
        std::uint8_t* const flags = is_left_out_.data();
        std::uint32_t count = 0;
        for (std::size_t i = 0, rows = seqs_.size(); i < rows; ++i) {
            const std::uint8_t is_later = seqs[i] > last ? 1 : 0;
            flags[i] = is_later;
            count += is_later;
        }
        return count;
    }
    // False: there are none.
    bool mark_unseen() noexcept {
        if (!known_->unseen_seqs.meets(segment_.first_seq(), std::min(known_->last_seq, segment_.last_seq()))) return false;
        for (std::size_t i = 0; i < seqs_.size(); ++i)
            if (known_->unseen_seqs.holds(seqs_[i])) is_left_out_[i] = 1;
        return true;
    }
    bool mark_voided() noexcept {
        if (voided_.empty()) return false;
        const auto [least, greatest] = std::minmax_element(seqs_.begin(), seqs_.end());
        const std::span<const std::int64_t> voided = seqs_between(voided_, *least, *greatest);
        if (voided.empty()) return false;
        for (std::size_t i = 0; i < seqs_.size(); ++i)
            if (std::binary_search(voided.begin(), voided.end(), seqs_[i])) is_left_out_[i] = 1;
        return true;
    }

    SegmentReader& segment_;
    const KnownAt* known_;                  // nullptr: all of the segment was known
    std::span<const std::int64_t> voided_;  // those that may be of the segment
    RowRange loaded_;
    std::vector<std::int64_t> seqs_;
    std::vector<std::uint8_t> is_left_out_;
    std::uint32_t count_ = 0;  // of the loaded rows
};

}  // namespace tally
