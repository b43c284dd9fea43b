// What `tallyd import` is told: its options, its key, and how it ends.
#pragma once

#include <string>

#include "base/import_chunker.hpp"

namespace tallyd {

enum Exit { kDone = 0, kFailed = 1, kUsage = 2, kLinesRefused = 3, kInterrupted = 130 };

struct ImportOptions {
    std::string file, url = "http://127.0.0.1:8080", ca_file, key_file, format, name;
    double patience = 300;
    bool restart = false;
};

// Thrown with what is to be said to the user; main's way out of every depth.
struct Stop {
    Exit code;
    std::string message;
};

// ": No such file or directory"; nothing where errno says nothing.
std::string reason_of_errno();

// What the command ends with at once; -1: go on.
int read_options(int argc, const char* const* argv, ImportOptions& options);

// These throw Stop.
std::string read_key(const ImportOptions& options);
ImportFormat format_of(const ImportOptions& options);

}  // namespace tallyd
