// The setting that lets DROP EXTENSION take a store's events along. See drop_guard.cpp.
#pragma once

namespace tally {

void define_drop_setting();

}  // namespace tally
