// Merging runs of sealed identities into one, a few filters' ranges of keys a step, and deleting what was merged.
//
// While a run is being merged its sources hold; the step that writes its last part makes it ready and them obsolete, in one
// transaction. Of an identity in several sources (it was released, and sealed again) the newest run's stands; released ones
// are dropped, and so are those from before the edge of retention: for them a run is merged although nothing newer is large
// enough, alone if it is the newest. Released identities that were dropped from everywhere are forgotten by delete_step.
#include <algorithm>

#include "core/segment/partition.hpp"

#include "pg/segment/retention_edge.hpp"
#include "pg/border/boundary.hpp"
#include "pg/border/values.hpp"
#include "pg/identity/seal.hpp"

namespace tally {
namespace {

constexpr std::uint32_t filters_per_step = 40;  // some 200,000 identities
constexpr int parts_per_deletion = 20'000;

struct Collected {
    std::vector<SealedIdentity>* entries;
    Hash128 first;
    std::optional<Hash128> end;
};

// Of a source, the identities with first <= key < end.
void collect(const SealedStore& store, const SealedRun& source, Collected& collected) {
    const auto first = static_cast<std::int32_t>(part_of(collected.first, source.shape.blocks));
    const auto end =
        static_cast<std::int32_t>(collected.end ? part_of(*collected.end, source.shape.blocks) + 1 : source.shape.blocks);
    const auto use = [](std::int32_t, Bytes data, void* closure) {
        auto& all = *static_cast<Collected*>(closure);
        const BlockView block(data);
        for (std::uint32_t i = 0; i < block.size(); ++i) {
            const SealedIdentity entry = block.at(i);
            if (entry.key >= all.first && (!all.end || entry.key < *all.end)) all.entries->push_back(entry);
        }
    };
    call_pg([&] { each_part(store, source.id, first, end, use, &collected); });
}

// The first month that is kept; months before are forgotten.
std::int32_t kept_month() {
    const std::int64_t edge = call_pg([] { return retained_from(); });
    return edge > 0 ? month_of(edge) : 0;
}

// The range of one filter of the new run from all sources, newest first.
std::vector<SealedIdentity> merged_range(const SealedStore& store, const SealedRuns& sources, const RunShape& shape,
                                         std::uint32_t filter) {
    std::vector<SealedIdentity> entries;
    Collected collected{&entries, *first_key(filter, shape.filters), first_key(filter + 1, shape.filters)};
    for (int i = 0; i < sources.count; ++i) collect(store, sources.runs[i], collected);
    const auto by_key = [](const SealedIdentity& a, const SealedIdentity& b) { return a.key < b.key; };
    std::stable_sort(entries.begin(), entries.end(), by_key);
    const auto same = [](const SealedIdentity& a, const SealedIdentity& b) { return a.key == b.key; };
    entries.erase(std::unique(entries.begin(), entries.end(), same), entries.end());
    // Nothing from before the edge is taken any more, so nothing has to be known of it.
    std::erase_if(entries, [kept = kept_month()](const SealedIdentity& entry) { return entry.month < kept; });
    return entries;
}

void execute(const char* statement, int count, Oid* types, Datum* values, int expected) {
    if (SPI_execute_with_args(statement, count, types, values, nullptr, false, 0) != expected)
        elog(ERROR, "a run of sealed identities cannot be changed");
}

// The runs that `merging` is made from, newest first, in palloc'ed memory.
SealedRuns sources_of(const SealedStore& store, const SealedRun& merging) {
    SealedRuns ready = read_runs(store, "ready");
    // All that are older than the merging run and not older than its oldest source: only the newest were chosen, and
    // what was sealed since has a greater number.
    Oid types[] = {INT8OID};
    Datum values[] = {Int64GetDatum(merging.id)};
    execute(
        "SELECT (SELECT pg_catalog.min(s) FROM pg_catalog.unnest(r.merges) s) FROM tally.identity_run r"
        " WHERE r.run_id OPERATOR(pg_catalog.=) $1",
        1, types, values, SPI_OK_SELECT);
    bool null = true;
    const std::int64_t oldest =
        SPI_processed == 1 ? DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &null)) : 0;
    SealedRuns sources{ready.runs, 0};
    for (int i = 0; i < ready.count && !null; ++i)
        if (ready.runs[i].id < merging.id && ready.runs[i].id >= oldest) sources.runs[sources.count++] = ready.runs[i];
    return sources;
}

