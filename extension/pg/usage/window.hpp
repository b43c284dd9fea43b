// Windows and time zones of PostgreSQL for the engine: names and widths as users write them, checked, without a subtransaction
// (so that functions over them run in parallel plans) and whatever the session's settings are.
#pragma once

#include <cstdint>
#include <vector>

#include "core/usage/window.hpp"

#include "pg/border/prelude.hpp"

namespace tally {

// A zone of PostgreSQL's time zone database.
class PgZone final : public Zone {
public:
    explicit PgZone(pg_tz* zone) noexcept : zone_(zone) {}
    std::int64_t to_local(std::int64_t instant) const override;
    std::int64_t to_instant(std::int64_t local) const override;

private:
    pg_tz* zone_;
};

// The zone of an IANA name, in any case. Raises 22023 naming `time_zone` for anything else: POSIX descriptions (in which UTC+2
// lies two hours west), and what lies beside the zones in the directory of a machine (localtime, posix/, right/, Factory).
pg_tz* require_zone(const char* name);

// A width such as "day", "20m", "6 hours" or "P1M". Raises 22023 naming the field that it was given in.
WindowWidth require_width(const char* window, const char* field = "window");

// window_starts for a width given by name, or [from] where `window` is nullptr. Raises 22023 naming `window` where the range
// is cut too small. C++ objects may be alive in the frames above only inside call_pg.
std::vector<std::int64_t> require_starts(std::int64_t from, std::int64_t to, const char* window, pg_tz* zone);

}  // namespace tally
