// Which rows of a segment are not counted: those of a block are looked at together, as most often a comparison of their
// seqs with the last one that is known tells. Of many blocks the bounds of their seqs say all, or the segment's statistics
// of the cut, and where only how many are left out is asked, they are not flagged one by one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

#include "core/segment/reader.hpp"
#include "core/event/known_at.hpp"

namespace tally {

class LeftOutRows {
public:
    LeftOutRows(SegmentReader& segment, const LeftOut& left_out)
        : segment_(segment),
          known_(left_out.known != nullptr && left_out.known->hides_from(segment.first_seq(), segment.last_seq())
                     ? left_out.known
                     : nullptr),
          voided_(seqs_between(left_out.voided, segment.first_seq(), segment.last_seq())),
          mark_(known_ != nullptr && voided_.empty() ? segment.find_mark(known_->cut) : std::nullopt) {}

    // Whether there may be any in the segment.
    bool has_any() const noexcept { return known_ != nullptr || !voided_.empty(); }

    // Where the segment keeps statistics of the rows that are not left out: no others are then.
    std::optional<std::uint32_t> mark() const noexcept { return mark_; }

    // Rows that lie in one block; of `wanted` as many as do are looked at with them. Only where there may be any.
    void load(RowRange rows, RowRange wanted) {
        if (rows.begin >= loaded_.begin && rows.end <= loaded_.end) return;
        loaded_ = rows_with(rows, wanted);
        is_read_ = is_flagged_ = false;
        const std::uint32_t block = loaded_.begin / segment_block_rows;
        if (mark_ && is_whole_block(block)) {
            count_ = loaded_.size() - segment_.marked_rows(*mark_, block);
            return;
        }
        const bool is_of_cut =
            known_ != nullptr &&
            !known_->unseen_seqs.meets(segment_.first_seq(), std::min(known_->last_seq, segment_.last_seq()));
        if (!voided_.empty() || !is_of_cut) {
            flag();
            count_ = std::accumulate(is_left_out_.begin(), is_left_out_.end(), std::uint32_t{0});
            return;
        }
        const SegmentReader::SeqBounds bounds = segment_.seq_bounds(block);
        if (bounds.last <= known_->last_seq) {
            count_ = 0;
        } else if (bounds.first > known_->last_seq) {
            count_ = loaded_.size();
        } else {
            read();
            count_ = count_unknown(known_->last_seq);
        }
    }
    // Of rows that are loaded.
    std::uint32_t count(RowRange rows) {
        if (rows == loaded_ || count_ == 0) return count_;
        if (count_ == loaded_.size()) return rows.size();
        const std::uint8_t* const first = flags(rows.begin);
        return std::accumulate(first, first + rows.size(), std::uint32_t{0});
    }
    // 1: left out.
    const std::uint8_t* flags(std::uint32_t row) {
        if (!is_flagged_) flag();
        return is_left_out_.data() + (row - loaded_.begin);
    }

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

    bool is_whole_block(std::uint32_t block) const noexcept {
        const std::uint32_t first = block * segment_block_rows;
        return loaded_ == RowRange{first, std::min(first + segment_block_rows, segment_.rows())};
    }
    void read() {
        if (is_read_) return;
        seqs_.resize(loaded_.size());
        segment_.read_seq(loaded_.begin, loaded_.end, seqs_.data());
        is_read_ = true;
    }
    void flag() {
        read();
        is_left_out_.resize(loaded_.size());
        flag_unknown(known_ != nullptr ? known_->last_seq : INT64_MAX);
        flag_unseen();
        flag_voided();
        is_flagged_ = true;
    }

    // 1 where a seq is greater than the last one: the sign of a difference costs less than a comparison.
    static std::uint64_t is_later(std::int64_t seq, std::int64_t last) noexcept {
        return (static_cast<std::uint64_t>(last) - static_cast<std::uint64_t>(seq)) >> 63;
    }
    // How many come later than the last that is known: four sums, which do not wait for each other.
    std::uint32_t count_unknown(std::int64_t last) const noexcept {
        const std::int64_t* const seqs = seqs_.data();
        std::uint64_t first = 0, second = 0, third = 0, fourth = 0;
        const std::size_t rows = seqs_.size(), whole = rows / 4 * 4;
        for (std::size_t i = 0; i < whole; i += 4) {
            first += is_later(seqs[i], last);
            second += is_later(seqs[i + 1], last);
            third += is_later(seqs[i + 2], last);
            fourth += is_later(seqs[i + 3], last);
        }
        for (std::size_t i = whole; i < rows; ++i) first += is_later(seqs[i], last);
        return static_cast<std::uint32_t>(first + second + third + fourth);
    }
    void flag_unknown(std::int64_t last) noexcept {
        const std::int64_t* const seqs = seqs_.data();
        std::uint8_t* const flags = is_left_out_.data();
        for (std::size_t i = 0, rows = seqs_.size(); i < rows; ++i)
            flags[i] = static_cast<std::uint8_t>(is_later(seqs[i], last));
    }
    void flag_unseen() noexcept {
        if (known_ == nullptr) return;
        if (!known_->unseen_seqs.meets(segment_.first_seq(), std::min(known_->last_seq, segment_.last_seq()))) return;
        for (std::size_t i = 0; i < seqs_.size(); ++i)
            if (known_->unseen_seqs.holds(seqs_[i])) is_left_out_[i] = 1;
    }
    void flag_voided() noexcept {
        if (voided_.empty()) return;
        const auto [least, greatest] = std::minmax_element(seqs_.begin(), seqs_.end());
        const std::span<const std::int64_t> voided = seqs_between(voided_, *least, *greatest);
        if (voided.empty()) return;
        for (std::size_t i = 0; i < seqs_.size(); ++i)
            if (std::binary_search(voided.begin(), voided.end(), seqs_[i])) is_left_out_[i] = 1;
    }

    SegmentReader& segment_;
    const KnownAt* known_;                  // nullptr: all of the segment was known
    std::span<const std::int64_t> voided_;  // those that may be of the segment
    const std::optional<std::uint32_t> mark_;
    RowRange loaded_;
    std::vector<std::int64_t> seqs_;
    std::vector<std::uint8_t> is_left_out_;
    std::uint32_t count_ = 0;  // of the loaded rows
    bool is_read_ = false, is_flagged_ = false;
};

}  // namespace tally
