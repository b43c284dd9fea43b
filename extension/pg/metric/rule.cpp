// SQL's faces of the rule (core/metric/rule.hpp): each asks it about one event's properties, a flat jsonb object. They
// decide nothing themselves. A call site reads its metric and filter once, and again only when they change.
#include <cstring>
#include <memory>
#include <optional>

#include "core/metric/rule.hpp"

#include "pg/border/boundary.hpp"
#include "pg/border/numeric.hpp"
#include "pg/border/values.hpp"
#include "pg/metric/definition.hpp"

namespace {

using tally::MetricRule;
using tally::Outcome;
using tally::PropertyValue;

// The property's value; its bytes are in `properties` or palloc'ed. Calls PostgreSQL.
PropertyValue find_property(Jsonb* properties, const char* key, std::size_t length) {
    if (!JB_ROOT_IS_OBJECT(properties)) return {};
    const JsonbValue* const value =
        getKeyJsonValueFromContainer(&properties->root, key, static_cast<int>(length), nullptr);
    if (value == nullptr) return {};
    if (value->type == jbvString)
        return {PropertyValue::Kind::text, {value->val.string.val, static_cast<std::size_t>(value->val.string.len)}};
    if (value->type != jbvNumeric) return {PropertyValue::Kind::json, {}};
    return {PropertyValue::Kind::number,
            DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)))};
}

PropertyValue find_property(Jsonb* properties, const text* key) {
    return find_property(properties, VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key));
}

// What a call site knows of its metric: kept for as long as the statement runs, freed with its memory context.
struct CallSite {
    std::string metric_bytes;  // as they were when the rule was made
    std::string filter_bytes;
    std::string key;
    std::optional<MetricRule> rule;
    std::vector<PropertyValue> values;
    MemoryContextCallback on_reset;
};

std::string_view bytes_of(HeapTupleHeader metric) {
    return {reinterpret_cast<const char*>(metric), HeapTupleHeaderGetDatumLength(metric)};
}

std::string_view bytes_of(const Jsonb* filter) {
    if (filter == nullptr) return {};
    return {reinterpret_cast<const char*>(filter), VARSIZE(filter)};
}

CallSite& call_site(FunctionCallInfo fcinfo) {
    if (fcinfo->flinfo->fn_extra != nullptr) return *static_cast<CallSite*>(fcinfo->flinfo->fn_extra);
    auto made = std::make_unique<CallSite>();
    CallSite* const site = made.release();
    site->on_reset.arg = site;
    site->on_reset.func = [](void* argument) { delete static_cast<CallSite*>(argument); };
    MemoryContextRegisterResetCallback(fcinfo->flinfo->fn_mcxt, &site->on_reset);  // cannot fail
    fcinfo->flinfo->fn_extra = site;
    return *site;
}

// `filter` may be nullptr.
const MetricRule& rule_of(CallSite& site, HeapTupleHeader metric, Jsonb* filter) {
    if (site.rule && site.metric_bytes == bytes_of(metric) && site.filter_bytes == bytes_of(filter)) return *site.rule;
    site.rule.reset();
    const tally::MetricDefinition definition = tally::definition_of_row(metric);
    tally::Filter wanted;
    if (filter != nullptr) {
        const char* const json = tally::call_pg(
            [&] { return JsonbToCString(nullptr, &filter->root, static_cast<int>(VARSIZE(filter))); });
        wanted = tally::parse_filter(json);
    }
    site.metric_bytes = bytes_of(metric);
    site.filter_bytes = bytes_of(filter);
    site.key = definition.key;
    site.rule.emplace(definition, wanted, std::span<const std::string>());
    return *site.rule;
}

Outcome judge(CallSite& site, const MetricRule& rule, Jsonb* properties) {
    const std::vector<std::string>& keys = rule.keys();
    site.values.assign(keys.size(), {});
    tally::call_pg([&] {
        for (std::size_t i = 0; i < keys.size(); ++i)
            site.values[i] = find_property(properties, keys[i].data(), keys[i].size());
    });
    return rule.judge(site.values);
}

// NULL where it has none. Calls PostgreSQL; `value` may be anything.
Datum text_or_null(const PropertyValue& value, bool& is_null) {
    const std::optional<std::string> text = tally::value_text(value);
    is_null = !text;
    if (is_null) return Datum{0};
    return tally::call_pg([&] { return tally::text_datum(*text); });
}

}  // namespace

