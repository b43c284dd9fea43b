// Carrying life totals on, and counting them anew.
#include <algorithm>
#include <cstring>
#include <limits>

#include "core/usage/segment_count.hpp"

#include "pg/segment/retention_edge.hpp"
#include "pg/usage/pass.hpp"

#include "pg/usage/life_total.hpp"

#include "pg/border/numeric.hpp"
#include "pg/segment/statement.hpp"
#include "pg/usage/store.hpp"

namespace tally {
namespace {

constexpr std::string_view value_source = "value:";
constexpr std::int64_t end_of_time = std::numeric_limits<std::int64_t>::max();

// What is read inside is read with this snapshot.
template <typename Body>
void with_snapshot(Snapshot snapshot, Body&& body) {
    call_pg([&] { PushActiveSnapshot(snapshot); });
    body();
    call_pg([] { PopActiveSnapshot(); });
}

Datum uuid_datum(const UuidBytes& id) {
    auto* const uuid = static_cast<pg_uuid_t*>(palloc(sizeof(pg_uuid_t)));
    std::memcpy(uuid->data, id.data(), id.size());
    return UUIDPGetDatum(uuid);
}

Parameter numeric_parameter(const Decimal& value) {
    if (value.kind == DecimalKind::none) return {NUMERICOID, 0, true};
    return {NUMERICOID, numeric_from_decimal(value)};
}

// The value that the aggregation picks, if it does.
const Decimal& picked(const KeptState& state, Aggregation aggregation) {
    if (aggregation == Aggregation::min) return state.lowest;
    return aggregation == Aggregation::max ? state.highest : state.latest;
}

}  // namespace

LifeTotals::Total::Total(MeteredMetric&& its_metric, const LifeRow& its_row, std::int64_t edge)
    : metric(std::move(its_metric)),
      row(its_row),
      rule(metric.definition, {}, {}),
      count({&rule, Windows({edge}, end_of_time), false, false, true, {}, life_measures(metric.definition)},
            usage_memory()) {}

LifeTotals::LifeTotals(std::int32_t tenant, std::int32_t code_hash, Snapshot snapshot)
    : tenant_(tenant), code_hash_(code_hash), snapshot_(snapshot) {
    edge_ = call_pg([] { return retained_from(); });
    read_rows();
    for (Total& total : totals_) {
        const std::size_t count = voided(total.metric.code).size();
        std::int64_t acts = 0;
        with_snapshot(snapshot_, [&] { acts = correction_acts(tenant_, total.metric.code, edge_, count); });
        const LifeCover wanted = {definition_hash(total.metric), version_, acts, edge_};
        total.is_current = total.row.cover == wanted;
        total.row.cover = wanted;
        is_current_ = is_current_ && total.is_current;
    }
}

// Rows and version are this lock's alone. A metric may be changed meanwhile: the row says by which definition it is
// made.
void LifeTotals::read_rows() {
    call_pg([&] {
        run_now("SELECT p.version FROM tally.pile p WHERE p.tenant_id = $1 AND p.code_hash = $2",
                {{INT4OID, Int32GetDatum(tenant_)}, {INT4OID, Int32GetDatum(code_hash_)}}, SPI_OK_SELECT);
        if (SPI_processed != 1) elog(ERROR, "a pile without a row was locked");
        version_ = DatumGetInt64(answer(0, 1));
        run_now(
            "SELECT m, l.* FROM tally.life_total l JOIN tally.metric m USING (tenant_id, metric_id)"
            " WHERE l.tenant_id = $1 AND l.code_hash = $2 ORDER BY l.metric_id",
            {{INT4OID, Int32GetDatum(tenant_)}, {INT4OID, Int32GetDatum(code_hash_)}}, SPI_OK_SELECT);
    });
    for (std::uint64_t place = 0; place < SPI_processed; ++place) {
        HeapTupleHeader const metric_row = call_pg([&] { return DatumGetHeapTupleHeader(answer(place, 1)); });
        MeteredMetric metric = metric_of_row(metric_row);
        if (!has_life_total(metric.definition)) continue;
        const Aggregation aggregation = metric.definition.aggregation;
        const LifeRow row = call_pg([&] {
            Datum values[life_picked_seq + 1];
            bool nulls[life_picked_seq + 1];
            heap_deform_tuple(SPI_tuptable->vals[place], SPI_tuptable->tupdesc, values, nulls);
            return life_row(values + 1, nulls + 1, aggregation);
        });
        totals_.emplace_back(std::move(metric), row, edge_);
    }
}

const std::vector<std::int64_t>& LifeTotals::voided(const std::string& code) {
    auto found = voided_.find(code);
    if (found == voided_.end()) {
        std::vector<std::int64_t> seqs;
        MemoryLimit all(std::numeric_limits<std::size_t>::max());  // packing is no question: it cannot ask for less
        with_snapshot(snapshot_, [&] { seqs = voided_seqs(tenant_, code, edge_, end_of_time, all); });
        found = voided_.emplace(code, std::move(seqs)).first;
    }
    return found->second;
}

void LifeTotals::add(std::string_view code, SegmentReader& segment) {
    for (Total& total : totals_)
        if (total.is_current && total.metric.code == code)
            SegmentCount(segment, total.count, {voided(total.metric.code)}).run();
}

void LifeTotals::note_source(std::string_view code, std::string_view source) {
    if (!source.starts_with(value_source) || source == last_source_) return;
    last_source_ = source;
    const std::optional<UuidBytes> id = decode_public_id("bm_", source.substr(value_source.size()));
    if (!id) return;
    for (const Total& total : totals_)
        if (total.metric.id == *id) return;
    noted_.emplace(code, *id);
}

void LifeTotals::store(std::int64_t packed_events) {
    for (Total& total : totals_)
        if (total.is_current) write(total, version_ + 1);
    insert_noted();
    call_pg([&] {
        run_now(
            "UPDATE tally.pile SET version = version + 1, packed_at = pg_catalog.clock_timestamp(),"
            " packed_events = packed_events + $3 WHERE tenant_id = $1 AND code_hash = $2",
            {{INT4OID, Int32GetDatum(tenant_)},
             {INT4OID, Int32GetDatum(code_hash_)},
             {INT8OID, Int64GetDatum(packed_events)}},
            SPI_OK_UPDATE);
    });
}

bool LifeTotals::recount() {
    std::map<std::string, std::vector<UsageCount*>> codes;
    for (Total& total : totals_) {
        if (total.is_current) continue;
        total.row.state = {};
        codes[total.metric.code].push_back(&total.count);
    }
    if (codes.empty()) return false;
    with_snapshot(snapshot_, [&] {
        const std::vector<std::int64_t> loose = loose_segments(tenant_, code_hash_);
        for (const auto& [code, counts] : codes) {
            PassPlaces places;
            places.recent_events = false;
            places.but_segments = loose;
            places.voided = voided(code);
            places.begins_at_edge = true;
            count_events(tenant_, code, counts, places);
        }
    });
    for (Total& total : totals_)
        if (!total.is_current) write(total, version_);
    return true;
}

// What was carried and what has been added, for those who will see the pile with this version.
void LifeTotals::write(Total& total, std::int64_t version) {
    UsageStates& states = total.count.groups().states();
    const std::uint32_t group = states.add_total();
    states.add_kept(group, total.row.state);
    const KeptState state = states.kept(group);
    const Decimal& pick = picked(state, total.metric.definition.aggregation);
    const bool is_latest = state.latest.kind != DecimalKind::none;
    const LifeCover& cover = total.row.cover;
    call_pg([&] {
        run_now(
            "UPDATE tally.life_total SET definition = $4, pile_version = $5, corrections = $6, retained_from = $7,"
            " matched = $8, counted = $9, total = $10, positive = $11, negative = $12, picked = $13, picked_ts = $14,"
            " picked_seq = $15 WHERE tenant_id = $1 AND code_hash = $2 AND metric_id = $3",
            {{INT4OID, Int32GetDatum(tenant_)},
             {INT4OID, Int32GetDatum(code_hash_)},
             {UUIDOID, uuid_datum(total.metric.id)},
             {UUIDOID, uuid_datum(cover.definition)},
             {INT8OID, Int64GetDatum(version)},
             {INT8OID, Int64GetDatum(cover.corrections)},
             {TIMESTAMPTZOID, TimestampTzGetDatum(to_postgres(cover.retained_from))},
             {INT8OID, Int64GetDatum(state.counts.matched)},
             {INT8OID, Int64GetDatum(state.counts.counted)},
             numeric_parameter(state.sum),
             numeric_parameter(state.positive),
             numeric_parameter(state.negative),
             numeric_parameter(pick),
             {TIMESTAMPTZOID, TimestampTzGetDatum(to_postgres(state.latest_ts)), !is_latest},
             {INT8OID, Int64GetDatum(state.latest_seq), !is_latest}},
            SPI_OK_UPDATE);
    });
}

// Rows that cover nothing yet, so that they are counted in a step of their own. A source may name any metric: only the
// tenant's own of this code are carried.
void LifeTotals::insert_noted() {
    if (noted_.empty()) return;
    const std::vector<std::pair<std::string, UuidBytes>> noted(noted_.begin(), noted_.end());
    call_pg([&] {
        auto* const ids = static_cast<Datum*>(palloc(sizeof(Datum) * noted.size()));
        auto* const codes = static_cast<Datum*>(palloc(sizeof(Datum) * noted.size()));
        const int count = static_cast<int>(noted.size());
        for (int i = 0; i < count; ++i) {
            codes[i] = text_datum(noted[static_cast<std::size_t>(i)].first);
            ids[i] = uuid_datum(noted[static_cast<std::size_t>(i)].second);
        }
        run_now(
            "INSERT INTO tally.life_total (tenant_id, code_hash, metric_id)"
            " SELECT m.tenant_id, $2, m.metric_id FROM ROWS FROM (pg_catalog.unnest($3), pg_catalog.unnest($4)) n(code, id)"
            " JOIN tally.metric m ON m.tenant_id = $1 AND m.metric_id = n.id AND m.code = n.code"
            " WHERE m.aggregation_type <> 'COUNT_DISTINCT' ON CONFLICT DO NOTHING",
            {{INT4OID, Int32GetDatum(tenant_)},
             {INT4OID, Int32GetDatum(code_hash_)},
             {TEXTARRAYOID, PointerGetDatum(construct_array(codes, count, TEXTOID, -1, false, TYPALIGN_INT))},
             {UUIDARRAYOID, PointerGetDatum(construct_array(ids, count, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR))}},
            SPI_OK_INSERT);
    });
}

}  // namespace tally
