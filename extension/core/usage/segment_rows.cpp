// Rows of segment_count.hpp: what a piece's rows come to, and into which states.
#include <algorithm>
#include <array>

#include "core/usage/segment_count.hpp"

namespace tally {

// Whole blocks in which every row counts the same way need no cells. Those that are not known at a cut may be left out,
// where the segment has statistics of the others. False where cells are needed.
bool SegmentCount::add_by_statistics(std::uint32_t block) {
    const std::optional<std::uint32_t> mark = left_out_now_ == 0 ? std::nullopt : left_out_.mark();
    if (!classes_.is_trivial() || (left_out_now_ != 0 && !mark)) return false;
    if (measures_.distinct || measures_.latest || measures_.sides) return false;
    const std::uint32_t rows = std::min(segment_block_rows, segment_.rows() - block * segment_block_rows) - left_out_now_;
    if (!measures_.numbers()) {
        Partial& partial = partial_of(0);
        partial.matched += rows;
        partial.counted += rows;
        return true;
    }
    const std::optional<BlockStatistics> statistics = numbers_.numbers_of_block(block, mark);
    if (!statistics) return false;
    if (statistics->numbers != 0 && (measures_.lowest || measures_.highest) && !numbers_.one_shown_scale()) return false;
    Partial& partial = partial_of(0);
    partial.matched += rows;
    partial.counted += statistics->numbers;
    if (statistics->numbers == 0) return true;
    partial.sum += statistics->sum;
    partial.shown = std::max(partial.shown, statistics->max_shown_scale);
    if (!partial.has_numbers || statistics->min < partial.lowest) partial.lowest = statistics->min;
    if (!partial.has_numbers || statistics->max > partial.highest) partial.highest = statistics->max;
    partial.lowest_shown = partial.highest_shown = statistics->max_shown_scale;
    partial.has_numbers = true;
    return true;
}

// The cells of a block, as far as its rows are wanted: a piece is often followed by the next one of the same block.
void SegmentCount::load_block(RowRange rows) {
    if (rows.begin >= loaded_.begin && rows.end <= loaded_.end) return;
    loaded_ = LeftOutRows::rows_with(rows, wanted_);
    if (!classes_.is_trivial()) classes_.load(loaded_.begin, loaded_.end);
    if (measures_.numbers()) numbers_.load(loaded_.begin, loaded_.end);
    if (measures_.distinct) keys_.load(loaded_.begin, loaded_.end, wanted_.size());
    if (!left_out_.has_any() || (classes_.is_trivial() && are_plain_numbers())) return;
    if (classes_.is_trivial()) classes_.combinations().assign(loaded_.size(), 0);
    const std::uint8_t* const flags = left_out_.flags(loaded_.begin);
    std::uint32_t* const combinations = classes_.combinations().data();
    for (std::size_t i = 0; i < loaded_.size(); ++i)
        if (flags[i] != 0) combinations[i] = RowClasses::left_out;
}

void SegmentCount::add_rows(const Piece& piece, RowRange rows) {
    if (classes_.is_trivial() && !measures_.numbers() && !measures_.distinct) {
        Partial& partial = partial_of(0);
        partial.matched += rows.size() - left_out_now_;
        partial.counted += rows.size() - left_out_now_;
        return;
    }
    load_block(rows);
    if (measures_.distinct) return add_keys(piece, rows);
    if (classes_.is_trivial() && are_plain_numbers()) return add_plain_numbers(rows);
    const bool one_class = all_alike();
    for (std::uint32_t row = rows.begin; row < rows.end; ++row) {
        const std::size_t place = row - loaded_.begin;
        const std::uint32_t combination = one_class ? 0 : classes_.combinations()[place];
        if (combination == RowClasses::left_out) continue;
        Partial& partial = partial_of(combination);
        ++partial.matched;
        if (!measures_.numbers()) {
            ++partial.counted;
        } else if (numbers_.form(place) == CellForm::number) {
            add_number(partial, row);
        } else if (numbers_.form(place) == CellForm::entry) {
            add_entry(piece, partial, combination, row);
        }
    }
}

namespace {

// Keys of one group, which wait for company: see DistinctKeys.
class WaitingKeys {
public:
    WaitingKeys(UsageGroups& groups, std::uint32_t group) : groups_(groups), group_(group) {}

