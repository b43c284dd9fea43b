// The sub-command "tenant": see tenant_command.hpp.
#include "cli/tenant_command.hpp"

#include <libpq-fe.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>

namespace tallyd {

namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

std::string trimmed(const char* text) {
    std::string out = text ? text : "";
    while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.pop_back();
    return out;
}

// What the server's sentence does not say: another role or another database is meant.
std::string advice(std::string_view state) {
    if (state == "42501") return "; the role must be a member of tally_admin: GRANT tally_admin TO it";
    if (state == "3F000") return "; CREATE EXTENSION pgtally in this database, or name the one that has it";
    return {};
}

class Administrator {
public:
    explicit Administrator(const std::string& conninfo) {
        const char* keys[] = {"dbname", "client_encoding", "fallback_application_name", nullptr};
        const char* values[] = {conninfo.c_str(), "UTF8", "tallyd tenant", nullptr};
        connection_.reset(PQconnectdbParams(keys, values, 1));
        if (PQstatus(connection_.get()) != CONNECTION_OK)
            throw std::runtime_error(trimmed(PQerrorMessage(connection_.get())));
        PQsetErrorVerbosity(connection_.get(), PQERRORS_TERSE);
    }

    // The first column of the one row that the statement answers; "" where it answers none.
    std::string ask(const char* sql, const std::vector<std::string>& parameters = {}) {
        std::vector<const char*> values;
        values.reserve(parameters.size());
        for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
        const std::unique_ptr<PGresult, void (*)(PGresult*)> result(
            PQexecParams(connection_.get(), sql, static_cast<int>(values.size()), nullptr, values.data(), nullptr, nullptr,
                         0),
            PQclear);
        const ExecStatusType status = PQresultStatus(result.get());
        if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
            const char* message = PQresultErrorField(result.get(), PG_DIAG_MESSAGE_PRIMARY);
            const char* state = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
            throw std::runtime_error((message ? message : trimmed(PQerrorMessage(connection_.get()))) +
                                     advice(state ? state : ""));
        }
        return PQntuples(result.get()) == 1 ? PQgetvalue(result.get(), 0, 0) : "";
    }

private:
    std::unique_ptr<PGconn, void (*)(PGconn*)> connection_{nullptr, PQfinish};
};

// Both or neither: a tenant whose key nobody saw would be of no use.
void create(const std::string& conninfo, const std::string& name, const std::string& mode) {
    Administrator administrator(conninfo);
    administrator.ask("BEGIN");
    administrator.ask("SET LOCAL search_path = pg_catalog");
    const std::string tenant = administrator.ask("SELECT tally.create_tenant($1, mode => $2)", {name, mode});
    administrator.ask("SELECT set_config('tally.tenant', $1, true)", {tenant});
    const std::string key =
        administrator.ask("SELECT tally.create_api_key(name => 'first', scopes => ARRAY['read', 'write', 'admin'])");
    administrator.ask("COMMIT");
    std::printf("tenant  %s\nkey     %s\n", tenant.c_str(), key.c_str());
    std::fprintf(stderr, "The key is shown this once. It may read, write and manage keys.\n");
}

}  // namespace

int tenant_command(int argc, const char* const* argv) {
    std::string conninfo, name, mode = "live";
    CLI::App app{"Makes tenants", "tallyd tenant"};
    app.require_subcommand(1);
    CLI::App* made = app.add_subcommand("create", "make a tenant and print its id and its first API key");
    made->add_option("NAME", name, "name of the tenant")->required();
    made->add_option("--mode", mode, "live or test")->check(CLI::IsMember({"live", "test"}))->capture_default_str();
    made->add_option("--database", conninfo,
                     "libpq connection string of a role that is a member of tally_admin; else libpq's environment")
        ->envname("TALLYD_ADMIN_DATABASE");
    try {
        app.parse(argc, argv);
        create(conninfo, name, mode);
        return 0;
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error);
        std::cerr << "tallyd tenant: " << error.what() << "\nRun with --help for more information.\n";
        return kUsage;
    } catch (const std::runtime_error& error) {
        std::cerr << "tallyd tenant: " << error.what() << '\n';
        return kFailed;
    }
}

}  // namespace tallyd
