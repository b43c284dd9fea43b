// Walks values with simdjson's on-demand parser, never deeper than max_nesting, and writes what is hashed: each value with
// a tag and its length or its end, members sorted by their names so written. That form is fixed for ever, as the hash is.
#include "core/event/nested_value.hpp"

#include <simdjson.h>

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/base/number_text.hpp"
#include "core/event/event_check.hpp"

namespace tally {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr std::string_view nul_problem = "a property holds the character U+0000, which cannot be stored";

std::string_view trimmed(std::string_view text) {
    const std::size_t last = text.find_last_not_of(" \t\r\n");
    return last == std::string_view::npos ? std::string_view{} : text.substr(0, last + 1);
}

void append_text(std::string& form, char tag, std::string_view text) {
    form += tag;
    form += std::to_string(text.size());
    form += ':';
    form += text;
}

// One walk. Its methods are false where the text is no JSON; what cannot be stored is told in `problem`, and the walk
// ends there: the parser passes over the rest.
class Walk {
public:
    explicit Walk(std::string& problem) : problem_(problem) {}

    bool value(ondemand::value value, std::size_t depth, std::string& form) {
        ondemand::json_type type{};
        if (value.type().get(type) != simdjson::SUCCESS) return false;
        switch (type) {
            case ondemand::json_type::object: return enter(depth) ? object(value, depth + 1, form) : true;
            case ondemand::json_type::array: return enter(depth) ? array(value, depth + 1, form) : true;
            case ondemand::json_type::number: return number(trimmed(value.raw_json_token()), form);
            case ondemand::json_type::string: return text(value.get_string(), 's', form);
            case ondemand::json_type::boolean: {
                bool is_true = false;
                if (value.get_bool().get(is_true) != simdjson::SUCCESS) return false;
                form += is_true ? 't' : 'f';
                return true;
            }
            case ondemand::json_type::null: break;
        }
        bool is_null = false;
        if (value.is_null().get(is_null) != simdjson::SUCCESS || !is_null) return false;
        form += 'n';
        return true;
    }

private:
    bool refuse(std::string problem) {
        if (problem_.empty()) problem_ = std::move(problem);
        return true;
    }

    bool enter(std::size_t depth) {
        if (depth < max_nesting) return true;
        refuse("the property is nested deeper than " + std::to_string(max_nesting) + " objects and arrays");
        return false;
    }

    bool number(std::string_view digits, std::string& form) {
        if (!is_json_number(digits)) return false;
        if (number_problem(digits))
            return refuse("a number in the property has over " + std::to_string(max_number_digits) +
                          " digits before or after its point");
        const NumberText number = canonical_number(digits);
        append_text(form, number.negative ? '-' : '+', number.digits);
        append_text(form, 'e', std::to_string(number.point));
        return true;
    }

    bool text(simdjson::simdjson_result<std::string_view> read, char tag, std::string& form) {
        std::string_view content;
        const simdjson::error_code error = std::move(read).get(content);
        if (error == simdjson::STRING_ERROR) return refuse("the property holds a bad escape sequence");
        if (error != simdjson::SUCCESS) return false;
        if (content.find('\0') != std::string_view::npos) return refuse(std::string(nul_problem));
        append_text(form, tag, content);
        return true;
    }

    bool object(ondemand::value value, std::size_t depth, std::string& form) {
        ondemand::object members;
        if (value.get_object().get(members) != simdjson::SUCCESS) return false;
        std::vector<std::pair<std::string, std::string>> forms;
        for (simdjson::simdjson_result<ondemand::field> result : members) {
            ondemand::field member;
            if (std::move(result).get(member) != simdjson::SUCCESS) return false;
            auto& [name, content] = forms.emplace_back();
            if (!text(member.unescaped_key(), 'k', name)) return false;
            if (problem_.empty() && !this->value(member.value(), depth, content)) return false;
            if (!problem_.empty()) return true;
        }
        std::sort(forms.begin(), forms.end());
        const auto twice = std::adjacent_find(forms.begin(), forms.end(),
                                              [](const auto& left, const auto& right) { return left.first == right.first; });
        if (twice != forms.end())
            return refuse("the member \"" + shown_name(twice->first.substr(twice->first.find(':') + 1)) +
                          "\" is given twice");
        form += '{';
        for (const auto& [name, content] : forms) form.append(name).append(content);
        form += '}';
        return true;
    }

    bool array(ondemand::value value, std::size_t depth, std::string& form) {
        ondemand::array elements;
        if (value.get_array().get(elements) != simdjson::SUCCESS) return false;
        form += '[';
        for (simdjson::simdjson_result<ondemand::value> result : elements) {
            ondemand::value element;
            if (std::move(result).get(element) != simdjson::SUCCESS) return false;
            if (!this->value(element, depth, form)) return false;
            if (!problem_.empty()) return true;
        }
        form += ']';
        return true;
    }

    std::string& problem_;
};

}  // namespace

struct NestedValues::Parser {
    bool read(std::string_view json, std::size_t capacity, std::string& problem) {
        if (json == "true" || json == "false" || json == "null") {
            hashes.insert_or_assign(json.data(), hash128(json));
            return true;
        }
        ondemand::document document;
        ondemand::value value;
        if (parser.iterate(simdjson::padded_string_view(json.data(), json.size(), capacity)).get(document) !=
                simdjson::SUCCESS ||
            document.get_value().get(value) != simdjson::SUCCESS)
            return false;
        form.clear();
        if (!Walk(problem).value(value, 0, form)) return false;
        if (!problem.empty()) return true;
        const char* rest = nullptr;
        if (document.current_location().get(rest) == simdjson::SUCCESS) return false;
        hashes.insert_or_assign(json.data(), hash128(form));
        return true;
    }

    ondemand::parser parser;
    std::string form;
    std::unordered_map<const char*, Hash128> hashes;
};

NestedValues::NestedValues() : parser_(std::make_unique<Parser>()) {}
NestedValues::~NestedValues() = default;

void NestedValues::clear() noexcept {
    parser_->hashes.clear();
}

bool NestedValues::read(std::string_view json, std::size_t capacity, std::string& problem) {
    return parser_->read(json, capacity, problem);
}

const Hash128& NestedValues::hash_of(std::string_view json) const {
    return parser_->hashes.at(json.data());
}

}  // namespace tally
