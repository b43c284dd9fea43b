// The keys of a set and its packed form. Formats and invariants are described in distinct_set.hpp.
#include "core/distinct_set.hpp"

#include <algorithm>
#include <bit>
#include <string>

#include "core/key_sort.hpp"

namespace tally {

namespace {

constexpr std::uint8_t magic = 'D';
constexpr std::uint8_t version = 1;
constexpr std::uint8_t form_packed = 0;
constexpr std::uint8_t form_working = 1;
constexpr std::uint8_t wide_bit = 0x80;
constexpr std::size_t packed_header = 8;

constexpr std::string_view kind_names[set_kind_count] = {
    "", "number", "text", "bytes", "uuid", "boolean", "date", "timestamp", "timestamptz", "floating", "time", "other"};

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

template <typename Slot>
Slot* keys_of(SetWork& work) noexcept {
    return reinterpret_cast<Slot*>(&work + 1);
}

[[noreturn]] void too_many(bool wide) {
    throw Error(
        ErrorKind::limit_exceeded,
        "more than " + std::to_string(wide ? max_wide_values : max_narrow_values) + " distinct values in one set",
        "Count in smaller groups, or approximately with the hll extension.");
}

constexpr std::uint32_t many = 1U << 20;          // keys from which on a set grows by less than doubling
constexpr std::uint32_t most_waiting = 4U << 20;  // keys that are enough to wait, however large the set is

std::uint32_t max_values(bool wide) noexcept {
    return wide ? max_wide_values : max_narrow_values;
}

std::uint32_t max_room(bool wide) noexcept {
    return max_values(wide) + most_waiting;
}

// Room for at least `count` keys, such that small working forms fill memory chunks of a power of two.
std::uint32_t room_for(bool wide, std::uint64_t count) noexcept {
    const std::size_t key_size = wide ? 16 : 8;
    if (count >= many) return static_cast<std::uint32_t>(std::min<std::uint64_t>(count, max_room(wide)));
    const std::size_t bytes = std::bit_ceil(std::max<std::size_t>(64, sizeof(SetWork) + count * key_size));
    return static_cast<std::uint32_t>((bytes - sizeof(SetWork)) / key_size);
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
    view.count = work.count;
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
        for (std::size_t i = 0; i < 4; ++i) view.count |= std::to_integer<std::uint32_t>(body[4 + i]) << (8 * i);
        view.keys = body.data() + packed_header;
        if (body.size() != packed_header + view.count * view.key_size()) throw bad();
        return view;
    }
    SetWork header;
    constexpr std::size_t header_size = sizeof header - 4;
    if (body.size() < header_size) throw bad();
    std::memcpy(reinterpret_cast<std::byte*>(&header) + 4, body.data(), header_size);
    if (!is_working_set(header, body.size() + 4)) throw bad();
    view.working = true;
    view.count = header.count;
    view.waiting = header.waiting;
    view.keys = body.data() + header_size;
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
    const bool may_be_wide = view.kind == SetKind::number || always_wide(view.kind);
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

void pack_set_header(const SetView& set, std::byte* out) noexcept {
    *out++ = std::byte{magic};
    *out++ = std::byte{version};
    *out++ = std::byte{form_packed};
    *out++ = static_cast<std::byte>(static_cast<std::uint8_t>(set.kind) | (set.wide ? wide_bit : 0));
    for (int shift = 0; shift < 32; shift += 8) *out++ = static_cast<std::byte>(set.count >> shift);
}

void pack_set(const SetView& set, std::byte* out) noexcept {
    pack_set_header(set, out);
    out += packed_header;
    if (std::endian::native == std::endian::little || !set.working) {
        if (set.count > 0) std::memcpy(out, set.keys, set.count * set.key_size());
        return;
    }
    for (std::size_t i = 0; i < set.count; ++i, out += set.key_size()) {
        store_u64(out, set.key_at(i).high);
        if (set.wide) store_u64(out + 8, set.key_at(i).low);
    }
}

std::uint32_t working_word(SetKind kind, bool wide) noexcept {
    std::uint32_t word = 0;
    const std::uint8_t bytes[4] = {magic, version, form_working,
                                   static_cast<std::uint8_t>(static_cast<std::uint8_t>(kind) | (wide ? wide_bit : 0))};
    std::memcpy(&word, bytes, sizeof word);
    return word;
}

bool is_working_set(const SetWork& work, std::size_t size) noexcept {
    const Word word = word_of(&work.word);
    return word.good() && word.form == form_working && work.room <= max_room(word.wide()) &&
           work.count <= work.room && work.waiting <= work.room - work.count && size == shape_of(work).bytes();
}

SetShape shape_of(const SetWork& work) noexcept {
    return {kind_of(work), word_of(&work.word).wide(), work.room};
}

SetShape shape_for(SetKind kind, bool wide, std::uint64_t count) {
    if (count > max_values(wide)) too_many(wide);
    return {kind, wide, room_for(wide, count + count / 2 + 1)};
}

SetShape next_shape(const SetWork& work, bool wide) {
    SetShape shape = shape_of(work);
    if (work.count > max_values(wide)) too_many(wide);
    if (wide && !shape.wide) return shape_for(shape.kind, true, work.count);
    // small sets double, large ones grow by half: they need not wait for as many keys as they hold
    const std::uint32_t least_waiting = shape.room < many ? work.count : work.count / 2;
    if (shape.room - work.count < std::min(least_waiting, most_waiting))
        shape.room = room_for(shape.wide, std::uint64_t{shape.room} + (shape.room < many ? shape.room : shape.room / 2));
    return shape;
}

void start_work(SetWork& work, const SetShape& shape) noexcept {
    work.word = working_word(shape.kind, shape.wide);
    work.count = 0;
    work.waiting = 0;
    work.room = shape.room;
    work.unused = 0;
}

bool add_key(SetWork& work, const SetKey& key) noexcept {
    if (!word_of(&work.word).wide()) return key.low == 0 && add_narrow_key(work, key.high);
    const std::size_t place = std::size_t{work.count} + work.waiting;
    if (place >= work.room) return false;
    keys_of<WideSlot>(work)[place] = WideSlot::of(key);
    ++work.waiting;
    return true;
}

namespace {

// Merges `count` sorted, unique keys, which it may change, into the settled `work`.
template <typename Slot>
void merge_sorted(SetWork& work, Slot* keys, std::size_t count) noexcept {
    Slot* const sorted = keys_of<Slot>(work);
    count = keys_not_among(keys, count, sorted, work.count);
    merge_keys(sorted, work.count, keys, count, sorted);
    work.count += static_cast<std::uint32_t>(count);
}

template <typename Slot>
void settle_keys(SetWork& work, Slot* scratch) noexcept {
    Slot* const keys = keys_of<Slot>(work) + work.count;
    sort_keys(keys, work.waiting, scratch);
    const std::size_t count = keys_not_among(keys, unique_keys(keys, work.waiting), keys_of<Slot>(work), work.count);
    work.waiting = 0;
    if (count == 0) return;
    std::memcpy(static_cast<void*>(scratch), static_cast<const void*>(keys), count * sizeof(Slot));
    merge_keys(keys_of<Slot>(work), work.count, scratch, count, keys_of<Slot>(work));
    work.count += static_cast<std::uint32_t>(count);
}

template <typename Slot>
void merge_view(SetWork& into, const SetView& from, Slot* scratch) noexcept {
    for (std::size_t i = 0; i < from.count; ++i) scratch[i] = Slot::of(from.key_at(i));
    merge_sorted(into, scratch, from.count);
    Slot* const waiting = keys_of<Slot>(into) + into.count;
    for (std::size_t i = 0; i < from.waiting; ++i) waiting[i] = Slot::of(from.key_at(from.count + i));
    into.waiting = from.waiting;
}

}  // namespace

std::size_t settle_scratch_bytes(const SetWork& work) noexcept {
    return std::size_t{work.waiting} * (word_of(&work.word).wide() ? 16 : 8);
}

void settle(SetWork& work, std::byte* scratch) noexcept {
    if (work.waiting == 0) return;
    if (word_of(&work.word).wide()) {
        settle_keys(work, reinterpret_cast<WideSlot*>(scratch));
    } else {
        settle_keys(work, reinterpret_cast<NarrowSlot*>(scratch));
    }
}

std::size_t merge_scratch_bytes(const SetView& from, bool wide) noexcept {
    return std::size_t{from.count} * (wide ? 16 : 8);
}

void merge_set(SetWork& into, const SetView& from, std::byte* scratch) noexcept {
    if (word_of(&into.word).wide()) {
        merge_view(into, from, reinterpret_cast<WideSlot*>(scratch));
    } else {
        merge_view(into, from, reinterpret_cast<NarrowSlot*>(scratch));
    }
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
