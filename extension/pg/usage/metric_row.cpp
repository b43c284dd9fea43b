// Three index scans at most: by (tenant, id), by (tenant, slug), then by (tenant, code).
#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "pg/border/gate.hpp"
#include "pg/border/values.hpp"
#include "pg/metric/definition.hpp"
#include "pg/usage/arguments.hpp"
#include "pg/usage/metric_row.hpp"
#include "pg/usage/store.hpp"

namespace tally {
namespace {

// By their places in sql/install/30-catalog/metric.sql: a new column goes behind the last one.
enum MetricColumn : AttrNumber { metric_tenant = 1, metric_id = 2, metric_archived_at = 17 };

constexpr std::size_t shown_ids = 10;

HeapTupleHeader row_of(TupleTableSlot* slot) {
    return call_pg([&] { return DatumGetHeapTupleHeader(ExecFetchSlotHeapTupleDatum(slot)); });
}

// The row with this tenant and this value in the second column of an index that is unique. Fills its key in `make_key`.
template <typename MakeKey>
HeapTupleHeader find_one(const char* index, std::int32_t tenant, const MakeKey& make_key) {
    IndexReader reader("metric", index);
    ScanKeyData keys[2];
    call_pg([&] {
        ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(tenant));
        make_key(&keys[1]);
    });
    reader.scan(keys, 2);
    TupleTableSlot* const slot = reader.next();
    HeapTupleHeader const row = slot == nullptr ? nullptr : row_of(slot);
    reader.close();
    return row;
}

HeapTupleHeader find_by_id(std::int32_t tenant, const UuidBytes& id) {
    pg_uuid_t uuid;
    std::memcpy(uuid.data, id.data(), id.size());
    return find_one("metric_pkey", tenant,
                    [&](ScanKey key) { ScanKeyInit(key, 2, BTEqualStrategyNumber, F_UUID_EQ, UUIDPGetDatum(&uuid)); });
}

void text_key(ScanKey key, const std::string& value) {
    ScanKeyEntryInitialize(key, 0, 2, BTEqualStrategyNumber, TEXTOID, DEFAULT_COLLATION_OID, F_TEXTEQ, text_datum(value));
}

HeapTupleHeader find_by_slug(std::int32_t tenant, const std::string& slug) {
    return find_one("metric_slug", tenant, [&](ScanKey key) { text_key(key, slug); });
}

struct MetricsOfCode {
    std::vector<HeapTupleHeader> rows;  // of those in use
    std::vector<UuidBytes> in_use;
    std::vector<UuidBytes> archived;
};

MetricsOfCode find_by_code(std::int32_t tenant, const std::string& code) {
    MetricsOfCode found;
    IndexReader reader("metric", "metric_code");
    ScanKeyData keys[2];
    call_pg([&] {
        ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(tenant));
        text_key(&keys[1], code);
    });
    reader.scan(keys, 2);
    while (TupleTableSlot* const slot = reader.next()) {
        UuidBytes id;
        bool is_archived = false;
        call_pg([&] {
            bool is_null = false;
            std::memcpy(id.data(), DatumGetUUIDP(slot_getattr(slot, metric_id, &is_null))->data, id.size());
            slot_getattr(slot, metric_archived_at, &is_null);
            is_archived = !is_null;
        });
        (is_archived ? found.archived : found.in_use).push_back(id);
        if (!is_archived) found.rows.push_back(row_of(slot));
    }
    reader.close();
    return found;
}

std::string shown(std::vector<UuidBytes> ids) {
    std::sort(ids.begin(), ids.end());
    std::string list;
    for (std::size_t i = 0; i < ids.size() && i < shown_ids; ++i)
        list += (i == 0 ? "" : ", ") + encode_public_id("bm_", ids[i]);
    return list + ".";
}

// A reference as messages show it: its first 64 characters.
std::string clipped(const std::string& reference) {
    const int length = call_pg([&] { return pg_mbcharcliplen(reference.data(), static_cast<int>(reference.size()), 64); });
    return reference.substr(0, static_cast<std::size_t>(length));
}

