// What a metric's key, a dimension and a filter name: a property of events, or a place within one.
//
//   bytes                     the property
//   usage.bytes               the property of just that name where the event has it, else member bytes of property usage;
//                             every dot separates, so that no name in the path can hold one
//   $.usage.bytes             RFC 9535, singular queries: always a path. $['usage']["a.b"], $.items[0].price,
//                             $.items[-1]: the last one
//
// A place holds at most one value. A name finds members of objects and an index elements of arrays; where the event has
// something else there, the value is absent.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/metric/property_value.hpp"

namespace tally {

struct PathStep {
    std::string name;
    std::int64_t index = 0;  // of an array where is_index; from its end where negative
    bool is_index = false;
};

class PropertyKey {
public:
    // What a text names; where it is no key, `problem` says why and at which character.
    static PropertyKey read(std::string_view text, std::string& problem);
    // The same, with Error(invalid_argument) for a problem; `field` names where the text was given.
    static PropertyKey parse(std::string_view text, std::string_view field = {});

    const std::string& text() const noexcept { return text_; }              // as configured
    const std::string& property() const noexcept { return property_; }      // where the path begins
    const std::vector<PathStep>& steps() const noexcept { return steps_; }  // within it; none: the property itself
    bool is_path() const noexcept { return !steps_.empty(); }
    // Whether a property that is called text() comes before the path.
    bool may_be_name() const noexcept { return may_be_name_; }

private:
    std::string text_, property_;
    std::vector<PathStep> steps_;
    bool may_be_name_ = false;
};

// Looks into JSON that was accepted. Keep one for many values: it reuses its buffers.
class PathReader {
public:
    PathReader();
    ~PathReader();
    PathReader(PathReader&&) noexcept;
    PathReader& operator=(PathReader&&) noexcept;

    // The value at the end of the steps, absent where there is none; valid until the next call. Throws Error(corrupted)
    // where it comes across what is no JSON.
    PropertyValue read(std::string_view json, const std::vector<PathStep>& steps);

private:
    struct Parser;
    std::unique_ptr<Parser> parser_;
};

// The value of a key among the properties of an event, of which `find(name)` answers one (PropertyValue). A text or a
// number has nothing within.
template <typename Find>
PropertyValue value_at(const PropertyKey& key, PathReader& reader, Find find) {
    if (key.may_be_name()) {
        const PropertyValue named = find(key.text());
        if (named.kind != PropertyValue::Kind::absent) return named;
    }
    const PropertyValue value = find(key.property());
    if (!key.is_path()) return value;
    return value.kind == PropertyValue::Kind::json ? reader.read(value.text, key.steps()) : PropertyValue{};
}

}  // namespace tally
