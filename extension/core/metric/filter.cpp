// Reads filters with simdjson, numbers by their digits: they never become a double.
#include "core/metric/filter.hpp"

#include <simdjson.h>

#include "core/base/error.hpp"
#include "core/base/number_text.hpp"

namespace tally {
namespace {

namespace ondemand = simdjson::ondemand;

[[noreturn]] void fail(const std::string& message) {
    throw Error(ErrorKind::invalid_argument, message, {}, "filter");
}

[[noreturn]] void fail_form() {
    fail("filter must be an object: {\"property\": \"value\"} or {\"property\": [\"value\", ...]}");
}

// Of simdjson's answer, or the error of JSON that is none.
template <typename Value>
Value get(simdjson::simdjson_result<Value>&& result) {
    Value value;
    if (std::move(result).get(value) != simdjson::SUCCESS) fail_form();
    return value;
}

std::string_view trimmed(std::string_view token) {
    while (!token.empty() && (token.back() == ' ' || token.back() == '\n' || token.back() == '\t' || token.back() == '\r'))
        token.remove_suffix(1);
    return token;
}

void add_value(Filter::Entry& entry, ondemand::value value) {
    const ondemand::json_type type = get(value.type());
    if (type == ondemand::json_type::string) {
        entry.values.emplace_back(get(value.get_string()));
        return;
    }
    const std::string_view digits = trimmed(value.raw_json_token());
    if (type == ondemand::json_type::boolean && (digits == "true" || digits == "false")) {
        entry.values.emplace_back(digits);
        return;
    }
    if (type != ondemand::json_type::number || number_problem(digits) == NumberProblem::not_a_number)
        fail("filter on \"" + entry.key + "\" must be a string, a number, true, false or a list of these");
    entry.values.push_back(number_problem(digits) ? std::string(digits) : shortest_number(digits));
}

}  // namespace

Filter parse_filter(std::string_view json) {
    const simdjson::padded_string padded(json);
    ondemand::parser parser;
    ondemand::document document = get(parser.iterate(padded));
    if (get(document.type()) != ondemand::json_type::object) fail_form();
    Filter filter;
    for (auto member : get(document.get_object())) {
        ondemand::field field = get(std::move(member));
        Filter::Entry& entry = filter.entries.emplace_back();
        entry.key = get(field.unescaped_key());
        ondemand::value value = field.value();
        if (get(value.type()) != ondemand::json_type::array) {
            add_value(entry, value);
            continue;
        }
        for (auto element : get(value.get_array())) add_value(entry, get(std::move(element)));
    }
    return filter;
}

}  // namespace tally
