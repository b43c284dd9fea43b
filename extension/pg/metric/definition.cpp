// Reads the columns that the rule needs by their names.
#include <iterator>

#include "pg/metric/definition.hpp"

namespace tally {
namespace {

enum Column { aggregation_type, aggregation_key, kind, name, segmentation_matrix, usage_group_key, filters, column_count };

constexpr const char* column_names[] = {"aggregation_type",    "aggregation_key", "kind",   "name",
                                        "segmentation_matrix", "usage_group_key", "filters"};
static_assert(std::size(column_names) == column_count);

}  // namespace

MetricDefinition definition_of_row(HeapTupleHeader metric) {
    const char* texts[column_count] = {};
    call_pg([&] {
        for (int column = 0; column < column_count; ++column) {
            bool is_null = false;
            const Datum value = GetAttributeByName(metric, column_names[column], &is_null);
            if (is_null) continue;
            if (column != segmentation_matrix && column != filters) {
                texts[column] = TextDatumGetCString(value);
                continue;
            }
            Jsonb* const json = DatumGetJsonbP(value);
            texts[column] = JsonbToCString(nullptr, &json->root, static_cast<int>(VARSIZE(json)));
        }
    });
    MetricDefinition definition;
    definition.aggregation = parse_aggregation(texts[aggregation_type] == nullptr ? "" : texts[aggregation_type]);
    if (texts[aggregation_key] != nullptr) definition.key = texts[aggregation_key];
    if (texts[kind] != nullptr) definition.kind = parse_kind(texts[kind]);
    if (texts[name] != nullptr) definition.name = texts[name];
    if (texts[segmentation_matrix] != nullptr) definition.matrix = parse_matrix(texts[segmentation_matrix]);
    if (texts[usage_group_key] != nullptr) definition.usage_group_key = texts[usage_group_key];
    if (texts[filters] != nullptr) definition.filters = parse_filters(texts[filters]);
    return definition;
}

}  // namespace tally
