// Texts are ordered once, as places; groups are then compared by integers.
#include "core/usage/answer.hpp"

#include <algorithm>
#include <numeric>

namespace tally {
namespace {

// Orders customers and combinations by their texts.
class TextOrder {
public:
    explicit TextOrder(const UsageGroups& groups) : places_(groups.texts().places()), combinations_(groups.combinations()) {
        std::vector<std::uint32_t> order(groups.combinations());
        std::iota(order.begin(), order.end(), 0U);
        std::sort(order.begin(), order.end(), [&](std::uint32_t left, std::uint32_t right) {
            const auto of_left = groups.values_of(left), of_right = groups.values_of(right);
            for (std::size_t i = 0; i < of_left.size(); ++i)
                if (of_left[i] != of_right[i]) return places_[of_left[i]] < places_[of_right[i]];
            return false;
        });
        for (std::uint32_t place = 0; place < order.size(); ++place) combinations_[order[place]] = place;
    }

    bool before(const GroupKey& left, const GroupKey& right) const noexcept {
        if (left.window != right.window) return left.window < right.window;
        if (left.customer != right.customer) return places_[left.customer] < places_[right.customer];
        return combinations_[left.combination] < combinations_[right.combination];
    }

private:
    std::vector<std::uint32_t> places_;
    std::vector<std::uint32_t> combinations_;
};

}  // namespace

AnswerRows::AnswerRows(UsageCount& count, bool fill, bool has_window, const std::optional<GroupKey>& after)
    : groups_(count.groups()),
      filled_(fill || (!has_window && count.groups().dimensions() == 0 && !count.question().by_customer)),
      windows_(count.question().windows.count()) {
    if (filled_) {
        list_families(count, after);
    } else {
        order_groups(groups_, after);
    }
}

void AnswerRows::order_groups(const UsageGroups& groups, const std::optional<GroupKey>& after) {
    const TextOrder texts(groups);
    order_.resize(groups.keys().size());
    std::iota(order_.begin(), order_.end(), 0U);
    const auto keys = groups.keys();
    const auto before = [&](std::uint32_t left, std::uint32_t right) { return texts.before(keys[left], keys[right]); };
    if (!std::is_sorted(order_.begin(), order_.end(), before)) std::sort(order_.begin(), order_.end(), before);
    if (!after) return;
    const auto is_at_most = [&](std::uint32_t group) { return !texts.before(*after, keys[group]); };
    next_ = static_cast<std::size_t>(std::partition_point(order_.begin(), order_.end(), is_at_most) - order_.begin());
}

void AnswerRows::list_families(UsageCount& count, const std::optional<GroupKey>& after) {
    UsageGroups& groups = count.groups();
    for (const GroupKey& key : groups.keys()) families_.push_back({0, key.customer, key.combination});
    if (groups.dimensions() == 0 && !count.question().by_customer) families_.push_back({});
    if (groups.dimensions() == 0 && count.question().by_customer)
        for (const std::string& customer : count.question().customers)
            families_.push_back({0, groups.texts().number_of(customer), 0});
    const TextOrder texts(groups);
    std::sort(families_.begin(), families_.end(), [&](const GroupKey& l, const GroupKey& r) { return texts.before(l, r); });
    families_.erase(std::unique(families_.begin(), families_.end()), families_.end());
    if (!after) return;
    window_ = static_cast<std::size_t>(after->window);
    const GroupKey family{0, after->customer, after->combination};
    next_ = static_cast<std::size_t>(std::partition_point(families_.begin(), families_.end(),
                                                          [&](const GroupKey& one) { return !texts.before(family, one); }) -
                                     families_.begin());
}

std::uint64_t AnswerRows::count() const noexcept {
    if (!filled_) return order_.size() - next_;
    return std::uint64_t{families_.size()} * (windows_ - window_) - next_;
}

bool AnswerRows::next(AnswerRow& row) {
    if (!filled_) {
        if (next_ == order_.size()) return false;
        row.group = order_[next_++];
        row.key = groups_.keys()[row.group];
        return true;
    }
    if (next_ == families_.size()) next_ = 0, ++window_;
    if (families_.empty() || window_ == windows_) return false;
    row.key = families_[next_++];
    row.key.window = static_cast<std::int64_t>(window_);
    row.group = groups_.find(row.key);
    return true;
}

}  // namespace tally
