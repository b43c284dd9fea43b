// The values that somebody reads, of properties and of places within them, out of the JSON text of a recent event. What
// nobody reads is skipped.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/metric/rule.hpp"

namespace tally {

class RowValues {
public:
    explicit RowValues(std::vector<PropertyKey> keys);
    ~RowValues();
    RowValues(const RowValues&) = delete;
    RowValues& operator=(const RowValues&) = delete;

    // One for each key, absent where the object has none; valid until the next call. Throws Error(corrupted) for what
    // is no JSON object.
    std::span<const PropertyValue> read(std::string_view json);

private:
    struct Parser;
    // Where a key's value comes from: a property that is called like the key, if there may be one, or else a path.
    struct Place {
        std::size_t named, property;
    };

    std::size_t add_name(const std::string& name);
    PropertyValue value_of_key(std::size_t key);

    std::vector<PropertyKey> keys_;
    std::vector<Place> places_;              // by key
    std::vector<std::string> names_;         // of the properties that are read, each once
    std::vector<PropertyValue> properties_;  // by name
    std::vector<PathReader> readers_;        // by key: each keeps the text that it has read
    std::vector<PropertyValue> values_;      // by key
    std::unique_ptr<Parser> parser_;
};

}  // namespace tally
