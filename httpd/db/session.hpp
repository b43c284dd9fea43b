// One session with PostgreSQL over libpq, driven without blocking so that every step has a deadline and can be
// given up when the process must end. Used by one thread at a time.
// Invariant of execute(): "done" is said only after ReadyForQuery, that is after the commit. In the extended protocol
// CommandComplete comes before the commit, so rows alone prove nothing.
#pragma once

#include <libpq-fe.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "db/job.hpp"
#include "db/sql_error.hpp"

namespace tallyd {

using ResultPtr = std::unique_ptr<PGresult, decltype(&PQclear)>;

struct Outcome {
    enum class Kind {
        done,
        failed,   // error says why; the session lives
        refused,  // the statement could not even be prepared: the extension is not (fully) there
        lost      // the session is gone
    };
    Kind kind = Kind::lost;
    ResultPtr result{nullptr, PQclear};
    SqlError error;
    bool surely_nothing_done = false;  // lost: the statement certainly did not commit
};

// How long the server tries.
struct ServerPatience {
    std::chrono::milliseconds statement;
    std::chrono::milliseconds lock{0};  // for one that somebody else holds; 0: as long as for the statement
};

class Session {
public:
    // give_up: set by another thread when the process must end now.
    Session(std::string conninfo, ServerPatience patience, const std::atomic<bool>& give_up);

    // Empty: connected. Else a message for the log.
    std::string connect(std::chrono::milliseconds patience);
    void close() noexcept;
    bool connected() const noexcept { return connection_ != nullptr; }

    // Looks, without waiting, whether the server has ended this idle session; closes it then.
    bool still_there() noexcept;

    Outcome execute(const Statement& statement, const std::vector<Param>& params);

private:
    enum class Wait { ready, late, given_up };

    Wait wait(bool for_write, Clock::time_point until) noexcept;
    bool flush(Clock::time_point until) noexcept;
    Outcome collect(Clock::time_point until);
    Outcome prepare(const Statement& statement);
    std::string set_up();

    const std::string conninfo_;
    const ServerPatience patience_;
    const std::atomic<bool>& give_up_;
    std::unique_ptr<PGconn, decltype(&PQfinish)> connection_{nullptr, PQfinish};
    std::set<std::string> prepared_;
};

}  // namespace tallyd
