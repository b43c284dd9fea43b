// The shape of runs of sealed identities and the choice of those to merge, as run.hpp says.
#include "core/identity/run.hpp"

#include "core/identity/filter.hpp"

namespace tally {
namespace {

// At 72 entries a block, about 1,880 bytes, four blocks fill a page of 8 kB and none outgrows one.
constexpr std::uint32_t blocks_per_filter = 74;
constexpr std::uint64_t keys_per_filter = filter_bits / filter_bits_per_key;

// An older run is taken along once what is newer is a third of it, or what is to be forgotten.
constexpr std::uint64_t growth = 3;

}  // namespace

RunShape run_shape(std::uint64_t entries) noexcept {
    RunShape shape;
    if (entries > 0) shape.filters = static_cast<std::uint32_t>((entries + keys_per_filter - 1) / keys_per_filter);
    shape.blocks = shape.filters * blocks_per_filter;
    return shape;
}

std::size_t runs_to_merge(std::span<const std::uint64_t> entries) noexcept {
    std::size_t chosen = 0;
    std::uint64_t newer = 0;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        if (i > 0 && newer * growth < entries[i]) break;
        newer += entries[i];
        chosen = i + 1;
    }
    return chosen < 2 ? 0 : chosen;
}

std::size_t runs_to_empty(std::span<const std::uint64_t> entries, std::span<const std::uint64_t> forgotten) noexcept {
    for (std::size_t i = entries.size(); i > 0; --i)
        if (forgotten[i - 1] > 0 && forgotten[i - 1] * growth >= entries[i - 1]) return i;
    return 0;
}

}  // namespace tally
