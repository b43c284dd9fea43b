// A request's body once it is whole: see body_reader.hpp.
#include "api/body_reader.hpp"

#include "api/body_key.hpp"
#include "base/error.hpp"
#include "http/uri.hpp"

namespace tallyd {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr const char* kNoBody = "this request takes no body but an apiKey";

std::optional<Response> take_json(std::string& body, const Route& route, Credentials& credentials) {
    // Nobody is told about a body whose sender did not even try to show a key.
    if (credentials.none() && body.find(kKeyName) == std::string::npos) return credentials.check();
    if (route.body == BodyKind::none && body.empty()) return std::nullopt;
    if (auto refusal = check_text(body)) return refusal;
    // Event bodies may hold numbers that Jansson refuses; SQL parses those, each for itself.
    if (route.body != BodyKind::events)
        if (auto refusal = check_json(body)) return refusal;
    const TakenKey taken = take_key_of_json(body);
    if (taken.verdict == TakenKey::Verdict::repeated) return refuse_field(400, "apiKey is given twice", kKeyName);
    if (taken.verdict == TakenKey::Verdict::taken) credentials.add(taken.key);
    // With a key from elsewhere SQL says better what is wrong.
    if (taken.verdict == TakenKey::Verdict::malformed && credentials.none())
        return refuse(400, "the request body is not a JSON object");
    if (route.body != BodyKind::none) return std::nullopt;
    if (!is_empty_object(body)) return refuse(400, kNoBody);
    body.clear();
    return std::nullopt;
}

std::optional<Response> take_form(std::string& body, const Route& route, Credentials& credentials) {
    if (credentials.none() && body.find(kKeyName) == std::string::npos) return credentials.check();
    const std::size_t first = body.find_first_not_of(" \t\r\n");
    if (first != std::string::npos && (body[first] == '{' || body[first] == '['))
        return refuse(415, "the request body looks like JSON: its Content-Type must be application/json");
    std::optional<Form> form = parse_form(body);
    if (!form) return refuse(400, "the form in the request body is not valid UTF-8, or gives a field twice");
    for (const std::string& presented : form->keys) credentials.add(presented);
    body.clear();
    if (route.body == BodyKind::json) body = std::move(form->json);
    else if (!is_empty_object(form->json)) return refuse(400, kNoBody);
    return std::nullopt;
}

}  // namespace

std::optional<Response> read_body(std::string& body, const Route& route, Media media, Credentials& credentials) {
    // A mark that nobody can see; RFC 8259 (8.1) allows to pass over it.
    if (body.starts_with(kByteOrderMark)) body.erase(0, kByteOrderMark.size());
    return media == Media::form ? take_form(body, route, credentials) : take_json(body, route, credentials);
}

}  // namespace tallyd
