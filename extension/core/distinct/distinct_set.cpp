// Forms and shapes of a distinct set: reading, packing, and which one it takes. Formats and invariants are described in
// distinct_set.hpp; adding and merging are in distinct_set_merge.cpp.
#include "core/distinct/distinct_set.hpp"

#include <algorithm>
#include <string>

namespace tally {

namespace {

constexpr std::uint8_t magic = 'D';
constexpr std::uint8_t version = 1;
constexpr std::uint8_t wide_bit = 0x80;
constexpr std::size_t bits_header = packed_header + 8;

constexpr std::string_view kind_names[set_kind_count] = {"",     "number",    "text",        "bytes",    "uuid", "boolean",
                                                         "date", "timestamp", "timestamptz", "floating", "time", "other"};

struct Word {
    std::uint8_t magic, version, form, kind;
    bool wide() const noexcept { return (kind & wide_bit) != 0; }
    SetForm set_form() const noexcept { return static_cast<SetForm>(form); }
    SetKind set_kind() const noexcept { return static_cast<SetKind>(kind & ~wide_bit); }
    bool bits() const noexcept { return set_form() == SetForm::packed_bits || set_form() == SetForm::working_bits; }
    bool working() const noexcept { return set_form() == SetForm::working_keys || set_form() == SetForm::working_bits; }
    bool good() const noexcept {
        return magic == tally::magic && version == tally::version && form <= 3 && (kind & ~wide_bit) != 0 &&
               (kind & ~wide_bit) < static_cast<int>(set_kind_count) && !(wide() && bits());
    }
};

Word word_of(const void* bytes) noexcept {
    Word word;
    std::memcpy(&word, bytes, sizeof word);
    return word;
}

constexpr std::uint32_t many = 1U << 20;          // keys from which on a set grows by less than doubling
constexpr std::uint32_t most_waiting = 4U << 20;  // keys that are enough to wait, however large the set is
constexpr std::uint64_t word_places = std::uint64_t{1} << 58;

std::uint32_t max_values(bool wide) noexcept {
    return wide ? max_wide_values : max_narrow_values;
}

// Room for at least `count` keys or words, such that small working forms fill memory chunks of a power of two.
std::uint32_t room_for(bool wide, std::uint64_t count, std::uint32_t most) noexcept {
    const std::size_t key_size = wide ? 16 : 8;
    if (count >= many) return static_cast<std::uint32_t>(std::min<std::uint64_t>(count, most));
    const std::size_t bytes = std::bit_ceil(std::max<std::size_t>(64, sizeof(SetWork) + count * key_size));
    return static_cast<std::uint32_t>((bytes - sizeof(SetWork)) / key_size);
}

std::uint32_t count_bits(const SetView& set) noexcept {
    std::uint32_t count = 0;
    for (std::size_t i = 0; i < set.words; ++i) count += static_cast<std::uint32_t>(std::popcount(set.word_at(i)));
    return count;
}

// The words that bits would take: [first, first + count) of all 2^58, none for an empty set.
struct Span {
    std::uint64_t first = 0;
    std::uint64_t count = 0;
    void include(std::uint64_t from, std::uint64_t words) noexcept {
        const std::uint64_t end = count == 0 ? from + words : std::max(first + count, from + words);
        first = count == 0 ? from : std::min(first, from);
        count = end - first;
    }
};

// The least span that holds the settled, narrow set.
Span span_of(const SetView& set) noexcept {
    Span span;
    if (!set.bits()) {
        if (set.count == 0) return span;
        span.first = set.key_at(0).high / 64;
        span.count = set.key_at(set.count - 1).high / 64 - span.first + 1;
        return span;
    }
    std::uint32_t from = 0, to = set.words;
    while (to > from && set.word_at(to - 1) == 0) --to;
    while (from < to && set.word_at(from) == 0) ++from;
    return {set.base / 64 + from, to - from};
}

// The canonical choice.
bool bits_are_shorter(const Span& span, std::uint64_t count) noexcept {
    return span.count + 1 < count && span.count <= max_words;
}

// Room for that span and some more on both sides, so that a set that grows to both is seldom copied.
SetShape shape_for_bits(SetKind kind, const Span& span) noexcept {
    const std::uint64_t room = room_for(false, span.count + span.count / 4, max_words);
    const std::uint64_t spare = room - std::min(room, span.count);
    const std::uint64_t first = std::min(span.first - std::min(spare / 2, span.first), word_places - room);
    return {kind, SetForm::working_bits, false, static_cast<std::uint32_t>(room), first * 64};
}

bool holds(const SetShape& shape, const Span& span) noexcept {
    return span.count == 0 || (span.first >= shape.base / 64 && span.first + span.count <= shape.base / 64 + shape.room);
}

}  // namespace

void require_key_count(bool wide, std::uint64_t count) {
    if (count > max_values(wide))
        throw Error(ErrorKind::limit_exceeded,
                    "more than " + std::to_string(max_values(wide)) + " distinct values in one set",
                    "Count in smaller groups, or approximately with the hll extension.");
}

std::string_view kind_name(SetKind kind) noexcept {
    return kind_names[static_cast<unsigned>(kind)];
}

SetKind kind_of(const SetWork& work) noexcept {
    return word_of(&work.word).set_kind();
}

SetView view_of(const SetWork& work) noexcept {
    const Word word = word_of(&work.word);
    SetView view;
    view.kind = word.set_kind();
    view.form = word.set_form();
    view.wide = word.wide();
    view.data = reinterpret_cast<const std::byte*>(&work + 1);
    if (view.bits()) {
        view.words = work.room;
        view.base = work.base;
        view.count = count_bits(view);
    } else {
        view.count = work.count;
        view.waiting = work.waiting;
    }
    return view;
}

namespace {

SetView load_working(Bytes body, const Error& bad) {
    SetWork header{};
    constexpr std::size_t header_size = sizeof header - 4;
    if (body.size() < header_size) throw bad;
    std::memcpy(reinterpret_cast<std::byte*>(&header) + 4, body.data(), header_size);
    if (!is_working_set(header, body.size() + 4)) throw bad;
    const Word word = word_of(&header.word);
    SetView view;
    view.kind = word.set_kind();
    view.form = word.set_form();
    view.wide = word.wide();
    view.data = body.data() + header_size;
    view.base = header.base;
    view.waiting = header.waiting;
    view.words = view.bits() ? header.room : 0;
    view.count = view.bits() ? count_bits(view) : header.count;
    return view;
}

SetView load_packed(Bytes body, const Error& bad) {
    if (body.size() < packed_header) throw bad;
    const Word word = word_of(body.data());
    SetView view;
    view.kind = word.set_kind();
    view.form = word.set_form();
    view.wide = word.wide();
    for (std::size_t i = 0; i < 4; ++i) view.count |= std::to_integer<std::uint32_t>(body[4 + i]) << (8 * i);
    view.data = body.data() + packed_header;
    if (!view.bits()) {
        if (body.size() != packed_header + view.count * view.key_size()) throw bad;
        return view;
    }
    if (body.size() < bits_header || (body.size() - bits_header) % 8 != 0) throw bad;
    const std::size_t words = (body.size() - bits_header) / 8;
    view.base = little_u64(view.data);
    view.data += 8;
    if (words > max_words || view.base % 64 != 0 || words > word_places - view.base / 64) throw bad;
    view.words = static_cast<std::uint32_t>(words);
    if (count_bits(view) != view.count) throw bad;
    return view;
}

SetView load(Bytes body, const Error& bad) {
    if (body.size() < 4 || !word_of(body.data()).good()) throw bad;
    return word_of(body.data()).working() ? load_working(body, bad) : load_packed(body, bad);
}

}  // namespace

SetView load_set(Bytes body) {
    return load(body, Error(ErrorKind::corrupted, "malformed tally.distinct_set state"));
}

SetView load_sent_set(Bytes body, ErrorKind kind_of_error) {
    const auto refuse = [kind_of_error](const char* why) { throw Error(kind_of_error, why); };
    const SetView view = load(body, Error(kind_of_error, "malformed tally.distinct_set state"));
    if (view.working()) refuse("malformed tally.distinct_set state");
    if (view.bits()) {
        if (always_wide(view.kind)) refuse("keys of a tally.distinct_set state have the wrong width");
        if (view.words == 0 || view.word_at(0) == 0 || view.word_at(view.words - 1) == 0 ||
            !bits_are_shorter(span_of(view), view.count))
            refuse("bits of a tally.distinct_set state are not in their shortest form");
        return view;
    }
    if (view.count > max_values(view.wide)) refuse("tally.distinct_set state is too large");
    bool needs_wide = view.kind != SetKind::number;
    for (std::uint32_t i = 0; i < view.count; ++i) {
        if (i > 0 && !(view.key_at(i - 1) < view.key_at(i))) refuse("keys of a tally.distinct_set state are not in order");
        needs_wide = needs_wide || view.key_at(i).low != 0;
    }
    if (view.wide != ((view.kind == SetKind::number || always_wide(view.kind)) && needs_wide))
        refuse("keys of a tally.distinct_set state have the wrong width");
    if (!view.wide && bits_are_shorter(span_of(view), view.count))
        refuse("keys of a tally.distinct_set state are not in their shortest form");
    return view;
}

bool set_contains(const SetView& set, const SetKey& key) noexcept {
    if (key.low != 0 && !set.wide) return false;
    if (set.bits()) {
        const std::uint64_t place = key.high - set.base;
        return place / 64 < set.words && (set.word_at(place / 64) >> (place % 64) & 1) != 0;
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
    if (!set.wide) {
        const Span span = span_of(set);
        if (bits_are_shorter(span, set.count)) return bits_header + 8 * span.count;
    }
    return packed_header + set.count * set.key_size();
}

void pack_set_header(SetKind kind, SetForm form, bool wide, std::uint32_t count, std::byte* out) noexcept {
    *out++ = std::byte{magic};
    *out++ = std::byte{version};
    *out++ = static_cast<std::byte>(form);
    *out++ = static_cast<std::byte>(static_cast<std::uint8_t>(kind) | (wide ? wide_bit : 0));
    for (int shift = 0; shift < 32; shift += 8) *out++ = static_cast<std::byte>(count >> shift);
}

void pack_set(const SetView& set, std::byte* out) noexcept {
    const Span span = set.wide ? Span{} : span_of(set);
    const bool bits = !set.wide && bits_are_shorter(span, set.count);
    pack_set_header(set.kind, bits ? SetForm::packed_bits : SetForm::packed_keys, set.wide, set.count, out);
    out += packed_header;
    if (!bits) {
        for_each_key(set, [&out, &set](const SetKey& key) {
            store_u64(out, key.high);
            if (set.wide) store_u64(out + 8, key.low);
            out += set.key_size();
        });
        return;
    }
    store_u64(out, span.first * 64);
    out += 8;
    if (set.bits()) {
        for (std::size_t i = 0; i < span.count; ++i) store_u64(out + 8 * i, set.word_at(span.first - set.base / 64 + i));
        return;
    }
    std::memset(out, 0, 8 * span.count);
    for_each_key(set, [&](const SetKey& key) {
        const std::uint64_t place = key.high - span.first * 64;
        if (place / 64 < span.count)  // always, unless stored bytes were damaged
            out[place / 8] |= static_cast<std::byte>(1U << (place % 8));
    });
}

std::uint32_t working_word(SetKind kind, SetForm form, bool wide) noexcept {
    std::byte bytes[packed_header];
    pack_set_header(kind, form, wide, 0, bytes);
    std::uint32_t word = 0;
    std::memcpy(&word, bytes, sizeof word);
    return word;
}

bool is_working_set(const SetWork& work, std::size_t size) noexcept {
    const Word word = word_of(&work.word);
    if (!word.good() || !word.working() || size != shape_of(work).bytes()) return false;
    if (!word.bits()) return work.count <= work.room && work.waiting <= work.room - work.count;
    return work.count == 0 && work.waiting == 0 && work.base % 64 == 0 && work.room <= word_places - work.base / 64;
}

SetShape shape_of(const SetWork& work) noexcept {
    const Word word = word_of(&work.word);
    return {word.set_kind(), word.set_form(), word.wide(), work.room, work.base};
}

SetShape shape_for_keys(SetKind kind, bool wide, std::uint64_t count) {
    require_key_count(wide, count);
    const std::uint32_t most = max_values(wide) + most_waiting;
    return {kind, SetForm::working_keys, wide, room_for(wide, count + count / 2 + 1, most), 0};
}

namespace {

// A set of keys that has no room for another. Small sets double; large ones grow by half, since they need not wait for
// as many keys as they hold.
SetShape grown_shape(const SetWork& work) {
    SetShape shape = shape_of(work);
    require_key_count(shape.wide, work.count);
    const std::uint32_t least_waiting = shape.room < many ? work.count : work.count / 2;
    if (shape.room - work.count < std::min(least_waiting, most_waiting))
        shape.room = room_for(shape.wide, std::uint64_t{shape.room} + (shape.room < many ? shape.room : shape.room / 2),
                              max_values(shape.wide) + most_waiting);
    return shape;
}

}  // namespace

SetShape next_shape(const SetWork& work, const SetKey& key) {
    const SetView view = view_of(work);
    if (view.wide) return grown_shape(work);
    if (key.low != 0 || always_wide(view.kind)) return shape_for_keys(view.kind, true, std::uint64_t{view.count} + 1);
    Span span = span_of(view);
    span.include(key.high / 64, 1);
    const std::uint64_t count = std::uint64_t{view.count} + 1;
    const bool stay =
        span.count <= max_words && (view.bits() ? span.count <= 2 * count + 16 : bits_are_shorter(span, count));
    if (stay) return shape_for_bits(view.kind, span);
    return view.bits() ? shape_for_keys(view.kind, false, count) : grown_shape(work);
}

SetShape merged_shape(const SetWork& work, const SetView& more) {
    const SetView view = view_of(work);
    const std::uint64_t count = std::uint64_t{view.count} + more.count;
    if (!view.wide && !more.wide) {
        Span span = span_of(view);
        const Span other = span_of(more);
        if (other.count > 0) span.include(other.first, other.count);
        const std::uint64_t least = std::max(view.count, more.count);
        const bool loose = view.bits() || more.bits();
        if (span.count <= max_words && (loose ? span.count <= 2 * least + 16 : bits_are_shorter(span, least))) {
            if (view.bits() && holds(shape_of(work), span)) return shape_of(work);
            return shape_for_bits(view.kind, span);
        }
    }
    const bool wide = view.wide || more.wide;
    if (!view.bits() && wide == view.wide && work.room - work.count >= more.count) return shape_of(work);
    return shape_for_keys(view.kind, wide,
                          std::min<std::uint64_t>(count, std::max({max_values(wide), view.count, more.count})));
}

void start_work(SetWork& work, const SetShape& shape) noexcept {
    work.word = working_word(shape.kind, shape.form, shape.wide);
    work.count = 0;
    work.waiting = 0;
    work.room = shape.room;
    work.unused = 0;
    work.base = shape.base;
    if (shape.form == SetForm::working_bits) std::memset(words_of(work), 0, 8 * std::size_t{shape.room});
}

void require_same_kind(SetKind left, SetKind right) {
    if (left != right)
        throw Error(ErrorKind::invalid_argument,
                    "a distinct set of kind " + std::string(kind_name(left)) + " and values of kind " +
                        std::string(kind_name(right)) + " cannot be put together",
                    "Cast the values to one type before counting them.");
}

}  // namespace tally
