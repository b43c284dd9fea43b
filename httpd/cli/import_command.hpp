// The sub-command "import": a file of events goes to a tallyd over HTTP, piece by piece, so that it can be cut off and
// run again. All pieces are one import, which can be taken back.
#pragma once

namespace tallyd {

// Exit code: 0 every line is stored, 1 it could not be finished, 2 wrong usage, 3 finished, but lines were refused, 130
// interrupted (Ctrl-C).
int import_command(int argc, const char* const* argv);

}  // namespace tallyd
