// The module itself: magic block, settings, and the start-up hook.
#include <cstdlib>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "pg/border/drop_guard.hpp"
#include "pg/border/tenant.hpp"

#include "pg/border/boundary.hpp"

extern "C" {
PGTALLY_MODULE_MAGIC;
PGDLLEXPORT void _PG_init(void);
}

namespace {

// A question takes some megabytes and gives all of them back. By default glibc hands them to the kernel each time, and the
// next question pays for fresh pages, which can be most of its time. So a backend keeps up to 16 MB at hand, as glibc itself
// comes to do for a process that has freed a large block once.
void keep_freed_memory() {
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 8 << 20);
    mallopt(M_TRIM_THRESHOLD, 16 << 20);
#endif
}

}  // namespace

void _PG_init(void) {
    keep_freed_memory();
    tally::define_drop_setting();  // before the other, which closes the prefix
    tally::define_tenant_settings();
}

// tally.version() -> text: version of the loaded library, which may differ from the installed SQL after a package
// update.
TALLY_FUNCTION(version) {
    PG_RETURN_TEXT_P(cstring_to_text(PGTALLY_VERSION));
}
