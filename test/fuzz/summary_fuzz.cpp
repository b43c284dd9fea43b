// Fuzz target of tally.summary: text input, received bytes, stored bytes (packed and working). What is accepted must
// survive a round trip through every form, and adding, merging and moving it must keep it consistent.
#include "core/summary/summary.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "core/summary/summary_moving.hpp"

using namespace tally;

namespace {

void require(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "summary_fuzz: %s\n", what);
    std::abort();
}

std::vector<std::byte> packed(const Summary& summary) {
    std::vector<std::byte> bytes(packed_bound(summary));
    bytes.resize(pack_summary(summary, bytes.data()));
    return bytes;
}

// What merge_packed_in_place takes, load_summary takes too, and both come to the same state.
void merge_unread(Bytes body) {
    Summary left;
    add_value(left, Decimal::make_small(-12345, 3), nullptr, nullptr);
    SummaryWork work{}, expected{};
    require(to_working(left, work), "one small value has no working form");
    const SummaryWork before = work;
    if (!merge_packed_in_place(work, body)) {
        require(std::memcmp(&before, &work, sizeof work) == 0, "a refused merge left a change behind");
        return;
    }
    Summary right;
    try {
        right = load_summary(body);
    } catch (const Error&) {
        require(false, "merged bytes that load_summary refuses");
    }
    std::vector<std::byte> room(add_bound(left.total, right.total) + 1);
    merge_summary(left, right, room.data());
    require(to_working(left, expected) && std::memcmp(&expected, &work, sizeof work) == 0,
            "merging packed bytes is not merging what they hold");
}

// A part that enters a moving summary and leaves it again leaves nothing behind.
void move(const Summary& part) {
    Summary one;
    add_value(one, Decimal::make_small(1, 0), nullptr, nullptr);
    MovingSummary moving;
    require(move_in(moving, one), "one small value cannot move");
    const MovingSummary before = moving;
    if (move_in(moving, part) && move_out(moving, part))
        require(packed(summary_of(moving)) == packed(summary_of(before)), "what left has left something behind");
}

void exercise(const Summary& summary) {
    move(summary);
    require(is_consistent(summary), "accepted an inconsistent state");
    const std::vector<std::byte> bytes = packed(summary);
    require(packed(load_summary(bytes, ErrorKind::invalid_binary)) == bytes, "packed form does not round-trip");
    const std::string text = summary_to_text(summary);
    std::vector<std::byte> scratch(text_scratch_bytes(text.size()));
    require(packed(summary_from_text(text, scratch.data())) == bytes, "text form does not round-trip");
    Summary twice = summary;
    std::vector<std::byte> room(add_bound(summary.total, summary.total) + 1);
    try {
        merge_summary(twice, summary, room.data());
        require(is_consistent(twice), "merging made an inconsistent state");
    } catch (const Error&) {
    }
    SummaryWork work{};
    if (!to_working(summary, work)) return;
    const Bytes body(reinterpret_cast<const std::byte*>(&work) + summary_varlena_header,
                     sizeof work - summary_varlena_header);
    require(packed(load_summary(body)) == bytes, "working form does not round-trip");
    const Moment moment{1, 2};
    add_in_place(work, 12345, 3, &moment);
    load_summary(body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    if (size == 0) return 0;
    const Bytes body(reinterpret_cast<const std::byte*>(data + 1), size - 1);
    try {
        if (data[0] % 3 == 0) {
            const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
            std::vector<std::byte> scratch(text_scratch_bytes(text.size()));
            exercise(summary_from_text(text, scratch.data()));
        } else {
            merge_unread(body);
            exercise(load_summary(body, data[0] % 3 == 1 ? ErrorKind::invalid_binary : ErrorKind::corrupted));
        }
    } catch (const Error&) {
    }
    return 0;
}
