// The statements that the routes are: see statements.hpp.
#include "api/statements.hpp"

#include <string>
#include <utility>
#include <vector>

namespace tallyd {

namespace {

std::vector<Statement> statements(bool once) {
    std::vector<Statement> all;
    all.reserve(routes().size());
    for (const Route& route : routes()) {
        const std::string function = route.function ? route.function : "";
        std::string name = once ? "once_" : "";
        name += function;
        std::string sql = "SELECT tally_rest._compact(tally_rest.";
        sql += once ? "once" : function;
        sql += "(tally_rest.authenticate($1::bytea, $2::text), ";
        if (once) sql.append("$6::text, '").append(function).append("', ");
        sql += "$3::jsonb, $4::jsonb, $5::text))";
        all.push_back({std::move(name), std::move(sql)});
    }
    return all;
}

}  // namespace

const Statement& statement_of(const Route& route, bool once) {
    static const std::vector<Statement> plain = statements(false), with_key = statements(true);
    return (once ? with_key : plain)[index_of(route)];
}

const Statement kIngest{"ingest", "SELECT ordinal, status, body FROM tally_rest.ingest_batch($1::bytea[], $2::text[])"};

const Statement kKeyLimits{"limits", "SELECT coalesce(tally_rest.key_limits($1::bytea)::text, 'null')"};

}  // namespace tallyd
