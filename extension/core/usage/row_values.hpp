// The values of the properties that somebody reads, out of the JSON text of a recent event. What nobody reads is
// skipped.
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
    explicit RowValues(std::vector<std::string> keys);
    ~RowValues();
    RowValues(const RowValues&) = delete;
    RowValues& operator=(const RowValues&) = delete;

    const std::vector<std::string>& keys() const noexcept { return keys_; }

    // One for each key, absent where the object has none; valid until the next call. Throws Error(corrupted) for what
    // is no JSON object.
    std::span<const PropertyValue> read(std::string_view json);

private:
    struct Parser;

    std::vector<std::string> keys_;
    std::vector<PropertyValue> values_;
    std::unique_ptr<Parser> parser_;
};

}  // namespace tally
