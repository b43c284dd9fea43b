// The one reader of JSON texts: see json.hpp.
#include "base/json.hpp"

#include <simdjson.h>

namespace tallyd {

struct Json::Parsed {
    explicit Parsed(std::string_view text) {
        simdjson::dom::element found;
        if (parser.parse(text.data(), text.size()).get(found) == simdjson::SUCCESS) root = found;
    }

    std::optional<simdjson::dom::element> at(std::string_view path) const {
        if (!root || path.empty()) return root;
        simdjson::dom::element found;
        if (root->at_pointer(path).get(found) != simdjson::SUCCESS) return std::nullopt;
        return found;
    }

    template <class Value>
    std::optional<Value> value(std::string_view path) const {
        Value found;
        const auto element = at(path);
        if (!element || element->get(found) != simdjson::SUCCESS) return std::nullopt;
        return found;
    }

    simdjson::dom::parser parser;
    std::optional<simdjson::dom::element> root;  // lies in the parser
};

Json::Json(std::string_view text) : parsed_(std::make_unique<Parsed>(text)) {}

Json::~Json() = default;

bool Json::is_object(std::string_view path) const {
    return parsed_->value<simdjson::dom::object>(path).has_value();
}

bool Json::is_null(std::string_view path) const {
    const auto element = parsed_->at(path);
    return element && element->is_null();
}

std::optional<std::string> Json::text(std::string_view path) const {
    const auto found = parsed_->value<std::string_view>(path);
    return found ? std::optional<std::string>(*found) : std::nullopt;
}

std::optional<std::int64_t> Json::integer(std::string_view path) const {
    return parsed_->value<std::int64_t>(path);
}

std::optional<double> Json::number(std::string_view path) const {
    return parsed_->value<double>(path);
}

std::size_t Json::size(std::string_view path) const {
    const auto found = parsed_->value<simdjson::dom::array>(path);
    return found ? found->size() : 0;
}

std::optional<std::string> Json::raw(std::string_view path) const {
    const auto found = parsed_->at(path);
    return found ? std::optional<std::string>(simdjson::minify(*found)) : std::nullopt;
}

void Json::members(std::string_view path, const std::function<void(std::string_view, std::string)>& each) const {
    const auto found = parsed_->value<simdjson::dom::object>(path);
    if (!found) return;
    for (const auto member : *found) each(member.key, simdjson::minify(member.value));
}

}  // namespace tallyd
