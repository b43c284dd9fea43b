// JSON text of tally.distinct_set: {"kind":"text","count":2,"keys":"<base64>"}, or
// {"kind":"number","count":9,"base":"<number>","bits":"<base64>"}. Keys and words are those of the packed form, in its
// order and byte order; whether keys are 8 or 16 bytes wide follows from count and length. "base" is text, since JSON
// readers may know no integer of 64 bits.
#include <algorithm>
#include <charconv>
#include <string>

#include "core/distinct/distinct_set.hpp"
#include "core/base/json_reader.hpp"

namespace tally {

namespace {

constexpr char base64_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int base64_value(char letter) noexcept {
    if (letter >= 'A' && letter <= 'Z') return letter - 'A';
    if (letter >= 'a' && letter <= 'z') return letter - 'a' + 26;
    if (letter >= '0' && letter <= '9') return letter - '0' + 52;
    return letter == '+' ? 62 : letter == '/' ? 63 : -1;
}

// Turns bytes that come one at a time into base64 letters.
class Base64Writer {
public:
    explicit Base64Writer(char* out) noexcept : at_(out) {}

    void byte(std::uint8_t value) noexcept {
        bits_ = bits_ << 8 | value;
        if (++held_ < 3) return;
        for (int shift = 18; shift >= 0; shift -= 6) *at_++ = base64_letters[bits_ >> shift & 63];
        bits_ = 0;
        held_ = 0;
    }
    void word(std::uint64_t value) noexcept {
        for (int shift = 0; shift < 64; shift += 8) byte(static_cast<std::uint8_t>(value >> shift));
    }
    char* finish() noexcept {
        const int held = held_;
        if (held == 0) return at_;
        while (held_ != 0) byte(0);
        for (int i = held; i < 3; ++i) at_[i - 3] = '=';
        return at_;
    }

private:
    char* at_;
    std::uint32_t bits_ = 0;
    int held_ = 0;
};

char* put(char* out, std::string_view text) noexcept {
    std::memcpy(out, text.data(), text.size());
    return out + text.size();
}

// Decodes; throws through `json` where the letters are not canonical base64. Returns the bytes written.
std::size_t decode_base64(const JsonReader& json, std::string_view letters, std::byte* out) {
    if (letters.size() % 4 != 0) json.fail("\"keys\" or \"bits\" is no base64");
    std::size_t padding = 0;
    while (padding < 2 && padding < letters.size() && letters[letters.size() - 1 - padding] == '=') ++padding;
    std::byte* at = out;
    for (std::size_t i = 0; i < letters.size(); i += 4) {
        std::uint32_t bits = 0;
        const bool last = i + 4 == letters.size();
        for (std::size_t k = 0; k < 4; ++k) {
            const bool pad = last && k >= 4 - padding;
            const int value = pad ? 0 : base64_value(letters[i + k]);
            if (value < 0) json.fail("\"keys\" or \"bits\" is no base64");
            bits = bits << 6 | static_cast<std::uint32_t>(value);
        }
        const std::size_t count = last ? 3 - padding : 3;
        if (count < 3 && (bits & ((1U << (8 * (3 - count))) - 1)) != 0)
            json.fail("\"keys\" or \"bits\" is no canonical base64");
        for (std::size_t k = 0; k < count; ++k) *at++ = static_cast<std::byte>(bits >> (16 - 8 * k));
    }
    return static_cast<std::size_t>(at - out);
}

}  // namespace

std::size_t set_text_bound(const SetView& set) noexcept {
    return 120 + (set.bits() ? 8 * std::size_t{set.words} : set.count * set.key_size()) / 3 * 4 + 4;
}

std::size_t set_to_text(const SetView& set, char* out) noexcept {
    char* at = put(out, "{\"kind\":\"");
    at = put(at, kind_name(set.kind));
    at = put(at, "\",\"count\":");
    at = std::to_chars(at, at + 12, set.count).ptr;
    if (set.bits()) {
        at = put(at, ",\"base\":\"");
        at = std::to_chars(at, at + 20, set.base).ptr;
        at = put(at, "\",\"bits\":\"");
    } else {
        at = put(at, ",\"keys\":\"");
    }
    Base64Writer base64(at);
    const std::size_t words = set.bits() ? set.words : set.count * set.key_size() / 8;
    for (std::size_t i = 0; i < words; ++i) base64.word(set.word_at(i));
    at = put(base64.finish(), "\"}");
    return static_cast<std::size_t>(at - out);
}

namespace {

struct SetMembers {
    std::string_view kind, base, payload;
    std::int64_t count = -1;
    bool bits = false;
};

SetMembers read_members(JsonReader& json) {
    constexpr std::string_view names[] = {"kind", "count", "keys", "base", "bits"};
    enum { kind, count, keys, base, bits };
    SetMembers members;
    unsigned seen = 0;
    json.expect('{');
    do {
        const std::string_view name = json.string();
        const auto key = static_cast<unsigned>(std::find(std::begin(names), std::end(names), name) - std::begin(names));
        if (key == std::size(names)) json.fail("unknown key \"" + std::string(name.substr(0, 40)) + "\"");
        if ((seen & 1U << key) != 0) json.fail("a key appears twice");
        seen |= 1U << key;
        json.expect(':');
        if (key == count) {
            members.count = json.integer();
        } else {
            (key == kind ? members.kind : key == base ? members.base : members.payload) = json.string();
        }
    } while (json.accept(','));
    json.expect('}');
    json.end();
    members.bits = (seen & 1U << bits) != 0;
    if (seen != (members.bits ? 1U << kind | 1U << count | 1U << base | 1U << bits : 1U << kind | 1U << count | 1U << keys))
        json.fail("\"kind\", \"count\" and either \"keys\" or \"base\" and \"bits\" are required");
    return members;
}

}  // namespace

std::size_t set_from_text(std::string_view text, std::byte* out) {
    JsonReader json(text, "tally.distinct_set");
    const SetMembers members = read_members(json);
    unsigned number = 1;
    while (number < set_kind_count && kind_name(static_cast<SetKind>(number)) != members.kind) ++number;
    if (number == set_kind_count) json.fail("unknown kind \"" + std::string(members.kind.substr(0, 40)) + "\"");
    if (members.count < 0 || members.count > UINT32_MAX) json.fail("\"count\" is out of range");
    const auto kind = static_cast<SetKind>(number);
    const auto count = static_cast<std::uint32_t>(members.count);
    std::byte* payload = out + packed_header;
    if (members.bits) {
        std::uint64_t base = 0;
        const char* const end = members.base.data() + members.base.size();
        const auto [stop, problem] = std::from_chars(members.base.data(), end, base);
        if (members.base.empty() || stop != end || problem != std::errc()) json.fail("\"base\" is no number of 64 bits");
        store_u64(payload, base);
        payload += 8;
    }
    const std::size_t size = decode_base64(json, members.payload, payload);
    if (!members.bits && size != std::size_t{8} * count && size != std::size_t{16} * count)
        json.fail("\"count\" does not fit the length of \"keys\"");
    const bool wide = !members.bits && (count > 0 ? size == std::size_t{16} * count : always_wide(kind));
    pack_set_header(kind, members.bits ? SetForm::packed_bits : SetForm::packed_keys, wide, count, out);
    return static_cast<std::size_t>(payload - out) + size;
}

}  // namespace tally
