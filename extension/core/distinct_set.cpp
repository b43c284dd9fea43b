// The table of distinct keys and its packed form. Formats and invariants are described in distinct_set.hpp.
#include "core/distinct_set.hpp"

#include <algorithm>
#include <string>

namespace tally {

namespace {

constexpr std::uint8_t magic = 'D';
constexpr std::uint8_t version = 1;
constexpr std::uint8_t form_packed = 0;
constexpr std::uint8_t form_working = 1;
constexpr std::uint8_t wide_bit = 0x80;
constexpr std::size_t packed_header = 8;
constexpr std::uint32_t max_ring = 32;
constexpr std::size_t max_table_bytes = 960U << 20;  // leaves room for a tuple around it below PostgreSQL's 1 GB

constexpr std::string_view kind_names[set_kind_count] = {
    "", "number", "text", "bytes", "uuid", "boolean", "date", "timestamp", "timestamptz", "floating", "time", "other"};

std::uint32_t make_word(SetKind kind, bool wide) noexcept {
    std::uint32_t word = 0;
    const std::uint8_t bytes[4] = {magic, version, form_working,
                                   static_cast<std::uint8_t>(static_cast<std::uint8_t>(kind) | (wide ? wide_bit : 0))};
    std::memcpy(&word, bytes, sizeof word);
    return word;
}

struct Word {
    std::uint8_t magic, version, form, kind;
    bool wide() const noexcept { return (kind & wide_bit) != 0; }
    bool good() const noexcept {
        return magic == tally::magic && version == tally::version && form <= form_working && (kind & ~wide_bit) != 0 &&
               (kind & ~wide_bit) < static_cast<int>(set_kind_count);
    }
};

Word word_of(const void* bytes) noexcept {
    Word word;
    std::memcpy(&word, bytes, sizeof word);
    return word;
}

struct NarrowSlot {
    std::uint64_t high;
    static NarrowSlot of(const SetKey& key) noexcept { return {key.high}; }
    bool empty() const noexcept { return high == 0; }
    friend bool operator==(const NarrowSlot&, const NarrowSlot&) = default;
    friend bool operator<(const NarrowSlot& left, const NarrowSlot& right) noexcept { return left.high < right.high; }
};

struct WideSlot : SetKey {
    static WideSlot of(const SetKey& key) noexcept { return {key}; }
    bool empty() const noexcept { return zero(); }
};
static_assert(sizeof(NarrowSlot) == 8 && sizeof(WideSlot) == 16);

template <typename Slot>
Slot* slots_of(SetWork& work) noexcept {
    return reinterpret_cast<Slot*>(&work + 1);
}

std::uint32_t fill_limit(std::uint32_t home) noexcept {
    return static_cast<std::uint32_t>(std::uint64_t{home} * 7 / 10);
}

template <typename Slot>
Added add_slot(SetWork& work, const Slot key) noexcept {
    Slot* const slots = slots_of<Slot>(work);
    Slot* at = slots + static_cast<std::uint32_t>(static_cast<uint128>(key.high) * work.home >> 64);
    const Slot* const last = slots + work.slots - 1;  // empty always, yet nothing relies on it for safety
    if (at > last) return Added::full;
    while (at != last && !at->empty() && *at < key) ++at;
    if (*at == key) return Added::present;
    if (work.count >= fill_limit(work.home)) return Added::full;
    Slot* end = at;
    while (end != last && !end->empty()) ++end;
    if (end == last) return Added::full;
    std::memmove(static_cast<void*>(at + 1), static_cast<const void*>(at),
                 static_cast<std::size_t>(end - at) * sizeof(Slot));
    *at = key;
    ++work.count;
    return Added::added;
}

std::uint32_t default_tail(std::uint32_t home) noexcept {
    return home < 64 ? home / 4 + 2 : 64;
}

SetShape checked(SetShape shape) {
    if (shape.bytes() > max_table_bytes) {
        const std::uint32_t most =
            static_cast<std::uint32_t>((max_table_bytes - sizeof(SetWork)) / (shape.wide ? 16 : 8)) - max_ring;
        const std::uint32_t tail = std::min(shape.slots - shape.home, most / 4);
        shape.slots = most;
        shape.home = most - tail;
    }
    return shape;
}

[[noreturn]] void too_many(bool wide) {
    throw Error(
        ErrorKind::limit_exceeded,
        "more than " + std::to_string(wide ? max_wide_values : max_narrow_values) + " distinct values in one set",
        "Count in smaller groups, or approximately with the hll extension.");
}

}  // namespace

std::string_view kind_name(SetKind kind) noexcept {
    return kind_names[static_cast<unsigned>(kind)];
}

SetKind kind_of(const SetWork& work) noexcept {
    return static_cast<SetKind>(word_of(&work.word).kind & ~wide_bit);
}

SetView view_of(const SetWork& work) noexcept {
    SetView view;
    view.kind = kind_of(work);
    view.wide = word_of(&work.word).wide();
    view.working = true;
    view.has_zero = work.has_zero != 0;
    view.count = work.count;
    view.slots = work.slots;
    view.waiting = work.waiting;
    view.keys = reinterpret_cast<const std::byte*>(&work + 1);
    return view;
}

SetView load_set(Bytes body) {
    const auto bad = [] { return Error(ErrorKind::corrupted, "malformed tally.distinct_set state"); };
    if (body.size() < packed_header) throw bad();
    const Word word = word_of(body.data());
    if (!word.good()) throw bad();
    SetView view;
    view.kind = static_cast<SetKind>(word.kind & ~wide_bit);
    view.wide = word.wide();
    if (word.form == form_packed) {
        view.count = view.slots = static_cast<std::uint32_t>(ByteReader(body.subspan(4)).u8()) |
                                  std::to_integer<std::uint32_t>(body[5]) << 8 |
                                  std::to_integer<std::uint32_t>(body[6]) << 16 |
                                  std::to_integer<std::uint32_t>(body[7]) << 24;
        view.keys = body.data() + packed_header;
        if (body.size() != packed_header + view.count * view.key_size()) throw bad();
        return view;
    }
    SetWork header;
    if (body.size() < sizeof header - 4) throw bad();
    std::memcpy(reinterpret_cast<std::byte*>(&header) + 4, body.data(), sizeof header - 4);
    view.working = true;
    view.has_zero = header.has_zero != 0;
    view.count = header.count;
    view.slots = header.slots;
    view.waiting = header.waiting;
    view.keys = body.data() + sizeof header - 4;
    if (header.slots > max_table_bytes / 8 || header.waiting > header.ring || header.ring > max_ring ||
        body.size() != sizeof header - 4 + (std::size_t{view.slots} + header.ring) * view.key_size() ||
        view.count > view.slots + std::uint32_t{view.has_zero})
        throw bad();
    return view;
}

SetView load_sent_set(Bytes body, ErrorKind kind_of_error) {
    const auto refuse = [kind_of_error](const char* why) { throw Error(kind_of_error, why); };
    if (body.size() < packed_header || !word_of(body.data()).good() || word_of(body.data()).form != form_packed)
        refuse("malformed tally.distinct_set state");
    const Word word = word_of(body.data());
    const std::size_t key_size = word.wide() ? 16 : 8;
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < 4; ++i) count |= std::to_integer<std::uint64_t>(body[4 + i]) << (8 * i);
    if (body.size() - packed_header != count * key_size) refuse("tally.distinct_set state has a wrong length");
    const SetView view = load_set(body);
    if (view.count > (view.wide ? max_wide_values : max_narrow_values)) refuse("tally.distinct_set state is too large");
    const bool may_be_wide = view.kind == SetKind::number || view.kind == SetKind::text ||
                             view.kind == SetKind::bytes || view.kind == SetKind::uuid || view.kind == SetKind::other;
    bool needs_wide = view.kind != SetKind::number;
    for (std::uint32_t i = 0; i < view.count; ++i) {
        if (i > 0 && !(view.key_at(i - 1) < view.key_at(i)))
            refuse("keys of a tally.distinct_set state are not in order");
        needs_wide = needs_wide || view.key_at(i).low != 0;
    }
    if (view.wide != (may_be_wide && needs_wide)) refuse("keys of a tally.distinct_set state have the wrong width");
    return view;
}

