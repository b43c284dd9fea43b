// How many requests from the front of the queue share one statement. Natural batching: what is there goes at once,
// nothing waits for company; while one commit is in flight the next batch collects. A second session takes a batch beside
// the first only where it is worth a commit of its own: a large body, or as many requests or bytes as fill one well.
#pragma once

#include <cstddef>

namespace tallyd {

struct BatchPolicy {
    std::size_t most_requests = 1000;
    std::size_t most_bytes = 1 << 20;
    std::size_t alone_bytes = 64 << 10;  // a body of this size or more shares a statement with no other
    std::size_t beside_requests = 64;    // so many that wait, or alone_bytes, are taken beside a batch in flight
};

inline constexpr BatchPolicy kOneByOne{1, 1, 0, 1};

// Feed the sizes of queued requests in order; stops at the first that must wait for the next batch.
class BatchFill {
public:
    explicit BatchFill(const BatchPolicy& policy) noexcept : policy_(policy) {}

    // alone: the request must not share a statement whatever its size (it was in one that failed).
    bool takes(std::size_t bytes, bool alone) noexcept {
        const bool large = alone || bytes >= policy_.alone_bytes;
        if (count_ > 0 && (closed_ || large || count_ >= policy_.most_requests || bytes_ + bytes > policy_.most_bytes))
            return false;
        closed_ = large;
        ++count_;
        bytes_ += bytes;
        return true;
    }

    // Whether what was taken shares its statement with nothing else.
    bool closed() const noexcept { return closed_; }

private:
    BatchPolicy policy_;
    std::size_t count_ = 0;
    std::size_t bytes_ = 0;
    bool closed_ = false;
};

}  // namespace tallyd
