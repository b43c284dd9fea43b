// Arrays of bigint as vectors.
#pragma once

#include <cstdint>
#include <vector>

#include "pg/border/boundary.hpp"

namespace tally {

// The elements of a bigint[] that holds no NULL.
inline std::vector<std::int64_t> bigints_of(Datum array) {
    struct Elements {
        Datum* values;
        int count;
    };
    const Elements elements = call_pg([&] {
        Elements found{nullptr, 0};
        deconstruct_array(DatumGetArrayTypeP(array), INT8OID, 8, true, TYPALIGN_DOUBLE, &found.values, nullptr,
                          &found.count);
        return found;
    });
    std::vector<std::int64_t> numbers(static_cast<std::size_t>(elements.count));
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = DatumGetInt64(elements.values[i]);
    return numbers;
}

}  // namespace tally
