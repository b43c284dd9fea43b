// The statements behind ingest_facts.hpp. Operators are named with their schema: the caller's search_path is not ours.
#include "core/ingest/metric_check.hpp"

#include <algorithm>
#include <chrono>
#include <string>

#include "pg/ingest/ingest_facts.hpp"
#include "pg/border/boundary.hpp"
#include "pg/border/values.hpp"
#include "pg/ingest/statement.hpp"

namespace tally {
namespace {

constinit Statement tenant_statement{
    "SELECT FROM tally.tenant t WHERE t.tenant_id OPERATOR(pg_catalog.=) $1 FOR KEY SHARE", 1, {INT4OID}};

constinit Statement metrics_statement{
    "SELECT m.code, m.kind, m.aggregation_key, m.name, m.aggregation_type, m.segmentation_matrix::pg_catalog.text "
    "FROM tally.metric m WHERE m.tenant_id OPERATOR(pg_catalog.=) $1 AND m.code OPERATOR(pg_catalog.=) ANY ($2) "
    "AND m.archived_at IS NULL ORDER BY m.metric_id",
    2,
    {INT4OID, TEXTARRAYOID}};

constinit Statement any_metric_statement{
    "SELECT FROM tally.metric m WHERE m.tenant_id OPERATOR(pg_catalog.=) $1 AND m.archived_at IS NULL LIMIT 1",
    1,
    {INT4OID}};

constinit Statement take_statement{
    "SELECT c.shard FROM tally.month_count c WHERE c.tenant_id OPERATOR(pg_catalog.=) $1 AND c.key_id "
    "OPERATOR(pg_catalog.=) $2 AND c.month OPERATOR(pg_catalog.=) $3 AND (c.credit OPERATOR(pg_catalog.>=) $4) IS NOT FALSE "
    "LIMIT 1 FOR UPDATE SKIP LOCKED",
    4,
    {INT4OID, UUIDOID, DATEOID, INT8OID}};

constinit Statement spread_statement{
    "SELECT s.allowed, s.quota FROM tally._spread_credit($1, $2, $3, $4) s", 4, {INT4OID, UUIDOID, DATEOID, INT8OID}};

constinit Statement use_statement{
    "UPDATE tally.month_count SET used = used OPERATOR(pg_catalog.+) $5, credit = credit OPERATOR(pg_catalog.-) $5 "
    "WHERE tenant_id OPERATOR(pg_catalog.=) $1 AND key_id OPERATOR(pg_catalog.=) $2 AND month OPERATOR(pg_catalog.=) $3 "
    "AND shard OPERATOR(pg_catalog.=) $4",
    5,
    {INT4OID, UUIDOID, DATEOID, INT4OID, INT8OID}};

std::int64_t number_at(int column, bool& is_null) {
    return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &is_null));
}

// First day of the month (UTC), in days since 2000-01-01.
std::int32_t first_of_month(std::int64_t unix_microseconds) {
    using namespace std::chrono;
    const auto day = floor<std::chrono::days>(sys_time<microseconds>(microseconds(unix_microseconds)));
    const year_month_day date{day};
    return static_cast<std::int32_t>(sys_days{date.year() / date.month() / 1}.time_since_epoch().count() -
                                     (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE));
}

}  // namespace

void lock_tenant(std::int32_t tenant_id) {
    call_pg([&] {
        SPI_connect();
        const Datum values[] = {Int32GetDatum(tenant_id)};
        if (tenant_statement.run(values) == 0) {
            ereport(ERROR, (errcode(ERRCODE_FOREIGN_KEY_VIOLATION), errmsg("there is no tenant %d", tenant_id)));
        }
        SPI_finish();
    });
}