// How many of a run's identities lie before `kept`, as those of its first filter tell: keys are hashes, so a part of them is
// as old as the whole, and a small run has no other part.
std::uint64_t count_forgotten(const SealedStore& store, const SealedRun& run, std::int32_t kept) {
    struct Sample {
        std::int32_t kept;
        std::uint64_t all, old;
    };
    Sample sample{kept, 0, 0};
    const auto use = [](std::int32_t, Bytes data, void* closure) {
        auto& counted = *static_cast<Sample*>(closure);
        const BlockView block(data);
        for (std::uint32_t i = 0; i < block.size(); ++i, ++counted.all) counted.old += block.at(i).month < counted.kept;
    };
    const auto blocks = static_cast<std::int32_t>(run.shape.blocks / run.shape.filters);
    call_pg([&] { each_part(store, run.id, 0, blocks, use, &sample); });
    if (sample.all == 0) return 0;
    const double part = static_cast<double>(sample.old) / static_cast<double>(sample.all);
    return static_cast<std::uint64_t>(part * static_cast<double>(run.entries));
}

// Of which runs it was found that none is due: that stays so until there are others, or the edge of retention moves.
struct Look {
    std::int32_t kept = 0;
    int runs = 0;
    std::int64_t newest = 0;

    friend bool operator==(const Look&, const Look&) = default;
};
constinit Look looked_in_vain;

bool begin_merge(const SealedStore& store, bool all) {
    const SealedRuns ready = call_pg([&] { return read_runs(store, "ready"); });
    const std::int32_t kept = kept_month();
    const Look look{kept, ready.count, ready.count > 0 ? ready.runs[0].id : 0};
    if (!all && look == looked_in_vain) return false;
    std::vector<std::uint64_t> sizes, old;
    for (int i = 0; i < ready.count; ++i) {
        sizes.push_back(static_cast<std::uint64_t>(ready.runs[i].entries));
        old.push_back(kept > 0 ? count_forgotten(store, ready.runs[i], kept) : 0);
    }
    const std::size_t count = all ? sizes.size() : std::max(runs_to_merge(sizes), runs_to_empty(sizes, old));
    if (count == 0) {
        looked_in_vain = look;
        return false;
    }
    std::uint64_t entries = 0;
    for (std::size_t i = 0; i < count; ++i) {
        // What is kept is an estimate: this much more is outside of its error, and a part holds four times what is meant.
        const std::uint64_t left = sizes[i] - std::min(old[i], sizes[i]);
        entries += old[i] == 0 ? sizes[i] : std::min(sizes[i], left + left / 10 + sizes[i] / 50);
    }
    const RunShape shape = run_shape(entries);
    call_pg([&] {
        auto* const ids = static_cast<Datum*>(palloc(sizeof(Datum) * count));
        for (std::size_t i = 0; i < count; ++i) ids[i] = Int64GetDatum(ready.runs[i].id);
        Oid types[] = {INT8OID, INT4OID, INT4OID, INT8ARRAYOID};
        Datum values[] = {
            Int64GetDatum(static_cast<std::int64_t>(entries)), Int32GetDatum(static_cast<std::int32_t>(shape.filters)),
            Int32GetDatum(static_cast<std::int32_t>(shape.blocks)),
            PointerGetDatum(construct_array(ids, static_cast<int>(count), INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE))};
        execute(
            "INSERT INTO tally.identity_run (run_id, state, entries, filters, blocks, merges)"
            " VALUES (pg_catalog.nextval('tally.identity_run_seq'), 'merging', $1, $2, $3, $4)",
            4, types, values, SPI_OK_INSERT);
    });
    return true;
}

// Notes how far the merge has come; at its end the run is ready, or obsolete at once where nothing is in it, and its sources
// are obsolete.
void note_progress(const SealedRun& merging, std::uint32_t next, bool done) {
    Oid types[] = {INT8OID, INT4OID};
    Datum values[] = {Int64GetDatum(merging.id), Int32GetDatum(static_cast<std::int32_t>(next))};
    if (!done) {
        execute("UPDATE tally.identity_run SET next_part = $2 WHERE run_id OPERATOR(pg_catalog.=) $1", 2, types, values,
                SPI_OK_UPDATE);
        return;
    }
    execute(
        "UPDATE tally.identity_run o SET state = 'obsolete', next_part = -o.filters FROM tally.identity_run m"
        " WHERE m.run_id OPERATOR(pg_catalog.=) $1 AND o.run_id OPERATOR(pg_catalog.=) ANY (m.merges)",
        1, types, values, SPI_OK_UPDATE);
    execute(
        "UPDATE tally.identity_run SET merges = NULL, state = w.state,"
        " next_part = CASE w.state WHEN 'ready' THEN 0 ELSE -filters END"
        " FROM (SELECT CASE WHEN EXISTS (SELECT FROM tally.sealed_identity p WHERE p.run_id OPERATOR(pg_catalog.=) $1"
        " AND p.part OPERATOR(pg_catalog.>=) 0) THEN 'ready' ELSE 'obsolete' END AS state) w"
        " WHERE run_id OPERATOR(pg_catalog.=) $1",
        1, types, values, SPI_OK_UPDATE);
}

