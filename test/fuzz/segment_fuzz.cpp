// Fuzz target of segments: bytes as they are, bytes with repaired checksums (what a hostile client would send), and
// events drawn from the input, which must come back as they went in and survive a merge.
#include <cstdio>
#include <cstdlib>

#include "core/base/crc32c.hpp"
#include "core/base/error.hpp"
#include "core/segment/cut.hpp"
#include "core/segment/format.hpp"
#include "stored_events.hpp"

using namespace tally;

namespace {

void require(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "segment_fuzz: %s\n", what);
    std::abort();
}

void read_everything(Bytes bytes) {
    try {
        ReadBack back(bytes);
        back.reader.check();
        const Segment again = write_segment(back.events);
        ReadBack second(again.bytes);
        require(std::equal(back.events.begin(), back.events.end(), second.events.begin(), second.events.end(), same_event),
                "what was read is not what is written again");
    } catch (const Error& error) {
        require(error.kind() == ErrorKind::corrupted || error.kind() == ErrorKind::limit_exceeded,
                "damage is told otherwise");
    }
}

// The header of a segment of the input's bytes: lengths and checksums fit, everything else is the input's.
std::vector<std::byte> repaired(Bytes input) {
    using namespace segment_format;
    std::vector<std::byte> bytes(input.begin(), input.end());
    const auto put = [&bytes](std::size_t at, std::uint32_t value) {
        for (unsigned i = 0; i < 4; ++i) bytes[at + i] = static_cast<std::byte>(value >> (8 * i));
    };
    if (bytes.size() < fixed_header_bytes + 4) return bytes;
    for (std::size_t i = 0; i < magic.size(); ++i) bytes[i] = static_cast<std::byte>(magic[i]);
    const bool has_marks = little_u32(bytes.data() + 28) != 0;
    bytes[magic.size()] = static_cast<std::byte>(has_marks ? version_with_marks : version_without_marks);
    const std::size_t header = little_u32(bytes.data() + 4), columns = little_u32(bytes.data() + 20);
    const std::size_t blocks = little_u32(bytes.data() + 24), table = fixed_header_bytes + columns * column_bytes;
    put(8, static_cast<std::uint32_t>(bytes.size()));
    if (header > bytes.size() || header < table + blocks * block_entry_bytes + 4) return bytes;
    std::size_t begin = header;
    for (std::size_t i = 0; i < blocks; ++i) {
        const std::size_t entry = table + i * block_entry_bytes, end = little_u32(bytes.data() + entry);
        if (end < begin || end > bytes.size()) break;
        put(entry + 4, crc32c(Bytes(bytes).subspan(begin, end - begin)));
        begin = end;
    }
    put(header - 4, crc32c(Bytes(bytes).first(header - 4)));
    return bytes;
}

// Numbers that the input gives, and the same ones again at its end.
class InputNumbers {
public:
    explicit InputNumbers(Bytes input) : input_(input) {}
    std::uint64_t operator()() {
        std::uint64_t value = 0;
        for (int i = 0; i < 2; ++i) value = value << 8 | std::to_integer<std::uint64_t>(input_[at_++ % input_.size()]);
        return value * 0x9E3779B97F4A7C15U >> 8;
    }

private:
    Bytes input_;
    std::size_t at_ = 0;
};

void round_trip(Bytes input) {
    StoredEvents events;
    InputNumbers numbers(input);
    for (std::size_t i = 0; i < std::min<std::size_t>(input.size(), 200); ++i)
        EventGenerator::add(events, numbers, static_cast<std::int64_t>(i));
    const Segment segment = write_segment(events.events());
    ReadBack back(segment.bytes);
    back.reader.check();
    const std::vector<StoredEvent> sorted = events.sorted();
    require(std::equal(sorted.begin(), sorted.end(), back.events.begin(), back.events.end(), same_event),
            "an event came back as another");
    const std::size_t half = events.events().size() / 2;
    if (half == 0) return;
    const Segment first = write_segment(std::span(events.events()).first(half));
    const Segment second = write_segment(std::span(events.events()).subspan(half));
    SegmentInMemory first_source(first.bytes), second_source(second.bytes);
    SegmentReader first_reader(first_source), second_reader(second_source);
    SegmentReader* readers[] = {&first_reader, &second_reader};
    std::uint64_t weight = 0;
    for (const StoredEvent& event : events.events()) weight += event_weight(event);
    int parts = 0;
    cut_segments(readers, weight, [&](const Segment& merged, std::uint64_t its_weight) {
        require(merged.bytes == segment.bytes, "a merge is another segment");
        require(its_weight == weight, "a merge weighs something else");
        ++parts;
    });
    require(parts == 1, "a merge is in parts, or nothing");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes input(reinterpret_cast<const std::byte*>(data), size);
    if (size == 0) return 0;
    read_everything(input);
    read_everything(repaired(input));
    round_trip(input.first(std::min<std::size_t>(size, 300)));
    return 0;
}
