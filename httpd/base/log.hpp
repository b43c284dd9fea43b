// Logging: one JSON object per line on stderr, written by a thread of its own so that no HTTP worker ever waits for
// a slow reader of the log (when the buffer is full the oldest lines are lost). Keys never enter a line.
#pragma once

#include <string>
#include <string_view>

namespace tallyd::log {

enum class Level { debug, info, warn, error };

void start(const std::string& level);
void stop();
bool enabled(Level level) noexcept;

// fields: further members, beginning with a comma, or empty.
void write(Level level, std::string_view event, const std::string& fields = {}) noexcept;

// ,"name":"value"
std::string field(std::string_view name, std::string_view value);

inline void message(Level level, std::string_view text) noexcept {
    try {
        write(level, "message", field("message", text));
    } catch (...) {  // out of memory: a line of the log is the least loss
    }
}

}  // namespace tallyd::log
