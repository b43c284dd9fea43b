// Fuzz target of tally.distinct_set: text input, received bytes, stored bytes (packed and working). What is accepted
// from a client must survive a round trip; what is stored must be walked and added to without leaving its memory.
#include "core/distinct/distinct_set.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

using namespace tally;

namespace {

void require(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "distinct_set_fuzz: %s\n", what);
    std::abort();
}

void exercise_sent(const SetView& set) {
    std::vector<std::byte> bytes(packed_size(set));
    pack_set(set, bytes.data());
    std::vector<char> text(set_text_bound(set));
    text.resize(set_to_text(set, text.data()));
    std::vector<std::byte> again(text.size() + 16);
    again.resize(set_from_text({text.data(), text.size()}, again.data()));
    require(again == bytes, "text form does not round-trip");
    std::uint32_t count = 0;
    for_each_key(set, [&](const SetKey& key) {
        ++count;
        require(set_contains(set, key), "a key of the set is not found");
    });
    require(count == set.count, "count is not the number of keys");
}

// Stored bytes are trusted to be a set, but never to keep the machine safe: nothing may be read or written outside
// them.
void exercise_stored(Bytes body) {
    const SetView view = load_set(body);
    std::uint64_t sum = 0, seen = 0;
    for_each_key(view, [&](const SetKey& key) { sum += key.high, ++seen; });
    if (view.waiting == 0) set_contains(view, {sum, 0});
    if (!view.working()) {
        std::vector<std::byte> bytes(packed_size(view));
        pack_set(view, bytes.data());
        return;
    }
    std::vector<std::uint64_t> memory((body.size() + 4 + 7) / 8);
    auto* const work = reinterpret_cast<SetWork*>(memory.data());
    std::memcpy(reinterpret_cast<std::byte*>(work) + 4, body.data(), body.size());
    require(is_working_set(*work, body.size() + 4), "a working form was read that is none");
    add_key(*work, {sum, 0});
    add_key(*work, {sum, sum});
    add_key(*work, {work->base + 65, 0});
    std::vector<std::uint64_t> scratch(settle_scratch_bytes(*work) / 8 + 1);
    settle(*work, reinterpret_cast<std::byte*>(scratch.data()));
    std::vector<std::byte> bytes(packed_size(view_of(*work)));
    pack_set(view_of(*work), bytes.data());
    if (seen < 100) add_set(*work, load_set(bytes));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    if (size == 0) return 0;
    const Bytes body(reinterpret_cast<const std::byte*>(data + 1), size - 1);
    try {
        if (data[0] % 3 == 0) {
            std::vector<std::byte> bytes(size + 16);
            bytes.resize(set_from_text({reinterpret_cast<const char*>(data + 1), size - 1}, bytes.data()));
            exercise_sent(load_sent_set(bytes, ErrorKind::invalid_text));
        } else if (data[0] % 3 == 1) {
            exercise_sent(load_sent_set(body, ErrorKind::invalid_binary));
        } else {
            exercise_stored(body);
        }
    } catch (const Error&) {
    }
    return 0;
}
