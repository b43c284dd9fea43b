// SQL face of ingest for many requests of the REST API at once, each with its key and its own strict or partial meaning:
// tally_rest.ingest_batch. Every key is checked here and now, so a revoked one is refused by the very next batch. Tenants
// come one after the other; where several bodies share the transaction none of them waits for a stranger's open transaction.
#include "core/ingest/ingest_answer.hpp"

#include <map>
#include <string>
#include <vector>

#include "pg/border/gate.hpp"
#include "pg/segment/retention_edge.hpp"
#include "pg/border/boundary.hpp"
#include "pg/border/rows.hpp"
#include "pg/border/values.hpp"
#include "pg/ingest/ingest_engine.hpp"
#include "pg/rest/key_check.hpp"

namespace {

enum { ordinal_column, status_column, body_column, columns };

tally::IngestAnswer refusal(const tally::CheckedKey& key) {
    if (key.status == 403)
        return {403, "{\"code\":\"FORBIDDEN\",\"message\":\"this API key lacks the scope \\\"write\\\"\"}"};
    return {401, std::string("{\"code\":\"UNAUTHORIZED\",\"message\":\"") + tally::bad_key_message + "\"}"};
}

// The requests of one tenant.
struct TenantRequests {
    std::vector<std::size_t> ordinals;
    std::vector<std::uint32_t> senders;
    std::vector<tally::Hash128> keys;

    void add(std::size_t ordinal, const tally::Hash128& key) {
        std::size_t sender = 0;
        while (sender < keys.size() && keys[sender] != key) ++sender;
        if (sender == keys.size()) keys.push_back(key);
        ordinals.push_back(ordinal);
        senders.push_back(static_cast<std::uint32_t>(sender));
    }
};

struct Requests {
    Datum* keys = nullptr;
    bool* no_key = nullptr;
    Datum* bodies = nullptr;
    bool* no_body = nullptr;
    int count = 0;

    std::string_view key(std::size_t at) const {
        return no_key[at] ? std::string_view{} : tally::view_of(DatumGetByteaPP(keys[at]));
    }
    std::string_view body(std::size_t at) const {
        return no_body[at] ? std::string_view{} : tally::view_of(DatumGetTextPP(bodies[at]));
    }
};

Requests requests_of(FunctionCallInfo fcinfo) {
    Requests requests;
    int bodies = 0;
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), BYTEAOID, -1, false, TYPALIGN_INT, &requests.keys, &requests.no_key,
                      &requests.count);
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &requests.bodies, &requests.no_body,
                      &bodies);
    if (bodies != requests.count)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("there must be as many keys as bodies")));
    for (int i = 0; i < bodies; ++i) {
        // Once, so that the texts may be looked at where no error can be met.
        if (!requests.no_body[i]) requests.bodies[i] = PointerGetDatum(DatumGetTextPP(requests.bodies[i]));
        if (!requests.no_key[i]) requests.keys[i] = PointerGetDatum(DatumGetByteaPP(requests.keys[i]));
    }
    return requests;
}

std::vector<tally::IngestAnswer> answer(const Requests& requests, std::int64_t now) {
    const auto count = static_cast<std::size_t>(requests.count);
    std::vector<tally::IngestAnswer> answers(count);
    // What a caller may do stands in the keys that it sends, and not in its role.
    const tally::OwnerRights rights;
    std::map<std::string_view, tally::CheckedKey> keys;
    std::map<std::int32_t, TenantRequests> tenants;  // in ascending order: limits are waited for in one order
    for (std::size_t at = 0; at < count; ++at) {
        auto known = keys.find(requests.key(at));
        if (known == keys.end()) {
            const tally::CheckedKey key =
                tally::call_pg([&] { return tally::check_key(requests.keys[at], requests.no_key[at], "write"); });
            known = keys.emplace(requests.key(at), key).first;
        }
        if (known->second.status != 200) answers[at] = refusal(known->second);
        else tenants[known->second.tenant_id].add(at, known->second.key_id);
    }
    const std::int64_t edge = tally::call_pg([] { return tally::retained_from(); });
    const tally::WorkspaceLease workspace;
    for (const auto& [tenant_id, sent] : tenants) {
        tally::IngestBatch& batch = workspace->batch;
        batch.begin(tally::DocumentOptions{tally::DocumentForm::object, false, now, tenant_id, false, edge});
        for (std::size_t i = 0; i < sent.ordinals.size(); ++i) batch.add(requests.body(sent.ordinals[i]), sent.senders[i]);
        tally::IngestCall call;
        call.tenant_id = tenant_id;
        call.patience = count == 1 ? tally::Patience::brief : tally::Patience::none;
        call.keys = sent.keys;
        tally::ingest(*workspace, call);
        for (std::size_t i = 0; i < sent.ordinals.size(); ++i)
            answers[sent.ordinals[i]] = tally::answer_of(batch, batch.bodies()[i]);
    }
    return answers;
}

}  // namespace

// tally_rest.ingest_batch(key_hashes bytea[], bodies text[]) -> setof (ordinal, status, body)
TALLY_FUNCTION(ingest_requests) {
    tally::require_writable("tally_rest.ingest_batch()");
    if (GetDatabaseEncoding() != PG_UTF8)
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("pgtally needs a database in encoding UTF8"),
                        errhint("CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0")));
    const Requests requests = requests_of(fcinfo);
    ReturnSetInfo* const rows = tally::begin_rows(fcinfo);
    const std::int64_t now = GetCurrentTimestamp() + tally::unix_to_postgres_epoch;
    return tally::guarded([&]() -> Datum {
        const std::vector<tally::IngestAnswer> answers = answer(requests, now);
        for (std::size_t at = 0; at < answers.size(); ++at) {
            tally::call_pg([&] {
                Datum values[columns] = {Int32GetDatum(static_cast<int>(at) + 1), Int32GetDatum(answers[at].status),
                                         tally::text_datum(answers[at].body)};
                bool nulls[columns] = {};
                tuplestore_putvalues(rows->setResult, rows->setDesc, values, nulls);
            });
        }
        fcinfo->isnull = true;
        return 0;
    });
}