// tally._uncounted_reason(metric tally.metric, properties jsonb) -> text: NULL where the metric counts such an event
TALLY_FUNCTION(uncounted_reason) {
    HeapTupleHeader metric = PG_GETARG_HEAPTUPLEHEADER(0);
    Jsonb* properties = PG_GETARG_JSONB_P(1);
    return tally::guarded([&]() -> Datum {
        CallSite& site = call_site(fcinfo);
        const Outcome outcome = judge(site, rule_of(site, metric, nullptr), properties);
        if (outcome == Outcome::counted) PG_RETURN_NULL();
        const std::string reason = tally::reason_text(outcome, site.key);
        return tally::call_pg([&] { return tally::text_datum(reason); });
    });
}

// tally._matches(metric tally.metric, filter jsonb, properties jsonb) -> boolean: whether filter and matrix let it in
TALLY_FUNCTION(matches) {
    if (PG_ARGISNULL(0) || PG_ARGISNULL(2)) PG_RETURN_NULL();
    HeapTupleHeader metric = PG_GETARG_HEAPTUPLEHEADER(0);
    Jsonb* filter = PG_ARGISNULL(1) ? nullptr : PG_GETARG_JSONB_P(1);
    Jsonb* properties = PG_GETARG_JSONB_P(2);
    return tally::guarded([&]() -> Datum {
        CallSite& site = call_site(fcinfo);
        const Outcome outcome = judge(site, rule_of(site, metric, filter), properties);
        PG_RETURN_BOOL(outcome != Outcome::filtered && outcome != Outcome::outside_matrix);
    });
}

// tally._kind_problem(metric tally.metric, value numeric) -> text: NULL where the metric's kind takes the value
TALLY_FUNCTION(kind_problem) {
    HeapTupleHeader metric = PG_GETARG_HEAPTUPLEHEADER(0);
    const tally::Decimal value = tally::decimal_from_numeric(PG_GETARG_DATUM(1));
    return tally::guarded([&]() -> Datum {
        const int sign = tally::compare_value(value, tally::Decimal::make_small(0, 0));
        const std::string problem = tally::kind_problem(tally::definition_of_row(metric), sign);
        if (problem.empty()) PG_RETURN_NULL();
        return tally::call_pg([&] { return tally::text_datum(problem); });
    });
}

// tally._property_number(properties jsonb, key text) -> numeric: a number, or a text that is one; else NULL. Never raises.
TALLY_FUNCTION(property_number) {
    Jsonb* properties = PG_GETARG_JSONB_P(0);
    const PropertyValue value = find_property(properties, PG_GETARG_TEXT_PP(1));
    return tally::guarded([&]() -> Datum {
        const tally::ReadNumber number = tally::read_number(value);
        if (number.outcome != Outcome::counted) PG_RETURN_NULL();
        return tally::call_pg([&] { return tally::numeric_from_decimal(number.value); });
    });
}

// tally._property_text(properties jsonb, key text) -> text; NULL where the property is absent or empty
TALLY_FUNCTION(property_text) {
    Jsonb* properties = PG_GETARG_JSONB_P(0);
    const PropertyValue value = find_property(properties, PG_GETARG_TEXT_PP(1));
    return tally::guarded([&]() -> Datum { return text_or_null(value, fcinfo->isnull); });
}

// tally._property_texts(properties jsonb, keys text[]) -> text[]: the values of several properties, NULL where absent
TALLY_FUNCTION(property_texts) {
    Jsonb* properties = PG_GETARG_JSONB_P(0);
    ArrayType* keys = PG_GETARG_ARRAYTYPE_P(1);
    Datum* elements = nullptr;
    bool* key_nulls = nullptr;
    int count = 0;
    deconstruct_array(keys, TEXTOID, -1, false, TYPALIGN_INT, &elements, &key_nulls, &count);
    if (count == 0) PG_RETURN_ARRAYTYPE_P(construct_empty_array(TEXTOID));
    auto* texts = static_cast<Datum*>(palloc0(sizeof(Datum) * static_cast<Size>(count)));
    auto* nulls = static_cast<bool*>(palloc0(sizeof(bool) * static_cast<Size>(count)));
    return tally::guarded([&]() -> Datum {
        for (int i = 0; i < count; ++i) {
            const PropertyValue value = key_nulls[i] ? PropertyValue{} : tally::call_pg([&] {
                return find_property(properties, DatumGetTextPP(elements[i]));
            });
            texts[i] = text_or_null(value, nulls[i]);
        }
        int dimensions[1] = {count};
        int lower_bounds[1] = {1};
        return tally::call_pg([&] {
            return PointerGetDatum(
                construct_md_array(texts, nulls, 1, dimensions, lower_bounds, TEXTOID, -1, false, TYPALIGN_INT));
        });
    });
}
