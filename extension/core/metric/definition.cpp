// Reading tally.metric's columns into a definition. The matrix and the filters are JSON in the shapes that
// sql/install/30-catalog/segmentation.sql lets in.
#include "core/metric/definition.hpp"

#include <simdjson.h>

#include "core/base/error.hpp"

namespace tally {
namespace {

namespace dom = simdjson::dom;

[[noreturn]] void fail(std::string_view what) {
    throw Error(ErrorKind::corrupted, "a metric's " + std::string(what) + " is none that tally.metric takes");
}

std::string string_of(const simdjson::simdjson_result<dom::element>& value, std::string_view what = "segmentation_matrix") {
    std::string_view text;
    if (value.get_string().get(text) != simdjson::SUCCESS) fail(what);
    return std::string(text);
}

std::vector<std::string> strings_of(const simdjson::simdjson_result<dom::element>& value,
                                    std::string_view what = "segmentation_matrix") {
    dom::array list;
    if (value.get_array().get(list) != simdjson::SUCCESS) fail(what);
    std::vector<std::string> texts;
    for (dom::element element : list)
        texts.push_back(string_of(simdjson::simdjson_result<dom::element>(std::move(element)), what));
    return texts;
}

}  // namespace

Aggregation parse_aggregation(std::string_view name) {
    if (name == "COUNT") return Aggregation::count;
    if (name == "SUM") return Aggregation::sum;
    if (name == "MIN") return Aggregation::min;
    if (name == "MAX") return Aggregation::max;
    if (name == "MEAN") return Aggregation::mean;
    if (name == "LATEST") return Aggregation::latest;
    if (name == "COUNT_DISTINCT") return Aggregation::count_distinct;
    fail("aggregation_type");
}

MetricKind parse_kind(std::string_view name) {
    if (name == "base") return MetricKind::base;
    if (name == "dual") return MetricKind::dual;
    if (name == "average") return MetricKind::average;
    fail("kind");
}

SegmentationMatrix parse_matrix(std::string_view json) {
    dom::parser parser;
    dom::element root;
    if (parser.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS) fail("segmentation_matrix");
    SegmentationMatrix matrix;
    const auto given = root["type"];
    const std::string type = given.error() == simdjson::NO_SUCH_FIELD ? "SINGLE" : string_of(given);
    if (type == "SINGLE") {
        matrix.type = SegmentationMatrix::Type::single;
        matrix.key1 = string_of(root["key"]);
        matrix.values1 = strings_of(root["values"]);
    } else if (type == "DOUBLE") {
        matrix.type = SegmentationMatrix::Type::twofold;
        matrix.key1 = string_of(root["dimension1"]["key"]);
        matrix.values1 = strings_of(root["dimension1"]["values"]);
        matrix.key2 = string_of(root["dimension2"]["key"]);
        matrix.values2 = strings_of(root["dimension2"]["values"]);
    } else if (type == "LINKED") {
        matrix.type = SegmentationMatrix::Type::linked;
        matrix.key1 = string_of(root["dimension1_key"]);
        matrix.key2 = string_of(root["dimension2_key"]);
        dom::object links;
        if (root["values"].get_object().get(links) != simdjson::SUCCESS) fail("segmentation_matrix");
        for (dom::key_value_pair link : links)
            matrix.links.emplace_back(link.key, strings_of(simdjson::simdjson_result<dom::element>(std::move(link.value))));
    } else {
        fail("segmentation_matrix");
    }
    return matrix;
}

std::vector<MetricFilter> parse_filters(std::string_view json) {
    dom::parser parser;
    dom::array list;
    if (parser.parse(json.data(), json.size()).get_array().get(list) != simdjson::SUCCESS) fail("filters");
    std::vector<MetricFilter> filters;
    for (dom::element element : list) {
        const std::string op = string_of(element["op"], "filters");
        const bool is_negative = op == "NOT_EQUAL" || op == "NOT_IN";
        if (!is_negative && op != "EQUAL" && op != "IN") fail("filters");
        filters.push_back(
            {string_of(element["property"], "filters"), is_negative, strings_of(element["values"], "filters")});
    }
    return filters;
}

}  // namespace tally
