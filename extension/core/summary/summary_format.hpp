// What the files that write tally.summary's byte forms share: the version word and the flags. The
// forms themselves are described in summary.hpp.
#pragma once

#include "core/summary/summary.hpp"

namespace tally::summary_format {

constexpr std::uint8_t magic = 'S';
constexpr std::uint8_t version = 1;
constexpr std::uint8_t form_packed = 0;
constexpr std::uint8_t form_working = 1;
constexpr std::uint8_t flag_specials = 1;
constexpr std::uint8_t flag_moments = 2;
constexpr std::uint8_t flag_sums_only = 4;

// Reads the working form. Throws Error(corrupted) for one that is inconsistent.
Summary load_working(Bytes body);

}  // namespace tally::summary_format
