// Which texts are IANA names of time zones. The directory of zones on a machine holds more: localtime, posixrules,
// Factory, and posix/ and right/ with all zones again; and PostgreSQL also reads POSIX descriptions, in which UTC+2 lies
// two hours WEST.
#pragma once

#include <string_view>

namespace tally {

// Whether a name has the form of an IANA name, in any case: one of the closed list of names without a slash, Etc/GMT with an
// offset, or words with slashes. That such a zone exists is for the time zone database to say.
bool is_zone_name(std::string_view name) noexcept;

}  // namespace tally
