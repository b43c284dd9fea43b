// The module itself: magic block, settings, and the start-up hook.
#include "pg/border/tenant.hpp"

#include "pg/border/boundary.hpp"

extern "C" {
PGTALLY_MODULE_MAGIC;
PGDLLEXPORT void _PG_init(void);
}

void _PG_init(void) {
    tally::define_tenant_settings();
}

// tally.version() -> text: version of the loaded library, which may differ from the installed SQL after a package
// update.
TALLY_FUNCTION(version) {
    PG_RETURN_TEXT_P(cstring_to_text(PGTALLY_VERSION));
}
