// Fuzz target of tally.level_state: text input, received bytes, stored bytes (packed and working). What is accepted must
// survive a round trip through every form, and adding to it and merging it must keep it readable.
#include "core/level/level.hpp"

#include <cstdio>
#include <cstdlib>
#include <vector>

using namespace tally;

namespace {

void require(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "level_fuzz: %s\n", what);
    std::abort();
}

std::vector<std::byte> packed(const Level& level) {
    std::vector<std::byte> bytes(level_bound(level));
    bytes.resize(store_level(level, bytes.data()));
    return bytes;
}

void exercise(const Level& level) {
    const std::vector<std::byte> bytes = packed(level);
    require(packed(load_level(bytes, ErrorKind::invalid_binary)) == bytes, "packed form does not round-trip");
    const std::string text = level_to_text(level);
    std::vector<std::byte> scratch(text.size() + 16);
    require(packed(level_from_text(text, scratch.data())) == bytes, "text form does not round-trip");
    LevelWork work{};
    if (to_working(level, work)) {
        const Bytes body(reinterpret_cast<const std::byte*>(&work) + 4, sizeof work - 4);
        require(packed(load_level(body)) == bytes, "working form does not round-trip");
        change_in_place(work, 12345, 3, 99);
        load_level(body);
    }
    Level twice = level;
    std::vector<std::byte> room(merge_scratch_bytes(level, level));
    merge_level(twice, level, room.data());
    std::vector<std::byte> more(level_scratch_bytes(twice, level.change));
    add_change(twice, level.change, -77, more.data());
    load_level(packed(twice));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    if (size == 0) return 0;
    const Bytes body(reinterpret_cast<const std::byte*>(data + 1), size - 1);
    try {
        if (data[0] % 3 == 0) {
            const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
            std::vector<std::byte> scratch(text.size() + 16);
            exercise(level_from_text(text, scratch.data()));
        } else {
            exercise(load_level(body, data[0] % 3 == 1 ? ErrorKind::invalid_binary : ErrorKind::corrupted));
        }
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::corrupted && data[0] % 3 != 2) require(false, "an input error of the wrong kind");
    }
    return 0;
}