bool set_contains(const SetView& set, const SetKey& key) noexcept {
    if (key.low != 0 && !set.wide) return false;
    if (set.working) {
        bool found = false;
        for_each_key(set, [&](const SetKey& other) { found = found || other == key; });
        return found;
    }
    std::uint32_t from = 0;
    std::uint32_t to = set.count;
    while (from < to) {
        const std::uint32_t middle = from + (to - from) / 2;
        if (set.key_at(middle) < key) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from < set.count && set.key_at(from) == key;
}

std::size_t packed_size(const SetView& set) noexcept {
    return packed_header + set.count * set.key_size();
}

void pack_set(const SetView& set, std::byte* out) noexcept {
    *out++ = std::byte{magic};
    *out++ = std::byte{version};
    *out++ = std::byte{form_packed};
    *out++ = static_cast<std::byte>(static_cast<std::uint8_t>(set.kind) | (set.wide ? wide_bit : 0));
    for (int shift = 0; shift < 32; shift += 8) *out++ = static_cast<std::byte>(set.count >> shift);
    const bool wide = set.wide;
    for_each_key(set, [&out, wide](const SetKey& key) {
        store_u64(out, key.high);
        if (wide) store_u64(out + 8, key.low);
        out += wide ? 16 : 8;
    });
}

bool is_working_set(const SetWork* work, std::size_t size) noexcept {
    const Word word = word_of(&work->word);
    if (!word.good() || word.form != form_working || work->slots <= work->home || work->ring > max_ring ||
        work->waiting > work->ring)
        return false;
    const std::size_t key_size = word.wide() ? 16 : 8;
    return size == sizeof(SetWork) + (std::size_t{work->slots} + work->ring) * key_size;
}

SetShape shape_for(SetKind kind, bool wide, std::uint64_t count) {
    if (count > (wide ? max_wide_values : max_narrow_values)) too_many(wide);
    const auto home = static_cast<std::uint32_t>(std::max<std::uint64_t>(6, count * 10 / 7 + 1));
    return checked({kind, wide, home, home + default_tail(home) + 1});
}

SetShape grown_shape(const SetWork& work, const SetKey& key) {
    SetShape shape{kind_of(work), word_of(&work.word).wide(), work.home, work.slots};
    if (work.count >= (shape.wide ? max_wide_values : max_narrow_values)) too_many(shape.wide);
    const std::uint32_t tail = shape.slots - shape.home;
    if (key.low != 0 && !shape.wide) {
        if (work.count >= max_wide_values) too_many(true);
        shape.wide = true;
    } else if (work.count >= fill_limit(work.home)) {
        shape.home = 2 * work.home;
        shape.slots = shape.home + std::max(tail, default_tail(shape.home) + 1);
    } else {
        shape.slots += tail;  // a crowded end: more room there, or chosen values could make the table double for ever
    }
    const std::size_t before = SetShape{shape.kind, word_of(&work.word).wide(), work.home, work.slots}.bytes();
    shape = checked(shape);
    if (shape.bytes() <= before) too_many(shape.wide);  // at the greatest size there is
    return shape;
}

void start_work(SetWork& work, const SetShape& shape) noexcept {
    work.word = make_word(shape.kind, shape.wide);
    work.count = 0;
    work.home = shape.home;
    work.slots = shape.slots;
    work.has_zero = 0;
    work.ring = shape.ring();
    work.waiting = 0;
}

Added add_key(SetWork& work, const SetKey& key) noexcept {
    if (key.zero()) {
        const Added result = work.has_zero != 0 ? Added::present : Added::added;
        work.count += 1 - work.has_zero;
        work.has_zero = 1;
        return result;
    }
    if (word_of(&work.word).wide()) return add_slot(work, WideSlot::of(key));
    return key.low == 0 ? add_slot(work, NarrowSlot::of(key)) : Added::full;
}

namespace {

template <typename Slot>
bool settle_slots(SetWork& work) noexcept {
    Slot* const ring = slots_of<Slot>(work) + work.slots;
    for (std::uint32_t i = 0; i < work.waiting; ++i) {
        if (add_slot(work, ring[i]) != Added::full) continue;
        std::memmove(static_cast<void*>(ring), static_cast<const void*>(ring + i), (work.waiting - i) * sizeof(Slot));
        work.waiting -= i;
        return false;
    }
    work.waiting = 0;
    return true;
}

template <typename Slot>
Added add_slot_soon(SetWork& work, const Slot key) noexcept {
    if (work.waiting == work.ring && !settle_slots<Slot>(work)) return Added::full;
    Slot* const slots = slots_of<Slot>(work);
    __builtin_prefetch(slots + static_cast<std::uint32_t>(static_cast<uint128>(key.high) * work.home >> 64), 1);
    slots[work.slots + work.waiting++] = key;
    return Added::added;
}

}  // namespace

Added add_key_soon(SetWork& work, const SetKey& key) noexcept {
    if (work.ring == 0 || key.zero()) return add_key(work, key);
    if (word_of(&work.word).wide()) return add_slot_soon(work, WideSlot::of(key));
    return key.low == 0 ? add_slot_soon(work, NarrowSlot::of(key)) : Added::full;
}

bool settle(SetWork& work) noexcept {
    return word_of(&work.word).wide() ? settle_slots<WideSlot>(work) : settle_slots<NarrowSlot>(work);
}

bool add_all(SetWork& into, const SetView& from) noexcept {
    bool whole = true;
    for_each_key(from, [&](const SetKey& key) { whole = whole && add_key(into, key) != Added::full; });
    return whole;
}

void require_same_kind(SetKind left, SetKind right) {
    if (left != right)
        throw Error(ErrorKind::invalid_argument,
                    "a distinct set of kind " + std::string(kind_name(left)) + " and values of kind " +
                        std::string(kind_name(right)) + " cannot be put together",
                    "Cast the values to one type before counting them.");
}

std::size_t key_scratch_bytes(const Decimal& value) noexcept {
    return 8 + (value.kind == DecimalKind::wide ? 2 * std::size_t{value.group_count} : small_groups_bytes);
}

SetKey key_of_decimal(const Decimal& value, std::byte* scratch) noexcept {
    constexpr std::uint64_t hashed = std::uint64_t{1} << 63;
    if (!value.finite()) return {mix64(static_cast<std::uint64_t>(value.kind)), hashed - 1};
    if (value.kind == DecimalKind::small) {
        const auto fits = [](int128 number) { return number >= INT64_MIN && number <= INT64_MAX; };
        int128 large = value.coefficient;
        std::int32_t scale = large == 0 ? 0 : value.scale;
        while (!fits(large) && scale > 0 && large % 10 == 0) large /= 10, --scale;
        if (fits(large)) {
            auto coefficient = static_cast<std::int64_t>(large);
            while (scale > 0 && coefficient % 10 == 0) coefficient /= 10, --scale;
            return {mix64(static_cast<std::uint64_t>(coefficient)), static_cast<std::uint64_t>(scale)};
        }
    }
    std::byte room[small_groups_bytes];
    const Groups groups = to_groups(value, room);
    ByteWriter out(scratch);
    out.u8(groups.negative ? 1 : 0);
    for (int shift = 0; shift < 32; shift += 8)
        out.u8(static_cast<std::uint8_t>(static_cast<std::uint32_t>(groups.weight) >> shift));
    out.put(Bytes(groups.groups, 2 * std::size_t{groups.count}));
    SetKey key = siphash128(Bytes(scratch, out.size()));
    key.low |= hashed;
    return key;
}

}  // namespace tally
