// JSON text of tally.counter_state, for people, pg_dump and text-mode clients:
//   {"n":3,"resets":1,"increase":"7","first":"5","first_at":"2024-01-01T00:00:00Z","latest":"2",
//    "latest_at":"2024-01-03T00:00:00Z"}
// "first_seq" and "latest_seq" follow where they are not 0. A single reading has n, first, first_at and first_seq only.
// A running state of several parts is {"parts":[...]}, in canonical order. Keys may come in any order, each at most
// once.
#include <algorithm>

#include "core/counter/counter.hpp"
#include "core/base/json_reader.hpp"
#include "core/base/moment_text.hpp"

namespace tally {

namespace {

void append_value(std::string& out, const char* key, const Decimal& value) {
    out += ",\"";
    out += key;
    out += "\":\"";
    append_text(out, value);
    out += '"';
}

void append_moment_of(std::string& out, const std::string& key, const Moment& moment) {
    out += ",\"" + key + "_at\":\"";
    append_moment(out, moment.at);
    out += '"';
    if (moment.seq != 0) out += ",\"" + key + "_seq\":" + std::to_string(moment.seq);
}

void append_part(std::string& out, const Counter& part) {
    out += "{\"n\":" + std::to_string(part.n);
    if (part.n > 1) {
        out += ",\"resets\":" + std::to_string(part.resets);
        append_value(out, "increase", part.increase);
    }
    append_value(out, "first", part.first);
    append_moment_of(out, "first", part.first_moment);
    if (part.n > 1) {
        append_value(out, "latest", part.latest);
        append_moment_of(out, "latest", part.latest_moment);
    }
    out += '}';
}

enum Key : unsigned {
    key_n,
    key_resets,
    key_increase,
    key_first,
    key_first_at,
    key_first_seq,
    key_latest,
    key_latest_at,
    key_latest_seq,
    key_count
};
constexpr std::string_view key_names[key_count] = {"n",         "resets", "increase",  "first",     "first_at",
                                                   "first_seq", "latest", "latest_at", "latest_seq"};

constexpr unsigned bit(Key key) {
    return 1U << key;
}
constexpr unsigned reading_keys = bit(key_n) | bit(key_first) | bit(key_first_at);
constexpr unsigned many_keys = reading_keys | bit(key_resets) | bit(key_increase) | bit(key_latest) | bit(key_latest_at);

class CounterReader {
public:
    CounterReader(std::string_view text, std::byte* scratch) : json_(text, "tally.counter_state"), scratch_(scratch) {}

    // The packed form, `out` being just behind its head. Returns the bytes of the parts.
    std::size_t read(std::byte* out) {
        json_.expect('{');
        const std::string_view name = json_.string();
        std::size_t size = 0;
        if (name == "parts") {
            size = parts(out);
        } else {
            size = store_part(part(name), out);
        }
        json_.end();
        return size;
    }

private:
    std::size_t parts(std::byte* out) {
        std::size_t size = 0, before = 0, count = 0;
        json_.expect(':');
        json_.expect('[');
        do {
            json_.expect('{');
            const std::size_t length = store_part(part(json_.string()), out + size);
            if (count++ > 0 && compare_parts(Bytes(out + before, size - before), Bytes(out + size, length)) > 0)
                json_.fail("the parts are not in order");
            before = size;
            size += length;
        } while (json_.accept(','));
        json_.expect(']');
        json_.expect('}');
        if (count < 2) json_.fail("a single part stands alone");
        return size;
    }

    // An object whose first key has been read.
    Counter part(std::string_view name) {
        Counter found;
        std::byte* room = scratch_;
        unsigned seen = 0;
        for (;;) {
            const auto key = static_cast<unsigned>(std::find(std::begin(key_names), std::end(key_names), name) - key_names);
            if (key == key_count) json_.fail("unknown key \"" + std::string(name.substr(0, 40)) + "\"");
            if ((seen & 1U << key) != 0) json_.fail("key \"" + std::string(name) + "\" appears twice");
            seen |= 1U << key;
            json_.expect(':');
            member(found, key, room);
            if (!json_.accept(',')) break;
            name = json_.string();
        }
        json_.expect('}');
        if (found.n == 1) {
            found.latest = found.first;
            found.latest_moment = found.first_moment;
            found.increase = Decimal::make_small(0, found.first.scale);
        }
        const unsigned needed = found.n == 1 ? reading_keys : many_keys;
        const unsigned allowed = needed | bit(key_first_seq) | (found.n == 1 ? 0 : bit(key_latest_seq));
        if ((seen & needed) != needed || (seen & ~allowed) != 0) json_.fail("parts are missing or too many");
        if (!is_consistent(found)) json_.fail("the parts contradict each other");
        return found;
    }

    void member(Counter& found, unsigned key, std::byte*& room) {
        const auto decimal = [&] {
            const std::string_view digits = json_.string();
            std::byte* const at = room;
            room += digits.size() + 8;
            return parse_decimal(digits, at);
        };
        switch (key) {
            case key_n: found.n = json_.integer(); break;
            case key_resets: found.resets = json_.integer(); break;
            case key_increase: found.increase = decimal(); break;
            case key_first: found.first = decimal(); break;
            case key_first_at: found.first_moment.at = parse_moment(json_.string()); break;
            case key_first_seq: found.first_moment.seq = json_.integer(); break;
            case key_latest: found.latest = decimal(); break;
            case key_latest_at: found.latest_moment.at = parse_moment(json_.string()); break;
            default: found.latest_moment.seq = json_.integer(); break;
        }
    }

    JsonReader json_;
    std::byte* scratch_;
};

}  // namespace

std::string counter_to_text(Bytes packed, Poll poll) {
    const CounterView view = load_counter(packed);
    std::string out;
    if (view.joined) {
        append_part(out, view.whole);
        return out;
    }
    out = "{\"parts\":";
    ByteReader in(view.parts, "tally.counter_state");
    for (std::size_t count = 0; !in.done(); ++count) {
        out += count == 0 ? '[' : ',';
        append_part(out, load_part(in));
        if (out.size() > max_counter_bytes - 8)
            throw Error(ErrorKind::limit_exceeded, "the text of a running counter exceeds 1 GB",
                        "Finish it first: use tally.counter or tally.merge.");
        if ((count & 0xFFFF) == 0xFFFF) poll();
    }
    out += "]}";
    return out;
}

std::size_t counter_from_text(std::string_view text, std::byte* out, std::byte* scratch) {
    const std::size_t size = CounterReader(text, scratch).read(out + packed_head_bytes);
    store_packed_head(out);
    return packed_head_bytes + size;
}

}  // namespace tally
