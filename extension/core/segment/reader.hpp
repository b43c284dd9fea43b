// Reads a segment by columns: first the header, then only the blocks of 1,024 rows that are asked for, each once.
//
// Rows are numbered from 0 in the order of (customer bytes, ts, seq); ranges of rows are half-open and must lie within
// [0, rows()). Views that the reader returns stay valid while the reader and its source live. Every block is verified
// by its checksum before anything in it is believed, and nothing in it is believed that would lead out of bounds: a
// damaged or hostile byte gives Error(corrupted), never a wrong number.
//
// A property's cell in a row is absent, a number or an entry. A number is a mantissa of 64 bits at the column's one
// scale (value = mantissa / 10^scale); it was sent with shown_scale digits after the point. An entry is a code into the
// column's dictionary: a string, a number that does not fit the above or is spelled otherwise (1e3, -0, 40 digits), or
// JSON. A column may hold all of them, so numbers are to be looked for among the entries too:
// dictionary().codes_of(PropertyKind::number).
//
//   SegmentReader segment(source);
//   if (const auto customer = segment.find_customer("acme")) {
//       const RowRange run = segment.run(*customer);
//       if (PropertyColumn* value = segment.property("value"); value && value->only_numbers())
//           value->read_numbers(run.begin, run.end, mantissas.data());
//   }
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/base/bytes.hpp"
#include "core/base/poll.hpp"
#include "core/base/text_arena.hpp"
#include "core/event/stored_event.hpp"
#include "core/segment/source.hpp"

namespace tally {

inline constexpr std::uint32_t segment_block_rows = 1024;
// Of how many cuts a segment keeps statistics at most: each takes some 50 bytes a block and property with numbers.
inline constexpr std::uint32_t max_marks = 16;

struct RowRange {
    std::uint32_t begin = 0, end = 0;

    std::uint32_t size() const noexcept { return end - begin; }
    friend bool operator==(const RowRange&, const RowRange&) = default;
};

struct CodeRange {
    std::uint32_t begin = 0, end = 0;
};

struct DictionaryEntry {
    PropertyKind kind = PropertyKind::text;
    std::string_view text;  // content of a string, digits of a number as sent, JSON text

    friend bool operator==(const DictionaryEntry&, const DictionaryEntry&) = default;
};

// The distinct entries of a column, sorted by (kind, bytes): text, number, json. The code is the place in this order.
// Loaded by blocks of at most 1,024 entries.
class SegmentDictionary {
public:
    virtual ~SegmentDictionary() = default;
    virtual std::uint32_t size() const noexcept = 0;
    virtual CodeRange codes_of(PropertyKind kind) const noexcept = 0;
    virtual DictionaryEntry entry(std::uint32_t code) = 0;
    // The same for whoever asks for few of those that are loaded together: the first ones are unpacked each by itself.
    virtual DictionaryEntry lone_entry(std::uint32_t code) { return entry(code); }
    // The texts of entries [code, end), one right behind the other: those that are loaded with this one.
    struct Neighbours {
        std::string_view texts;
        std::uint32_t end = 0;
    };
    virtual Neighbours neighbours(std::uint32_t code) { return {entry(code).text, code + 1}; }
    // Whoever will look at every entry has them fetched at once.
    virtual void load_all() {}
    // The entry's code; nothing where no such entry is there. Loads the blocks of a binary search only.
    virtual std::optional<std::uint32_t> find(PropertyKind kind, std::string_view text) = 0;
};

enum class CellForm : std::uint8_t { absent = 0, number = 1, entry = 2 };

// A cut (tally.cut) of which a segment keeps statistics: of its rows it sees those up to a seq, and no others.
struct SegmentMark {
    Hash128 cut;
    std::int64_t last_seq;
};

// Of the cells in one block of segment_block_rows rows (the last may be shorter).
struct BlockStatistics {
    std::uint32_t numbers = 0;  // cells that are numbers
    std::uint32_t entries = 0;  // cells that are entries, among which there may be numbers
    int128 sum = 0;             // exact sum of the mantissas
    std::int64_t min = 0;       // least and greatest mantissa; 0 where there are no numbers
    std::int64_t max = 0;
    std::uint8_t max_shown_scale = 0;  // greatest scale with which a number was sent; 0 where there are none

    friend bool operator==(const BlockStatistics&, const BlockStatistics&) = default;
};

// One property over all rows. Arrays are filled by position: element 0 is row `begin`.
class PropertyColumn {
public:
    virtual ~PropertyColumn() = default;

    virtual std::string_view name() const noexcept = 0;

    // Known without loading a block.
    virtual bool only_numbers() const noexcept = 0;     // every cell of every row is a number: read_forms is not needed
    virtual bool only_entries() const noexcept = 0;     // every cell of every row is an entry
    virtual bool has_numbers() const noexcept = 0;      // some cell may be a number
    virtual bool has_entries() const noexcept = 0;      // some cell may be an entry
    virtual std::uint8_t scale() const noexcept = 0;    // of all mantissas, 0 to 18
    virtual bool one_shown_scale() const noexcept = 0;  // all numbers were sent with scale() digits

