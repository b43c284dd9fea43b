// What is checked in a request's body once it is whole, and the key that it may hold: taken out before SQL sees it.
#include "body_key.hpp"
#include "error.hpp"
#include "request.hpp"

namespace tallyd {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr const char* kNoBody = "this request takes no body but an apiKey";

}  // namespace

std::optional<Answer> HttpRequest::check_trailers() {
    if (!header("Transfer-Encoding") || has_sound_trailers(connection_)) return std::nullopt;
    broken_ = true;
    return refuse(400, "the name of a trailer is not valid");
}

std::optional<Answer> HttpRequest::check_body() {
    // A mark that nobody can see; RFC 8259 (8.1) allows to pass over it.
    if (body.starts_with(kByteOrderMark)) body.erase(0, kByteOrderMark.size());
    if (has_body_ || route->body != BodyKind::none)
        if (auto refusal = media_ == Media::form ? take_form() : take_json()) return refusal;
    if (auto refusal = check_keys()) return refusal;
    key = keys_.hash();
    return std::nullopt;
}

std::optional<Answer> HttpRequest::take_json() {
    // Nobody is told about a body whose sender did not even try to show a key.
    if (keys_.none() && body.find(kKeyName) == std::string::npos) return check_keys();
    if (route->body == BodyKind::none && body.empty()) return std::nullopt;
    if (auto refusal = check_text(body)) return refusal;
    // Event bodies may hold numbers that Jansson refuses; SQL parses those, each for itself.
    if (route->body != BodyKind::events)
        if (auto refusal = check_json(body)) return refusal;
    const TakenKey taken = take_key_of_json(body);
    if (taken.verdict == TakenKey::Verdict::repeated) return refuse_field(400, "apiKey is given twice", kKeyName);
    if (taken.verdict == TakenKey::Verdict::taken) keys_.add(taken.key);
    // With a key from elsewhere SQL says better what is wrong.
    if (taken.verdict == TakenKey::Verdict::malformed && keys_.none())
        return refuse(400, "the request body is not a JSON object");
    if (route->body != BodyKind::none) return std::nullopt;
    if (!is_empty_object(body)) return refuse(400, kNoBody);
    body.clear();
    return std::nullopt;
}

std::optional<Answer> HttpRequest::take_form() {
    if (keys_.none() && body.find(kKeyName) == std::string::npos) return check_keys();
    const std::size_t first = body.find_first_not_of(" \t\r\n");
    if (first != std::string::npos && (body[first] == '{' || body[first] == '['))
        return refuse(415, "the request body looks like JSON: its Content-Type must be application/json");
    std::optional<Form> form = parse_form(body);
    if (!form) return refuse(400, "the form in the request body is not valid UTF-8, or gives a field twice");
    for (const std::string& presented : form->keys) keys_.add(presented);
    body.clear();
    if (route->body == BodyKind::json)
        body = std::move(form->json);
    else if (!is_empty_object(form->json))
        return refuse(400, kNoBody);
    return std::nullopt;
}

}  // namespace tallyd
