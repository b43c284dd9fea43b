// The one exception type of core/: what was wrong and what to do about it. The boundary turns `kind` into an SQLSTATE.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace tally {

enum class ErrorKind {
    invalid_text,      // 22P02: text that is no value of the type
    invalid_binary,    // 22P03: bytes that are no value of the type
    invalid_argument,  // 22023: an argument outside what the function takes
    out_of_range,      // 22003: a number larger than can be held
    limit_exceeded,    // 54000: a documented limit of pgtally
    corrupted,         // XX001: stored bytes that break an invariant
};

class Error : public std::runtime_error {
public:
    // `field`: the argument at fault, where one is.
    Error(ErrorKind kind, const std::string& message, std::string hint = {}, std::string field = {})
        : std::runtime_error(message), kind_(kind), hint_(std::move(hint)), field_(std::move(field)) {}

    ErrorKind kind() const noexcept { return kind_; }
    const char* hint() const noexcept { return hint_.c_str(); }
    const char* field() const noexcept { return field_.c_str(); }

private:
    ErrorKind kind_;
    std::string hint_;
    std::string field_;
};

}  // namespace tally
