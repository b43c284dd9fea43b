// The one reader of JSON texts: values looked up by path (RFC 6901: "/details/limit/remaining"; "" is the whole).
// What is not there, or of another type, reads as nothing; a text that is no JSON has nothing in it.
// Raw texts are compact, and numbers that fit neither an int64 nor a double make the whole text unreadable.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tallyd {

class Json {
public:
    explicit Json(std::string_view text);
    ~Json();
    Json(const Json&) = delete;
    Json& operator=(const Json&) = delete;

    bool is_object(std::string_view path = {}) const;
    bool is_null(std::string_view path = {}) const;
    std::optional<std::string> text(std::string_view path) const;
    std::optional<std::int64_t> integer(std::string_view path) const;
    std::optional<double> number(std::string_view path) const;
    std::size_t size(std::string_view path) const;  // elements of an array, else 0
    std::optional<std::string> raw(std::string_view path = {}) const;

    // Members of an object, in their order, each value raw.
    void members(std::string_view path, const std::function<void(std::string_view, std::string)>& each) const;

private:
    struct Parsed;
    const std::unique_ptr<Parsed> parsed_;
};

}  // namespace tallyd