[[noreturn]] void refuse_unknown(const std::string& reference, const std::optional<std::string>& field, bool is_id,
                                 const MetricsOfCode& found) {
    const std::string hint =
        !found.archived.empty() ? "Archived metrics are found by id and slug only: " + shown(found.archived)
        : field && is_id        ? "GET /api/v1/metrics?archived=all lists them."
        : field ? "Ids of metrics look like bm_7n42DGM5Tflk9n8mt7Fhc7; GET /api/v1/metrics lists them, with their slugs."
                : "Give the id of a metric (bm_...), its slug, or a code that exactly one metric reads.";
    const std::string name = clipped(reference);
    call_pg([&] {
        if (field && !is_id)
            ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                            errmsg("\"%s\" is not the id of a metric, nor the slug of one, nor the code of one in use",
                                   name.c_str()),
                            err_generic_string(PG_DIAG_COLUMN_NAME, field->c_str()), errhint("%s", hint.c_str())));
        ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND), errmsg("metric \"%s\" does not exist", name.c_str()),
                        field ? err_generic_string(PG_DIAG_COLUMN_NAME, field->c_str()) : 0, errhint("%s", hint.c_str())));
    });
    pg_unreachable();
}

[[noreturn]] void refuse_several(const std::string& reference, const std::optional<std::string>& field,
                                 const MetricsOfCode& found) {
    const std::string hint = "Name one by its id or slug: " + shown(found.in_use);
    const std::string name = clipped(reference);
    call_pg([&] {
        ereport(ERROR,
                (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                 errmsg("code \"%s\" is read by %d metrics", name.c_str(), static_cast<int>(found.in_use.size())),
                 err_generic_string(PG_DIAG_COLUMN_NAME, field.value_or("metric").c_str()), errhint("%s", hint.c_str())));
    });
    pg_unreachable();
}

std::string text_field(HeapTupleHeader row, const char* name) {
    bool is_null = false;
    const char* const content = call_pg([&]() -> const char* {
        const Datum value = GetAttributeByName(row, name, &is_null);
        return is_null ? nullptr : TextDatumGetCString(value);
    });
    return content == nullptr ? std::string() : std::string(content);
}

}  // namespace

MeteredMetric metric_of_row(HeapTupleHeader row) {
    MeteredMetric metric;
    bool is_null = false;
    metric.tenant = call_pg([&] { return DatumGetInt32(GetAttributeByName(row, "tenant_id", &is_null)); });
    call_pg([&] {
        const Datum id = GetAttributeByName(row, "metric_id", &is_null);
        if (!is_null) std::memcpy(metric.id.data(), DatumGetUUIDP(id)->data, metric.id.size());
    });
    metric.code = text_field(row, "code");
    metric.definition = definition_of_row(row);
    const Datum factor = call_pg([&] { return GetAttributeByName(row, "conversion_factor", &is_null); });
    if (!is_null) metric.conversion_factor = DatumGetInt32(factor);
    metric.conversion_rounding = text_field(row, "conversion_rounding");
    return metric;
}

HeapTupleHeader find_metric(std::int32_t tenant, const std::optional<std::string>& reference,
                            const std::optional<std::string>& field) {
    const std::string name = reference.value_or("null");
    if (!reference) refuse_unknown(name, field, false, {});
    const std::optional<UuidBytes> id = decode_public_id("bm_", name);
    if (id)
        if (HeapTupleHeader const row = find_by_id(tenant, *id)) return row;
    if (HeapTupleHeader const row = find_by_slug(tenant, name)) return row;
    const MetricsOfCode found = find_by_code(tenant, name);
    if (found.in_use.empty()) refuse_unknown(name, field, id.has_value(), found);
    if (found.in_use.size() > 1) refuse_several(name, field, found);
    return found.rows.front();
}

std::vector<HeapTupleHeader> unarchived_metrics(std::int32_t tenant, const std::string& code) {
    return find_by_code(tenant, code).rows;
}

}  // namespace tally

// tally._find_metric(tenant_id integer, reference text, field text) -> tally.metric
TALLY_FUNCTION(find_metric) {
    return tally::guarded([&]() -> Datum {
        const std::int32_t tenant = tally::call_pg([&] { return tally::tenant_for_caller(PG_GETARG_INT32(0)); });
        return PointerGetDatum(tally::find_metric(tenant, tally::text_argument(fcinfo, 1), tally::text_argument(fcinfo, 2)));
    });
}
