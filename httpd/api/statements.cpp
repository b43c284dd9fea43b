// The statements that the routes are: see statements.hpp.
#include "api/statements.hpp"

#include <string>
#include <vector>

namespace tallyd {

namespace {

std::vector<Statement> statements(bool once) {
    std::vector<Statement> all;
    for (const Route& route : routes()) {
        const std::string function = route.function ? route.function : "";
        const std::string arguments = "(tally_rest.authenticate($1::bytea, $2::text), ";
        if (once)
            all.push_back({"once_" + function, "SELECT tally_rest._compact(tally_rest.once" + arguments + "$6::text, '" +
                                                   function + "', $3::jsonb, $4::jsonb, $5::text))"});
        else
            all.push_back({function, "SELECT tally_rest._compact(tally_rest." + function + arguments +
                                         "$3::jsonb, $4::jsonb, $5::text))"});
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
