// The faces of packing: tally.pack_step() does one bounded unit in the caller's transaction, tally.pack() one after the
// other, each in a transaction of its own.
#include <utility>

#include "core/segment/cut.hpp"
#include "core/segment/reader.hpp"
#include "core/segment/tier.hpp"
#include "core/segment/writer.hpp"
#include "pg/border/gate.hpp"

#include "pg/border/boundary.hpp"
#include "pg/border/values.hpp"
#include "pg/segment/owner_step.hpp"
#include "pg/segment/pack.hpp"
#include "pg/segment/partition_list.hpp"
#include "pg/segment/statement.hpp"

namespace tally {
namespace {

enum class Step { did, round_ended };

// Made at the first step of a session, and never freed. Nothing in it is believed, see pack.hpp.
PackQueue* session_queue = nullptr;

PackQueue& queue_for(const PackSettings& settings) {
    if (session_queue == nullptr) session_queue = new PackQueue;
    if (session_queue->settings != settings) {
        *session_queue = PackQueue{};
        session_queue->settings = settings;
    }
    return *session_queue;
}

template <typename Element>
Element take_first(std::deque<Element>& queue) {
    Element first = std::move(queue.front());
    queue.pop_front();
    return first;
}

bool seal_step() {
    call_pg([] { run_now("SELECT tally_gated.seal_identities(250000, 250000)", {}, SPI_OK_SELECT); });
    return call_pg([] { return DatumGetBool(answer(0, 1)); });
}

// What is taken from the queue is taken before it is done: what fails is not tried again until it is planned again.
Step do_step(PackQueue& queue) {
    if (!queue.months.empty()) {
        const std::int32_t month = take_first(queue.months);
        const std::int64_t now = call_pg([] { return GetCurrentTimestamp() + unix_to_postgres_epoch; });
        make_partition(month, month_of(now));
        return Step::did;
    }
    if (!queue.piles.empty()) {
        pack_pile(queue, take_first(queue.piles));
        return Step::did;
    }
    if (std::exchange(queue.generations_changed, false) && tend_generations(queue)) return Step::did;
    if (!queue.loose.empty()) {
        const PileKey pile = take_first(queue.loose);
        if (adopt_segments(queue, pile)) queue.loose.push_front(pile);  // until it has none
        return Step::did;
    }
    while (!queue.totals.empty())
        if (recount_totals(take_first(queue.totals))) return Step::did;
    while (!queue.merges.empty()) {
        const SegmentKey key = take_first(queue.merges);
        if (!merge_segments_of(queue, key)) continue;
        queue.merges.push_front(key);  // until nothing is due
        return Step::did;
    }
    if (!queue.in_round) {
        queue.in_round = true;
        queue.table_is_read = queue.merges_are_listed = queue.generations_are_tended = false;
    }
    if (!queue.table_is_read) {
        plan_packing(queue);
        return Step::did;
    }
    if (!queue.merges_are_listed) {
        plan_adoptions(queue);
        plan_totals(queue);
        plan_merges(queue);
        return Step::did;
    }
    if (!std::exchange(queue.generations_are_tended, true)) {
        add_watermark();
        if (tend_generations(queue)) return Step::did;
    }
    if (fold_resends(queue.settings.min_events) || seal_step()) return Step::did;
    queue.in_round = false;
    return Step::round_ended;
}

PackSettings settings_of(std::int32_t min_events, const Interval& max_age, bool tidy) {
    if (min_events < 1) ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("min_events must be at least 1")));
    const std::int64_t days = max_age.month * std::int64_t{DAYS_PER_MONTH} + max_age.day;
    return {min_events, days * USECS_PER_DAY + max_age.time, tidy};
}

// One unit; false: the round is over.
bool step(const PackSettings& settings) {
    require_writable("tally.pack()");
    return as_owner([&] { return do_step(queue_for(settings)) == Step::did; });
}

PackSettings settings_of(FunctionCallInfo fcinfo) {
    require_arguments(fcinfo, 3);
    return settings_of(PG_GETARG_INT32(0), *PG_GETARG_INTERVAL_P(1), PG_GETARG_BOOL(2));
}

}  // namespace
}  // namespace tally

// tally.pack_step(min_events integer, max_age interval, tidy boolean) -> boolean: false at the end of a round, when all
// that it found is done
TALLY_FUNCTION(pack_step) {
    PG_RETURN_BOOL(tally::step(tally::settings_of(fcinfo)));
}

// CALL tally.pack(min_events integer, max_age interval, tidy boolean): a round, until all that it found is done
TALLY_FUNCTION(pack) {
    const tally::PackSettings settings = tally::settings_of(fcinfo);
    tally::committing_loop(fcinfo, [&] { return tally::step(settings); });
    PG_RETURN_VOID();
}
