// Runs of sealed identities: into how many parts one is cut, and which are merged into one.
//
// A new run is never much smaller than what is merged into the next older one, so there are O(log n) runs to look into and
// each identity is rewritten O(log n) times. Only the newest runs are merged, all of them up to one: so the order of runs
// stays the order in which their identities were sealed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tally {

// A run's parts; blocks is a multiple of filters, so that each filter stands for whole blocks.
struct RunShape {
    std::uint32_t filters = 1;
    std::uint32_t blocks = 1;
};

// The shape of a run of that many identities.
RunShape run_shape(std::uint64_t entries) noexcept;

// `entries` of the runs, newest first: how many of them, from the newest on, are to be merged into one; 0: none.
std::size_t runs_to_merge(std::span<const std::uint64_t> entries) noexcept;

// The same for the sake of those to be forgotten, of which `forgotten` says how many each run holds: up to the oldest run
// of which they are a third. What is newer is taken along, which is less than that run unless it is due anyway.
std::size_t runs_to_empty(std::span<const std::uint64_t> entries, std::span<const std::uint64_t> forgotten) noexcept;

}  // namespace tally
