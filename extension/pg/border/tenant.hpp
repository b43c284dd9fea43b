// Settings of pg/tenant.cpp, defined once when the library is loaded.
#pragma once

namespace tally {

void define_tenant_settings();

}  // namespace tally
