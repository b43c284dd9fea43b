// The reads behind ingest_facts.hpp.
#include "core/ingest/metric_check.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "pg/ingest/ingest_facts.hpp"
#include "pg/border/boundary.hpp"
#include "pg/border/values.hpp"
#include "pg/ingest/index_read.hpp"

namespace tally {
namespace {

constexpr AttrNumber tenant_number = 1;  // the first column of tally.tenant

// Columns of tally.metric, in the order of its definition.
enum MetricColumn : AttrNumber {
    metric_id = 2,
    metric_name,
    metric_code,
    metric_aggregation = 6,
    metric_key,
    metric_kind,
    metric_matrix,
    metric_archived_at = 17
};

// A metric that is in use; texts of those columns that have one.
struct FoundMetric {
    pg_uuid_t id;
    const char* name;
    const char* code;
    const char* aggregation;
    const char* key;
    const char* kind;
    const char* matrix;
};

struct FoundMetrics {
    FoundMetric* all;  // in the order of their ids
    std::size_t count;
    bool has_others;  // none of them reads the codes, but there are some
};

IndexRead begin_metrics(int keys) {
    return begin_index_read("metric", AccessShareLock, "metric_code", GetTransactionSnapshot(), keys);
}

// The next one that is in use.
bool next_metric(const IndexRead& read) {
    while (next_row(read))
        if (slot_attisnull(read.slot, metric_archived_at)) return true;
    return false;
}

const char* text_at(const IndexRead& read, MetricColumn column) {
    bool is_null = false;
    const Datum value = slot_getattr(read.slot, column, &is_null);
    return is_null ? nullptr : TextDatumGetCString(value);
}

FoundMetric found_metric(const IndexRead& read) {
    FoundMetric found{};
    bool is_null = false;
    found.id = *DatumGetUUIDP(slot_getattr(read.slot, metric_id, &is_null));
    found.name = text_at(read, metric_name);
    found.code = text_at(read, metric_code);
    found.aggregation = text_at(read, metric_aggregation);
    found.key = text_at(read, metric_key);
    found.kind = text_at(read, metric_kind);
    const Datum matrix = slot_getattr(read.slot, metric_matrix, &is_null);
    if (!is_null) found.matrix = DatumGetCString(DirectFunctionCall1(jsonb_out, matrix));
    return found;
}

// Those that read one of the codes.
FoundMetrics find_metrics(std::int32_t tenant_id, const std::vector<std::string_view>& codes) {
    auto* const texts = static_cast<Datum*>(palloc(sizeof(Datum) * codes.size()));
    std::transform(codes.begin(), codes.end(), texts, [](std::string_view text) { return text_datum(text); });
    ArrayType* const array = construct_array(texts, static_cast<int>(codes.size()), TEXTOID, -1, false, TYPALIGN_INT);
    const IndexRead read = begin_metrics(2);
    ScanKeyData wanted[2];
    ScanKeyInit(&wanted[0], 1, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(tenant_id));
    ScanKeyEntryInitialize(&wanted[1], SK_SEARCHARRAY, 2, BTEqualStrategyNumber, TEXTOID, read.index->rd_indcollation[1],
                           F_TEXTEQ, PointerGetDatum(array));
    index_rescan(read.scan, wanted, 2, nullptr, 0);
    std::size_t room = 16;
    FoundMetrics found{static_cast<FoundMetric*>(palloc(sizeof(FoundMetric) * room)), 0, false};
    while (next_metric(read)) {
        if (found.count == room) {
            room *= 2;
            found.all = static_cast<FoundMetric*>(repalloc(found.all, sizeof(FoundMetric) * room));
        }
        found.all[found.count++] = found_metric(read);
    }
    std::sort(found.all, found.all + found.count, [](const FoundMetric& left, const FoundMetric& right) {
        return std::memcmp(left.id.data, right.id.data, UUID_LEN) < 0;
    });
    end_index_read(read);
    if (found.count > 0) return found;
    const IndexRead any = begin_metrics(1);
    index_rescan(any.scan, wanted, 1, nullptr, 0);
    found.has_others = next_metric(any);
    end_index_read(any);
    return found;
}

MetricDefinition definition_of(const FoundMetric& found) {
    MetricDefinition metric;
    metric.kind = parse_kind(found.kind);
    metric.aggregation = parse_aggregation(found.aggregation);
    metric.key = found.key;
    metric.name = found.name;
    if (found.matrix != nullptr) metric.matrix = parse_matrix(found.matrix);
    return metric;
}

}  // namespace

void lock_tenant(std::int32_t tenant_id) {
    call_pg([&] {
        const IndexRead read = begin_index_read("tenant", RowShareLock, "tenant_pkey", GetTransactionSnapshot(), 1);
        TupleTableSlot* const locked = table_slot_create(read.table, nullptr);
        ScanKeyData wanted;
        ScanKeyInit(&wanted, tenant_number, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(tenant_id));
        index_rescan(read.scan, &wanted, 1, nullptr, 0);
        bool is_there = next_row(read);
        if (is_there) {
            // Its newest version, whatever the isolation: what was changed of it does not matter here.
            ItemPointerData row = read.slot->tts_tid;
            TM_FailureData failure;
            is_there =
                table_tuple_lock(read.table, &row, read.snapshot, locked, GetCurrentCommandId(true), LockTupleKeyShare,
                                 LockWaitBlock, TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS | TUPLE_LOCK_FLAG_FIND_LAST_VERSION,
                                 &failure) == TM_Ok;
        }
        ExecDropSingleTupleTableSlot(locked);
        end_index_read(read);
        if (!is_there) ereport(ERROR, (errcode(ERRCODE_FOREIGN_KEY_VIOLATION), errmsg("there is no tenant %d", tenant_id)));
    });
}

void ask_metrics(IngestBatch& batch, std::int32_t tenant_id) {
    const std::vector<std::string_view> codes = codes_of(batch);
    if (codes.empty()) return;
    const FoundMetrics found = call_pg([&] { return find_metrics(tenant_id, codes); });
    // Who has no metric yet collects before measuring, and knows it.
    if (found.count == 0 && !found.has_others) return;
    MetricCheck check;
    for (const FoundMetric& metric : std::span(found.all, found.count)) {
        const MetricKind kind = metric.kind == nullptr ? MetricKind::none : parse_kind(metric.kind);
        if (kind == MetricKind::base || kind == MetricKind::dual) check.add(metric.code, definition_of(metric));
        else check.add(metric.code);
    }
    check.apply(batch);
}

}  // namespace tally
