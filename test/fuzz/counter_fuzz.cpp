// Fuzz target of tally.counter_state: text input, received bytes, stored bytes (packed and working), and the working
// form changed in place. What is accepted must survive a round trip through every form, and adding to it must keep it
// readable.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "counter_work.hpp"

using namespace tally;
using namespace tally::test;

namespace {

void require(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "counter_fuzz: %s\n", what);
    std::abort();
}

void exercise(const CounterView& view) {
    Memory memory;
    const Buffer all = packed_parts(view.parts);
    require(packed_parts(load_counter(all, ErrorKind::invalid_binary).parts) == all, "packed form does not round-trip");
    require(from_text(counter_to_text(all, never)) == all, "text form does not round-trip");
    // a reading after all others, to a working form of these parts
    Work work;
    work.append(view);
    work.append(small_reading(12345, 3, {INT64_MAX - 1, INT64_MAX}));
    require(is_working_counter(work.get(), work.size()), "appending breaks the working form");
    const Counter whole = finish(view_of(work.get()), memory);
    require(packed(load_counter(packed(whole)).whole) == packed(whole), "the whole does not round-trip");
    if (work.get().joined == 1) return;
    if (settle_work(work.get(), packed_parts(view_of(work.get()).parts), whole))
        require(packed(finish(load_counter(work.body()), memory)) == packed(whole), "settling changes the whole");
}

// Bytes that an aggregate was given as its running state, as pg/counter.cpp's in_place would take them.
void change_in_place(const unsigned char* data, std::size_t size) {
    std::vector<std::uint64_t> memory((size + 11) / 8);
    auto* const start = reinterpret_cast<std::byte*>(memory.data());
    std::memcpy(start + 4, data, size);
    auto& work = *reinterpret_cast<CounterWork*>(start);
    if (size + 4 < sizeof work || !is_working_counter(work, size + 4)) return;
    std::byte room[small_reading_bound];
    append_parts(work, size + 4, Work::view_of_part(small_reading(77, 20, {5, 5}), room));
    exercise(load_counter(Bytes(start + 4, size)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    if (size == 0) return 0;
    const Bytes body(reinterpret_cast<const std::byte*>(data + 1), size - 1);
    const unsigned way = data[0] % 4;
    try {
        if (way == 0) {
            const Buffer bytes = from_text(std::string(reinterpret_cast<const char*>(data + 1), size - 1));
            exercise(load_counter(bytes, ErrorKind::invalid_binary));
        } else if (way == 3) {
            change_in_place(data + 1, size - 1);
        } else {
            exercise(load_counter(body, way == 1 ? ErrorKind::invalid_binary : ErrorKind::corrupted));
        }
    } catch (const Error& error) {
        // parts that overlap, and more than 2^63 readings, are found when they are joined
        if (error.kind() == ErrorKind::corrupted && way < 2) require(false, "an input error of the wrong kind");
    }
    return 0;
}
