// Reads keys by hand, and JSON with simdjson's on-demand parser: what a path does not go through is skipped.
#include "core/metric/property_key.hpp"

#include <simdjson.h>

#include "core/base/error.hpp"

namespace tally {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr std::int64_t max_index = (std::int64_t{1} << 53) - 1;  // RFC 9535: what every JSON number can say

bool is_blank(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}
bool may_begin_name(char c) noexcept {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || (static_cast<unsigned char>(c) & 0x80) != 0;
}

void append_utf8(std::string& text, std::uint32_t point) {
    const auto tail = [&](unsigned shift) { text += static_cast<char>(0x80 | ((point >> shift) & 0x3F)); };
    if (point < 0x80) {
        text += static_cast<char>(point);
    } else if (point < 0x800) {
        text += static_cast<char>(0xC0 | point >> 6);
        tail(0);
    } else if (point < 0x10000) {
        text += static_cast<char>(0xE0 | point >> 12);
        tail(6);
        tail(0);
    } else {
        text += static_cast<char>(0xF0 | point >> 18);
        tail(12);
        tail(6);
        tail(0);
    }
}

// The first problem that it meets ends the text: whatever reads on finds nothing more.
class KeyParser {
public:
    explicit KeyParser(std::string_view text) : text_(text) {}

    const std::string& problem() const noexcept { return problem_; }

    // Whether the text is meant as a path from the root: $ and then a segment or nothing. $cost is a name.
    bool begins_at_root() const noexcept {
        if (text_.empty() || text_.front() != '$') return false;
        std::size_t at = 1;
        while (at < text_.size() && is_blank(text_[at])) ++at;
        return at == text_.size() || text_[at] == '.' || text_[at] == '[';
    }

    std::vector<PathStep> query() {
        std::vector<PathStep> steps;
        at_ = 1;
        while (at_ < text_.size()) {
            const std::size_t before = at_;
            skip_blanks();
            const char c = peek();
            if (at_ == text_.size()) {
                fail_at(before, "a path must not end with a blank");
            } else if (c == '.') {
                ++at_;
                steps.push_back(shorthand());
            } else if (c == '[') {
                ++at_;
                steps.push_back(brackets());
            } else {
                fail(".name or [...] is expected");
            }
            if (problem_.empty() && steps.size() == 1 && steps.front().is_index)
                fail_at(before, "the first step must name a property: the properties of an event are no array");
        }
        if (steps.empty()) fail("$ alone names no property");
        return steps;
    }

    std::vector<PathStep> dotted() {
        std::vector<PathStep> steps;
        for (std::size_t begin = 0; begin <= text_.size();) {
            const std::size_t end = std::min(text_.find('.', begin), text_.size());
            if (end == begin) fail_at(begin, "a name is missing");
            steps.push_back({std::string(text_.substr(begin, end - begin)), 0, false});
            begin = end + 1;
        }
        return steps;
    }

private:
    void fail_at(std::size_t at, const std::string& what) {
        if (problem_.empty())
            problem_ = "\"" + std::string(text_) + "\" is no path to a property: " + what + ", at character " +
                       std::to_string(characters_before(at) + 1);
        at_ = text_.size();
    }
    void fail(const std::string& what) { fail_at(at_, what); }

    std::size_t characters_before(std::size_t at) const noexcept {
        std::size_t characters = 0;
        for (std::size_t i = 0; i < at && i < text_.size(); ++i)
            characters += (static_cast<unsigned char>(text_[i]) & 0xC0) != 0x80 ? 1 : 0;
        return characters;
    }

    void skip_blanks() noexcept {
        while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
    }
    char peek() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }

    PathStep shorthand() {
        if (peek() == '.') fail("a path names one value: .. would find many");
        if (peek() == '*') fail("a path names one value: * would find many");
        if (problem_.empty() && !may_begin_name(peek()))
            fail("a name is expected; any other than letters, digits and _ is written ['name']");
        const std::size_t begin = at_;
        while (at_ < text_.size() && (may_begin_name(text_[at_]) || is_digit(text_[at_]))) ++at_;
        return {std::string(text_.substr(begin, at_ - begin)), 0, false};
    }

    PathStep brackets() {
        skip_blanks();
        PathStep step;
        const char c = peek();
        if (c == '\'' || c == '"') {
            step.name = quoted(c);
        } else if (c == '-' || is_digit(c)) {
            step.is_index = true;
            step.index = index();
        } else if (c == '*' || c == '?' || c == ':') {
            fail("a path names one value: this selector would find many");
        } else {
            fail("a name in quotes or an index is expected");
        }
        skip_blanks();
        if (peek() == ',' || peek() == ':') fail("a path names one value: this selector would find many");
        if (peek() != ']') fail("] is expected");
        else ++at_;
        return step;
    }

    std::int64_t index() {
        const bool negative = peek() == '-';
        const std::size_t begin = at_;
        if (negative) ++at_;
        if (!is_digit(peek())) fail("an index is expected");
        if (peek() == '0' && (negative || (at_ + 1 < text_.size() && is_digit(text_[at_ + 1]))))
            fail_at(begin, "an index has no leading zeros");
        std::int64_t value = 0;
        for (; is_digit(peek()); ++at_) {
            value = value * 10 + (peek() - '0');
            if (value <= max_index) continue;
            fail_at(begin, "the index is too large");
            break;
        }
        return negative ? -value : value;
    }

