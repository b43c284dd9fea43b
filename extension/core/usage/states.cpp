// Adding values to states, and merging them.
#include "core/usage/states.hpp"

namespace tally {

Measures measures_of(Aggregation aggregation) noexcept {
    Measures measures;
    switch (aggregation) {
        case Aggregation::count: break;
        case Aggregation::sum:
        case Aggregation::mean: measures.sum = true; break;
        case Aggregation::min: measures.lowest = true; break;
        case Aggregation::max: measures.highest = true; break;
        case Aggregation::latest: measures.latest = true; break;
        case Aggregation::count_distinct: measures.distinct = true; break;
    }
    return measures;
}

std::uint32_t UsageStates::add_group() {
    counts_.emplace_back();
    const SmallSlot none = NumberShelf::none();
    if (measures_.sum) sums_.push_back(none);
    if (measures_.lowest) lowest_.push_back(none);
    if (measures_.highest) highest_.push_back(none);
    if (measures_.latest) latest_.emplace_back();
    if (measures_.sides) positive_.push_back(none), negative_.push_back(none);
    if (measures_.distinct) distinct_.push_back(0);
    return size() - 1;
}

void UsageStates::add(std::uint32_t group, int128 coefficient, std::int32_t scale, std::int64_t ts, std::int64_t seq) {
    if (measures_.sum) shelf_.add(sums_[group], coefficient, scale);
    if (measures_.sides) add_side(group, coefficient, scale);
    if (!measures_.lowest && !measures_.highest && !measures_.latest) return;
    const Decimal value = Decimal::make_small(coefficient, scale);
    if (measures_.lowest) offer_lowest(group, value);
    if (measures_.highest) offer_highest(group, value);
    if (measures_.latest) offer_latest(group, value, ts, seq);
}

void UsageStates::add(std::uint32_t group, const Decimal& value, std::int64_t ts, std::int64_t seq) {
    if (value.kind == DecimalKind::small) return add(group, value.coefficient, value.scale, ts, seq);
    if (measures_.sum) shelf_.add(sums_[group], value);
    if (measures_.sides) shelf_.add(value.negative ? negative_[group] : positive_[group], value);
    if (measures_.lowest) offer_lowest(group, value);
    if (measures_.highest) offer_highest(group, value);
    if (measures_.latest) offer_latest(group, value, ts, seq);
}

void UsageStates::add_keys(std::uint32_t group, std::span<const SetKey> keys, MemoryLimit& limit) {
    if (keys_.is_full(keys.size())) limit.require(keys_.bytes_when_grown());
    distinct_[group] += keys_.add(group, keys);
}

void UsageStates::expect_keys(std::size_t keys, MemoryLimit& limit) {
    if (keys_.is_empty() && keys_.is_full(keys) && limit.grants(keys_.bytes_for(keys))) keys_.begin_with(keys);
}

void UsageStates::offer_latest(std::uint32_t group, const Decimal& value, std::int64_t ts, std::int64_t seq) {
    Latest& kept = latest_[group];
    if (!NumberShelf::is_none(kept.value) && (ts != kept.ts ? ts < kept.ts : seq < kept.seq)) return;
    kept.ts = ts;
    kept.seq = seq;
    shelf_.set(kept.value, value);
}

KeptState UsageStates::kept(std::uint32_t group) const noexcept {
    KeptState kept;
    kept.counts = counts_[group];
    if (measures_.sum) kept.sum = sum(group);
    if (measures_.sides) kept.positive = positive(group), kept.negative = negative(group);
    if (measures_.lowest) kept.lowest = lowest(group);
    if (measures_.highest) kept.highest = highest(group);
    if (measures_.latest) {
        kept.latest = latest(group);
        kept.latest_ts = latest_[group].ts;
        kept.latest_seq = latest_[group].seq;
    }
    return kept;
}

void UsageStates::add_kept(std::uint32_t group, const KeptState& kept) {
    counts_[group].matched += kept.counts.matched;
    counts_[group].counted += kept.counts.counted;
    if (measures_.sum) shelf_.add(sums_[group], kept.sum);
    if (measures_.sides) {
        shelf_.add(positive_[group], kept.positive);
        shelf_.add(negative_[group], kept.negative);
    }
    const auto is_there = [](const Decimal& value) { return value.kind != DecimalKind::none; };
    if (measures_.lowest && is_there(kept.lowest)) offer_lowest(group, kept.lowest);
    if (measures_.highest && is_there(kept.highest)) offer_highest(group, kept.highest);
    if (measures_.latest && is_there(kept.latest)) offer_latest(group, kept.latest, kept.latest_ts, kept.latest_seq);
}

std::uint32_t UsageStates::add_total() {
    const std::uint32_t groups = size();
    const std::uint32_t total = add_group();
    for (std::uint32_t group = 0; group < groups; ++group) add_kept(total, kept(group));
    if (measures_.distinct) distinct_[total] = groups == 1 ? distinct_[0] : keys_.count_over_all_groups();
    return total;
}

std::size_t UsageStates::bytes_of_group() const noexcept {
    std::size_t bytes = sizeof(EventCounts);
    for (const bool kept : {measures_.sum, measures_.lowest, measures_.highest, measures_.sides, measures_.sides})
        bytes += kept ? sizeof(SmallSlot) : 0;
    return bytes + (measures_.latest ? sizeof(Latest) : 0) + (measures_.distinct ? sizeof(std::uint64_t) : 0);
}

}  // namespace tally
