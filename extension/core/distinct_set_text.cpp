// JSON text of tally.distinct_set: {"kind":"text","count":2,"keys":"<base64>"}. The keys are those of the packed form,
// in its order and byte order; whether they are 8 or 16 bytes wide follows from count and length.
#include <charconv>
#include <string>

#include "core/distinct_set.hpp"
#include "core/json_reader.hpp"

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
    if (letters.size() % 4 != 0) json.fail("\"keys\" is no base64");
    std::size_t padding = 0;
    while (padding < 2 && padding < letters.size() && letters[letters.size() - 1 - padding] == '=') ++padding;
    std::byte* at = out;
    for (std::size_t i = 0; i < letters.size(); i += 4) {
        std::uint32_t bits = 0;
        const bool last = i + 4 == letters.size();
        for (std::size_t k = 0; k < 4; ++k) {
            const bool pad = last && k >= 4 - padding;
            const int value = pad ? 0 : base64_value(letters[i + k]);
            if (value < 0) json.fail("\"keys\" is no base64");
            bits = bits << 6 | static_cast<std::uint32_t>(value);
        }
        const std::size_t count = last ? 3 - padding : 3;
        if (count < 3 && (bits & ((1U << (8 * (3 - count))) - 1)) != 0) json.fail("\"keys\" is no canonical base64");
        for (std::size_t k = 0; k < count; ++k) *at++ = static_cast<std::byte>(bits >> (16 - 8 * k));
    }
    return static_cast<std::size_t>(at - out);
}

}  // namespace

std::size_t set_text_bound(const SetView& set) noexcept {
    return 80 + (set.count * set.key_size() + 2) / 3 * 4;
}

std::size_t set_to_text(const SetView& set, char* out) noexcept {
    char* at = put(out, "{\"kind\":\"");
    at = put(at, kind_name(set.kind));
    at = put(at, "\",\"count\":");
    at = std::to_chars(at, at + 12, set.count).ptr;
    at = put(at, ",\"keys\":\"");
    Base64Writer base64(at);
    const bool wide = set.wide;
    for_each_key(set, [&base64, wide](const SetKey& key) {
        base64.word(key.high);
        if (wide) base64.word(key.low);
    });
    at = put(base64.finish(), "\"}");
    return static_cast<std::size_t>(at - out);
}

std::size_t set_from_text(std::string_view text, std::byte* out) {
    JsonReader json(text, "tally.distinct_set");
    std::string_view kind, letters;
    std::int64_t count = -1;
    unsigned seen = 0;
    const auto once = [&](unsigned bit) {
        if ((seen & bit) != 0) json.fail("a key appears twice");
        seen |= bit;
    };
    json.expect('{');
    do {
        const std::string_view key = json.string();
        json.expect(':');
        if (key == "kind") {
            once(1);
            kind = json.string();
        } else if (key == "count") {
            once(2);
            count = json.integer();
        } else if (key == "keys") {
            once(4);
            letters = json.string();
        } else {
            json.fail("unknown key \"" + std::string(key.substr(0, 40)) + "\"");
        }
    } while (json.accept(','));
    json.expect('}');
    json.end();
    if (seen != 7) json.fail("\"kind\", \"count\" and \"keys\" are required");
    unsigned number = 1;
    while (number < set_kind_count && kind_name(static_cast<SetKind>(number)) != kind) ++number;
    if (number == set_kind_count) json.fail("unknown kind \"" + std::string(kind.substr(0, 40)) + "\"");
    const std::size_t size = decode_base64(json, letters, out + 8);
    const auto values = static_cast<std::uint64_t>(count);
    if (count < 0 || count > max_narrow_values || (size != 8 * values && size != 16 * values))
        json.fail("\"count\" does not fit the length of \"keys\"");
    SetView view;
    view.kind = static_cast<SetKind>(number);
    // an empty set is wide where its kind always is
    view.wide = count > 0 ? size == 16 * values : always_wide(view.kind);
    view.count = static_cast<std::uint32_t>(count);
    pack_set_header(view, out);  // the keys stand behind it already
    return 8 + size;
}

}  // namespace tally
