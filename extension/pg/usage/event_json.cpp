// An event as the JSON of a REST answer, with what each metric of its code made of it. A page of the event list makes many
// by one EventJson, SQL functions one at a call: what a code's metrics are is read once for each of them. A definition that
// is no metric yet can be tried so, too.
#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "pg/usage/event_json.hpp"

#include "core/base/json_string.hpp"
#include "core/base/public_id.hpp"
#include "core/base/rfc3339.hpp"
#include "core/metric/rule.hpp"
#include "core/usage/row_values.hpp"

#include "pg/border/gate.hpp"
#include "pg/border/values.hpp"
#include "pg/metric/definition.hpp"
#include "pg/usage/arguments.hpp"
#include "pg/usage/as_of.hpp"
#include "pg/usage/metric_row.hpp"
#include "pg/usage/store.hpp"

namespace tally {
namespace {

// One unarchived metric that reads a code, or a definition that is tried.
struct Reading {
    std::int64_t created_at = 0;
    UuidBytes id{};
    std::string public_id, key;  // public_id: empty where it is tried
    std::unique_ptr<MetricRule> rule;
    std::unique_ptr<RowValues> values;
};
using Readings = std::vector<Reading>;
// By tenant, code and the id of the cut, empty where it is none.
using ReadingsByCode = std::map<std::tuple<std::int32_t, std::string, std::string>, Readings>;

void read_by(Reading& reading, const MetricDefinition& definition) {
    reading.key = definition.key;
    reading.rule = std::make_unique<MetricRule>(definition, Filter{}, std::span<const std::string>());
    reading.values = std::make_unique<RowValues>(reading.rule->keys());
}

// By the definitions that the metrics had at the cut; nullptr: by those that they have.
Readings readings_of(std::int32_t tenant, const std::string& code, const AsOf* cut) {
    Readings readings;
    for (HeapTupleHeader const row : unarchived_metrics(tenant, code)) {
        Reading& reading = readings.emplace_back();
        call_pg([&] {
            bool is_null = false;
            reading.created_at = DatumGetTimestampTz(GetAttributeByName(row, "created_at", &is_null));
            const pg_uuid_t* const id = DatumGetUUIDP(GetAttributeByName(row, "metric_id", &is_null));
            std::memcpy(reading.id.data(), id->data, reading.id.size());
        });
        reading.public_id = encode_public_id("bm_", reading.id);
        const MeteredMetric metric = metric_of_row(row);
        read_by(reading, (cut != nullptr ? metric_as_of(metric, *cut) : metric).definition);
    }
    std::sort(readings.begin(), readings.end(), [](const Reading& left, const Reading& right) {
        return left.created_at != right.created_at ? left.created_at < right.created_at : left.id < right.id;
    });
    return readings;
}

const KnownAt* known_at(const AsOf* cut) {
    return cut != nullptr ? &cut->known : nullptr;
}

// What a call site has read: the same for the whole statement, freed with its memory context.
struct CallSite {
    std::map<std::pair<std::int32_t, std::string>, AsOf> cuts;
    ReadingsByCode codes;
    MemoryContextCallback on_reset;
};

CallSite& call_site(FunctionCallInfo fcinfo) {
    if (fcinfo->flinfo->fn_extra != nullptr) return *static_cast<CallSite*>(fcinfo->flinfo->fn_extra);
    CallSite* const site = std::make_unique<CallSite>().release();
    site->on_reset.arg = site;
    site->on_reset.func = [](void* argument) { delete static_cast<CallSite*>(argument); };
    MemoryContextRegisterResetCallback(fcinfo->flinfo->fn_mcxt, &site->on_reset);  // cannot fail
    fcinfo->flinfo->fn_extra = site;
    return *site;
}

// The columns of tally.recent_event; texts lie in the row or are palloc'ed.
struct EventColumns {
    std::int32_t tenant = 0;
    std::int64_t ts = 0, seq = 0, received_at = 0;
    std::string_view code, customer, source, event_id;
    std::string_view properties;             // as sent
    const char* shown_properties = nullptr;  // as jsonb shows them
    bool has_import = false;
    UuidBytes import{};
};

// Properties as jsonb shows them. Calls PostgreSQL.
const char* shown(std::string_view properties) {
    Jsonb* const value =
        DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(pnstrdup(properties.data(), properties.size()))));
    return JsonbToCString(nullptr, &value->root, static_cast<int>(VARSIZE(value)));
}

