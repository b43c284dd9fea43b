// The sub-command "serve": start everything, wait for a signal, drain, stop. Returns the exit code.
// Order of the drain: not ready; (delay); no new connections; queues empty; connections closed; threads ended.
#pragma once

#include "app/config.hpp"

namespace tallyd {

int serve(const Config& config);

}  // namespace tallyd
