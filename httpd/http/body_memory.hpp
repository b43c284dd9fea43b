// Memory for the bodies of all requests together: whoever takes some gives it back by going away.
#pragma once

#include <atomic>
#include <cstddef>

namespace tallyd {

class BodyMemory {
public:
    explicit BodyMemory(std::size_t most) noexcept : most_(most) {}

    std::size_t used() const noexcept { return used_.load(); }

    // What one request holds.
    class Share {
    public:
        explicit Share(BodyMemory& memory) noexcept : memory_(memory) {}
        ~Share() { release(); }
        Share(const Share&) = delete;
        Share& operator=(const Share&) = delete;

        // false: there is no more.
        bool take(std::size_t bytes) noexcept {
            if (memory_.used_.fetch_add(bytes) + bytes > memory_.most_) {
                memory_.used_.fetch_sub(bytes);
                return false;
            }
            bytes_ += bytes;
            return true;
        }

        void release() noexcept {
            memory_.used_.fetch_sub(bytes_);
            bytes_ = 0;
        }

        std::size_t bytes() const noexcept { return bytes_; }

    private:
        BodyMemory& memory_;
        std::size_t bytes_ = 0;
    };

private:
    const std::size_t most_;
    std::atomic<std::size_t> used_{0};
};

}  // namespace tallyd
