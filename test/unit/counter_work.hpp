// What the tests of core/counter share: memory, a working form that grows as the glue grows it, and how states are
// finished.
#pragma once

#include <cstdlib>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "core/counter/counter.hpp"

namespace tally::test {

using Buffer = std::vector<std::byte>;

inline void never() {}

class Memory {
public:
    std::byte* get(std::size_t size) { return kept_.emplace_back(size + 1).data(); }

private:
    std::deque<Buffer> kept_;
};

// A working form in memory of its own. Room that is not used is not there, so that sanitizers see who reads it.
class Work {
public:
    bool empty() const { return memory_.empty(); }
    CounterWork& get() { return *reinterpret_cast<CounterWork*>(memory_.data()); }
    std::size_t size() const { return memory_.size() * 8; }
    std::byte* bytes() { return reinterpret_cast<std::byte*>(memory_.data()); }
    Bytes body() { return Bytes(bytes() + 4, size() - 4); }

    void append(const CounterView& more) {
        if (empty()) {
            memory_.resize(grown_size(0, more.parts.size()) / 8);
            start_work(get());
        }
        if (append_parts(get(), size(), more)) return;
        memory_.resize(grown_size(get().used, more.parts.size()) / 8);
        if (!append_parts(get(), size(), more)) std::abort();
    }
    void append(const Counter& part) {
        Buffer room(part_bound(part));
        append(view_of_part(part, room.data()));
    }

    static CounterView view_of_part(const Counter& part, std::byte* room) {
        CounterView view;
        view.parts = Bytes(room, store_part(part, room));
        view.joined = true;
        view.whole = part;
        return view;
    }

private:
    std::vector<std::uint64_t> memory_;
};

inline std::vector<PartPlace> places_of(Bytes parts) {
    std::vector<PartPlace> places(parts.size() / least_part_bytes);
    places.resize(find_parts(parts, places.data(), never));
    std::vector<PartPlace> spare(places.size());
    sort_parts(parts, places, spare.data(), never);
    return places;
}

inline Counter finish(const CounterView& view, Memory& memory) {
    if (view.joined) return view.whole;
    Counter whole;
    const auto places = places_of(view.parts);
    if (!join_parts(view.parts, places, nullptr, whole, never) &&
        !join_parts(view.parts, places, memory.get(join_scratch_bytes), whole, never))
        std::abort();
    return whole;
}

inline Buffer packed(const Counter& counter) {
    if (!is_consistent(counter)) std::abort();
    Buffer bytes(counter_bound(counter));
    bytes.resize(store_counter(counter, bytes.data()));
    return bytes;
}

inline Buffer packed_parts(Bytes parts) {
    Buffer bytes(packed_head_bytes + parts.size());
    if (store_parts(parts, places_of(parts), bytes.data(), never) != bytes.size()) std::abort();
    return bytes;
}

inline Buffer from_text(const std::string& text) {
    Buffer out(text.size() + text_slack), scratch(text.size() + text_slack);
    out.resize(counter_from_text(text, out.data(), scratch.data()));
    return out;
}

struct Reading {
    Decimal value;
    Moment moment;
};

inline Decimal random_value(std::mt19937_64& random, bool wide, Memory& memory) {
    if (!wide || random() % 3 != 0)
        return Decimal::make_small(static_cast<std::int64_t>((random() >> 1) >> random() % 63),
                                   static_cast<std::int32_t>(random() % 6));
    const std::string text =
        std::to_string(random() | 1) + std::string(random() % 40, '9') + "." + std::string(random() % 60, '0') + "0625";
    return parse_decimal(text, memory.get(text.size() + 8));
}

inline std::vector<Reading> random_readings(std::mt19937_64& random, std::size_t count, bool wide, Memory& memory) {
    std::vector<Reading> readings;
    const auto spread = std::uint64_t{1} << random() % 50;  // few times: many ties
    for (std::size_t i = 0; i < count; ++i)
        readings.push_back({random() % 5 == 0 && i > 0 ? readings[random() % i].value : random_value(random, wide, memory),
                            {static_cast<std::int64_t>(random() % spread) - 1000,
                             random() % 3 == 0 ? static_cast<std::int64_t>(random() % 3) - 1 : 0}});
    return readings;
}

}  // namespace tally::test
