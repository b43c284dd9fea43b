// JSON text of tally.summary, for people, pg_dump and text-mode clients:
//   {"n":3,"total":"6.60","lowest":"1.10","highest":"3.3","first":"2.2","first_at":"2024-01-01T00:00:00Z","first_seq":0,
//    "latest":"3.3","latest_at":"2024-01-02T00:00:00Z","latest_seq":7}
// Also, where they apply: "nan", "infinity", "minus_infinity" (counts of such values; total is of the finite ones) and
// "sums_only":1 (a difference). Parts that a state lacks are left out; keys may come in any order, each at most once.
#include "core/base/json_reader.hpp"
#include "core/base/moment_text.hpp"
#include "core/summary/summary.hpp"

namespace tally {

namespace {

void put_key(std::string& out, std::string_view key) {
    out += out.empty() ? "{\"" : ",\"";
    out += key;
    out += "\":";
}

void put_count(std::string& out, std::string_view key, std::int64_t value) {
    put_key(out, key);
    out += std::to_string(value);
}

void put_decimal(std::string& out, std::string_view key, const Decimal& value) {
    put_key(out, key);
    out += '"';
    append_text(out, value);
    out += '"';
}

void put_moment(std::string& out, std::string_view key, std::int64_t at) {
    put_key(out, key);
    out += '"';
    append_moment(out, at);
    out += '"';
}

enum Key : unsigned {
    key_n,
    key_total,
    key_lowest,
    key_highest,
    key_first,
    key_first_at,
    key_first_seq,
    key_latest,
    key_latest_at,
    key_latest_seq,
    key_nan,
    key_infinity,
    key_minus_infinity,
    key_sums_only,
    key_count
};
constexpr std::string_view key_names[key_count] = {"n",        "total",     "lowest",         "highest",   "first",
                                                   "first_at", "first_seq", "latest",         "latest_at", "latest_seq",
                                                   "nan",      "infinity",  "minus_infinity", "sums_only"};

constexpr unsigned bit(Key key) {
    return 1U << key;
}
constexpr unsigned moment_keys =
    bit(key_first) | bit(key_first_at) | bit(key_first_seq) | bit(key_latest) | bit(key_latest_at) | bit(key_latest_seq);

class SummaryReader {
public:
    SummaryReader(std::string_view text, std::byte* scratch) : json_(text, "tally.summary"), scratch_(scratch) {}

    Summary read() {
        json_.expect('{');
        if (!json_.accept('}')) {
            do member();
            while (json_.accept(','));
            json_.expect('}');
        }
        json_.end();
        if ((seen_ & bit(key_n)) == 0 || (seen_ & bit(key_total)) == 0) json_.fail("\"n\" and \"total\" are required");
        if ((seen_ & moment_keys) != 0 && (seen_ & moment_keys) != moment_keys)
            json_.fail(
                "\"first\", \"first_at\", \"first_seq\", \"latest\", \"latest_at\" and \"latest_seq\" belong together");
        summary_.has_moments = (seen_ & moment_keys) != 0;
        if (!is_consistent(summary_)) json_.fail("the parts contradict each other");
        return summary_;
    }

private:
    void member() {
        const std::string_view name = json_.string();
        unsigned key = 0;
        while (key < key_count && key_names[key] != name) ++key;
        if (key == key_count) json_.fail("unknown key \"" + std::string(name.substr(0, 40)) + "\"");
        if ((seen_ & 1U << key) != 0) json_.fail("key \"" + std::string(name) + "\" appears twice");
        seen_ |= 1U << key;
        json_.expect(':');
        switch (key) {
            case key_n: summary_.n = json_.integer(); break;
            case key_nan: summary_.nan_count = json_.integer(); break;
            case key_infinity: summary_.infinity_count = json_.integer(); break;
            case key_minus_infinity: summary_.minus_infinity_count = json_.integer(); break;
            case key_sums_only: summary_.sums_only = json_.integer() != 0; break;
            case key_first_seq: summary_.first_moment.seq = json_.integer(); break;
            case key_latest_seq: summary_.latest_moment.seq = json_.integer(); break;
            case key_first_at: summary_.first_moment.at = parse_moment(json_.string()); break;
            case key_latest_at: summary_.latest_moment.at = parse_moment(json_.string()); break;
            case key_total: summary_.total = decimal(); break;
            case key_lowest: summary_.lowest = decimal(); break;
            case key_highest: summary_.highest = decimal(); break;
            case key_first: summary_.first = decimal(); break;
            default: summary_.latest = decimal(); break;
        }
    }

    Decimal decimal() {
        const std::string_view text = json_.string();
        std::byte* const room = scratch_;
        scratch_ += text.size() + 8;
        return parse_decimal(text, room);
    }

    JsonReader json_;
    std::byte* scratch_;
    Summary summary_;
    unsigned seen_ = 0;
};

}  // namespace

std::string summary_to_text(const Summary& s) {
    std::string out;
    put_count(out, "n", s.n);
    put_decimal(out, "total", s.total);
    if (s.nan_count != 0) put_count(out, "nan", s.nan_count);
    if (s.infinity_count != 0) put_count(out, "infinity", s.infinity_count);
    if (s.minus_infinity_count != 0) put_count(out, "minus_infinity", s.minus_infinity_count);
    if (s.sums_only) put_count(out, "sums_only", 1);
    if (s.lowest.kind != DecimalKind::none) {
        put_decimal(out, "lowest", s.lowest);
        put_decimal(out, "highest", s.highest);
    }
    if (s.has_moments) {
        put_decimal(out, "first", s.first);
        put_moment(out, "first_at", s.first_moment.at);
        put_count(out, "first_seq", s.first_moment.seq);
        put_decimal(out, "latest", s.latest);
        put_moment(out, "latest_at", s.latest_moment.at);
        put_count(out, "latest_seq", s.latest_moment.seq);
    }
    out += '}';
    return out;
}

Summary summary_from_text(std::string_view text, std::byte* scratch) {
    return SummaryReader(text, scratch).read();
}

}  // namespace tally
