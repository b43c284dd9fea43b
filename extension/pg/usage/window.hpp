// Windows and time zones of PostgreSQL for the engine: names and widths as users write them, checked, without a
// subtransaction (so that functions over them run in parallel plans) and whatever the session's settings are.
#pragma once

#include <cstdint>
#include <optional>
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

// The zone of an IANA name, in any case. Raises 22023 naming `time_zone` for anything else: POSIX descriptions (in which
// UTC+2 lies two hours west), and what lies beside the zones in the directory of a machine (localtime, posix/, right/,
// Factory).
pg_tz* require_zone(const char* name);

// A width such as "day", "20m", "6 hours" or "P1M". Raises 22023 naming the field that it was given in.
WindowWidth require_width(const char* window, const char* field = "window");

// How a range is cut, as users say it; nothing where it is nullptr.
struct Cut {
    const char* window = nullptr;
    std::optional<std::int64_t> anchor;  // local Unix microseconds
    const char* week_start = nullptr;    // the English name of a day
};

// The anchor of a call: a timestamp without time zone. Raises 22023 naming `anchor` for one that no window can begin at.
std::optional<std::int64_t> anchor_argument(FunctionCallInfo fcinfo, int number);

// window_starts for a width given by name, or [from] where no window is given. Raises 22023 naming `window` where the range
// is cut too small, `anchor` or `week_start` where the window has no place for one. C++ objects may be alive in the frames
// above only inside call_pg.
std::vector<std::int64_t> require_starts(std::int64_t from, std::int64_t to, const Cut& cut, pg_tz* zone);

}  // namespace tally