// Calls PostgreSQL.
EventColumns columns_of(HeapTupleHeader row) {
    EventColumns event;
    bool is_null = false;
    const auto text_at = [&](const char* name) { return view_of(DatumGetTextPP(GetAttributeByName(row, name, &is_null))); };
    event.tenant = DatumGetInt32(GetAttributeByName(row, "tenant_id", &is_null));
    event.ts = to_unix(DatumGetTimestampTz(GetAttributeByName(row, "ts", &is_null)));
    event.seq = DatumGetInt64(GetAttributeByName(row, "seq", &is_null));
    event.received_at = to_unix(DatumGetTimestampTz(GetAttributeByName(row, "received_at", &is_null)));
    event.code = text_at("code");
    event.customer = text_at("customer_id");
    event.source = text_at("source");
    event.event_id = text_at("event_id");
    event.properties = text_at("properties");
    event.shown_properties = shown(event.properties);
    const Datum import = GetAttributeByName(row, "import_id", &is_null);
    event.has_import = !is_null;
    if (event.has_import) std::memcpy(event.import.data(), DatumGetUUIDP(import)->data, event.import.size());
    return event;
}

// What a correction says of an event.
struct Correction {
    std::string json;  // {"reason", "at", "by", "amended"?}; empty for an event that is not void
    bool is_amended = false;
};

// Columns of correction, which begin lifted_correction too, and the last one of that.
enum CorrectionColumn : AttrNumber { reason = 8, created_at = 9, created_by = 10, successor = 11, act = 13, lift_act = 18 };

void read_correction(TupleTableSlot* slot, Correction& correction) {
    std::int64_t at = 0;
    std::string_view why, who;
    call_pg([&] {
        bool is_null = false;
        at = to_unix(DatumGetTimestampTz(slot_getattr(slot, created_at, &is_null)));
        why = view_of(DatumGetTextPP(slot_getattr(slot, reason, &is_null)));
        who = view_of(DatumGetTextPP(slot_getattr(slot, created_by, &is_null)));
        slot_getattr(slot, successor, &is_null);
        correction.is_amended = !is_null;
    });
    std::string& json = correction.json;
    json = "{\"reason\":";
    append_json_string(json, why);
    json += ",\"at\":\"" + format_rfc3339(at) + "\",\"by\":";
    append_json_string(json, who);
    json += correction.is_amended ? ",\"amended\":true}" : "}";
}

// The first correction of an event in a table, of which the acts are as `wanted` says.
template <typename Wanted>
void find_correction(IndexReader& reader, std::int32_t tenant, std::int64_t seq, Correction& correction, Wanted&& wanted) {
    ScanKeyData keys[2];
    call_pg([&] {
        ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(tenant));
        ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(seq));
    });
    reader.scan(keys, 2);
    while (TupleTableSlot* const slot = reader.next()) {
        const auto number = [&](AttrNumber column) {
            return call_pg([&] {
                bool is_null = false;
                return DatumGetInt64(slot_getattr(slot, column, &is_null));
            });
        };
        if (!wanted(number)) continue;
        read_correction(slot, correction);
        break;
    }
}

// As they are, or were at a cut: then one may have been lifted since.
class Corrections {
public:
    explicit Corrections(const KnownAt* known) : known_(known), made_("correction", "correction_pkey") {
        if (known_ != nullptr) lifted_.emplace("lifted_correction", "lifted_correction_pkey");
    }

