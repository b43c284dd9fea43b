// How much memory the answer to a question may take while it is computed. PostgreSQL's own aggregation spills beyond
// that; here the question is refused, with what to do about it.
#pragma once

#include <cstddef>

#include "core/base/error.hpp"

namespace tally {

class MemoryLimit {
public:
    explicit MemoryLimit(std::size_t bytes) noexcept : bytes_(bytes) {}

    // Called where something grows, with all that it will take.
    void require(std::size_t bytes) const {
        if (bytes <= bytes_) return;
        throw Error(ErrorKind::limit_exceeded,
                    "usage of this many groups and distinct values needs more memory than work_mem allows",
                    "Ask for a shorter range, wider windows, fewer groups or one customer, or raise work_mem.");
    }

private:
    std::size_t bytes_;
};

}  // namespace tally
