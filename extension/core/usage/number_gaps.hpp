// Which numbers of a range are lacking among those that were met, in any order.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace tally {

class NumberGaps {
public:
    // The numbers from `first` to `last`, both belonging to them: a bit each.
    NumberGaps(std::int64_t first, std::int64_t last)
        : first_(first), last_(last), met_(static_cast<std::size_t>((last - first) / 64 + 1)) {}

    // Others than those of the range are passed over.
    void meet(std::int64_t number) noexcept {
        if (number < first_ || number > last_) return;
        const auto place = static_cast<std::uint64_t>(number - first_);
        met_[place / 64] |= std::uint64_t{1} << (place % 64);
    }

    // Appends the ranges of those that were not met, the first and the last number of each; one that goes on where the last
    // of `edges` ends makes that longer.
    void append_to(std::vector<std::int64_t>& edges) const {
        for (std::int64_t number = next(first_, false); number <= last_;) {
            const std::int64_t end = next(number, true);
            if (!edges.empty() && edges.back() + 1 == number) {
                edges.back() = end - 1;
            } else {
                edges.push_back(number);
                edges.push_back(end - 1);
            }
            number = next(end, false);
        }
    }

private:
    // The first number from `from` on that was met, or was not; last_ + 1 where there is none.
    std::int64_t next(std::int64_t from, bool is_met) const noexcept {
        while (from <= last_) {
            const auto place = static_cast<std::uint64_t>(from - first_);
            const std::uint64_t word = (is_met ? met_[place / 64] : ~met_[place / 64]) >> (place % 64);
            if (word != 0) {
                const std::int64_t found = from + std::countr_zero(word);
                return found <= last_ ? found : last_ + 1;
            }
            from += 64 - static_cast<std::int64_t>(place % 64);
        }
        return last_ + 1;
    }

    std::int64_t first_, last_;
    std::vector<std::uint64_t> met_;
};

}  // namespace tally
