// How far `tallyd import` has come: see import_progress.hpp.
#include "cli/import_progress.hpp"

#include <fmt/format.h>
#include <jansson.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>

namespace tallyd {

namespace {

constexpr std::chrono::milliseconds kBarPause{100};
constexpr std::chrono::seconds kLinePause{5};
constexpr int kBarWidth = 24;

struct Field {
    const char* name;
    std::uint64_t ImportState::*value;
};
constexpr Field kNumbers[] = {{"size", &ImportState::size},
                              {"modified", &ImportState::modified},
                              {"header_bytes", &ImportState::header_bytes},
                              {"offset", &ImportState::offset},
                              {"line", &ImportState::line},
                              {"accepted", &ImportState::accepted},
                              {"duplicates", &ImportState::duplicates},
                              {"failed", &ImportState::failed}};

using Json = std::unique_ptr<json_t, void (*)(json_t*)>;

}  // namespace

bool read_state(const std::string& path, ImportState& state) {
    const Json value(json_load_file(path.c_str(), 0, nullptr), json_decref);
    const char* url = json_string_value(json_object_get(value.get(), "url"));
    const char* id = json_string_value(json_object_get(value.get(), "import_id"));
    if (!url || !id) return false;
    state.url = url;
    state.import_id = id;
    for (const Field& field : kNumbers) {
        const json_t* number = json_object_get(value.get(), field.name);
        if (!json_is_integer(number) || json_integer_value(number) < 0) return false;
        state.*field.value = static_cast<std::uint64_t>(json_integer_value(number));
    }
    return true;
}

std::string write_state(const std::string& path, const ImportState& state) {
    const Json value(json_pack("{s:s, s:s}", "url", state.url.c_str(), "import_id", state.import_id.c_str()), json_decref);
    for (const Field& field : kNumbers)
        json_object_set_new(value.get(), field.name, json_integer(static_cast<json_int_t>(state.*field.value)));
    const std::string fresh = path + ".new";
    if (json_dump_file(value.get(), fresh.c_str(), JSON_INDENT(1)) != 0 || std::rename(fresh.c_str(), path.c_str()) != 0)
        return "cannot write " + path + ": " + std::strerror(errno);
    return {};
}

std::string clock_text(double seconds) {
    const auto whole = static_cast<std::uint64_t>(std::llround(std::clamp(seconds, 0.0, 1e9)));
    if (whole >= 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
    return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

Progress::Progress(std::string title, std::uint64_t total, std::uint64_t at, bool terminal)
    : title_(std::move(title)), total_(total), begin_(at), terminal_(terminal) {}

std::string Progress::text(std::uint64_t at, std::uint64_t lines, double seconds) const {
    const double rate = seconds > 0 ? static_cast<double>(lines) / seconds : 0;
    if (total_ == 0) return fmt::format("{}: {} lines, {:.0f}/s", title_, lines, rate);
    const double part = std::min(1.0, static_cast<double>(at) / static_cast<double>(total_));
    const double speed = seconds > 0 ? static_cast<double>(at - begin_) / seconds : 0;
    const std::string left = speed > 0 ? clock_text(static_cast<double>(total_ - std::min(at, total_)) / speed) : "-:--";
    std::string bar;
    if (terminal_) {
        const int done = static_cast<int>(part * kBarWidth);
        bar = " [" + std::string(static_cast<std::size_t>(done), '#') +
              std::string(static_cast<std::size_t>(kBarWidth - done), '-') + ']';
    }
    return fmt::format("{}:{} {:.0f} %, {} lines, {:.0f}/s, {} left", title_, bar, part * 100, lines, rate, left);
}

void Progress::show(std::uint64_t at, std::uint64_t lines) {
    const auto now = Clock::now();
    if (now - shown_ < (terminal_ ? Clock::duration(kBarPause) : Clock::duration(kLinePause))) return;
    shown_ = now;
    const std::string line = text(at, lines, std::chrono::duration<double>(now - started_).count());
    std::fprintf(stderr, terminal_ ? "\r%s\x1b[K" : "%s\n", line.c_str());
    std::fflush(stderr);
    visible_ = terminal_;
}

void Progress::clear() {
    if (visible_) std::fputs("\r\x1b[K", stderr);
    visible_ = false;
}

}  // namespace tallyd
