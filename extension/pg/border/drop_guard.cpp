// DROP EXTENSION pgtally takes all events along, and is a short thing to type: on a store that holds some it is refused
// unless the session has said that it means it.
//
// An event trigger at the start of DROP EXTENSION and DROP OWNED. It looks at the statement itself, so no other
// command is disturbed, and of these two only those that name pgtally, plpgsql (which some functions of pgtally are
// written in: CASCADE takes them and it along) or the role that owns it. At the end of the command, where what was
// dropped is known, a trigger that was dropped along does not fire. Whatever else would take a member of the extension
// along PostgreSQL itself refuses; DROP DATABASE is none of a database's event triggers' business.
#include "pg/border/drop_guard.hpp"

#include <cstring>

#include "pg/border/gate.hpp"

#include "pg/border/boundary.hpp"

namespace {

// Written by PostgreSQL's settings machinery.
constinit bool allow_drop = false;

bool drops_extension(const DropStmt* statement) {
    if (statement->removeType != OBJECT_EXTENSION) return false;
    ListCell* cell = nullptr;
    foreach (cell, statement->objects) {
        const char* const name = strVal(lfirst(cell));
        if (std::strcmp(name, "pgtally") == 0 || std::strcmp(name, "plpgsql") == 0) return true;
    }
    return false;
}

bool drops_objects_of(const DropOwnedStmt* statement, Oid owner) {
    ListCell* cell = nullptr;
    foreach (cell, statement->roles)
        if (get_rolespec_oid(static_cast<RoleSpec*>(lfirst(cell)), true) == owner) return true;
    return false;
}

struct Store {
    Oid owner = InvalidOid;  // of the extension
    bool holds_events = false;
};

Store look_at_store() {
    Store store;
    SPI_connect();
    if (SPI_execute("SELECT e.extowner, EXISTS (SELECT FROM tally.recent_event) OR EXISTS (SELECT FROM tally.segment) "
                    "FROM pg_catalog.pg_extension e WHERE e.extname OPERATOR(pg_catalog.=) 'pgtally'",
                    true, 1) == SPI_OK_SELECT &&
        SPI_processed == 1) {
        bool is_null = false;
        const HeapTuple row = SPI_tuptable->vals[0];
        store.owner = DatumGetObjectId(SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &is_null));
        store.holds_events = DatumGetBool(SPI_getbinval(row, SPI_tuptable->tupdesc, 2, &is_null));
    }
    SPI_finish();
    return store;
}

}  // namespace

void tally::define_drop_setting() {
    DefineCustomBoolVariable("tally.allow_drop", "Lets DROP EXTENSION pgtally take a store's events along.",
                             "Without it the extension cannot be dropped while it holds events.", &allow_drop, false,
                             PGC_USERSET, 0, nullptr, nullptr, nullptr);
}

// tally._guard_drop() -> event_trigger
TALLY_FUNCTION(guard_drop) {
    if (!CALLED_AS_EVENT_TRIGGER(fcinfo)) elog(ERROR, "tally._guard_drop() is called by its event trigger alone");
    Node* const statement = reinterpret_cast<EventTriggerData*>(fcinfo->context)->parsetree;
    const bool names_it = IsA(statement, DropStmt) && drops_extension(reinterpret_cast<const DropStmt*>(statement));
    if (allow_drop || !(names_it || IsA(statement, DropOwnedStmt))) PG_RETURN_NULL();
    return tally::guarded([&]() -> Datum {
        const tally::OwnerRights rights;  // row level security hides events from who may drop
        const Store store = tally::call_pg([] { return look_at_store(); });
        tally::call_pg([&] {
            if (store.holds_events &&
                (names_it || drops_objects_of(reinterpret_cast<const DropOwnedStmt*>(statement), store.owner)))
                ereport(ERROR, (errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
                                errmsg("extension \"pgtally\" holds events, and they would be dropped with it"),
                                errhint("Whoever means it: SET tally.allow_drop = on; and then drop it.")));
        });
        return Datum{0};
    });
}