void ask_metrics(IngestBatch& batch, std::int32_t tenant_id) {
    enum { code, kind, key, name, aggregation, matrix, columns };
    const std::vector<std::string_view> codes = codes_of(batch);
    if (codes.empty()) return;
    const std::uint64_t rows = call_pg([&] {
        SPI_connect();
        auto* const texts = static_cast<Datum*>(palloc(sizeof(Datum) * codes.size()));
        std::transform(codes.begin(), codes.end(), texts, [](std::string_view text) { return text_datum(text); });
        ArrayType* const array = construct_array(texts, static_cast<int>(codes.size()), TEXTOID, -1, false, TYPALIGN_INT);
        const Datum values[] = {Int32GetDatum(tenant_id), PointerGetDatum(array)};
        return metrics_statement.run(values);
    });
    // Who has no metric yet collects before measuring, and knows it.
    if (rows == 0 && call_pg([&] {
                         const Datum values[] = {Int32GetDatum(tenant_id)};
                         return any_metric_statement.run(values);
                     }) == 0) {
        call_pg([] { SPI_finish(); });
        return;
    }
    MetricCheck check;
    for (std::uint64_t row = 0; row < rows; ++row) {
        const char* texts[columns];
        call_pg([&] {
            for (int i = 0; i < columns; ++i) texts[i] = SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, i + 1);
        });
        MetricDefinition metric;
        if (texts[kind] != nullptr) metric.kind = parse_kind(texts[kind]);
        if (metric.kind != MetricKind::base && metric.kind != MetricKind::dual) {
            check.add(texts[code]);
            continue;
        }
        metric.aggregation = parse_aggregation(texts[aggregation]);
        metric.key = texts[key];
        metric.name = texts[name];
        if (texts[matrix] != nullptr) metric.matrix = parse_matrix(texts[matrix]);
        check.add(texts[code], std::move(metric));
    }
    call_pg([] { SPI_finish(); });
    check.apply(batch);
}

MonthLimit MonthShares::take(Share& share, std::int64_t wanted) {
    const MonthLimit found = call_pg([&]() -> MonthLimit {
        SPI_connect();
        const Datum values[] = {Int32GetDatum(tenant_id_), PointerGetDatum(share.key.data()), DateADTGetDatum(month_),
                                Int64GetDatum(wanted)};
        MonthLimit limit;
        bool is_null = false;
        if (take_statement.run(values) > 0) {
            share.shard = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
        } else {
            share.shard = 0;
            (void)spread_statement.run(values);
            const std::int64_t allowed = number_at(1, is_null);
            if (allowed < wanted) limit = {allowed, number_at(2, is_null)};
        }
        SPI_finish();
        return limit;
    });
    return found;
}

MonthLimits MonthShares::take(const IngestBatch& batch) {
    MonthLimits limits;
    if (keys_.empty() || batch.candidates() == 0) return limits;
    month_ = first_of_month(batch.options().now_microseconds);
    shares_.resize(keys_.size() + 1);
    for (std::size_t sender = 0; sender < keys_.size(); ++sender) {
        shares_[sender + 1].key = keys_[sender];
        shares_[sender + 1].sender = static_cast<std::int32_t>(sender);
    }
    std::sort(shares_.begin() + 1, shares_.end(), [](const Share& a, const Share& b) { return a.key < b.key; });
    limits.tenant = take(shares_[0], static_cast<std::int64_t>(batch.candidates()));
    limits.senders.resize(keys_.size());
    for (Share& share : shares_) {
        if (share.sender < 0) continue;
        const auto wanted = static_cast<std::int64_t>(batch.candidates(static_cast<std::uint32_t>(share.sender)));
        if (wanted > 0) limits.senders[static_cast<std::size_t>(share.sender)] = take(share, wanted);
    }
    return limits;
}

void MonthShares::use(const IngestBatch& batch) {
    for (const Share& share : shares_) {
        std::int64_t accepted = 0;
        for (const BatchBody& body : batch.bodies()) {
            if (share.sender >= 0 && body.sender != static_cast<std::uint32_t>(share.sender)) continue;
            for (const BatchEvent& event : batch.events_of(body)) accepted += event.verdict == Verdict::accepted;
        }
        if (accepted == 0) continue;
        call_pg([&] {
            SPI_connect();
            const Datum values[] = {Int32GetDatum(tenant_id_), PointerGetDatum(share.key.data()), DateADTGetDatum(month_),
                                    Int32GetDatum(share.shard), Int64GetDatum(accepted)};
            (void)use_statement.run(values);
            SPI_finish();
        });
    }
}

}  // namespace tally
