// A request's head as a whole: see head.hpp.
//
// libmicrohttpd 0.9 hands out C strings, so a NUL byte from the client ends a target or a field's value early, in
// silence, where RFC 9110 (5.5) asks for a refusal. The strings lie where they were received, in their order, and the
// library only wrote NULs over what separated them: anything else between two of them was cut off. Later versions look
// for NUL themselves, and lay their strings out as they please.
#include "head.hpp"

#include <strings.h>

#include <cstdint>
#include <cstring>

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
        if (strcasecmp(name, "Authorization") == 0) ++head.authorizations;
        if (strcasecmp(name, "Idempotency-Key") == 0) ++head.once_keys;
        follow(name, "");
        if (value) follow(value, " \t");
    }

    // After the last field comes at least one end of line more than its own, or the second half of its own.
    void end() noexcept {
        if (kLibraryCuts && head.count > 0 && last_[std::strlen(last_) + 1] != '\0') head.cut = true;
    }

    Head head;

private:
    // Between the text before and this one only NULs may stand, at most two in a row, and what is skipped before it.
    void follow(const char* text, const char* skipped) noexcept {
        const char* at = last_ + std::strlen(last_);
        const auto from = reinterpret_cast<std::uintptr_t>(at), to = reinterpret_cast<std::uintptr_t>(text);
        last_ = text;
        if (!kLibraryCuts || to < from || to - from > kLongestGap) return;  // it was put elsewhere
        for (int nuls = 0; at < text; ++at)
            if (*at == '\0' ? ++nuls > 2 : std::strchr(skipped, *at) == nullptr) head.cut = true;
    }

    const char* last_;
};

MHD_Result read_field(void* reader, MHD_ValueKind, const char* name, const char* value) {
    static_cast<Reader*>(reader)->take(name, value);
    return MHD_YES;
}

}  // namespace

Head read_head(MHD_Connection* connection, const char* target_end, const char* version) {
    Reader reader(version);
    MHD_get_connection_values(connection, MHD_HEADER_KIND, read_field, &reader);
    reader.end();
    if (kLibraryCuts && *version != '\0' && version != target_end + 1) reader.head.cut = true;
    return reader.head;
}

}  // namespace tallyd
