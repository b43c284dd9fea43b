// Reading tally.life_total, and the hash of a definition.
#include <cstring>

#include "pg/usage/life_state.hpp"

#include "pg/border/numeric.hpp"
#include "pg/usage/store.hpp"

namespace tally {
namespace {

constexpr AttrNumber pile_version_column = 4;
constexpr AttrNumber loose_segment_column = 3;
// Raised by whoever changes what the rule makes of a definition: what was carried is then counted anew.
constexpr char rule_version = '1';

void add_list(FieldBytes& fields, const std::vector<std::string>& texts) {
    fields.add(std::to_string(texts.size()));
    for (const std::string& text : texts) fields.add(text);
}

Decimal decimal_or_none(Datum value, bool is_null) {
    return is_null ? Decimal{} : decimal_from_numeric(value);
}

// Keys (tenant_id, code_hash).
void pile_keys(ScanKey keys, std::int32_t tenant, std::int32_t code_hash) {
    ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(tenant));
    ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(code_hash));
}

// None where nothing of the code was ever packed.
std::optional<std::int64_t> pile_version(std::int32_t tenant, std::int32_t code_hash) {
    IndexReader reader("pile", "pile_pkey");
    ScanKeyData keys[2];
    call_pg([&] { pile_keys(keys, tenant, code_hash); });
    reader.scan(keys, 2);
    std::optional<std::int64_t> version;
    if (TupleTableSlot* const slot = reader.next()) {
        bool is_null = false;
        version = call_pg([&] { return DatumGetInt64(slot_getattr(slot, pile_version_column, &is_null)); });
    }
    reader.close();
    return version;
}

}  // namespace

Measures life_measures(const MetricDefinition& definition) {
    Measures measures = measures_of(definition.aggregation);
    measures.sum = definition.aggregation != Aggregation::count && !measures.distinct;
    measures.sides = definition.kind == MetricKind::dual;
    return measures;
}

Hash128 definition_hash(const MeteredMetric& metric) {
    const MetricDefinition& definition = metric.definition;
    const SegmentationMatrix& matrix = definition.matrix;
    FieldBytes fields;
    fields.add_tag(rule_version);
    fields.add(metric.code);
    fields.add(definition.key);
    fields.add(std::to_string(static_cast<int>(definition.aggregation)));
    fields.add(std::to_string(static_cast<int>(definition.kind)));
    fields.add(std::to_string(static_cast<int>(matrix.type)));
    fields.add(matrix.key1);
    fields.add(matrix.key2);
    add_list(fields, matrix.values1);
    add_list(fields, matrix.values2);
    fields.add(std::to_string(matrix.links.size()));
    for (const auto& [value, values] : matrix.links) {
        fields.add(value);
        add_list(fields, values);
    }
    fields.add(std::to_string(definition.filters.size()));
    for (const MetricFilter& filter : definition.filters) {
        fields.add(filter.key);
        fields.add(filter.is_negative ? "not" : "");
        add_list(fields, filter.values);
    }
    return fields.hash();
}

LifeRow life_row(const Datum* values, const bool* nulls, Aggregation aggregation) {
    const auto value = [&](LifeColumn column) { return values[column - 1]; };
    const auto number = [&](LifeColumn column) { return decimal_or_none(value(column), nulls[column - 1]); };
    LifeRow row;
    std::memcpy(row.cover.definition.data(), DatumGetUUIDP(value(life_definition))->data, sizeof row.cover.definition);
    row.cover.pile_version = DatumGetInt64(value(life_pile_version));
    row.cover.corrections = DatumGetInt64(value(life_corrections));
    row.cover.retained_from = to_unix(DatumGetTimestampTz(value(life_retained_from)));
    row.state.counts = {DatumGetInt64(value(life_matched)), DatumGetInt64(value(life_counted))};
    row.state.sum = number(life_total);
    row.state.positive = number(life_positive);
    row.state.negative = number(life_negative);
    if (aggregation == Aggregation::min) row.state.lowest = number(life_picked);
    if (aggregation == Aggregation::max) row.state.highest = number(life_picked);
    if (aggregation == Aggregation::latest && !nulls[life_picked - 1]) {
        row.state.latest = number(life_picked);
        row.state.latest_ts = to_unix(DatumGetTimestampTz(value(life_picked_ts)));
        row.state.latest_seq = DatumGetInt64(value(life_picked_seq));
    }
    return row;
}

std::int64_t correction_acts(std::int32_t tenant, std::string_view code, std::int64_t edge, std::size_t voided) {
    IndexReader reader("lifted_correction", "lifted_correction_code");
    ScanKeyData keys[4];
    const int count = call_pg([&] {
        ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(tenant));
        ScanKeyEntryInitialize(&keys[1], 0, 2, BTEqualStrategyNumber, TEXTOID, DEFAULT_COLLATION_OID, F_TEXTEQ,
                               text_datum(code));
        return 2 + range_keys(&keys[2], 3, to_postgres(edge), DT_NOEND);
    });
    reader.scan(keys, count);
    std::int64_t lifted = 0;
    while (reader.next() != nullptr) ++lifted;
    reader.close();
    return static_cast<std::int64_t>(voided) + 2 * lifted;
}

std::optional<KeptState> find_life_total(const MeteredMetric& metric, std::int64_t edge, std::size_t voided) {
    if (!has_life_total(metric.definition)) return std::nullopt;
    const std::int32_t code_hash = hash32(metric.code);
    const std::optional<std::int64_t> version = pile_version(metric.tenant, code_hash);
    if (!version) return std::nullopt;
    IndexReader reader("life_total", "life_total_pkey");
    pg_uuid_t id;
    std::memcpy(id.data, metric.id.data(), metric.id.size());
    ScanKeyData keys[3];
    call_pg([&] {
        pile_keys(keys, metric.tenant, code_hash);
        ScanKeyInit(&keys[2], 3, BTEqualStrategyNumber, F_UUID_EQ, UUIDPGetDatum(&id));
    });
    reader.scan(keys, 3);
    std::optional<KeptState> state;
    if (TupleTableSlot* const slot = reader.next()) {
        // Numbers outlive the slot's pin.
        const LifeRow row = call_pg([&] {
            HeapTuple const copy = ExecCopySlotHeapTuple(slot);
            Datum values[life_picked_seq];
            bool nulls[life_picked_seq];
            heap_deform_tuple(copy, RelationGetDescr(reader.table()), values, nulls);
            return life_row(values, nulls, metric.definition.aggregation);
        });
        const std::int64_t acts = correction_acts(metric.tenant, metric.code, edge, voided);
        const LifeCover seen = {definition_hash(metric), *version, acts, edge};
        if (row.cover == seen) state = row.state;
    }
    reader.close();
    return state;
}

std::vector<std::int64_t> loose_segments(std::int32_t tenant, std::int32_t code_hash) {
    IndexReader reader("loose_segment", "loose_segment_pkey");
    ScanKeyData keys[2];
    call_pg([&] { pile_keys(keys, tenant, code_hash); });
    reader.scan(keys, 2);
    std::vector<std::int64_t> ids;
    while (TupleTableSlot* const slot = reader.next()) {
        bool is_null = false;
        ids.push_back(call_pg([&] { return DatumGetInt64(slot_getattr(slot, loose_segment_column, &is_null)); }));
    }
    reader.close();
    return ids;
}

}  // namespace tally