    // Statistics of block b, rows [b * 1,024, ...): no block of cells is loaded. A property that is rare in the segment
    // has none (it lies in the column shared by all rare ones): nothing then, and its numbers are entries.
    virtual std::optional<BlockStatistics> statistics(std::uint32_t block) = 0;
    // The same of only the rows that the cut of one of the segment's marks sees.
    virtual std::optional<BlockStatistics> marked_statistics(std::uint32_t mark, std::uint32_t block) = 0;

    virtual void read_forms(std::uint32_t begin, std::uint32_t end, CellForm* forms) = 0;
    virtual void read_numbers(std::uint32_t begin, std::uint32_t end,
                              std::int64_t* mantissas) = 0;  // 0 where not a number
    virtual void read_shown_scales(std::uint32_t begin, std::uint32_t end,
                                   std::uint8_t* scales) = 0;                                   // 0 where not a number
    virtual void read_codes(std::uint32_t begin, std::uint32_t end, std::uint32_t* codes) = 0;  // 0 where not an entry

    // Of a rare property the dictionary is shared with others: not every entry occurs in this column.
    virtual SegmentDictionary& dictionary() = 0;
};

class SegmentReader {
public:
    // Reads the header. Throws Error(corrupted) for bytes that are no segment; where a client sent them, `kind` is the
    // kind of this error and of those of check_bytes().
    explicit SegmentReader(SegmentBytes& source, ErrorKind kind = ErrorKind::corrupted);
    ~SegmentReader();
    SegmentReader(const SegmentReader&) = delete;
    SegmentReader& operator=(const SegmentReader&) = delete;

    std::uint32_t rows() const noexcept;
    std::uint32_t blocks() const noexcept;  // of rows
    std::int64_t first_ts() const noexcept;
    std::int64_t last_ts() const noexcept;
    std::int64_t first_seq() const noexcept;  // the least
    std::int64_t last_seq() const noexcept;   // the greatest

    // Customers in the order of their bytes; the runs of all follow one another without gaps.
    std::uint32_t customer_count() const noexcept;
    std::string_view customer(std::uint32_t index);
    RowRange run(std::uint32_t index);
    std::optional<std::uint32_t> find_customer(std::string_view customer_id);
    std::uint32_t customer_of(std::uint32_t row);  // whose run holds the row
    // First rows of the runs of customers [begin, end), end <= customer_count().
    void read_run_begins(std::uint32_t begin, std::uint32_t end, std::uint32_t* rows);

    void read_ts(std::uint32_t begin, std::uint32_t end, std::int64_t* ts);
    void read_seq(std::uint32_t begin, std::uint32_t end, std::int64_t* seqs);
    // No seq in a block of rows lies outside of these, which are told without unpacking it.
    struct SeqBounds {
        std::int64_t first = 0, last = 0;
    };
    SeqBounds seq_bounds(std::uint32_t block);
    // By ascending last_seq; a mark's place is its number.
    std::span<const SegmentMark> marks() const noexcept;
    // The mark of a cut, of which statistics are kept; nothing where there is none.
    std::optional<std::uint32_t> find_mark(const Hash128& cut) const noexcept;
    // How many rows of a block of rows the mark's cut sees.
    std::uint32_t marked_rows(std::uint32_t mark, std::uint32_t block);
    void read_received_at(std::uint32_t begin, std::uint32_t end, std::int64_t* received_at);
    // Least and greatest ts in a block of rows, without loading it.
    struct TimeBounds {
        std::int64_t first = 0, last = 0;
    };
    TimeBounds ts_bounds(std::uint32_t block);
    // The first row of [begin, end), all of one customer, whose ts is not before `ts`; end where there is none.
    std::uint32_t lower_bound_ts(std::uint32_t begin, std::uint32_t end, std::int64_t ts);

    // Texts lie in the arena.
    void read_event_ids(std::uint32_t begin, std::uint32_t end, std::string_view* ids, TextArena& arena);
    // Whether some ids may be more than hexadecimal digits and hyphens.
    bool has_text_ids() const noexcept;
    void read_source_codes(std::uint32_t begin, std::uint32_t end, std::uint32_t* codes);
    SegmentDictionary& sources();
    // 0 = no import, n = imports()[n - 1].
    void read_import_codes(std::uint32_t begin, std::uint32_t end, std::uint32_t* codes);
    std::span<const Hash128> imports();

    // Names of all properties that occur, sorted by bytes. Loads the names of the rare ones.
    std::vector<std::string_view> property_names();
    // The column of that name, owned by the reader; nullptr where no row has the property.
    PropertyColumn* property(std::string_view name);

    // Whole events of a range of rows: valid while both the reader and the arena live.
    void read_events(std::uint32_t begin, std::uint32_t end, StoredEvent* events, TextArena& arena);

    // What the reader holds by now of the segment's bytes and of unpacked texts, near enough for who has many open.
    std::size_t held_bytes() const noexcept;

    // Verifies the checksums of all blocks, without decoding them: what reading a value from a client does.
    void check_bytes();
    // Verifies everything: decodes all, and finds order, bounds and statistics true. Throws Error(corrupted) otherwise.
    void check(Poll poll = nullptr);

    struct Parts;

private:
    void check_marks(std::uint32_t block);

    std::unique_ptr<Parts> parts_;
};

}  // namespace tally