    Correction of(std::int32_t tenant, std::int64_t seq) {
        Correction correction;
        find_correction(made_, tenant, seq, correction,
                        [&](const auto& number) { return known_ == nullptr || known_->sees_act(number(act)); });
        if (known_ == nullptr || !correction.json.empty()) return correction;
        find_correction(*lifted_, tenant, seq, correction, [&](const auto& number) {
            return known_->sees_act(number(act)) && !known_->sees_act(number(lift_act));
        });
        return correction;
    }
    void close() {
        made_.close();
        if (lifted_) lifted_->close();
    }

private:
    const KnownAt* known_;
    IndexReader made_;
    std::optional<IndexReader> lifted_;
};

void append_member(std::string& json, std::string_view name, std::string_view text) {
    json.append(",\"").append(name).append("\":");
    append_json_string(json, text);
}

// What the metric takes of an event that it counts, and in which group: the dimensions that its usage always has.
void append_explanation(std::string& json, const MetricRule& rule, std::span<const PropertyValue> values) {
    json += ",\"value\":";
    const std::optional<std::string> value =
        rule.value_key() < 0 ? "1" : value_text(values[static_cast<std::size_t>(rule.value_key())]);
    append_json_string(json, value.value_or(std::string()));
    json += ",\"dimensions\":{";
    for (const int key : rule.dimensions()) {
        const std::optional<std::string> dimension = value_text(values[static_cast<std::size_t>(key)]);
        if (!dimension) continue;
        if (json.back() != '{') json += ',';
        append_json_string(json, rule.keys()[static_cast<std::size_t>(key)].text());
        json += ':';
        append_json_string(json, *dimension);
    }
    json += '}';
}

void append_metrics(std::string& json, const Readings& readings, const EventColumns& event, const Correction& correction,
                    bool explain) {
    const bool is_voided = !correction.json.empty();
    const std::string_view why_voided =
        correction.is_amended ? "the event was amended: it counts as it is now" : "the event is voided";
    json += ",\"metrics\":[";
    for (const Reading& reading : readings) {
        if (json.back() != '[') json += ',';
        const std::span<const PropertyValue> values = reading.values->read(event.properties);
        const Outcome outcome = reading.rule->judge(values);
        json += '{';
        if (!reading.public_id.empty()) json += "\"metric_id\":\"" + reading.public_id + "\",";
        json += "\"counted\":";
        if (!is_voided && outcome == Outcome::counted) {
            json += "true";
            if (explain) append_explanation(json, *reading.rule, values);
            json += '}';
            continue;
        }
        json += "false,\"reason\":";
        append_json_string(json, is_voided ? why_voided : std::string_view(reason_text(outcome, reading.key)));
        json += '}';
    }
    json += ']';
}

const Readings& readings_at(ReadingsByCode& codes, const EventColumns& event, const AsOf* cut) {
    const std::string code(event.code);
    const auto place = codes.try_emplace({event.tenant, code, cut != nullptr ? cut->id : std::string()});
    if (place.second) place.first->second = readings_of(event.tenant, code, cut);
    return place.first->second;
}

// The cut that an argument of the whole statement means.
const AsOf* cut_at(CallSite& site, std::int32_t tenant, const std::optional<std::string>& as_of) {
    if (!as_of) return nullptr;
    const auto key = std::make_pair(tenant, *as_of);
    auto found = site.cuts.find(key);
    if (found == site.cuts.end()) found = site.cuts.emplace(key, find_as_of(tenant, as_of).value()).first;
    return &found->second;
}

void append_event(std::string& json, const Readings& readings, const EventColumns& event, const Correction& correction,
                  bool explain) {
    json += "{\"event_id\":";
    append_json_string(json, event.event_id);
    append_member(json, "code", event.code);
    append_member(json, "customer_id", event.customer);
    append_member(json, "source", event.source);
    append_member(json, "timestamp", format_rfc3339(event.ts));
    append_member(json, "received_at", format_rfc3339(event.received_at));
    json.append(",\"properties\":").append(event.shown_properties);
    if (event.has_import) append_member(json, "import_id", encode_public_id("imp_", event.import));
    if (!correction.json.empty()) json.append(",\"voided\":").append(correction.json);
    append_metrics(json, readings, event, correction, explain);
    json += '}';
}

