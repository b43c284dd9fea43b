// Planning: which piles have enough recent events, in which months, and which segments might be merged.
#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "core/base/hash128.hpp"

#include "pg/segment/retention_edge.hpp"
#include "pg/segment/pack.hpp"

#include "pg/border/boundary.hpp"
#include "pg/border/values.hpp"
#include "pg/segment/columns.hpp"
#include "pg/segment/generation.hpp"
#include "pg/segment/partition_list.hpp"
#include "pg/segment/pile.hpp"
#include "pg/segment/statement.hpp"

namespace tally {
namespace {

// One step reads so much of recent_event: 128 MB, some 600,000 events.
constexpr std::uint32_t blocks_at_once = 16'384;
// A smaller table is read faster than an index is asked whether that can be spared.
constexpr std::uint32_t blocks_of_a_small_table = 1'000;
constexpr std::size_t rows_at_once = 131'072;
constexpr std::uint64_t weight_at_once = std::uint64_t{64} << 20;
constexpr int merges_at_once = 10'000;

struct Group {
    std::int32_t tenant_id, code_hash, month;

    friend bool operator==(const Group&, const Group&) = default;
};

struct GroupHash {
    std::size_t operator()(const Group& group) const noexcept {
        const std::uint64_t mixed = (static_cast<std::uint64_t>(static_cast<std::uint32_t>(group.code_hash)) << 32 |
                                     static_cast<std::uint32_t>(group.tenant_id)) *
                                        0x9E3779B97F4A7C15ULL +
                                    static_cast<std::uint32_t>(group.month);
        return mixed ^ (mixed >> 29);
    }
};

struct Waiting {
    std::int64_t events = 0;
    std::int64_t oldest = INT64_MAX;  // received_at
    bool is_overdue = false;          // some lie in a generation that is to be emptied
};

using Groups = std::unordered_map<Group, Waiting, GroupHash>;

std::int64_t now_unix() {
    return GetCurrentTimestamp() + unix_to_postgres_epoch;
}

struct RecentScan {
    Relation table;
    TableScanDesc scan;
    TupleTableSlot* slot;
    Snapshot snapshot;
    std::uint32_t blocks;
};

RecentScan begin_scan(std::uint32_t first_block) {
    RecentScan open{};
    open.table = table_open(relation_oid("recent_event"), AccessShareLock);
    open.blocks = RelationGetNumberOfBlocks(open.table);
    open.snapshot = RegisterSnapshot(GetLatestSnapshot());
    open.scan = table_beginscan_strat(open.table, open.snapshot, 0, nullptr, true, false);
    if (first_block < open.blocks)
        heap_setscanlimits(open.scan, first_block, Min(blocks_at_once, open.blocks - first_block));
    open.slot = table_slot_create(open.table, nullptr);
    return open;
}

void end_scan(const RecentScan& open) {
    ExecDropSingleTupleTableSlot(open.slot);
    table_endscan(open.scan);
    UnregisterSnapshot(open.snapshot);
    table_close(open.table, NoLock);
}

struct Head {
    bool found = false;
    std::int32_t generation = 0;
    Group group{};
    std::int64_t ts = 0, received_at = 0;
};

Head head_of(TupleTableSlot* slot) {
    slot_getsomeattrs(slot, recent_received_at);
    const auto value = [&](RecentColumn column) { return column_value(slot, column); };
    return {true,
            DatumGetInt32(value(recent_generation)),
            {DatumGetInt32(value(recent_tenant)), DatumGetInt32(value(recent_code_hash)), 0},
            DatumGetTimestampTz(value(recent_ts)) + unix_to_postgres_epoch,
            DatumGetTimestampTz(value(recent_received_at)) + unix_to_postgres_epoch};
}

Head next_head(const RecentScan& open) {
    CHECK_FOR_INTERRUPTS();
    return table_scan_getnextslot(open.scan, ForwardScanDirection, open.slot) ? head_of(open.slot) : Head{};
}

// The file of recent_event never shrinks (its vacuum does not truncate), so after a flood a few rows lie in
// many empty pages. Their entries in the index are far fewer.
struct RecentEntries {
    Relation index;
    IndexScanDesc scan;
    Generations live;
    int next_generation = 0;
    std::int64_t left;  // entries that may still be read, dead ones included
};

RecentEntries begin_entries(const RecentScan& recent) {
    RecentEntries open{};
    open.index = index_open(relation_oid("recent_event_pkey"), AccessShareLock);
    open.scan = begin_index_scan(recent.table, open.index, recent.snapshot, 1);
    open.live = live_generations(recent.snapshot);
    open.left = recent.blocks / 4;
    return open;
}

// Not found, with none left: there are too many.
Head next_entry(RecentEntries& open, TupleTableSlot* slot) {
    for (;;) {
        CHECK_FOR_INTERRUPTS();
        while (open.next_generation > 0 && open.left > 0 && index_getnext_tid(open.scan, ForwardScanDirection) != nullptr) {
            --open.left;
            if (index_fetch_heap(open.scan, slot)) return head_of(slot);
        }
        if (open.left <= 0 || open.next_generation == open.live.count) return {};
        ScanKeyData key;
        ScanKeyInit(&key, recent_generation, BTEqualStrategyNumber, F_INT4EQ,
                    Int32GetDatum(open.live.numbers[open.next_generation++]));
        index_rescan(open.scan, &key, 1, nullptr, 0);
    }
}

void end_entries(const RecentEntries& open) {
    index_endscan(open.scan);
    index_close(open.index, NoLock);
}

// Generations before are to be emptied: there may be no more of them, however few events they hold.
std::int32_t first_unhurried_generation() {
    Snapshot const snapshot = RegisterSnapshot(GetLatestSnapshot());
    const Generations live = live_generations(snapshot);
    UnregisterSnapshot(snapshot);
    return live.count < max_generations ? 0 : live.newest();
}

// Counts what waits.
class WaitingGroups {
public:
    WaitingGroups(std::int64_t edge, std::int32_t unhurried) : edge_(edge), unhurried_(unhurried) {}

