// JSON as text: see json_text.hpp.
#include "json_text.hpp"

#include <simdjson.h>

namespace tallyd {

namespace {

// Length of the valid UTF-8 sequence that starts at text[at], 0 when there is none.
std::size_t sequence_length(std::string_view text, std::size_t at) noexcept {
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t length = lead < 0x80   ? 1
                               : lead < 0xC2 ? 0
                               : lead < 0xE0 ? 2
                               : lead < 0xF0 ? 3
                               : lead < 0xF5 ? 4
                                             : 0;
    if (length == 0 || at + length > text.size()) return 0;
    return valid_utf8(text.substr(at, length)) ? length : 0;
}

void append_escape(std::string& out, unsigned char c) {
    static constexpr char kHex[] = "0123456789abcdef";
    switch (c) {
        case '"':
            out += "\\\"";
            return;
        case '\\':
            out += "\\\\";
            return;
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        default:
            out += "\\u00";
            out += kHex[c >> 4];
            out += kHex[c & 15];
    }
}

// Walks over JSON text that is known to be well formed, looking only at its top level.
class Walker {
public:
    explicit Walker(std::string_view text) noexcept : text_(text) {}

    IngestCounts run() noexcept {
        while (at_ < text_.size()) step();
        return counts_;
    }

private:
    void step() noexcept {
        const char c = text_[at_];
        if (c == '"') {
            string();
            return;
        }
        ++at_;
        if (c == '{' || c == '[') {
            if (depth_ == 2 && in_failures_ && c == '{') ++counts_.failures;
            if (depth_ == 1) in_failures_ = c == '[' && key_ == "failures";
            ++depth_;
        } else if (c == '}' || c == ']') {
            --depth_;
        } else if (c >= '0' && c <= '9' && depth_ == 1) {
            number(c);
        }
    }

    void string() noexcept {
        const std::size_t begin = ++at_;
        while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
        const std::size_t end = at_ < text_.size() ? at_ : text_.size();
        if (depth_ == 1) key_ = text_.substr(begin, end - begin);
        ++at_;
    }

    void number(char first) noexcept {
        std::uint64_t value = static_cast<std::uint64_t>(first - '0');
        while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9')
            value = value * 10 + static_cast<std::uint64_t>(text_[at_++] - '0');
        if (key_ == "accepted") counts_.accepted = value;
        if (key_ == "duplicates") counts_.duplicates = value;
    }

    std::string_view text_;
    std::string_view key_;
    std::size_t at_ = 0;
    int depth_ = 0;
    bool in_failures_ = false;
    IngestCounts counts_;
};

}  // namespace

bool valid_utf8(std::string_view text) noexcept {
    return simdjson::validate_utf8(text.data(), text.size());
}

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    for (std::size_t at = 0; at < text.size();) {
        const auto c = static_cast<unsigned char>(text[at]);
        if (c < 0x20 || c == '"' || c == '\\' || c == 0x7F) {
            append_escape(out, c);
            ++at;
        } else if (const std::size_t length = sequence_length(text, at); length > 0) {
            out.append(text, at, length);
            at += length;
        } else {
            out += "\xEF\xBF\xBD";
            ++at;
        }
    }
    out += '"';
}

std::string json_string(std::string_view text) {
    std::string out;
    out.reserve(text.size() + 2);
    append_json_string(out, text);
    return out;
}

IngestCounts ingest_counts(std::string_view answer) noexcept {
    return Walker(answer).run();
}

}  // namespace tallyd