std::string event_json(const Readings& readings, const EventColumns& event, bool explain, const AsOf* cut = nullptr) {
    Corrections corrections(known_at(cut));
    std::string json;
    append_event(json, readings, event, corrections.of(event.tenant, event.seq), explain);
    corrections.close();
    return json;
}

// The event that a function was given, which its caller may see.
EventColumns event_argument(FunctionCallInfo fcinfo) {
    return call_pg([&] {
        EventColumns columns = columns_of(PG_GETARG_HEAPTUPLEHEADER(0));
        tenant_for_caller(columns.tenant);
        return columns;
    });
}

}  // namespace

struct EventJson::Parts {
    Parts(std::int32_t of_tenant, const AsOf* of_cut)
        : tenant(of_tenant), cut(of_cut), corrections(known_at(of_cut)), memory(call_pg([] {
              return AllocSetContextCreate(CurrentMemoryContext, "tally event json", ALLOCSET_DEFAULT_SIZES);
          })) {}

    std::int32_t tenant;
    const AsOf* cut;
    Corrections corrections;
    ReadingsByCode codes;
    MemoryContext memory;  // of one event
};

EventJson::EventJson(std::int32_t tenant, const AsOf* cut) : parts_(std::make_unique<Parts>(tenant, cut)) {}
EventJson::~EventJson() = default;

void EventJson::append(std::string& json, const FoundEvent& event, const std::string& history) {
    EventColumns columns{parts_->tenant,   event.ts,          event.seq,        event.received_at,
                         event.code,       event.customer_id, event.source,     event.event_id,
                         event.properties, nullptr,           event.has_import, event.import_id};
    columns.shown_properties = call_pg([&] {
        CHECK_FOR_INTERRUPTS();
        MemoryContextReset(parts_->memory);
        MemoryContext const before = MemoryContextSwitchTo(parts_->memory);
        const char* const text = shown(event.properties);
        MemoryContextSwitchTo(before);
        return text;
    });
    append_event(json, readings_at(parts_->codes, columns, parts_->cut), columns,
                 parts_->corrections.of(parts_->tenant, event.seq), false);
    if (history.empty()) return;
    json.back() = ',';
    json.append("\"history\":").append(history) += '}';
}

void EventJson::close() {
    parts_->corrections.close();
    call_pg([&] { MemoryContextDelete(parts_->memory); });
}

}  // namespace tally

// tally._event_json(event tally.recent_event, explain, as_of) -> json
TALLY_FUNCTION(event_json) {
    using namespace tally;
    if (PG_ARGISNULL(0) || PG_ARGISNULL(1)) PG_RETURN_NULL();
    return guarded([&]() -> Datum {
        const EventColumns event = event_argument(fcinfo);
        CallSite& site = call_site(fcinfo);
        const AsOf* const cut = cut_at(site, event.tenant, text_argument(fcinfo, 2));
        const std::string json = event_json(readings_at(site.codes, event, cut), event, PG_GETARG_BOOL(1), cut);
        return call_pg([&] { return text_datum(json); });
    });
}

// tally._event_tried(event tally.recent_event, definition tally.metric) -> json
TALLY_FUNCTION(event_tried) {
    using namespace tally;
    return guarded([&]() -> Datum {
        const EventColumns event = event_argument(fcinfo);
        Readings tried(1);
        read_by(tried.front(), definition_of_row(call_pg([&] { return PG_GETARG_HEAPTUPLEHEADER(1); })));
        const std::string json = event_json(tried, event, true);
        return call_pg([&] { return text_datum(json); });
    });
}
