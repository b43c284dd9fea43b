// One pass that copies all but white space outside strings.
#include "core/base/compact_json.hpp"

namespace tally {

std::string compact_json(std::string_view json) {
    std::string compact;
    compact.reserve(json.size());
    bool in_string = false;
    bool escaped = false;
    for (const char c : json) {
        if (!in_string && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) continue;
        compact.push_back(c);
        if (escaped) {
            escaped = false;
        } else if (in_string && c == '\\') {
            escaped = true;
        } else if (c == '"') {
            in_string = !in_string;
        }
    }
    return compact;
}

}  // namespace tally
