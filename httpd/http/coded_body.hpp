// A request's body that comes compressed (Content-Encoding): inflated as it streams, in bounded memory and in portions, so
// that no small request occupies its thread for long.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "base/inflater.hpp"
#include "http/body_memory.hpp"

namespace tallyd {

// What a Content-Encoding names, in any case; nullopt: none that is understood.
std::optional<Coding> coding_of(std::string_view name) noexcept;

inline constexpr const char* kCodings = "gzip, zstd, identity";

class CodedBody {
public:
    CodedBody(Coding coding, BodyMemory& memory) : coding_(coding), share_(memory) {}

    // false: there is no memory for it.
    bool begin();

    enum class State {
        hungry,   // all input was taken, and all that came of it
        stopped,  // by the one who takes: what it left comes first when it goes on
        tired     // others have their turn
    };

    // take(data, size) -> how many bytes it took; less than all of them stops. Says how much of the input was taken. Throws
    // InflateError.
    template <class Take>
    State pass(const char* data, std::size_t size, std::size_t& taken, Take take) {
        taken = 0;
        for (std::size_t given = 0;;) {
            if (from_ < to_) {
                from_ += take(room_.get() + from_, to_ - from_);
                if (from_ < to_) return State::stopped;
            }
            if (given >= kAtOnce) return State::tired;
            const Inflater::Step step = inflater_->step(data + taken, size - taken, room_.get(), kRoom);
            taken += step.taken;
            given += step.given;
            total_ += step.given;
            from_ = 0;
            to_ = step.given;
            if (step.given == 0 && (taken == size || step.taken == 0)) return State::hungry;
        }
    }

    std::uint64_t total() const noexcept { return total_; }  // inflated so far
    bool whole() const noexcept { return inflater_->whole(); }
    const char* name() const noexcept { return name_of(coding_); }

private:
    static constexpr std::size_t kRoom = std::size_t{64} << 10;
    static constexpr std::size_t kAtOnce = std::size_t{2} << 20;

    const Coding coding_;
    BodyMemory::Share share_;
    std::unique_ptr<Inflater> inflater_;
    std::unique_ptr<char[]> room_;
    std::size_t from_ = 0, to_ = 0;  // of the room: what nobody took yet
    std::uint64_t total_ = 0;
};

}  // namespace tallyd
