// The key in a request body: see body_key.hpp.
#include "api/body_key.hpp"

#include <algorithm>
#include <set>

#include "base/json.hpp"
#include "base/json_text.hpp"
#include "http/uri.hpp"

namespace tallyd {

namespace {

constexpr std::string_view kQuotedName = "\"apiKey\"";
constexpr std::size_t kLongestToken = 4096;
constexpr std::string_view kSpace = " \t\r\n";

// Walks over the members of the outermost object. Strict about what stands between them, indifferent to what is
// inside of their values.
class TopLevel {
public:
    explicit TopLevel(std::string_view text) noexcept : text_(text) {}

    struct Member {
        std::size_t begin, end;  // from the name's quote to the comma behind the value, or else from that before it
        std::size_t value, value_end;
    };

    // false: malformed
    bool run(std::vector<Member>& named) {
        skip_space();
        if (!take('{')) return false;
        skip_space();
        if (take('}')) return only_space_is_left();
        for (std::size_t comma = std::string_view::npos;;) {
            const std::size_t begin = at_;
            if (!string()) return false;
            const bool wanted = text_.substr(begin, at_ - begin) == kQuotedName;
            skip_space();
            if (!take(':')) return false;
            skip_space();
            const std::size_t value = at_;
            if (!any_value()) return false;
            const std::size_t value_end = at_;
            skip_space();
            const bool more = take(',');
            if (wanted)
                named.push_back(
                    {more || comma == std::string_view::npos ? begin : comma, more ? at_ : value_end, value, value_end});
            if (!more) break;
            comma = at_ - 1;
            skip_space();
        }
        return take('}') && only_space_is_left();
    }

private:
    void skip_space() noexcept { at_ = std::min(text_.find_first_not_of(kSpace, at_), text_.size()); }

    bool take(char c) noexcept {
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }

    bool only_space_is_left() noexcept {
        skip_space();
        return at_ == text_.size();
    }

    bool string() noexcept {
        if (!take('"')) return false;
        while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
        return take('"');
    }

    bool any_value() noexcept {
        if (at_ >= text_.size()) return false;
        if (text_[at_] == '"') return string();
        if (text_[at_] == '{' || text_[at_] == '[') return brackets();
        const std::size_t begin = at_;
        at_ = std::min(text_.find_first_of(" \t\r\n,:{}[]\"", at_), text_.size());
        return at_ > begin;
    }

    bool brackets() noexcept {
        std::size_t depth = 0;
        do {
            if (at_ >= text_.size()) return false;
            const char c = text_[at_];
            if (c == '"') {
                if (!string()) return false;
                continue;
            }
            if (c == '{' || c == '[') ++depth;
            if (c == '}' || c == ']') --depth;
            ++at_;
        } while (depth > 0);
        return true;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

std::string string_of(std::string_view token) {
    if (!token.starts_with('"') || token.size() > kLongestToken) return {};
    std::string key = Json(token).text("").value_or("");
    return key.find('\0') == std::string::npos ? key : std::string();
}

}  // namespace

TakenKey take_key_of_json(std::string& body) {
    using Verdict = TakenKey::Verdict;
    if (body.find(kQuotedName) == std::string::npos) return {};
    std::vector<TopLevel::Member> named;
    if (!TopLevel(body).run(named)) return {Verdict::malformed, {}};
    if (named.empty()) return {};
    if (named.size() > 1) return {Verdict::repeated, {}};
    const TopLevel::Member& member = named.front();
    TakenKey taken{Verdict::taken, string_of(std::string_view(body).substr(member.value, member.value_end - member.value))};
    std::fill(body.begin() + static_cast<std::ptrdiff_t>(member.begin),
              body.begin() + static_cast<std::ptrdiff_t>(member.end), ' ');
    return taken;
}

bool is_empty_object(std::string_view body) noexcept {
    std::string_view expected = "{}";
    for (const char c : body) {
        if (kSpace.find(c) != std::string_view::npos) continue;
        if (!expected.starts_with(c)) return false;
        expected.remove_prefix(1);
    }
    return expected.empty();
}

std::optional<Form> parse_form(std::string_view body) {
    Form form;
    form.json = "{";
    std::set<std::string> names;
    while (!body.empty()) {
        const std::size_t end = std::min(body.find('&'), body.size());
        const std::string_view pair = body.substr(0, end);
        body.remove_prefix(std::min(end + 1, body.size()));
        if (pair.empty()) continue;
        const std::size_t equals = std::min(pair.find('='), pair.size());
        auto name = percent_decode(pair.substr(0, equals), true);
        auto value = percent_decode(pair.substr(std::min(equals + 1, pair.size())), true);
        if (!name || !value) return std::nullopt;
        if (*name == kKeyName) {
            form.keys.push_back(std::move(*value));
            continue;
        }
        if (form.json.size() > 1) form.json += ',';
        append_json_string(form.json, *name);
        form.json += ':';
        append_json_string(form.json, *value);
        if (!names.insert(std::move(*name)).second) return std::nullopt;
    }
    form.json += '}';
    return form;
}

}  // namespace tallyd
