// A small strict reader for the JSON text of states: one flat object of strings, integers, booleans and arrays of
// strings. It is for our own output, so strings hold no escapes; anything else is refused with Error(invalid_text).
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/error.hpp"

namespace tally {

class JsonReader {
public:
    // `type_name` is for messages: "tally.summary".
    JsonReader(std::string_view text, const char* type_name) noexcept : text_(text), type_name_(type_name) {}

    [[noreturn]] void fail(const std::string& why) const {
        throw Error(ErrorKind::invalid_text, "invalid input syntax for type " + std::string(type_name_) + ": " + why);
    }

    // True and consumed if the next character (blanks skipped) is `wanted`.
    bool accept(char wanted) noexcept {
        skip_blanks();
        if (text_.empty() || text_.front() != wanted) return false;
        text_.remove_prefix(1);
        return true;
    }
    void expect(char wanted) {
        if (!accept(wanted)) fail(std::string("expected \"") + wanted + "\"");
    }
    std::string_view string() {
        expect('"');
        const std::size_t length = text_.find_first_of("\"\\");
        if (length == std::string_view::npos || text_[length] != '"') fail("unterminated or escaped string");
        const std::string_view found = text_.substr(0, length);
        text_.remove_prefix(length + 1);
        return found;
    }
    std::int64_t integer() {
        skip_blanks();
        std::int64_t value = 0;
        const auto [end, code] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
        if (code != std::errc()) fail("expected a 64-bit integer");
        text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
        return value;
    }
    void end() {
        skip_blanks();
        if (!text_.empty()) fail("unexpected text after the object");
    }

private:
    void skip_blanks() noexcept {
        const std::size_t blanks = text_.find_first_not_of(" \t\r\n");
        text_.remove_prefix(blanks == std::string_view::npos ? text_.size() : blanks);
    }

    std::string_view text_;
    const char* type_name_;
};

}  // namespace tally
