// The rows of an answer in their order: window, customer, dimension values; texts by their bytes, none last. Groups in
// which nothing happened are rows too where that is asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/usage/question.hpp"

namespace tally {

struct AnswerRow {
    GroupKey key;
    std::uint32_t group = UsageGroups::no_group;  // of a row in which nothing happened: no_group
};

class AnswerRows {
public:
    // `fill`: every group in every window. Otherwise an ungrouped range without windows has one row whatever happened.
    // `after`: only rows behind this place in the order, which no row need have (its texts are in the groups' pool).
    AnswerRows(UsageCount& count, bool fill, bool has_window, const std::optional<GroupKey>& after = std::nullopt);

    // The next row; false at the end.
    bool next(AnswerRow& row);

    // How many there are from the next one on.
    std::uint64_t count() const noexcept;

private:
    void order_groups(const UsageGroups& groups, const std::optional<GroupKey>& after);
    void list_families(UsageCount& count, const std::optional<GroupKey>& after);

    const UsageGroups& groups_;
    bool filled_;
    std::vector<std::uint32_t> order_;  // of groups, where not filled
    std::vector<GroupKey> families_;    // customers and combinations, where filled
    std::size_t windows_ = 0;
    std::size_t next_ = 0;
    std::size_t window_ = 0;
};

}  // namespace tally