    std::string quoted(char quote) {
        const std::size_t begin = at_++;
        std::string name;
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == quote) {
                ++at_;
                return name;
            }
            if (static_cast<unsigned char>(c) < 0x20) {
                fail("a control character must be written as an escape");
            } else if (c == '\\') {
                escape(name, quote);
            } else {
                name += c;
                ++at_;
            }
        }
        fail_at(begin, "the quoted name has no end");
        return name;
    }

    void escape(std::string& name, char quote) {
        const std::size_t begin = at_++;
        const char c = peek();
        if (c != '\0') ++at_;
        switch (c) {
            case 'b': name += '\b'; return;
            case 'f': name += '\f'; return;
            case 'n': name += '\n'; return;
            case 'r': name += '\r'; return;
            case 't': name += '\t'; return;
            case '/': name += '/'; return;
            case '\\': name += '\\'; return;
            case 'u': break;
            default:
                if (c != quote) return fail_at(begin, "there is no such escape");
                name += c;
                return;
        }
        std::uint32_t point = hex(begin);
        if (!problem_.empty()) return;
        if (point >= 0xD800 && point < 0xDC00 && text_.substr(at_, 2) == "\\u") {
            at_ += 2;
            const std::uint32_t low = hex(begin);
            if (low < 0xDC00 || low > 0xDFFF) return fail_at(begin, "half of a surrogate pair is missing");
            point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
        }
        if (point >= 0xD800 && point < 0xE000) return fail_at(begin, "half of a surrogate pair is missing");
        if (point == 0) return fail_at(begin, "no property holds the character U+0000");
        append_utf8(name, point);
    }

    std::uint32_t hex(std::size_t begin) {
        std::uint32_t value = 0;
        for (int i = 0; i < 4; ++i, ++at_) {
            const char c = peek();
            const bool is_letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
            if (!is_digit(c) && !is_letter) {
                fail_at(begin, "\\u is followed by four hexadecimal digits");
                return 0;
            }
            value = value * 16 + static_cast<std::uint32_t>(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
        }
        return value;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::string problem_;
};

template <typename Value>
Value get(simdjson::simdjson_result<Value>&& result) {
    Value value;
    if (std::move(result).get(value) != simdjson::SUCCESS)
        throw Error(ErrorKind::corrupted, "a property of a stored event is not valid JSON");
    return value;
}

std::string_view trimmed(std::string_view text) {
    const std::size_t last = text.find_last_not_of(" \t\r\n");
    return last == std::string_view::npos ? std::string_view{} : text.substr(0, last + 1);
}

// False where the value has nothing of that name or number.
bool enter_object(ondemand::value& value, const std::string& name) {
    for (auto result : get(value.get_object())) {
        ondemand::field member = get(std::move(result));
        if (get(member.unescaped_key()) != name) continue;
        value = member.value();
        return true;
    }
    return false;
}

bool enter_array(ondemand::value& value, std::int64_t index) {
    ondemand::array array = get(value.get_array());
    if (index < 0) index += static_cast<std::int64_t>(get(array.count_elements()));
    if (index < 0) return false;
    for (auto result : array) {
        ondemand::value element = get(std::move(result));
        if (index-- > 0) continue;
        value = element;
        return true;
    }
    return false;
}

bool enter(ondemand::value& value, const PathStep& step) {
    const ondemand::json_type type = get(value.type());
    if (step.is_index) return type == ondemand::json_type::array && enter_array(value, step.index);
    return type == ondemand::json_type::object && enter_object(value, step.name);
}

PropertyValue value_of(ondemand::value value) {
    switch (get(value.type())) {
        case ondemand::json_type::string: return {PropertyValue::Kind::text, get(value.get_string())};
        case ondemand::json_type::number: return {PropertyValue::Kind::number, trimmed(value.raw_json_token())};
        default: return {PropertyValue::Kind::json, trimmed(get(simdjson::to_json_string(value)))};
    }
}

}  // namespace

PropertyKey PropertyKey::read(std::string_view text, std::string& problem) {
    KeyParser parser(text);
    PropertyKey key;
    key.text_ = text;
    if (parser.begins_at_root()) {
        key.steps_ = parser.query();
    } else if (text.find('.') != std::string_view::npos) {
        key.steps_ = parser.dotted();
        key.may_be_name_ = true;
    } else {
        key.property_ = text;
        return key;
    }
    problem = parser.problem();
    if (!problem.empty()) return key;
    key.property_ = std::move(key.steps_.front().name);
    key.steps_.erase(key.steps_.begin());
    return key;
}

PropertyKey PropertyKey::parse(std::string_view text, std::string_view field) {
    std::string problem;
    PropertyKey key = read(text, problem);
    if (!problem.empty())
        throw Error(ErrorKind::invalid_argument, problem,
                    "A path is written like usage.bytes, $.usage.bytes, $['usage']['bytes'] or $.items[0]; "
                    "a property whose name begins or ends with a dot $['name.'].",
                    std::string(field));
    return key;
}

struct PathReader::Parser {
    ondemand::parser parser;
    std::string padded;
};

PathReader::PathReader() : parser_(std::make_unique<Parser>()) {}
PathReader::~PathReader() = default;
PathReader::PathReader(PathReader&&) noexcept = default;
PathReader& PathReader::operator=(PathReader&&) noexcept = default;

PropertyValue PathReader::read(std::string_view json, const std::vector<PathStep>& steps) {
    if (json.empty() || (json.front() != '{' && json.front() != '[')) return {};
    std::string& padded = parser_->padded;
    padded.assign(json);
    padded.append(simdjson::SIMDJSON_PADDING, ' ');
    ondemand::document document = get(parser_->parser.iterate(padded.data(), json.size(), padded.size()));
    ondemand::value value = get(document.get_value());
    for (const PathStep& step : steps)
        if (!enter(value, step)) return {};
    return value_of(value);
}

}  // namespace tally
