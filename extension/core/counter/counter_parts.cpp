// Lists of parts of counters: both byte forms, appending to the working one, sorting and joining. Described in
// counter.hpp.
#include <algorithm>
#include <cstring>

#include "core/counter/counter.hpp"
#include "core/base/moment_text.hpp"

namespace tally {

namespace {

constexpr std::uint8_t magic = 'C';
constexpr std::uint8_t version = 1;
constexpr std::uint8_t form_packed = 0;
constexpr std::uint8_t form_working = 1;
constexpr std::uint8_t working_bytes[4] = {magic, version, form_working, 0};
constexpr std::size_t varlena_header = 4;

class Steps {
public:
    explicit Steps(Poll poll) noexcept : poll_(poll) {}
    void step() {
        if ((++count_ & 0xFFFF) == 0) poll_();
    }

private:
    Poll poll_;
    std::uint32_t count_ = 0;
};

bool is_small(const Counter& counter) noexcept {
    return counter.increase.kind == DecimalKind::small && counter.first.kind == DecimalKind::small &&
           counter.latest.kind == DecimalKind::small;
}

bool is_sound(const SmallSlot& slot) noexcept {
    return slot.kind == static_cast<std::uint32_t>(DecimalKind::small) && slot.scale >= 0 &&
           slot.scale <= decimal_max_scale && fits_small(slot.coefficient());
}

bool is_sound(const CounterWork& work, std::size_t body_size) noexcept {
    return std::memcmp(&work.word, working_bytes, sizeof working_bytes) == 0 && work.used > 0 &&
           work.used <= body_size + varlena_header - sizeof(CounterWork);
}

Counter whole_of(const CounterWork& work) noexcept {
    const auto value = [](const SmallSlot& slot) { return Decimal::make_small(slot.coefficient(), slot.scale); };
    Counter whole;
    whole.n = work.n;
    whole.resets = work.resets;
    whole.increase = value(work.increase);
    whole.first = value(work.first);
    whole.latest = value(work.latest);
    whole.first_moment = work.first_moment;
    whole.latest_moment = work.latest_moment;
    return whole;
}

void set_whole(CounterWork& work, const Counter& whole) noexcept {
    work.joined = 1;
    work.n = whole.n;
    work.resets = whole.resets;
    work.increase.set(whole.increase.coefficient, whole.increase.scale);
    work.first.set(whole.first.coefficient, whole.first.scale);
    work.latest.set(whole.latest.coefficient, whole.latest.scale);
    work.first_moment = whole.first_moment;
    work.latest_moment = whole.latest_moment;
}

CounterView load_working(Bytes body) {
    CounterWork work;
    std::memcpy(reinterpret_cast<std::byte*>(&work) + varlena_header, body.data(), sizeof work - varlena_header);
    if (!is_sound(work, body.size())) throw Error(ErrorKind::corrupted, "malformed tally.counter_state state");
    CounterView view;
    view.parts = body.subspan(sizeof work - varlena_header, work.used);
    view.working = true;
    return view;
}

// The part at the front, and its bytes.
struct FoundPart {
    Counter part;
    Bytes bytes;
};
FoundPart part_at(Bytes parts, std::size_t offset) {
    const Bytes rest = parts.subspan(offset);
    ByteReader in(rest, "tally.counter_state");
    const Counter part = load_part(in);
    return {part, rest.first(rest.size() - in.left())};
}

// <0, 0, >0 by the first reading, then the latest; scales are not looked at.
int compare_ranges(const Counter& left, const Counter& right) noexcept {
    if (const int order = compare_moment(left.first_moment, right.first_moment); order != 0) return order;
    if (const int order = compare_value(left.first, right.first); order != 0) return order;
    if (const int order = compare_moment(left.latest_moment, right.latest_moment); order != 0) return order;
    return compare_value(left.latest, right.latest);
}

int compare_found(const FoundPart& left, const FoundPart& right) noexcept {
    if (const int order = compare_ranges(left.part, right.part); order != 0) return order;
    // no part's bytes are the beginning of another's
    return std::memcmp(left.bytes.data(), right.bytes.data(), std::min(left.bytes.size(), right.bytes.size()));
}

void append_place(std::string& out, const Moment& moment) {
    append_moment(out, moment.at);
    if (moment.seq != 0) out += " (seq " + std::to_string(moment.seq) + ")";
}

void append_range(std::string& out, const Counter& counter) {
    out += counter.n == 1 ? "the reading at " : "a counter from ";
    append_place(out, counter.first_moment);
    if (counter.n == 1) return;
    out += " to ";
    append_place(out, counter.latest_moment);
}

[[noreturn]] void refuse_overlap(const Counter& left, const Counter& right) {
    std::string message;
    append_range(message, left);
    message += " and ";
    append_range(message, right);
    message += " overlap";
    throw Error(ErrorKind::invalid_argument, message,
                "What is merged has forgotten the readings inside its range: aggregate all readings of both ranges "
                "with tally.counter.");
}

}  // namespace

bool is_working_counter(const CounterWork& work, std::size_t size) noexcept {
    return size >= sizeof work && is_sound(work, size - varlena_header) &&
           (work.joined == 0 ||
            (work.joined == 1 && is_sound(work.increase) && is_sound(work.first) && is_sound(work.latest)));
}

void start_work(CounterWork& work) noexcept {
    const std::uint32_t header = work.varlena_header;
    work = CounterWork{};
    work.varlena_header = header;
    std::memcpy(&work.word, working_bytes, sizeof working_bytes);
}

CounterView view_of(const CounterWork& work) noexcept {
    CounterView view;
    view.parts = Bytes(reinterpret_cast<const std::byte*>(&work) + sizeof work, work.used);
    view.working = true;
    view.joined = work.joined == 1;
    if (view.joined) view.whole = whole_of(work);
    return view;
}

CounterView load_counter(Bytes body, ErrorKind kind_of_error) {
    if (kind_of_error == ErrorKind::corrupted && body.size() >= sizeof(CounterWork) - varlena_header &&
        std::memcmp(body.data(), working_bytes, sizeof working_bytes) == 0)
        return load_working(body);
    ByteReader in(body, "tally.counter_state", kind_of_error);
    const std::uint8_t kind = in.u8(), found_version = in.u8(), form = in.u8(), zero = in.u8();
    if (kind != magic || form != form_packed || zero != 0) in.fail();
    if (found_version != version) in.fail_version(found_version);
    CounterView view;
    view.parts = body.subspan(packed_head_bytes);
    const auto check_times = [&in, kind_of_error](const Counter& part) {
        if (kind_of_error != ErrorKind::corrupted &&
            !(is_timestamp(part.first_moment.at) && is_timestamp(part.latest_moment.at)))
            in.fail("a timestamp in it is out of range");
    };
    view.whole = load_part(in);
    check_times(view.whole);
    view.joined = in.done();
    if (view.joined || kind_of_error == ErrorKind::corrupted) return view;
    Bytes before = view.parts.first(view.parts.size() - in.left());
    while (!in.done()) {
        const Bytes rest = view.parts.last(in.left());
        check_times(load_part(in));
        const Bytes part = rest.first(rest.size() - in.left());
        if (compare_parts(before, part) > 0) in.fail();
        before = part;
    }
    return view;
}

bool append_parts(CounterWork& work, std::size_t size, const CounterView& more) noexcept {
    if (more.parts.size() > size - sizeof work - work.used) return false;
    std::byte* const end = reinterpret_cast<std::byte*>(&work) + sizeof work + work.used;
    std::memcpy(end, more.parts.data(), more.parts.size());
    if (work.used == 0) {
        if (more.joined && is_small(more.whole)) set_whole(work, more.whole);
    } else if (work.joined == 1) {
        Counter whole = whole_of(work);
        if (more.joined && in_order(whole, more.whole) && join_small(whole, more.whole)) {
            set_whole(work, whole);
        } else {
            work.joined = 0;
        }
    }
    work.used += static_cast<std::uint32_t>(more.parts.size());
    return true;
}

std::size_t grown_size(std::size_t used, std::size_t more) {
    constexpr std::size_t least = 56;  // of room: some readings
    const std::size_t needed = sizeof(CounterWork) + used + more;
    if (needed > max_counter_bytes)
        throw Error(ErrorKind::limit_exceeded, "the readings of one counter exceed 1 GB",
                    "A counter keeps each reading until all are there. Aggregate shorter ranges, then merge the states.");
    const std::size_t wanted = std::max({needed, sizeof(CounterWork) + 2 * used, sizeof(CounterWork) + least});
    return std::min((wanted + 7) / 8 * 8, max_counter_bytes);
}

std::size_t find_parts(Bytes parts, PartPlace* room, Poll poll) {
    ByteReader in(parts, "tally.counter_state");
    Steps steps(poll);
    std::size_t count = 0;
    while (!in.done()) {
        const std::size_t offset = parts.size() - in.left();
        const Moment moment = load_part(in).first_moment;
        room[count++] = {moment.at, moment.seq, static_cast<std::uint32_t>(offset)};
        steps.step();
    }
    return count;
}

void sort_parts(Bytes parts, std::span<PartPlace> places, PartPlace* spare, Poll poll) {
    Steps steps(poll);
    const auto before = [&](const PartPlace& left, const PartPlace& right) {
        steps.step();
        if (left.at != right.at) return left.at < right.at;
        if (left.seq != right.seq) return left.seq < right.seq;
        return compare_found(part_at(parts, left.offset), part_at(parts, right.offset)) < 0;
    };
    const auto run_end = [&](PartPlace* at, PartPlace* end) {
        while (at != end && ++at != end && !before(*at, at[-1])) continue;
        return at;
    };
    PartPlace* from = places.data();
    PartPlace* to = spare;
    constexpr std::size_t many = 64;  // runs: merging them pass by pass would cost more than sorting does
    std::size_t runs = 0;
    for (PartPlace* at = from; at != from + places.size(); ++runs) at = run_end(at, from + places.size());
    if (runs > many) {
        std::sort(places.begin(), places.end(), before);
        return;
    }
    for (; runs > 1; runs = (runs + 1) / 2, std::swap(from, to)) {
        PartPlace* const end = from + places.size();
        PartPlace* out = to;
        for (PartPlace* left = from; left != end;) {
            PartPlace* const right = run_end(left, end);
            PartPlace* const right_end = run_end(right, end);
            out = std::merge(left, right, right, right_end, out, before);
            left = right_end;
        }
    }
    if (from != places.data()) std::copy(from, from + places.size(), places.data());
}

bool join_parts(Bytes parts, std::span<const PartPlace> places, std::byte* scratch, Counter& whole, Poll poll) {
    JoinScratch room{scratch};
    Steps steps(poll);
    for (std::size_t i = 0; i < places.size(); ++i) {
        constexpr std::size_t ahead = 12;  // parts of rows out of order are all over memory: fetch them in time
        if (i + ahead < places.size()) __builtin_prefetch(parts.data() + places[i + ahead].offset);
        const Counter part = part_at(parts, places[i].offset).part;
        steps.step();
        if (i == 0) {
            whole = part;
            continue;
        }
        if (!in_order(whole, part)) refuse_overlap(whole, part);
        if (join_small(whole, part)) continue;
        if (scratch == nullptr) return false;
        join_counter(whole, part, room);
    }
    return true;
}

std::size_t counter_bound(const Counter& counter) noexcept {
    return packed_head_bytes + part_bound(counter);
}

void store_packed_head(std::byte* out) noexcept {
    ByteWriter head(out);
    for (const std::uint8_t byte : {magic, version, form_packed, std::uint8_t{0}}) head.u8(byte);
}

std::size_t store_counter(const Counter& counter, std::byte* out) noexcept {
    store_packed_head(out);
    return packed_head_bytes + store_part(counter, out + packed_head_bytes);
}

std::size_t store_parts(Bytes parts, std::span<const PartPlace> places, std::byte* out, Poll poll) {
    store_packed_head(out);
    std::size_t size = packed_head_bytes;
    Steps steps(poll);
    for (const PartPlace& place : places) {
        const Bytes part = part_at(parts, place.offset).bytes;
        std::memcpy(out + size, part.data(), part.size());
        size += part.size();
        steps.step();
    }
    return size;
}

bool settle_work(CounterWork& work, Bytes sorted, const Counter& whole) noexcept {
    if (!is_small(whole)) return false;
    std::memcpy(reinterpret_cast<std::byte*>(&work) + sizeof work, sorted.data() + packed_head_bytes, work.used);
    set_whole(work, whole);
    return true;
}

int compare_parts(Bytes left, Bytes right) {
    return compare_found(part_at(left, 0), part_at(right, 0));
}

}  // namespace tally
