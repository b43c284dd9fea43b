// One session with PostgreSQL: see session.hpp.
#include "db/session.hpp"

#include <poll.h>

#include <algorithm>

namespace tallyd {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kSlice{100};          // how soon give_up is noticed
constexpr milliseconds kBeyondServer{2000};  // our patience beyond the server's own statement_timeout

std::string trimmed(const char* text) {
    std::string out = text ? text : "";
    while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.pop_back();
    return out;
}

SqlError error_of(const PGresult* result) {
    const auto field = [result](int code) {
        const char* text = PQresultErrorField(result, code);
        return std::string(text ? text : "");
    };
    SqlError error{field(PG_DIAG_SQLSTATE), field(PG_DIAG_MESSAGE_PRIMARY), field(PG_DIAG_MESSAGE_DETAIL),
                   field(PG_DIAG_MESSAGE_HINT), field(PG_DIAG_COLUMN_NAME)};
    if (error.message.empty()) error.message = trimmed(PQresultErrorMessage(result));
    return error;
}

bool is_error(const PGresult* result) noexcept {
    const ExecStatusType status = PQresultStatus(result);
    return status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK;
}

// One round trip: limits for this session, and the role whose row level security binds it (a no-op without the right).
const Statement kSetUp{"",
                       "SELECT set_config('statement_timeout', $1, false), set_config('lock_timeout', $2, false),"
                       " set_config('search_path', 'pg_catalog', false),"
                       " set_config('timezone', 'UTC', false), set_config('client_min_messages', 'error', false),"
                       " (SELECT set_config('role', rolname, false) FROM pg_catalog.pg_roles"
                       " WHERE rolname = 'tally_api' AND pg_catalog.pg_has_role(oid, 'MEMBER'))"};

}  // namespace

Session::Session(std::string conninfo, ServerPatience patience, const std::atomic<bool>& give_up)
    : conninfo_(std::move(conninfo)), patience_(patience), give_up_(give_up) {}

void Session::close() noexcept {
    connection_.reset();
    prepared_.clear();
}

std::string Session::connect(milliseconds patience) {
    close();
    const char* keys[] = {"dbname", "client_encoding", "fallback_application_name", nullptr};
    const char* values[] = {conninfo_.c_str(), "UTF8", "tallyd", nullptr};
    connection_.reset(PQconnectStartParams(keys, values, 1));
    if (!connection_) return "out of memory";
    const auto until = Clock::now() + patience;
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    while (PQstatus(connection_.get()) != CONNECTION_BAD && state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED) {
        if (wait(state == PGRES_POLLING_WRITING, until) != Wait::ready) {
            close();
            return "no answer within " + std::to_string(patience.count()) + " ms";
        }
        state = PQconnectPoll(connection_.get());
    }
    if (PQstatus(connection_.get()) != CONNECTION_OK) {
        std::string why = trimmed(PQerrorMessage(connection_.get()));
        close();
        return why;
    }
    PQsetnonblocking(connection_.get(), 1);
    PQsetNoticeProcessor(
        connection_.get(), [](void*, const char*) {}, nullptr);
    std::string why = set_up();
    if (!why.empty()) close();
    return why;
}

std::string Session::set_up() {
    const std::string statement = std::to_string(patience_.statement.count()), lock = std::to_string(patience_.lock.count());
    const char* values[] = {statement.c_str(), lock.c_str()};
    if (PQsendQueryParams(connection_.get(), kSetUp.sql.c_str(), 2, nullptr, values, nullptr, nullptr, 0) == 0)
        return trimmed(PQerrorMessage(connection_.get()));
    const Outcome outcome = collect(Clock::now() + patience_.statement + kBeyondServer);
    return outcome.kind == Outcome::Kind::done ? std::string() : "setting up the session: " + outcome.error.message;
}

bool Session::still_there() noexcept {
    if (!connection_) return false;
    pollfd entry{PQsocket(connection_.get()), POLLIN, 0};
    if (poll(&entry, 1, 0) > 0) {
        // Only notices, parameter changes or the end can arrive while idle.
        if (PQconsumeInput(connection_.get()) == 0 || PQstatus(connection_.get()) != CONNECTION_OK) {
            close();
            return false;
        }
        // A server that says goodbye (57P01) closes right after it: libpq sees that as an asynchronous error.
        if (poll(&entry, 1, 0) > 0 && PQconsumeInput(connection_.get()) == 0) {
            close();
            return false;
        }
    }
    return true;
}

