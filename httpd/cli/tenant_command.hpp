// The sub-command "tenant": makes a tenant and its first key, over a database connection of an administrator.
#pragma once

namespace tallyd {

// Exit code: 0 made, 1 it could not be made, 2 wrong usage.
int tenant_command(int argc, const char* const* argv);

}  // namespace tallyd