// Forgets releases whose identity no run holds any more; whether there were any. So many a time that it is quick, beginning
// anywhere, so that all have their turn.
bool forget_releases(const SealedStore& store) {
    Oid start_type[] = {UUIDOID};
    Datum start[] = {OidFunctionCall0(F_GEN_RANDOM_UUID)};
    execute(
        "SELECT a.identity FROM (SELECT r.identity FROM tally.released_identity r"
        " WHERE r.identity OPERATOR(pg_catalog.>=) $1 ORDER BY r.identity LIMIT 100000) a UNION ALL SELECT b.identity"
        " FROM (SELECT r.identity FROM tally.released_identity r WHERE r.identity OPERATOR(pg_catalog.<) $1"
        " ORDER BY r.identity LIMIT 100000) b LIMIT 100000",
        1, start_type, start, SPI_OK_SELECT);
    const auto count = static_cast<int>(SPI_processed);
    auto* const keys = static_cast<Hash128*>(palloc(sizeof(Hash128) * static_cast<Size>(count + 1)));
    auto* const matches = static_cast<SealedMatch*>(palloc(sizeof(SealedMatch) * static_cast<Size>(count + 1)));
    auto* const gone = static_cast<Datum*>(palloc(sizeof(Datum) * static_cast<Size>(count + 1)));
    bool null = false;
    for (int i = 0; i < count; ++i) {
        gone[i] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &null);
        memcpy(keys[i].data(), DatumGetUUIDP(gone[i])->data, keys[i].size());
    }
    find_sealed(store, keys, count, matches, {true, 0});
    int kept = 0;
    for (int i = 0; i < count; ++i)
        if (!matches[i].found) gone[kept++] = gone[i];
    if (kept == 0) return false;
    Oid types[] = {UUIDARRAYOID};
    Datum values[] = {PointerGetDatum(construct_array(gone, kept, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR))};
    execute("DELETE FROM tally.released_identity WHERE identity OPERATOR(pg_catalog.=) ANY ($1)", 1, types, values,
            SPI_OK_DELETE);
    return true;
}

}  // namespace

bool merge_step(const SealedStore& store, bool all) {
    const SealedRuns merging = call_pg([&] { return read_runs(store, "merging"); });
    if (merging.count == 0) return begin_merge(store, all);
    const SealedRun run = merging.runs[0];
    const SealedRuns sources = call_pg([&] { return sources_of(store, run); });
    const auto first = static_cast<std::uint32_t>(run.next_part);
    const std::uint32_t end = std::min(run.shape.filters, first + filters_per_step);
    const bool released = call_pg([&] { return has_released(store); });
    PartWriter writer(run.id);
    for (std::uint32_t filter = first; filter < end; ++filter) {
        std::vector<SealedIdentity> entries = merged_range(store, sources, run.shape, filter);
        if (released)
            std::erase_if(entries, [&](const SealedIdentity& entry) {
                return call_pg([&] { return is_released(store, entry.key); });
            });
        write_parts(writer, run.shape, filter, filter + 1, entries);
    }
    writer.flush();
    call_pg([&] { note_progress(run, end, end == run.shape.filters); });
    return true;
}

bool delete_step(const SealedStore& store) {
    const SealedRuns obsolete = call_pg([&] { return read_runs(store, "obsolete"); });
    if (obsolete.count == 0) return false;
    call_pg([&] {
        const SealedRun& run = obsolete.runs[obsolete.count - 1];
        const auto blocks = static_cast<std::int32_t>(run.shape.blocks);
        const std::int32_t next = run.next_part + parts_per_deletion;
        Oid types[] = {INT8OID, INT4OID, INT4OID};
        Datum values[] = {Int64GetDatum(run.id), Int32GetDatum(run.next_part), Int32GetDatum(next)};
        execute(
            "DELETE FROM tally.sealed_identity WHERE run_id OPERATOR(pg_catalog.=) $1"
            " AND part OPERATOR(pg_catalog.>=) $2 AND part OPERATOR(pg_catalog.<) $3",
            3, types, values, SPI_OK_DELETE);
        if (next < blocks) {
            execute(
                "UPDATE tally.identity_run SET next_part = $3 WHERE run_id OPERATOR(pg_catalog.=) $1"
                " AND next_part OPERATOR(pg_catalog.=) $2",
                3, types, values, SPI_OK_UPDATE);
            return;
        }
        // The last one stays until nothing is left to be forgotten.
        if (obsolete.count == 1 && forget_releases(store)) return;
        execute("DELETE FROM tally.identity_run WHERE run_id OPERATOR(pg_catalog.=) $1", 1, types, values, SPI_OK_DELETE);
    });
    return true;
}

}  // namespace tally
