// Adding keys to a running distinct set, settling and merging. Forms and invariants are described in distinct_set.hpp.
#include <algorithm>

#include "core/distinct/distinct_set.hpp"
#include "core/base/invariant.hpp"
#include "core/base/key_sort.hpp"

namespace tally {

namespace {

template <typename Slot>
Slot* keys_of(SetWork& work) noexcept {
    return reinterpret_cast<Slot*>(&work + 1);
}

// A set in order is left in order. One that was not (damaged bytes) may be left in any, but never outside its memory.
class KeepsOrder {
public:
    explicit KeepsOrder([[maybe_unused]] const SetWork& work) noexcept {
        if constexpr (invariants_are_checked) ordered_ = is_consistent(work) ? &work : nullptr;
    }
    KeepsOrder(const KeepsOrder&) = delete;
    KeepsOrder& operator=(const KeepsOrder&) = delete;
    ~KeepsOrder() {
        if constexpr (invariants_are_checked)
            invariant(ordered_ == nullptr || is_consistent(*ordered_), "a distinct set was left out of order");
    }

private:
    const SetWork* ordered_ = nullptr;
};

// Merges `count` sorted, unique keys, which it may change, into the settled `work`.
template <typename Slot>
void merge_sorted(SetWork& work, Slot* keys, std::size_t count) {
    Slot* const sorted = keys_of<Slot>(work);
    count = keys_not_among(keys, count, sorted, work.count);
    require_key_count(shape_of(work).wide, work.count + count);
    merge_keys(sorted, work.count, keys, count, sorted);
    work.count += static_cast<std::uint32_t>(count);
}

template <typename Slot>
void settle_keys(SetWork& work, Slot* scratch) noexcept {
    Slot* const keys = keys_of<Slot>(work) + work.count;
    sort_keys(keys, work.waiting, scratch);
    const std::size_t unique = unique_keys(keys, work.waiting);
    const std::size_t fresh = keys_not_among(keys, unique, keys_of<Slot>(work), work.count);
    work.waiting = 0;
    if (fresh == 0) return;
    std::memcpy(static_cast<void*>(scratch), static_cast<const void*>(keys), fresh * sizeof(Slot));
    merge_keys(keys_of<Slot>(work), work.count, scratch, fresh, keys_of<Slot>(work));
    work.count += static_cast<std::uint32_t>(fresh);
}

template <typename Slot>
void merge_keys_of(SetWork& work, const SetView& more, Slot* scratch) {
    std::size_t count = 0;
    for_each_key(more, [&](const SetKey& key) { scratch[count++] = Slot::of(key); });
    merge_sorted(work, scratch, count);
}

void merge_bits(SetWork& work, const SetView& more) noexcept {
    if (!more.bits()) {
        for_each_key(more, [&](const SetKey& key) { add_to_bits(work, key.high); });
        return;
    }
    for (std::size_t i = 0; i < more.words; ++i) {
        const std::uint64_t word = more.word_at(i);
        const std::uint64_t place = more.base / 64 + i - work.base / 64;
        if (word != 0 && place < work.room) words_of(work)[place] |= word;
    }
}

}  // namespace

bool is_consistent(const SetWork& work) noexcept {
    const SetShape shape = shape_of(work);
    if (!is_working_set(work, shape.bytes())) return false;
    SetView view;
    view.form = shape.form;
    view.wide = shape.wide;
    view.data = reinterpret_cast<const std::byte*>(&work + 1);
    for (std::uint32_t i = 1; i < work.count; ++i)
        if (!(view.key_at(i - 1) < view.key_at(i))) return false;
    return true;
}

bool add_key(SetWork& work, const SetKey& key) noexcept {
    const SetShape shape = shape_of(work);
    if (!shape.wide) {
        if (key.low != 0) return false;
        return shape.form == SetForm::working_bits ? add_to_bits(work, key.high) : add_to_narrow_keys(work, key.high);
    }
    const std::size_t place = std::size_t{work.count} + work.waiting;
    if (place >= work.room) return false;
    keys_of<WideSlot>(work)[place] = WideSlot::of(key);
    ++work.waiting;
    return true;
}

std::size_t settle_scratch_bytes(const SetWork& work) noexcept {
    return std::size_t{work.waiting} * (shape_of(work).wide ? 16 : 8);
}

void settle(SetWork& work, std::byte* scratch) {
    if (work.waiting == 0) return;
    const KeepsOrder guard(work);
    const bool wide = shape_of(work).wide;
    if (wide) {
        settle_keys(work, reinterpret_cast<WideSlot*>(scratch));
    } else {
        settle_keys(work, reinterpret_cast<NarrowSlot*>(scratch));
    }
    require_key_count(wide, work.count);
}

bool add_set(SetWork& work, const SetView& more) noexcept {
    const KeepsOrder guard(work);
    const SetShape shape = shape_of(work);
    if (more.wide && !shape.wide) return false;
    if (shape.form == SetForm::working_bits) {
        if (more.count == 0) return true;
        // within the bits where the first and the last key are
        SetKey first, last;
        if (more.bits()) {
            first.high = more.base;
            last.high = more.base + 64 * std::uint64_t{more.words} - 1;
        } else {
            first = more.key_at(0);
            last = more.key_at(more.count - 1);
        }
        if (first.high < work.base || (last.high - work.base) / 64 >= work.room) return false;
        merge_bits(work, more);
        return true;
    }
    // that many are sorted sooner than all that are there are walked over
    const std::uint32_t few = std::max<std::uint32_t>(32, work.count / 4);
    if (more.count > few || more.count > work.room - work.count - work.waiting) return false;
    for_each_key(more, [&](const SetKey& key) { add_key(work, key); });
    return true;
}

std::size_t merge_scratch_bytes(const SetWork& work, const SetView& more) noexcept {
    const SetShape shape = shape_of(work);
    return shape.form == SetForm::working_bits ? 0 : std::size_t{more.count} * (shape.wide ? 16 : 8);
}

void merge_set(SetWork& work, const SetView& more, std::byte* scratch) {
    const KeepsOrder guard(work);
    const SetShape shape = shape_of(work);
    if (shape.form == SetForm::working_bits) {
        merge_bits(work, more);
    } else if (shape.wide) {
        merge_keys_of(work, more, reinterpret_cast<WideSlot*>(scratch));
    } else {
        merge_keys_of(work, more, reinterpret_cast<NarrowSlot*>(scratch));
    }
}

}  // namespace tally
