// Fuzz target of event documents: any bytes are refused as a whole, or give events of which each is rejected with words
// that can be shown, or obeys every documented limit. A good event written anew, its numbers spelt another way, is the
// same event.
//
// Input: a byte of options (1: object form, 2: backfilling, 4: derived ids, 8: a clock near the epoch), the document.
#include <simdjson.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "core/event/event_check.hpp"
#include "core/base/number_text.hpp"

using namespace tally;

namespace {

constexpr std::int64_t present = 1'700'000'000'000'000;  // 2023-11-14T22:13:20Z
constexpr std::int64_t near_epoch = 3'000'000'000;       // 50 minutes after it

void require(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "event_document_fuzz: %s\n", what);
    std::abort();
}

// What PostgreSQL can hold as a text.
bool is_storable(std::string_view text) {
    return text.find('\0') == std::string_view::npos && simdjson::validate_utf8(text.data(), text.size());
}

std::size_t characters(std::string_view utf8) {
    return static_cast<std::size_t>(
        std::count_if(utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

void require_id(std::string_view text) {
    require(is_storable(text), "accepted a text that cannot be stored");
    require(characters(text) <= max_id_characters, "accepted an id that is too long");
}

void require_properties(const Event& event, std::string_view document) {
    require(event.properties.size() <= max_properties, "accepted too many properties");
    std::size_t bytes = 0;
    const Property* before = nullptr;
    for (const Property& property : event.properties) {
        require(before == nullptr || before->key < property.key, "properties are not sorted and distinct");
        require(!property.key.empty(), "accepted a property without a name");
        require_id(property.key);
        require(is_storable(property.text), "accepted a property that cannot be stored");
        if (property.kind == PropertyKind::number) {
            require(is_json_number(property.text), "a number is no JSON number");
            require(!number_problem(property.text), "accepted a number beyond the limit");
            require(document.find(property.text) != std::string_view::npos, "a number is not as it was sent");
        }
        if (property.kind == PropertyKind::json)
            require(document.find(property.text) != std::string_view::npos, "a value is not as it was sent");
        bytes += property.key.size() + property.text.size();
        before = &property;
    }
    require(bytes <= max_properties_bytes, "accepted properties that are too large");
}

void require_good(const Event& event, const DocumentOptions& options, bool backfilling, std::string_view document) {
    require(event.field.empty(), "a good event names a field");
    require(!event.event_id.empty() && !event.code.empty(), "accepted an event without id or code");
    require_id(event.event_id);
    require_id(event.customer_id);
    require_id(event.source);
    require(is_storable(event.code) && event.code.size() <= max_code_bytes, "accepted a code beyond its limits");
    require(event.ts_microseconds >= 0, "accepted a time before 1970");
    require(event.ts_microseconds - options.now_microseconds <= max_future_microseconds, "accepted a time too far ahead");
    require(backfilling || options.now_microseconds - event.ts_microseconds <= max_age_microseconds,
            "accepted an old event without backfilling");
    require(event.has_timestamp || event.ts_microseconds == options.now_microseconds, "an absent time is not now");
    require_properties(event, document);
    FieldBytes scratch;
    require(event.identity == event_identity(options.tenant_id, event.customer_id, event.source, event.event_id, scratch),
            "the identity is not that of customer, source and id");
    require(event.customer_hash == hash32(event.customer_id), "customer_hash is not the customer's");
}

void require_bad(const Event& event) {
    require(is_storable(event.reason) && event.reason.size() < 1000, "a reason cannot be shown");
    require(is_storable(event.field) && event.field.size() < 200, "a field's name cannot be shown");
}

void append_string(std::string& out, std::string_view text) {
    out += '"';
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || c == '"' || c == '\\') {
            char escape[7];
            std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(byte));
            out += escape;
        } else {
            out += c;
        }
    }
    out += '"';
}

// The same number, written with all its digits before an exponent.
std::string respelt(std::string_view text) {
    const NumberText number = canonical_number(text);
    if (number.digits.empty()) return "-0";
    return (number.negative ? "-" : "") + number.digits + "E" +
           std::to_string(number.point - static_cast<std::int64_t>(number.digits.size()));
}

// The event as another client would write it: properties the other way round. The time is left to the caller's text.
std::string written_anew(const Event& event, std::string_view time) {
    std::string out = "[{\"properties\": {";
    for (std::size_t i = event.properties.size(); i-- > 0;) {
        const Property& property = event.properties[i];
        append_string(out, property.key);
        out += " : ";
        if (property.kind == PropertyKind::number) {
            out += respelt(property.text);
        } else if (property.kind == PropertyKind::json) {
            (out += property.text) += '\n';
        } else {
            append_string(out, property.text);
        }
        if (i > 0) out += ',';
    }
    out += "}";
    if (event.has_timestamp) (out += ",\"timestamp\":\"").append(time) += '"';
    const std::pair<const char*, std::string_view> texts[] = {
        {"source", event.source}, {"customer_id", event.customer_id}, {"code", event.code}, {"event_id", event.event_id}};
    for (const auto& [name, text] : texts) {
        (out += ",\"") += name;
        out += "\":";
        append_string(out, text);
    }
    return out + "}]";
}

// All six digits of the microseconds, in the zone two hours ahead of UTC.
std::string time_text(std::int64_t microseconds) {
    const std::chrono::sys_time<std::chrono::microseconds> local{std::chrono::microseconds(microseconds) +
                                                                 std::chrono::hours(2)};
    const auto day = std::chrono::floor<std::chrono::days>(local);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss<std::chrono::microseconds> clock{local - day};
    char text[80];
    std::snprintf(text, sizeof text, "%04d-%02u-%02u %02d:%02d:%02d.%06d9+02:00", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                  static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
    return text;
}

void require_same_anew(const Event& event, std::int64_t now) {
    const EventDocument again(written_anew(event, time_text(event.ts_microseconds)), {DocumentForm::array, true, now, 7});
    require(again.reason().empty() && again.events().size() == 1, "a good event cannot be written anew");
    const Event& twin = again.events()[0];
    require(twin.reason.empty(), "a good event written anew is rejected");
    require(twin.identity == event.identity, "a good event written anew is another event");
    require(twin.payload == event.payload, "a good event written anew has another payload");
    require(twin.ts_microseconds == event.ts_microseconds, "a good event written anew has another time");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
    const DocumentOptions options{(data[0] & 1) != 0 ? DocumentForm::object : DocumentForm::array, (data[0] & 2) != 0,
                                  (data[0] & 8) != 0 ? near_epoch : present, 7, (data[0] & 4) != 0};
    const EventDocument document(text, options);
    if (!document.reason().empty()) {
        require(document.events().empty(), "a refused document has events");
        require(is_storable(document.reason()) && document.reason().size() < 1000, "a document's reason cannot be shown");
        require(is_storable(document.field()) && document.field().size() < 200, "a document's field cannot be shown");
        return 0;
    }
    require(!document.events().empty() && document.events().size() <= max_events,
            "a document without or with too many events");
    require(options.form == DocumentForm::object || document.allow_partial_failures(), "an array is not partial");
    // An object's own flag replaces the option, and is not told.
    const bool backfilling = options.allow_backfilling || options.form == DocumentForm::object;
    for (const Event& event : document.events()) {
        if (!event.reason.empty()) {
            require_bad(event);
        } else {
            require_good(event, options, backfilling, text);
            require_same_anew(event, options.now_microseconds);
        }
    }
    return 0;
}
