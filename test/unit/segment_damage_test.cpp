// Damaged and hostile bytes give Error(corrupted): never another event, never a crash.
#include <gtest/gtest.h>

#include "core/base/crc32c.hpp"
#include "core/segment/format.hpp"
#include "stored_events.hpp"

namespace tally {
namespace {

Segment sample(int size) {
    std::mt19937_64 random(11);
    StoredEvents events;
    for (int i = 0; i < size; ++i) EventGenerator::add(events, random, i);
    KnownAt cut;
    cut.last_seq = size / 2;
    return write_segment(events.events(), nullptr, std::span(&cut, 1));
}

// True where reading all of it says that it is damaged; anything but Error(corrupted) fails the test.
bool told_as_damaged(Bytes bytes) {
    try {
        ReadBack back(bytes);
        back.reader.check();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::corrupted) << error.what();
        return true;
    }
    return false;
}

TEST(SegmentDamage, EveryFlippedBitIsTold) {
    std::vector<std::byte> bytes = sample(40).bytes;
    for (std::size_t at = 0; at < bytes.size(); ++at)
        for (int bit = 0; bit < 8; ++bit) {
            bytes[at] ^= static_cast<std::byte>(1 << bit);
            ASSERT_TRUE(told_as_damaged(bytes)) << "byte " << at << " bit " << bit;
            bytes[at] ^= static_cast<std::byte>(1 << bit);
        }
}

TEST(SegmentDamage, EveryCutIsTold) {
    const std::vector<std::byte> bytes = sample(40).bytes;
    for (std::size_t size = 0; size < bytes.size(); ++size) ASSERT_TRUE(told_as_damaged(Bytes(bytes).first(size)));
    std::vector<std::byte> longer = bytes;
    longer.push_back(std::byte{0});
    EXPECT_TRUE(told_as_damaged(longer));
}

TEST(SegmentDamage, OneReadOfADamagedBlockIsEnough) {
    StoredEvents events;
    for (int i = 0; i < 5000; ++i) events.add("c", i, i, {events.number("n", std::to_string(i * 7919))});
    std::vector<std::byte> bytes = write_segment(events.events()).bytes;
    bytes[bytes.size() - 100] ^= std::byte{1};  // the last block is one of the property's
    SegmentInMemory source(bytes);
    SegmentReader reader(source);
    std::vector<std::int64_t> values(5000);
    reader.read_ts(0, 5000, values.data());
    reader.property("n")->read_numbers(0, 1024, values.data());
    EXPECT_THROW(reader.property("n")->read_numbers(4096, 4100, values.data()), Error);
    EXPECT_THROW(reader.check_bytes(), Error);
}

TEST(SegmentDamage, AClientsBytesAreToldAsSuch) {
    std::vector<std::byte> bytes = sample(10).bytes;
    bytes.back() ^= std::byte{1};
    SegmentInMemory source(bytes);
    SegmentReader reader(source, ErrorKind::invalid_binary);
    try {
        reader.check_bytes();
        FAIL() << "not told";
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::invalid_binary);
    }
}

TEST(SegmentDamage, AShorterSliceIsTold) {
    class ShortSource final : public SegmentBytes {
    public:
        explicit ShortSource(Bytes bytes) : bytes_(bytes) {}
        std::size_t size() override { return bytes_.size(); }
        Bytes slice(std::size_t offset, std::size_t length) override { return bytes_.subspan(offset, length - 1); }

    private:
        Bytes bytes_;
    };
    const Segment segment = sample(10);
    ShortSource source(segment.bytes);
    EXPECT_THROW(SegmentReader{source}, Error);
}

// Hostile bytes have right checksums.
void repair_checksums(std::vector<std::byte>& bytes) {
    using namespace segment_format;
    const std::size_t header = little_u32(bytes.data() + 4), columns = little_u32(bytes.data() + 20);
    const std::size_t blocks = little_u32(bytes.data() + 24);
    const auto put = [&bytes](std::size_t at, std::uint32_t value) {
        for (unsigned i = 0; i < 4; ++i) bytes[at + i] = static_cast<std::byte>(value >> (8 * i));
    };
    const std::size_t table = fixed_header_bytes + columns * column_bytes;
    if (header > bytes.size() || header < table + blocks * block_entry_bytes + 4) return;
    std::size_t begin = header;
    for (std::size_t i = 0; i < blocks; ++i) {
        const std::size_t entry = table + i * block_entry_bytes, end = little_u32(bytes.data() + entry);
        if (end < begin || end > bytes.size()) break;
        put(entry + 4, crc32c(Bytes(bytes).subspan(begin, end - begin)));
        begin = end;
    }
    put(header - 4, crc32c(Bytes(bytes).first(header - 4)));
}

TEST(SegmentDamage, HostileBytesNeverLeadOutOfBounds) {
    std::mt19937_64 random(13);
    for (const int size : {1, 30, 1500, 2500}) {
        const std::vector<std::byte> good = sample(size).bytes;
        for (int round = 0; round < (size > 1000 ? 300 : 4000); ++round) {
            std::vector<std::byte> bytes = good;
            for (std::uint64_t changes = 1 + random() % 4; changes > 0; --changes) {
                const std::size_t at =
                    random() % (random() % 2 == 0 ? bytes.size() : std::min<std::size_t>(bytes.size(), 500));
                bytes[at] = static_cast<std::byte>(random());
            }
            repair_checksums(bytes);
            told_as_damaged(bytes);
        }
    }
}

TEST(SegmentDamage, StatisticsThatLieAreFound) {
    StoredEvents events;
    for (int i = 0; i < 10; ++i) events.add("c", i, i, {events.number("n", std::to_string(i))});
    std::vector<std::byte> bytes = write_segment(events.events()).bytes;
    // the property's first block, its statistics: sum of 0 to 9
    const std::size_t header = little_u32(bytes.data() + 4);
    std::size_t at = header;
    while (little_u32(bytes.data() + at) != 45) ++at;
    bytes[at] = std::byte{46};
    repair_checksums(bytes);
    SegmentInMemory source(bytes);
    SegmentReader reader(source);
    reader.check_bytes();
    EXPECT_THROW(reader.check(), Error);
}

}  // namespace
}  // namespace tally
