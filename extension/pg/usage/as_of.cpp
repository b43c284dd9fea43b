// Looked up by SQL, with the rights of the owner: whoever may ask for usage may ask for it as of a cut.
#include <vector>

#include "core/base/json_string.hpp"
#include "core/base/public_id.hpp"
#include "core/base/rfc3339.hpp"

#include "pg/border/gate.hpp"
#include "pg/usage/as_of.hpp"

#include "pg/border/bigints.hpp"
#include "pg/border/values.hpp"
#include "pg/usage/store.hpp"

namespace tally {
namespace {

// A look-up, planned once a session. What is of the tenant and what is of all lies in two places of an index.
struct LookUp {
    const char* text;
    SPIPlanPtr plan = nullptr;

    bool find(std::int32_t tenant, const std::string& as_of) {
        if (plan == nullptr) {
            Oid types[] = {INT4OID, TEXTOID};
            SPIPlanPtr const made = SPI_prepare(text, 2, types);
            if (made == nullptr || SPI_keepplan(made) != 0) elog(ERROR, "cannot prepare the look-up of a cut");
            plan = made;
        }
        Datum values[] = {Int32GetDatum(tenant), text_datum(as_of)};
        if (SPI_execute_plan(plan, values, nullptr, true, 1) != SPI_OK_SELECT) elog(ERROR, "cannot look up a cut");
        return SPI_processed > 0;
    }
};

constinit LookUp by_name{
    "SELECT c.cut_id, c.name, c.taken_at, c.last_seq, c.unseen_seqs, c.last_act, c.unseen_acts FROM ("
    " SELECT * FROM tally.cut x WHERE x.tenant_id OPERATOR(pg_catalog.=) $1 AND x.name OPERATOR(pg_catalog.=) $2"
    " UNION ALL SELECT * FROM tally.cut x WHERE x.tenant_id IS NULL AND x.name OPERATOR(pg_catalog.=) $2"
    " UNION ALL SELECT * FROM tally.cut x WHERE x.cut_id OPERATOR(pg_catalog.=) tally._decode_id('cut_', $2)"
    " AND (x.tenant_id OPERATOR(pg_catalog.=) $1 OR x.tenant_id IS NULL)) c"};

constinit LookUp by_time{
    "SELECT c.cut_id, c.name, c.taken_at, c.last_seq, c.unseen_seqs, c.last_act, c.unseen_acts FROM ("
    "(SELECT * FROM tally.cut x WHERE x.tenant_id OPERATOR(pg_catalog.=) $1"
    " AND x.taken_at OPERATOR(pg_catalog.<=) $2::pg_catalog.timestamptz ORDER BY x.taken_at DESC, x.cut_id DESC LIMIT 1)"
    " UNION ALL (SELECT * FROM tally.cut x WHERE x.tenant_id IS NULL"
    " AND x.taken_at OPERATOR(pg_catalog.<=) $2::pg_catalog.timestamptz ORDER BY x.taken_at DESC, x.cut_id DESC LIMIT 1)) c"
    " ORDER BY c.taken_at DESC, c.cut_id DESC"};

// The first definition that was replaced after the cut, or by a transaction that it did not see.
constexpr const char* definition_then =
    "SELECT pg_catalog.json_populate_record(NULL::tally.metric, v.definition) FROM tally.metric_version v"
    " JOIN tally.cut c ON c.cut_id OPERATOR(pg_catalog.=) tally._decode_id('cut_', $3)"
    " WHERE v.tenant_id OPERATOR(pg_catalog.=) $1 AND v.metric_id OPERATOR(pg_catalog.=) $2"
    " AND NOT tally._cut_sees(c.last_act, c.unseen_acts, v.act) ORDER BY v.act LIMIT 1";
constinit SPIPlanPtr definition_plan = nullptr;

// Calls PostgreSQL; nullptr: it has not been replaced since.
HeapTupleHeader find_definition(const MeteredMetric& metric, const AsOf& cut) {
    SPI_connect();
    if (definition_plan == nullptr) {
        Oid types[] = {INT4OID, UUIDOID, TEXTOID};
        SPIPlanPtr const made = SPI_prepare(definition_then, 3, types);
        if (made == nullptr || SPI_keepplan(made) != 0) elog(ERROR, "cannot prepare the look-up of a definition");
        definition_plan = made;
    }
    pg_uuid_t id;
    memcpy(id.data, metric.id.data(), sizeof id.data);
    Datum values[] = {Int32GetDatum(metric.tenant), UUIDPGetDatum(&id), text_datum(cut.id)};
    if (SPI_execute_plan(definition_plan, values, nullptr, true, 1) != SPI_OK_SELECT)
        elog(ERROR, "cannot look up a definition");
    if (SPI_processed == 0) return nullptr;
    bool is_null = false;
    return DatumGetHeapTupleHeader(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
}

[[noreturn]] void refuse(const std::string& as_of, bool is_time) {
    call_pg([&] {
        const int length = pg_mbcharcliplen(as_of.data(), static_cast<int>(as_of.size()), 64);
        ereport(
            ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE), err_generic_string(PG_DIAG_COLUMN_NAME, "as_of"),
             is_time ? errmsg("no cut was made before %.*s", length, as_of.data())
                     : errmsg("cut \"%.*s\" does not exist", length, as_of.data()),
             errhint("What was known is told as of a cut: its name or id, or a time after one. The view tally.cuts, and GET "
                     "/api/v1/cuts, list them.")));
    });
    pg_unreachable();
}

bool look_up(std::int32_t tenant, const std::string& as_of, bool is_time) {
    return call_pg([&] {
        SPI_connect();
        return (is_time ? by_time : by_name).find(tenant, as_of);
    });
}

}  // namespace

