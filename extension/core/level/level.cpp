// Adding to, merging and reading levels. The state is described in level.hpp.
#include "core/level/level.hpp"

#include <algorithm>
#include <cstring>

#include "core/base/invariant.hpp"
#include "core/base/json_reader.hpp"
#include "core/base/moment.hpp"
#include "core/base/moment_text.hpp"

namespace tally {

namespace {

constexpr std::uint8_t magic = 'L';
constexpr std::uint8_t version = 1;
constexpr std::uint8_t form_packed = 0;
constexpr std::uint8_t form_working = 1;
constexpr std::uint8_t working_bytes[4] = {magic, version, form_working, 0};
constexpr std::size_t varlena_header = 4;

bool finite_moment(std::int64_t at) noexcept {
    return at != INT64_MAX && at != INT64_MIN;
}

void extend(Level& level, std::int64_t count, std::int64_t first, std::int64_t last) {
    level.first = level.n == 0 ? first : std::min(level.first, first);
    level.last = level.n == 0 ? last : std::max(level.last, last);
    if (__builtin_add_overflow(level.n, count, &level.n))
        throw Error(ErrorKind::out_of_range, "more than 2^63 changes in a level");
}

bool small_slot(const SmallSlot& slot, Decimal& value) noexcept {
    value = Decimal::make_small(slot.coefficient(), slot.scale);
    return slot.kind == static_cast<std::uint32_t>(DecimalKind::small) && fits_small(value.coefficient) && slot.scale >= 0 &&
           slot.scale <= decimal_max_scale;
}

// False for a state that is inconsistent.
bool read_working(const LevelWork& work, Level& level) noexcept {
    level.n = work.n;
    level.first = work.first;
    level.last = work.last;
    return small_slot(work.change, level.change) && small_slot(work.moment, level.moment) && is_consistent(level);
}

Level load_working(Bytes body) {
    LevelWork work;
    std::memcpy(reinterpret_cast<std::byte*>(&work) + varlena_header, body.data(), body.size());
    Level level;
    if (!read_working(work, level)) throw Error(ErrorKind::corrupted, "malformed tally.level_state state");
    return level;
}

// Both sums or neither.
bool add_both(LevelWork& work, const Decimal& change, const Decimal& moment) noexcept {
    int128 change_sum = work.change.coefficient();
    int128 moment_sum = work.moment.coefficient();
    std::int32_t change_scale = work.change.scale;
    std::int32_t moment_scale = work.moment.scale;
    if (!add_small(change_sum, change_scale, change.coefficient, change.scale) ||
        !add_small(moment_sum, moment_scale, moment.coefficient, moment.scale))
        return false;
    work.change.set(change_sum, change_scale);
    work.moment.set(moment_sum, moment_scale);
    return true;
}

}  // namespace

bool is_consistent(const Level& level) noexcept {
    const auto zero = [](const Decimal& value) { return value.kind == DecimalKind::small && value.coefficient == 0; };
    if (level.n < 0 || !level.change.finite() || !level.moment.finite()) return false;
    if (level.n == 0) return zero(level.change) && zero(level.moment) && level.first == 0 && level.last == 0;
    return level.first <= level.last && finite_moment(level.first) && finite_moment(level.last);
}

bool is_consistent(const LevelWork& work) noexcept {
    Level level;
    return std::memcmp(&work.word, working_bytes, sizeof working_bytes) == 0 && read_working(work, level);
}

bool is_working_level(Bytes body) noexcept {
    return body.size() == sizeof(LevelWork) - varlena_header &&
           std::memcmp(body.data(), working_bytes, sizeof working_bytes) == 0;
}

bool to_working(const Level& level, LevelWork& work) noexcept {
    if (level.change.kind != DecimalKind::small || level.moment.kind != DecimalKind::small) return false;
    std::memcpy(&work.word, working_bytes, sizeof working_bytes);
    work.n = level.n;
    work.change.set(level.change.coefficient, level.change.scale);
    work.moment.set(level.moment.coefficient, level.moment.scale);
    work.first = level.first;
    work.last = level.last;
    return true;
}

bool change_in_place(LevelWork& work, int128 coefficient, std::int32_t scale, std::int64_t at) noexcept {
    const StaysConsistent guard(work);
    constexpr int128 limit = 1'000'000'000'000'000'000;  // times any moment stays small
    if (coefficient > limit || coefficient < -limit || !finite_moment(at) || work.n <= 0 || work.n == INT64_MAX)
        return false;
    if (!add_both(work, Decimal::make_small(coefficient, scale), Decimal::make_small(coefficient * at, scale))) return false;
    ++work.n;
    work.first = std::min(work.first, at);
    work.last = std::max(work.last, at);
    return true;
}

bool merge_in_place(LevelWork& work, const Level& right) noexcept {
    const StaysConsistent guard(work);
    std::int64_t n = 0;
    if (work.n <= 0 || right.n <= 0 || right.change.kind != DecimalKind::small || right.moment.kind != DecimalKind::small ||
        __builtin_add_overflow(work.n, right.n, &n) || !add_both(work, right.change, right.moment))
        return false;
    work.n = n;
    work.first = std::min(work.first, right.first);
    work.last = std::max(work.last, right.last);
    return true;
}

Level load_level(Bytes body, ErrorKind kind_of_error) {
    if (is_working_level(body) && kind_of_error == ErrorKind::corrupted) return load_working(body);
    ByteReader in(body, "tally.level_state", kind_of_error);
    const std::uint8_t kind = in.u8(), found_version = in.u8(), form = in.u8(), zero = in.u8();
    if (kind != magic || form != form_packed || zero != 0) in.fail();
    if (found_version != version) in.fail_version(found_version);
    Level level;
    const std::uint64_t n = in.varint();
    if (n > INT64_MAX) in.fail();
    level.n = static_cast<std::int64_t>(n);
    level.change = load_decimal(in);
    level.moment = load_decimal(in);
    if (level.n > 0) {
        level.first = in.i64();
        level.last = in.i64();
    }
    if (!in.done() || !is_consistent(level)) in.fail();
    if (kind_of_error != ErrorKind::corrupted && !(is_timestamp(level.first) && is_timestamp(level.last)))
        in.fail("a timestamp in it is out of range");
    return level;
}

std::size_t level_bound(const Level& level) noexcept {
    return 4 + max_varint_bytes + 16 + stored_bound(level.change) + stored_bound(level.moment);
}

std::size_t store_level(const Level& level, std::byte* start) noexcept {
    const StaysConsistent guard(level);
    ByteWriter out(start);
    out.u8(magic);
    out.u8(version);
    out.u8(form_packed);
    out.u8(0);
    out.varint(static_cast<std::uint64_t>(level.n));
    store_decimal(out, level.change);
    store_decimal(out, level.moment);
    if (level.n > 0) {
        out.i64(level.first);
        out.i64(level.last);
    }
    return out.size();
}

std::size_t level_scratch_bytes(const Level& level, const Decimal& delta) noexcept {
    std::byte room[small_groups_bytes];
    const Groups groups = to_groups(delta, room);
    // the product begins at most 6 groups above delta and ends where delta does
    return add_bound(level.change, delta) + multiply_bound(groups.count) + add_bound(level.moment, delta) + 2 * 8;
}

void add_change(Level& level, const Decimal& delta, std::int64_t at, std::byte* scratch) {
    const StaysConsistent guard(level);
    if (!delta.finite()) throw Error(ErrorKind::invalid_argument, "a level cannot change by NaN or infinity");
    if (!finite_moment(at)) throw Error(ErrorKind::invalid_argument, "a level cannot change at an infinite time");
    extend(level, 1, at, at);
    std::byte room[small_groups_bytes];
    const std::size_t count = to_groups(delta, room).count;
    const std::size_t change_bytes = add_bound(level.change, delta);
    level.change = add_finite(level.change, delta, false, scratch);
    scratch += change_bytes;
    const Decimal product = multiply(delta, at, scratch);
    scratch += multiply_bound(count);
    level.moment = add_finite(level.moment, product, false, scratch);
}

std::size_t merge_scratch_bytes(const Level& left, const Level& right) noexcept {
    return add_bound(left.change, right.change) + add_bound(left.moment, right.moment) + 1;
}

void merge_level(Level& left, const Level& right, std::byte* scratch) {
    const StaysConsistent guard(left);
    const std::size_t change_bytes = add_bound(left.change, right.change);
    left.change = add_finite(left.change, right.change, false, scratch);
    left.moment = add_finite(left.moment, right.moment, false, scratch + change_bytes);
    if (right.n > 0) extend(left, right.n, right.first, right.last);
}

void require_within(const Level& level, std::int64_t from, std::int64_t to) {
    if (!finite_moment(from) || !finite_moment(to) || from >= to)
        throw Error(ErrorKind::invalid_argument, "a level is averaged over a finite time that ends after it begins");
    if (level.n > 0 && level.last > from && (level.first < from || level.last > to)) {
        std::string message = "the level changes at ";
        append_moment(message, level.first < from ? level.first : level.last);
        message += ", outside the time that is asked for";
        throw Error(ErrorKind::invalid_argument, message,
                    "Filter the changes to that time, and give the sum of the changes before it as start_level.");
    }
}

std::string level_to_text(const Level& level) {
    std::string out = "{\"n\":" + std::to_string(level.n) + ",\"change\":\"";
    append_text(out, level.change);
    out += "\",\"moment\":\"";
    append_text(out, level.moment);
    out += '"';
    if (level.n > 0) {
        out += ",\"first\":\"";
        append_moment(out, level.first);
        out += "\",\"last\":\"";
        append_moment(out, level.last);
        out += '"';
    }
    out += '}';
    return out;
}

Level level_from_text(std::string_view text, std::byte* scratch) {
    JsonReader json(text, "tally.level_state");
    constexpr std::string_view names[] = {"n", "change", "moment", "first", "last"};
    Level level;
    unsigned seen = 0;
    json.expect('{');
    do {
        const std::string_view name = json.string();
        const auto key = static_cast<unsigned>(std::find(std::begin(names), std::end(names), name) - std::begin(names));
        if (key == std::size(names)) json.fail("unknown key \"" + std::string(name.substr(0, 40)) + "\"");
        if ((seen & 1U << key) != 0) json.fail("key \"" + std::string(name) + "\" appears twice");
        seen |= 1U << key;
        json.expect(':');
        if (key == 0) {
            level.n = json.integer();
        } else if (key <= 2) {
            const std::string_view digits = json.string();
            (key == 1 ? level.change : level.moment) = parse_decimal(digits, scratch);
            scratch += digits.size() + 8;
        } else {
            (key == 3 ? level.first : level.last) = parse_moment(json.string());
        }
    } while (json.accept(','));
    json.expect('}');
    json.end();
    if (seen != (level.n > 0 ? 31U : 7U)) json.fail("parts are missing or too many");
    if (!is_consistent(level)) json.fail("the parts contradict each other");
    return level;
}

}  // namespace tally
