// Rights before the switch, and the switch: see ingest_session.hpp.
#include <cstring>

#include "pg/border/gate.hpp"
#include "pg/segment/retention_edge.hpp"
#include "pg/ingest/ingest_session.hpp"
#include "pg/border/boundary.hpp"
#include "pg/border/values.hpp"

namespace tally {
namespace {

IngestSession begin(const char* function) {
    require_writable(function);
    if (GetDatabaseEncoding() != PG_UTF8) {
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("pgtally needs a database in encoding UTF8"),
                        errhint("CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0")));
    }
    IngestSession session;
    session.now = GetCurrentTimestamp() + unix_to_postgres_epoch;
    session.retained_from = retained_from();
    const char* key = GetConfigOption("tally.authenticated_key", true, false);
    session.has_key = key != nullptr && key[0] != '\0';
    if (session.has_key) {
        const pg_uuid_t* uuid = DatumGetUUIDP(DirectFunctionCall1(uuid_in, CStringGetDatum(key)));
        std::memcpy(session.key.data(), uuid->data, session.key.size());
    }
    return session;
}

}  // namespace

IngestSession IngestSession::chosen(const char* function) {
    IngestSession session = begin(function);
    // A tenant made earlier in the same statement is there already, as for a function in PL/pgSQL.
    PushActiveSnapshot(GetTransactionSnapshot());
    session.tenant_id = tenant_for_change();
    PopActiveSnapshot();
    return session;
}

IngestSession IngestSession::given(const char* function, std::int32_t tenant) {
    IngestSession session = begin(function);
    session.tenant_id = tenant_for_change(tenant);
    return session;
}

void ingest_as(const IngestSession& session, Workspace& workspace, const Hash128* import_id) {
    IngestCall call;
    call.tenant_id = session.tenant_id;
    call.import_id = import_id;
    if (session.has_key) {
        call.keys = {&session.key, 1};
        call.patience = Patience::brief;
    }
    {
        const OwnerRights rights;
        ingest(workspace, call);
    }
    for (const BatchEvent& event : std::as_const(workspace.batch).events()) {
        if (event.verdict != Verdict::held) continue;
        call_pg([] {
            ereport(ERROR, (errcode(ERRCODE_LOCK_NOT_AVAILABLE),
                            errmsg("a transaction that is still open is storing one of these events"),
                            errhint("Send them again.")));
        });
    }
}

}  // namespace tally