    void add(const SetKey& key) {
        keys_[count_++] = key;
        if (count_ == keys_.size()) store();
    }
    void store() {
        if (count_ != 0) groups_.states().add_keys(group_, {keys_.data(), count_}, groups_.limit());
        count_ = 0;
    }
    void change_group(std::uint32_t group) {
        store();
        group_ = group;
    }

private:
    UsageGroups& groups_;
    std::uint32_t group_;
    std::array<SetKey, DistinctKeys::most_at_once> keys_;
    std::size_t count_ = 0;
};

}  // namespace

void SegmentCount::add_keys(const Piece& piece, RowRange rows) {
    if (counts_cells_) {
        partial_of(0).matched += rows.size() - left_out_now_;
        for (std::uint32_t row = rows.begin; row < rows.end; ++row)
            if (left_out_now_ == 0 || *left_out_.flags(row) == 0) keys_.count(row - loaded_.begin);
        return;
    }
    WaitingKeys waiting(count_.groups(), UsageGroups::no_group);
    std::uint32_t group_combination = RowClasses::left_out;
    const bool one_class = all_alike();
    for (std::uint32_t row = rows.begin; row < rows.end; ++row) {
        const std::size_t place = row - loaded_.begin;
        const std::uint32_t combination = one_class ? 0 : classes_.combinations()[place];
        if (combination == RowClasses::left_out) continue;
        Partial& partial = partial_of(combination);
        ++partial.matched;
        const std::optional<SetKey> key = keys_.key(keys_.cell(place));
        if (!key) continue;
        ++partial.counted;
        if (combination != group_combination) waiting.change_group(group_of(piece, group_combination = combination));
        waiting.add(*key);
    }
    waiting.store();
}

void SegmentCount::add_counted_keys(const Piece& piece) {
    count_.groups().states().expect_keys(keys_.counted(), count_.groups().limit());
    WaitingKeys waiting(count_.groups(), group_of(piece, 0));
    Partial& partial = partial_of(0);
    keys_.take_counted([&](const SetKey& key, std::uint32_t rows) {
        partial.counted += rows;
        waiting.add(key);
    });
    waiting.store();
}

int128 SegmentCount::plain_sum(RowRange rows) {
    const std::int64_t* const first = numbers_.mantissas().data() + (rows.begin - loaded_.begin);
    const std::int64_t* const last = first + rows.size();
    // Halves of at most 33 bits: a block of them cannot overflow 64 bits, and both loops are vectors.
    std::int64_t high = 0;
    std::uint64_t low = 0;
    if (left_out_now_ == 0) {
        for (const std::int64_t* at = first; at != last; ++at) {
            high += *at >> 32;
            low += static_cast<std::uint64_t>(*at) & 0xFFFFFFFF;
        }
    } else {
        const std::uint8_t* flag = left_out_.flags(rows.begin);
        for (const std::int64_t* at = first; at != last; ++at, ++flag) {
            const std::int64_t kept = *at & (std::int64_t{*flag} - 1);
            high += kept >> 32;
            low += static_cast<std::uint64_t>(kept) & 0xFFFFFFFF;
        }
    }
    return (static_cast<int128>(high) << 32) + low;
}

void SegmentCount::add_plain_numbers(RowRange rows) {
    Partial& partial = partial_of(0);
    if (measures_.sum) partial.sum += plain_sum(rows);
    if (measures_.lowest || measures_.highest) {
        const std::int64_t* const mantissas = numbers_.mantissas().data() + (rows.begin - loaded_.begin);
        const std::uint8_t* const flags = left_out_now_ == 0 ? nullptr : left_out_.flags(rows.begin);
        std::int64_t lowest = partial.has_numbers ? partial.lowest : INT64_MAX;
        std::int64_t highest = partial.has_numbers ? partial.highest : INT64_MIN;
        for (std::uint32_t i = 0; i < rows.size(); ++i) {
            // No branch: at a cut which rows are left out is like a coin's fall.
            const std::int64_t out = flags == nullptr ? 0 : -std::int64_t{flags[i]};
            lowest = std::min(lowest, (mantissas[i] & ~out) | (INT64_MAX & out));
            highest = std::max(highest, (mantissas[i] & ~out) | (INT64_MIN & out));
        }
        partial.lowest = lowest;
        partial.highest = highest;
        partial.lowest_shown = partial.highest_shown = numbers_.scale();
    }
    partial.shown = numbers_.scale();
    partial.has_numbers = true;
    partial.matched += rows.size() - left_out_now_;
    partial.counted += rows.size() - left_out_now_;
}

void SegmentCount::add_number(Partial& partial, std::uint32_t row) {
    const std::size_t place = row - loaded_.begin;
    const std::int64_t mantissa = numbers_.mantissa(place);
    const std::uint8_t scale = numbers_.shown_scale(place);
    ++partial.counted;
    partial.sum += mantissa;
    partial.shown = std::max(partial.shown, scale);
    if (measures_.sides && mantissa > 0) {
        partial.positive += mantissa;
        partial.positive_shown = std::max(partial.positive_shown, scale);
    } else if (measures_.sides && mantissa < 0) {
        partial.negative += mantissa;
        partial.negative_shown = std::max(partial.negative_shown, scale);
    }
    // Of equal values that with the most digits after the point stays.
    if (!partial.has_numbers || mantissa < partial.lowest || (mantissa == partial.lowest && scale > partial.lowest_shown)) {
        partial.lowest = mantissa;
        partial.lowest_shown = scale;
    }
    if (!partial.has_numbers || mantissa > partial.highest ||
        (mantissa == partial.highest && scale > partial.highest_shown)) {
        partial.highest = mantissa;
        partial.highest_shown = scale;
    }
    partial.latest = mantissa;
    partial.latest_shown = scale;
    partial.latest_row = row;
    partial.has_numbers = true;
}

// Numbers among the entries are rare or long: they go to the state one by one.
void SegmentCount::add_entry(const Piece& piece, Partial& partial, std::uint32_t combination, std::uint32_t row) {
    const ReadNumber& number = numbers_.entry(row - loaded_.begin);
    if (number.outcome != Outcome::counted) return;
    ++partial.counted;
    const bool needs_moment = measures_.latest;
    count_.groups().add(group_of(piece, combination), number.value, needs_moment ? ts_of(row) : 0,
                        needs_moment ? seq_of(row) : 0);
}

void SegmentCount::flush(const Piece& piece) {
    for (const std::uint32_t combination : touched_) {
        Partial& partial = partials_[combination];
        const std::uint32_t group = group_of(piece, combination);
        EventCounts& counts = count_.groups().states().counts(group);
        counts.matched += partial.matched;
        counts.counted += partial.counted;
        if (partial.has_numbers) flush_numbers(group, partial);
        partial = Partial{};
    }
    touched_.clear();
}

// A mantissa with the digits that were sent: what is cut off are zeros.
Decimal SegmentCount::shown(int128 mantissa, std::uint8_t shown_scale) const {
    return Decimal::make_small(mantissa / power_of_ten[static_cast<std::size_t>(numbers_.scale() - shown_scale)],
                               shown_scale);
}

void SegmentCount::flush_numbers(std::uint32_t group, const Partial& partial) {
    UsageStates& states = count_.groups().states();
    if (measures_.sum) {
        const Decimal sum = shown(partial.sum, partial.shown);
        states.add_sum(group, sum.coefficient, sum.scale);
    }
    if (measures_.sides) {
        const Decimal positive = shown(partial.positive, partial.positive_shown);
        const Decimal negative = shown(partial.negative, partial.negative_shown);
        states.add_side(group, positive.coefficient, positive.scale);
        states.add_side(group, negative.coefficient, negative.scale);
    }
    if (measures_.lowest) states.offer_lowest(group, shown(partial.lowest, partial.lowest_shown));
    if (measures_.highest) states.offer_highest(group, shown(partial.highest, partial.highest_shown));
    if (measures_.latest)
        states.offer_latest(group, shown(partial.latest, partial.latest_shown), ts_of(partial.latest_row),
                            seq_of(partial.latest_row));
}

}  // namespace tally