    void add(Head head) {
        if (head.ts < edge_) return;
        if (head.ts < month_start_ || head.ts >= month_end_) {
            month_ = month_of(head.ts);
            month_start_ = month_begin(month_);
            month_end_ = month_begin(month_ + 1);
        }
        head.group.month = month_;
        Waiting& waiting = groups_[head.group];
        ++waiting.events;
        waiting.oldest = std::min(waiting.oldest, head.received_at);
        waiting.is_overdue |= head.generation < unhurried_;
    }
    Groups take() { return std::exchange(groups_, {}); }

private:
    std::int64_t edge_;
    std::int32_t unhurried_;
    std::int64_t month_start_ = 0, month_end_ = INT64_MIN;
    std::int32_t month_ = 0;
    Groups groups_;
};

// Whether there were so few that all could be read by the index.
bool read_few(const RecentScan& recent, WaitingGroups& groups) {
    RecentEntries open = call_pg([&] { return begin_entries(recent); });
    for (;;) {
        const Head head = call_pg([&] { return next_entry(open, recent.slot); });
        if (!head.found) break;
        groups.add(head);
    }
    call_pg([&] { end_entries(open); });
    return open.left > 0;
}

// What waits in the next part of the table; the part after it is next.
Groups read_groups(PackQueue& queue, std::int64_t edge) {
    WaitingGroups groups(edge, call_pg([] { return first_unhurried_generation(); }));
    const RecentScan open = call_pg([&] { return begin_scan(queue.next_block); });
    bool all_read = false;
    if (queue.next_block == 0 && open.blocks > blocks_of_a_small_table) {
        all_read = read_few(open, groups);
        if (!all_read) (void)groups.take();
    }
    while (!all_read && queue.next_block < open.blocks) {
        const Head head = call_pg([&] { return next_head(open); });
        if (!head.found) break;
        groups.add(head);
    }
    call_pg([&] { end_scan(open); });
    queue.next_block += blocks_at_once;
    queue.table_is_read = all_read || queue.next_block >= open.blocks;
    if (queue.table_is_read) queue.next_block = 0;
    return groups.take();
}

struct Pile {
    PileRange range;
    std::int64_t events = 0;
};

}  // namespace

void plan_packing(PackQueue& queue) {
    const std::int64_t edge = call_pg([] { return retained_from(); });
    const Groups groups = read_groups(queue, edge);
    const std::int64_t now = call_pg([] { return now_unix(); });
    std::map<std::pair<std::int32_t, std::int32_t>, Pile> piles;
    std::set<std::int32_t> months;
    for (const auto& [group, waiting] : groups) {
        if (waiting.events < queue.settings.min_events && now - waiting.oldest < queue.settings.max_age &&
            !waiting.is_overdue)
            continue;
        Pile& pile = piles[{group.tenant_id, group.code_hash}];
        pile.range.months.push_back(group.month);
        pile.events += waiting.events;
        months.insert(group.month);
    }
    if (piles.empty()) return;
    std::vector<std::int32_t> tenant_ids, code_hashes;
    std::vector<Pile*> ordered;
    for (auto& [key, pile] : piles) {
        pile.range.tenant_id = key.first;
        pile.range.code_hash = key.second;
        pile.range.edge = edge;
        pile.range.at_most = rows_at_once;
        pile.range.max_weight = weight_at_once;
        std::sort(pile.range.months.begin(), pile.range.months.end());
        tenant_ids.push_back(key.first);
        code_hashes.push_back(key.second);
        ordered.push_back(&pile);
    }
    // Where another session makes rows just now, what lacks one is packed in the next round.
    call_pg([&] { make_piles(tenant_ids.data(), code_hashes.data(), static_cast<int>(tenant_ids.size())); });
    std::stable_sort(ordered.begin(), ordered.end(), [](auto* left, auto* right) { return left->events > right->events; });
    for (Pile* pile : ordered) queue.piles.push_back(std::move(pile->range));
    const SegmentPartitions partitions = call_pg([] { return segment_partitions(); });
    for (const std::int32_t month : months)
        if (!partitions.hold(month)) queue.months.push_front(month);  // the newest first
}

void plan_merges(PackQueue& queue) {
    queue.merges_are_listed = true;
    call_pg([] { run_now("SELECT s.last_value FROM tally.segment_id_seq s", {}, SPI_OK_SELECT); });
    const std::int64_t newest = call_pg([] { return DatumGetInt64(answer(0, 1)); });
    const auto today = static_cast<std::int32_t>(call_pg([] { return now_unix(); }) / USECS_PER_DAY);
    if (newest == queue.listed_segment && today == queue.listed_day && !queue.settings.tidy) return;
    queue.listed_segment = newest;
    queue.listed_day = today;
    call_pg([] {
        run_now(
            "SELECT s.tenant_id, s.code, s.month FROM tally.segment s GROUP BY s.tenant_id, s.code, s.month"
            " HAVING pg_catalog.count(*) > 1 ORDER BY pg_catalog.count(*) DESC LIMIT $1",
            {{INT4OID, Int32GetDatum(merges_at_once)}}, SPI_OK_SELECT);
    });
    for (std::uint64_t row = 0; row < SPI_processed; ++row) {
        const std::string_view code = call_pg([&] { return view_of(DatumGetTextPP(answer(row, 2))); });
        queue.merges.push_back(
            {DatumGetInt32(answer(row, 1)), std::string(code), month_of_date(DatumGetDateADT(answer(row, 3)))});
    }
    call_pg([] { SPI_freetuptable(SPI_tuptable); });
}

}  // namespace tally
