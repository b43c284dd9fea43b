// The names of time zones, from IANA's files `backward`, `etcetera` and the regions. New zones have an area and a slash.
#include "core/usage/zone_name.hpp"

#include <algorithm>

namespace tally {
namespace {

constexpr std::string_view names_without_area[] = {
    "CET",       "CST6CDT", "Cuba",    "EET",   "EST",       "EST5EDT", "Egypt",     "Eire",     "GB",
    "GB-Eire",   "GMT",     "GMT+0",   "GMT-0", "GMT0",      "HST",     "Greenwich", "Hongkong", "Iceland",
    "Iran",      "Israel",  "Jamaica", "Japan", "Kwajalein", "Libya",   "MET",       "MST",      "MST7MDT",
    "NZ",        "NZ-CHAT", "Navajo",  "PRC",   "PST8PDT",   "Poland",  "Portugal",  "ROC",      "ROK",
    "Singapore", "Turkey",  "UCT",     "UTC",   "Universal", "W-SU",    "WET",       "Zulu"};

// Not std::tolower and not the database's: neither may depend on a locale.
char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

bool is_letter(char c) noexcept {
    return lower(c) >= 'a' && lower(c) <= 'z';
}

// GMT+0 to GMT+12, GMT-0 to GMT-14, GMT0.
bool is_gmt_offset(std::string_view name) noexcept {
    if (name.size() < 4 || !same(name.substr(0, 3), "GMT")) return false;
    if (name == name.substr(0, 3)) return true;
    std::string_view digits = name.substr(3);
    const bool is_signed = digits.front() == '+' || digits.front() == '-';
    const int most = !is_signed ? 0 : digits.front() == '+' ? 12 : 14;
    if (is_signed) digits.remove_prefix(1);
    if (digits.empty() || digits.size() > 2 || (digits.size() == 2 && digits.front() == '0')) return false;
    int hours = 0;
    for (const char c : digits) {
        if (c < '0' || c > '9') return false;
        hours = hours * 10 + (c - '0');
    }
    return hours <= most;
}

}  // namespace

bool is_zone_name(std::string_view name) noexcept {
    const std::size_t slash = name.find('/');
    if (slash == std::string_view::npos) {
        return std::any_of(std::begin(names_without_area), std::end(names_without_area),
                           [&](std::string_view known) { return same(name, known); });
    }
    const std::string_view area = name.substr(0, slash);
    if (area.empty() || same(area, "posix") || same(area, "right") || same(area, "SystemV")) return false;
    if (!std::all_of(area.begin(), area.end(), is_letter)) return false;
    if (same(area, "Etc") && is_gmt_offset(name.substr(slash + 1))) return true;
    char before = '/';
    for (const char c : name.substr(slash + 1)) {
        if (!is_letter(c) && c != '_' && c != '-' && c != '/') return false;
        if (c == '/' && before == '/') return false;
        before = c;
    }
    return before != '/';
}

}  // namespace tally