Session::Wait Session::wait(bool for_write, Clock::time_point until) noexcept {
    while (!give_up_.load(std::memory_order_relaxed)) {
        const auto left = std::chrono::duration_cast<milliseconds>(until - Clock::now());
        if (left.count() <= 0) return Wait::late;
        pollfd entry{PQsocket(connection_.get()), static_cast<short>(for_write ? POLLIN | POLLOUT : POLLIN), 0};
        if (for_write && PQstatus(connection_.get()) != CONNECTION_OK) entry.events = POLLOUT;
        const int ready = poll(&entry, 1, static_cast<int>(std::min(left, kSlice).count()));
        if (ready > 0) return Wait::ready;
    }
    return Wait::given_up;
}

bool Session::flush(Clock::time_point until) noexcept {
    for (;;) {
        const int left = PQflush(connection_.get());
        if (left <= 0) return left == 0;
        if (wait(true, until) != Wait::ready) return false;
        if (PQconsumeInput(connection_.get()) == 0) return false;
    }
}

Outcome Session::collect(Clock::time_point until) {
    Outcome outcome;
    bool error_seen = false;
    // A write that fails may leave the server's reason waiting to be read: go on to the results either way.
    flush(until);
    for (;;) {
        while (PQisBusy(connection_.get()) != 0) {
            if (wait(false, until) != Wait::ready) {
                close();
                outcome.error.message = "no answer from the database";
                return outcome;
            }
            if (PQconsumeInput(connection_.get()) == 0) break;
        }
        ResultPtr result(PQgetResult(connection_.get()), PQclear);
        if (!result) break;
        if (is_error(result.get())) {
            SqlError error = error_of(result.get());
            // An error in place of the rows comes before the commit was begun.
            if (!error_seen && !error.state.empty() && !outcome.result) outcome.surely_nothing_done = true;
            if (!error_seen || outcome.error.state.empty()) outcome.error = std::move(error);
            error_seen = true;
        } else {
            outcome.result = std::move(result);
        }
    }
    if (PQstatus(connection_.get()) != CONNECTION_OK || fault_of(outcome.error.state) == SqlFault::connection) {
        if (outcome.error.message.empty()) outcome.error.message = trimmed(PQerrorMessage(connection_.get()));
        close();
        return outcome;
    }
    outcome.kind = error_seen ? Outcome::Kind::failed : Outcome::Kind::done;
    return outcome;
}

Outcome Session::prepare(const Statement& statement) {
    Outcome outcome;
    outcome.surely_nothing_done = true;
    if (PQsendPrepare(connection_.get(), statement.name.c_str(), statement.sql.c_str(), 0, nullptr) == 0) {
        close();
        return outcome;
    }
    outcome = collect(Clock::now() + patience_.statement + kBeyondServer);
    outcome.surely_nothing_done = true;
    if (outcome.kind == Outcome::Kind::done) prepared_.insert(statement.name);
    if (outcome.kind == Outcome::Kind::failed) outcome.kind = Outcome::Kind::refused;
    return outcome;
}

Outcome Session::execute(const Statement& statement, const std::vector<Param>& params) {
    if (!still_there()) {
        Outcome gone;
        gone.surely_nothing_done = true;
        gone.error.message = "the connection was closed";
        return gone;
    }
    if (!prepared_.contains(statement.name))
        if (Outcome outcome = prepare(statement); outcome.kind != Outcome::Kind::done) return outcome;
    std::vector<const char*> values;
    std::vector<int> lengths, formats;
    for (const Param& param : params) {
        values.push_back(param.null ? nullptr : param.value.data());
        lengths.push_back(static_cast<int>(param.value.size()));
        formats.push_back(param.binary ? 1 : 0);
    }
    if (PQsendQueryPrepared(connection_.get(), statement.name.c_str(), static_cast<int>(params.size()), values.data(),
                            lengths.data(), formats.data(), 0) == 0) {
        Outcome unsent;
        unsent.error.message = trimmed(PQerrorMessage(connection_.get()));
        unsent.surely_nothing_done = true;
        close();
        return unsent;
    }
    Outcome outcome = collect(Clock::now() + patience_.statement + kBeyondServer);
    // 26000: somebody deallocated our statements (DISCARD ALL, a pooler). Nothing ran: prepare again, once.
    if (outcome.kind == Outcome::Kind::failed && outcome.error.state == "26000") {
        prepared_.clear();
        outcome.kind = Outcome::Kind::lost;
        outcome.surely_nothing_done = true;
    }
    return outcome;
}

}  // namespace tallyd