std::optional<AsOf> find_as_of(std::int32_t tenant, const std::optional<std::string>& as_of) {
    if (!as_of) return std::nullopt;
    const bool is_time = !as_of->empty() && as_of->front() >= '0' && as_of->front() <= '9';
    AsOf cut;
    {
        const OwnerRights rights;
        if (!look_up(tenant, *as_of, is_time)) refuse(*as_of, is_time);
        UuidBytes id;
        Datum unseen_seqs = 0, unseen_acts = 0;
        const char* const name = call_pg([&] {
            bool is_null = false;
            const auto value = [&](int column) {
                return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &is_null);
            };
            memcpy(id.data(), DatumGetUUIDP(value(1))->data, id.size());
            cut.taken_at = to_unix(DatumGetTimestampTz(value(3)));
            cut.known.last_seq = DatumGetInt64(value(4));
            unseen_seqs = value(5);
            cut.known.last_act = DatumGetInt64(value(6));
            unseen_acts = value(7);
            return TextDatumGetCString(value(2));
        });
        cut.id = encode_public_id("cut_", id);
        cut.known.cut = id;
        cut.name = name;
        cut.known.unseen_seqs = NumberRanges(bigints_of(unseen_seqs));
        cut.known.unseen_acts = NumberRanges(bigints_of(unseen_acts));
        call_pg([] { SPI_finish(); });
    }
    return cut;
}

MeteredMetric metric_as_of(const MeteredMetric& metric, const AsOf& cut) {
    const OwnerRights rights;
    HeapTupleHeader const row = call_pg([&] { return find_definition(metric, cut); });
    MeteredMetric then = row == nullptr ? metric : metric_of_row(row);
    call_pg([] { SPI_finish(); });
    return then;
}

MeteredMetric metric_as_of(const MeteredMetric& metric, const std::optional<AsOf>& as_of) {
    return as_of ? metric_as_of(metric, *as_of) : metric;
}

std::string json_of(const AsOf& cut) {
    std::string json = "{\"id\":\"" + cut.id + "\",\"name\":";
    append_json_string(json, cut.name);
    return json + ",\"taken_at\":\"" + format_rfc3339(cut.taken_at) + "\"}";
}

}  // namespace tally
