// Two index scans at most: by (tenant, id), then by (tenant, code).
#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "pg/border/gate.hpp"
#include "pg/border/values.hpp"
#include "pg/metric/definition.hpp"
#include "pg/usage/metric_row.hpp"
#include "pg/usage/store.hpp"

namespace tally {
namespace {

enum MetricColumn : AttrNumber { metric_tenant = 1, metric_id = 2, metric_archived_at = 17 };

constexpr std::size_t shown_ids = 10;

HeapTupleHeader row_of(TupleTableSlot* slot) {
    return call_pg([&] { return DatumGetHeapTupleHeader(ExecFetchSlotHeapTupleDatum(slot)); });
}

HeapTupleHeader find_by_id(std::int32_t tenant, const UuidBytes& id) {
    IndexReader reader("metric", "metric_pkey");
    pg_uuid_t uuid;
    std::memcpy(uuid.data, id.data(), id.size());
    ScanKeyData keys[2];
    call_pg([&] {
        ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(tenant));
        ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_UUID_EQ, UUIDPGetDatum(&uuid));
    });
    reader.scan(keys, 2);
    TupleTableSlot* const slot = reader.next();
    HeapTupleHeader const row = slot == nullptr ? nullptr : row_of(slot);
    reader.close();
    return row;
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
        ScanKeyEntryInitialize(&keys[1], 0, 2, BTEqualStrategyNumber, TEXTOID, DEFAULT_COLLATION_OID, F_TEXTEQ,
                               text_datum(code));
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

[[noreturn]] void refuse_unknown(const std::string& reference, const MetricsOfCode& found) {
    const std::string hint = found.archived.empty()
                                 ? "Give the id of a metric (bm_...), or a code that exactly one metric reads."
                                 : "Archived metrics are found by their id only: " + shown(found.archived);
    call_pg([&] {
        ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND), errmsg("metric \"%s\" does not exist", reference.c_str()),
                        errhint("%s", hint.c_str())));
    });
    pg_unreachable();
}

[[noreturn]] void refuse_several(const std::string& reference, const MetricsOfCode& found) {
    const std::string hint = "Name one by its id: " + shown(found.in_use);
    call_pg([&] {
        ereport(ERROR,
                (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                 errmsg("code \"%s\" is read by %d metrics", reference.c_str(), static_cast<int>(found.in_use.size())),
                 err_generic_string(PG_DIAG_COLUMN_NAME, "metric"), errhint("%s", hint.c_str())));
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

HeapTupleHeader find_metric(std::int32_t tenant, const std::optional<std::string>& reference) {
    const std::string name = reference.value_or("null");
    if (!reference) refuse_unknown(name, {});
    if (const std::optional<UuidBytes> id = decode_public_id("bm_", name))
        if (HeapTupleHeader const row = find_by_id(tenant, *id)) return row;
    const MetricsOfCode found = find_by_code(tenant, name);
    if (found.in_use.empty()) refuse_unknown(name, found);
    if (found.in_use.size() > 1) refuse_several(name, found);
    return found.rows.front();
}

std::vector<HeapTupleHeader> unarchived_metrics(std::int32_t tenant, const std::string& code) {
    return find_by_code(tenant, code).rows;
}

}  // namespace tally

// tally._find_metric(tenant_id integer, reference text) -> tally.metric
TALLY_FUNCTION(find_metric) {
    return tally::guarded([&]() -> Datum {
        const std::int32_t tenant = tally::call_pg([&] { return tally::tenant_for_caller(PG_GETARG_INT32(0)); });
        std::optional<std::string> reference;
        if (!PG_ARGISNULL(1))
            reference = std::string(tally::call_pg([&] { return tally::view_of(PG_GETARG_TEXT_PP(1)); }));
        return PointerGetDatum(tally::find_metric(tenant, reference));
    });
}
