// Division of usage: means, and units of usage into units of sale. Every rounding sees the exact quotient, never one that
// was rounded before.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "core/decimal/decimal.hpp"

namespace tally {

// To a whole number: up is the ceiling, down the floor, nearest goes half away from zero. To the nearest multiple of 0.5 or
// of 0.1. None: the quotient itself where it ends, else with as many digits as PostgreSQL's division would give it.
enum class Rounding : std::uint8_t { up, down, nearest, nearest_half, nearest_decile, none };

// As tally.metric names it. Throws Error(corrupted) for any other name.
Rounding parse_rounding(std::string_view name);

// Large enough for any count of events times any conversion factor.
constexpr uint128 max_divisor = (uint128{1} << 100) - 1;

// value / divisor, rounded; the divisor from 1 to max_divisor (0: Error(out_of_range)). What is not finite stays what it is.
// The scale is 0 for whole numbers, else the smallest that shows the result. A wide result points into `room`, which may be
// used again once it is done with.
Decimal convert(const Decimal& value, uint128 divisor, Rounding rounding, std::vector<std::byte>& room);

// total / count to the last digit of PostgreSQL's avg(numeric), without the zeros at its end; count from 1.
Decimal mean(const Decimal& total, std::uint64_t count, std::vector<std::byte>& room);

}  // namespace tally
