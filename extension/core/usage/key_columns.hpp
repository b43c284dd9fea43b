// The columns of a segment that hold the values of a rule's keys: a property's own, or for a path one that is made of the
// property's by looking into each different JSON value once.
#pragma once

#include <memory>
#include <vector>

#include "core/metric/rule.hpp"
#include "core/segment/reader.hpp"

namespace tally {

class KeyColumns {
public:
    KeyColumns(SegmentReader& segment, const MetricRule& rule);
    ~KeyColumns();
    KeyColumns(const KeyColumns&) = delete;
    KeyColumns& operator=(const KeyColumns&) = delete;

    // nullptr: no row has a value.
    PropertyColumn* column(int key) const noexcept { return columns_[static_cast<std::size_t>(key)]; }

private:
    std::vector<PropertyColumn*> columns_;
    std::vector<std::unique_ptr<PropertyColumn>> made_;
};

}  // namespace tally
