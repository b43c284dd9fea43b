// Property values that are neither string nor number: booleans, null, objects and arrays. They are stored as sent; here
// they are checked, and hashed so that what means the same is the same: members in any order, numbers by value.
//
// Nobody looks into such a value again before it is stored: what passes here is valid JSON that jsonb takes too.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/hash128.hpp"

namespace tally {

// How many objects and arrays may stand in one another, the property's own value included.
inline constexpr std::size_t max_nesting = 64;

class NestedValues {
public:
    NestedValues();
    ~NestedValues();
    NestedValues(const NestedValues&) = delete;
    NestedValues& operator=(const NestedValues&) = delete;

    // Forgets all values.
    void clear() noexcept;

    // Whether `json` is a JSON value; then `problem` says why it cannot be stored, or is empty. `capacity`: how many bytes
    // may be read from its beginning on, at least its length and simdjson's padding. The text must stay where it is.
    bool read(std::string_view json, std::size_t capacity, std::string& problem);

    // The hash of a value that read() took, by its text (the same bytes in the same place).
    const Hash128& hash_of(std::string_view json) const;

private:
    struct Parser;
    std::unique_ptr<Parser> parser_;
};

}  // namespace tally
