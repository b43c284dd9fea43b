// A request's head as a whole: see head.hpp.
//
// libmicrohttpd 0.9 hands out C strings, so a NUL byte from the client ends a target or a field's value early, in
// silence, where RFC 9110 (5.5) asks for a refusal. The strings lie where they were received, in their order, and the
// library only wrote NULs over what separated them: anything else between two of them was cut off. Later versions look
// for NUL themselves, and lay their strings out as they please.
#include "http/head.hpp"

#include <strings.h>

#include <cstdint>
#include <cstring>

#include "http/fields.hpp"

namespace tallyd {

namespace {

constexpr bool kLibraryCuts = MHD_VERSION < 0x01000000;
constexpr std::uintptr_t kLongestGap = std::uintptr_t{1} << 16;

class Reader {
public:
    explicit Reader(const char* version) noexcept : last_(version) {}

    void take(const char* name, const char* value) noexcept {
        head.bytes += std::strlen(name) + (value ? std::strlen(value) : 0) + 4;
        ++head.count;
        if (strcasecmp(name, "Content-Length") == 0) ++head.lengths;
        if (strcasecmp(name, "Transfer-Encoding") == 0) ++head.transfers;
        if (strcasecmp(name, "Authorization") == 0) ++head.authorizations;
        if (strcasecmp(name, "Idempotency-Key") == 0) ++head.once_keys;
        if (strcasecmp(name, "Content-Type") == 0) ++head.types;
        if (strcasecmp(name, "Content-Encoding") == 0) {
            ++head.codings;
            if (strcasecmp(value ? value : "", "identity") != 0) head.coded = true;
        }
        if (strcasecmp(name, "Host") == 0) {
            ++head.hosts;
            if (!is_host(value ? value : "")) head.bad_host = true;
        }
        if (!is_token(name)) head.bad_name = true;
        follow(name, "", kLineEnd);
        if (!value) return;
        follow(value, " \t", 1);
        if (std::strpbrk(value, "\r\n")) head.lone_ends = true;
    }

    // After the last field comes its own end of line and that of the empty line.
    void end() noexcept {
        if (!kLibraryCuts || head.count == 0) return;
        const char* at = last_ + std::strlen(last_);
        if (at[1] != '\0') head.cut = true;
        else if (at[2] != '\0' || at[3] != '\0') head.lone_ends = true;
    }

    Head head;

private:
    static constexpr int kLineEnd = 2;

    // Between the text before and this one only NULs may stand, as many as there were separators, and what is skipped
    // before it.
    void follow(const char* text, const char* skipped, int separators) noexcept {
        const char* at = last_ + std::strlen(last_);
        const auto from = reinterpret_cast<std::uintptr_t>(at), to = reinterpret_cast<std::uintptr_t>(text);
        last_ = text;
        if (!kLibraryCuts || to < from || to - from > kLongestGap) return;  // it was put elsewhere
        int nuls = 0;
        for (; at < text; ++at)
            if (*at == '\0' ? ++nuls > separators : std::strchr(skipped, *at) == nullptr) head.cut = true;
        if (nuls < separators) head.lone_ends = true;
    }

    const char* last_;
};

MHD_Result read_field(void* reader, MHD_ValueKind, const char* name, const char* value) {
    static_cast<Reader*>(reader)->take(name, value);
    return MHD_YES;
}

MHD_Result check_trailer(void* sound, MHD_ValueKind, const char* name, const char*) {
    return is_token(name) ? MHD_YES : static_cast<MHD_Result>(*static_cast<bool*>(sound) = false);
}

}  // namespace

bool has_sound_trailers(MHD_Connection* connection) {
    bool sound = true;
    MHD_get_connection_values(connection, MHD_FOOTER_KIND, check_trailer, &sound);
    return sound;
}

Head read_head(MHD_Connection* connection, const char* target_end, const char* version) {
    Reader reader(version);
    MHD_get_connection_values(connection, MHD_HEADER_KIND, read_field, &reader);
    reader.end();
    if (kLibraryCuts && *version != '\0' && version != target_end + 1) reader.head.cut = true;
    return reader.head;
}

}  // namespace tallyd
