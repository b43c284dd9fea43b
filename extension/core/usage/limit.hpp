// How much memory the answer to a question may take while it is computed. PostgreSQL's own aggregation spills beyond
// that; here the question is refused, with what to do about it.
#pragma once

#include <cstddef>

#include "core/base/error.hpp"

namespace tally {

// What several answers that are computed together may take in all.
struct MemoryPool {
    std::size_t left = 0;
};

class MemoryLimit {
public:
    explicit MemoryLimit(std::size_t bytes) noexcept : granted_(bytes) {}
    // Of one of several answers. The pool must outlive it.
    explicit MemoryLimit(MemoryPool* pool) noexcept : pool_(pool) {}

    // Called where something grows, with all that it will take; false: so much cannot be had.
    bool grants(std::size_t bytes) noexcept {
        if (bytes <= granted_) return true;
        const std::size_t more = bytes - granted_;
        if (pool_ == nullptr || more > pool_->left) return false;
        pool_->left -= more;
        granted_ = bytes;
        return true;
    }
    // The same, but refuses where so much cannot be had.
    void require(std::size_t bytes) {
        if (grants(bytes)) return;
        refuse("usage of this many groups and distinct values needs more memory than work_mem allows",
               "Ask for a shorter range, wider windows, fewer groups or one customer, or raise work_mem.");
    }
    // The same of events that are listed.
    void require_for_events(std::size_t bytes) const {
        if (bytes > granted_)
            refuse("this many events at once need more memory than work_mem allows", "Ask for fewer, or raise work_mem.");
    }

    // Takes a part away for good, for the numbers of voided events that an answer leaves out.
    void take_for_voided(std::size_t bytes) {
        std::size_t& left = pool_ != nullptr ? pool_->left : granted_;
        if (bytes > left)
            refuse("this many voided events need more memory than work_mem allows",
                   "Ask for a shorter range, or raise work_mem.");
        left -= bytes;
    }

private:
    [[noreturn]] static void refuse(const char* what, const char* hint) {
        throw Error(ErrorKind::limit_exceeded, what, hint);
    }

    std::size_t granted_ = 0;
    MemoryPool* pool_ = nullptr;
};

}  // namespace tally
