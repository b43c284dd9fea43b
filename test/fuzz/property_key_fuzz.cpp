// Fuzz target of keys: any text is a key or is refused with a place within it; a path written anew in brackets is the same
// path; and what it finds in an accepted property is part of that property.
//
// Input: a key up to the first line feed, then a JSON value.
#include <cstdio>
#include <cstdlib>

#include "core/base/error.hpp"
#include "core/event/event_document.hpp"
#include "core/metric/property_key.hpp"

using namespace tally;

namespace {

void require(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "property_key_fuzz: %s\n", what);
    std::abort();
}

void append_name(std::string& out, std::string_view name) {
    out += "['";
    for (const char c : name) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20) {
            char escape[7];
            std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(byte));
            out += escape;
        } else {
            if (c == '\'' || c == '\\') out += '\\';
            out += c;
        }
    }
    out += "']";
}

void require_same_anew(const PropertyKey& key) {
    std::string text = "$";
    append_name(text, key.property());
    for (const PathStep& step : key.steps())
        if (step.is_index) text += "[" + std::to_string(step.index) + "]";
        else append_name(text, step.name);
    const PropertyKey again = PropertyKey::parse(text);
    require(again.property() == key.property() && again.steps().size() == key.steps().size(),
            "written anew it has other steps");
    for (std::size_t i = 0; i < key.steps().size(); ++i) {
        const PathStep &one = key.steps()[i], &other = again.steps()[i];
        require(one.name == other.name && one.index == other.index && one.is_index == other.is_index,
                "a step is another one");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::size_t end = std::min(input.find('\n'), input.size());
    const std::string_view text = input.substr(0, end);
    std::string problem;
    (void)PropertyKey::read(text, problem);
    if (!problem.empty()) {
        const std::size_t place = std::strtoull(problem.c_str() + problem.rfind(' ') + 1, nullptr, 10);
        require(place >= 1 && place <= text.size() + 1, "the place lies outside of the key");
        return 0;
    }
    const PropertyKey key = PropertyKey::parse(text);
    if (text.find('\0') == std::string_view::npos) require_same_anew(key);
    if (end == input.size()) return 0;
    const std::string document =
        R"([{"event_id":"e","code":"c","customer_id":"k","properties":{"p":)" + std::string(input.substr(end + 1)) + "}}]";
    const EventDocument read(document, {DocumentForm::array, true, 1'700'000'000'000'000});
    if (read.events().size() != 1 || !read.events()[0].reason.empty() || read.events()[0].properties.size() != 1) return 0;
    const Property& property = read.events()[0].properties[0];
    PathReader reader;
    const PropertyValue value =
        value_at(key, reader, [&](const std::string&) { return value_of(property.kind, property.text); });
    if (value.kind == PropertyValue::Kind::number || value.kind == PropertyValue::Kind::json)
        require(property.text.find(value.text) != std::string_view::npos, "a value is no part of its property");
    return 0;
}
