// The rows of tally.life_total of one pile, carried on by whoever holds the pile's lock: packing alone writes them, so
// there is one writer at a time and no total is ever updated by who records or voids.
//
// Whoever makes packed events of others, or takes loose segments in, does so between the constructor and store():
//     lock_pile(...) held; snapshot taken after it, registered
//     LifeTotals totals(tenant, code_hash, snapshot);
//     totals.add(code, segment);       of each segment that holds newly packed events, or was loose until now
//     totals.note_source(code, source) of each of these events: a value update makes its metric one that is carried
//     totals.store(packed);            once: writes the totals, and raises tally.pile.version
// SPI must be connected, and the rights are those of tally_owner. Not for merges: they move events and add none.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/segment/reader.hpp"
#include "core/usage/question.hpp"

#include "pg/usage/life_state.hpp"

namespace tally {

class LifeTotals {
public:
    LifeTotals(std::int32_t tenant, std::int32_t code_hash, Snapshot snapshot);
    LifeTotals(const LifeTotals&) = delete;
    LifeTotals& operator=(const LifeTotals&) = delete;

    void add(std::string_view code, SegmentReader& segment);
    void note_source(std::string_view code, std::string_view source);
    void store(std::int64_t packed_events);

    // Whether a total does not cover what it should, or will not once this is stored.
    bool is_behind() const noexcept { return !is_current_ || !noted_.empty(); }
    // Counts anew what is behind, from the columns, and writes it. Instead of the others above. False: nothing was.
    bool recount();

private:
    struct Total {
        Total(MeteredMetric&& its_metric, const LifeRow& row, std::int64_t edge);

        MeteredMetric metric;
        LifeRow row;
        MetricRule rule;
        UsageCount count;  // what is added
        bool is_current = false;
    };

    void read_rows();
    const std::vector<std::int64_t>& voided(const std::string& code);
    void write(Total& total, std::int64_t version);
    void insert_noted();

    std::int32_t tenant_, code_hash_;
    Snapshot snapshot_;
    std::int64_t edge_ = 0;
    std::int64_t version_ = 0;
    bool is_current_ = true;
    std::deque<Total> totals_;
    std::map<std::string, std::vector<std::int64_t>, std::less<>> voided_;  // by code
    std::set<std::pair<std::string, UuidBytes>> noted_;                     // metrics that get value updates, by code
    std::string last_source_;
};

}  // namespace tally
