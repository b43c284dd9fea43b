// Inflates a gzip or zstd stream piece by piece, in bounded memory: of the state of the algorithm, never of the data.
// Invariant: several streams one after the other are one (RFC 1952 2.2, RFC 8878 3.1); whole() holds exactly at the end
// of one.
#pragma once

#include <cstddef>
#include <memory>
#include <stdexcept>

namespace tallyd {

enum class Coding { gzip, zstd };

// The stream cannot be read on; what() says why, beginning with a verb.
struct InflateError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class Inflater {
public:
    // Of zstd: the largest window that is taken, as a power of two; RFC 8878 (3.1.1.1.2) asks for 8 MiB.
    static constexpr int kWindow = 23;

    static std::unique_ptr<Inflater> make(Coding coding, int window = kWindow);
    virtual ~Inflater() = default;

    struct Step {
        std::size_t taken, given;
    };
    // Fills room as far as it can. Without input: what is left inside. Nothing taken and nothing given: more input is
    // needed.
    virtual Step step(const char* data, std::size_t size, char* room, std::size_t room_size) = 0;

    // The input may end here.
    virtual bool whole() const noexcept = 0;

    // What an inflater holds at most.
    static std::size_t memory(Coding coding) noexcept {
        return coding == Coding::gzip ? std::size_t{64} << 10 : (std::size_t{1} << kWindow) + (std::size_t{1} << 20);
    }
};

inline const char* name_of(Coding coding) noexcept {
    return coding == Coding::gzip ? "gzip" : "zstd";
}

}  // namespace tallyd
