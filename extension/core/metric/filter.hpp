// What whoever asks for usage filters by: properties, each with the texts of which one must be its value.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tally {

struct Filter {
    struct Entry {
        std::string key;
        std::vector<std::string> values;
    };
    std::vector<Entry> entries;
};

// Reads {"property": value, "property": [value, ...]}, values strings, numbers or booleans; a number is taken for its
// shortest text, a boolean for true or false. A property may be a path (property_key.hpp).
// Throws Error(invalid_argument) for any other JSON, with words for the one who sent it.
Filter parse_filter(std::string_view json);

}  // namespace tally
