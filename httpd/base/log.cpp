// Logging: see log.hpp.
#include "base/log.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <memory>

#include "base/json_text.hpp"

namespace tallyd::log {

namespace {

constexpr std::size_t kLines = 8192;

std::shared_ptr<spdlog::logger> logger;  // set before threads start, taken down after they ended

spdlog::level::level_enum level_of(Level level) noexcept {
    switch (level) {
        case Level::debug: return spdlog::level::debug;
        case Level::info: return spdlog::level::info;
        case Level::warn: return spdlog::level::warn;
        case Level::error: return spdlog::level::err;
    }
    return spdlog::level::info;
}

const char* name_of(Level level) noexcept {
    switch (level) {
        case Level::debug: return "debug";
        case Level::info: return "info";
        case Level::warn: return "warn";
        case Level::error: return "error";
    }
    return "info";
}

std::string now() {
    const auto time = std::chrono::system_clock::now();
    const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count() % 1000;
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(time)), millis);
}

}  // namespace

void start(const std::string& level) {
    spdlog::init_thread_pool(kLines, 1);
    auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    logger = std::make_shared<spdlog::async_logger>("tallyd", sink, spdlog::thread_pool(),
                                                    spdlog::async_overflow_policy::overrun_oldest);
    logger->set_pattern("%v");
    logger->set_level(spdlog::level::from_str(level));
}

void stop() {
    spdlog::shutdown();  // writes what is left and joins the writing thread
    logger.reset();
}

bool enabled(Level level) noexcept {
    return logger && logger->should_log(level_of(level));
}

void write(Level level, std::string_view event, const std::string& fields) noexcept {
    if (!enabled(level)) return;
    try {
        std::string line =
            fmt::format("{{\"time\":\"{}\",\"level\":\"{}\",\"event\":\"{}\"{}}}", now(), name_of(level), event, fields);
        logger->log(level_of(level), spdlog::string_view_t(line.data(), line.size()));
    } catch (...) {  // out of memory: a line of the log is the least loss
    }
}

std::string field(std::string_view name, std::string_view value) {
    std::string out = ",\"";
    out.append(name).append("\":");
    append_json_string(out, value);
    return out;
}

}  // namespace tallyd::log
