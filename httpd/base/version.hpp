// The version of tallyd: that of the extension's control file, given by the Makefile.
#pragma once

#ifndef PGTALLY_VERSION
#define PGTALLY_VERSION "unknown"
#endif

namespace tallyd {

inline constexpr const char* kVersion = PGTALLY_VERSION;

}  // namespace tallyd
