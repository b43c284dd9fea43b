// Groups the properties by key, chooses each column's scale, and writes cells, statistics and dictionaries.
#include "core/segment/property_writer.hpp"

#include <algorithm>

#include "core/segment/dictionary.hpp"
#include "core/segment/integers.hpp"
#include "core/segment/plain_number.hpp"

namespace tally::segment_format {
namespace {

// A property is rare unless it has this many cells: a column of its own costs some 100 bytes, and readers of rare ones
// walk over all rare ones.
constexpr std::uint32_t few_cells = 2;
constexpr std::uint32_t rare_part = 64;  // in fewer than one row of so many
constexpr std::size_t most_columns = 256;

// Which scale lets most numbers be mantissas of 64 bits.
class ScaleChoice {
public:
    void add(const PlainNumber& number) noexcept {
        std::size_t headroom = 0;
        const std::int64_t magnitude = number.mantissa < 0 ? -number.mantissa : number.mantissa;
        while (headroom < max_scale && magnitude <= INT64_MAX / int64_power_of_ten[headroom + 1]) ++headroom;
        ++counts_[number.scale][headroom];
    }
    std::uint8_t best() const noexcept {
        std::uint8_t best = 0;
        std::uint64_t most = 0;
        for (std::uint8_t scale = 0; scale <= max_scale; ++scale) {
            std::uint64_t fitting = 0;
            for (std::size_t shown = 0; shown <= scale; ++shown)
                for (std::size_t headroom = scale - shown; headroom <= max_scale; ++headroom)
                    fitting += counts_[shown][headroom];
            if (fitting <= most) continue;
            most = fitting;
            best = scale;
        }
        return best;
    }

private:
    std::array<std::array<std::uint32_t, max_scale + 1>, max_scale + 1> counts_{};
};

bool scale_to(PlainNumber& number, std::uint8_t scale) noexcept {
    if (number.scale > scale) return false;
    return !__builtin_mul_overflow(number.mantissa, int64_power_of_ten[scale - number.scale], &number.mantissa);
}

// All cells of one property.
struct ColumnCells {
    explicit ColumnCells(std::size_t rows) : forms(rows, static_cast<std::uint8_t>(CellForm::absent)) {}

    std::vector<std::uint8_t> forms;      // by row
    std::vector<std::int64_t> mantissas;  // of the numbers
    std::vector<std::uint8_t> shown;      // scales of the numbers as sent
    std::vector<std::uint32_t> codes;     // of the entries
    DictionaryBuilder dictionary;
};

std::uint8_t flags_of(const ColumnCells& cells, std::uint8_t scale) {
    std::uint8_t flags = 0;
    if (!cells.mantissas.empty()) flags |= with_numbers;
    if (!cells.codes.empty()) flags |= with_entries;
    if (cells.mantissas.size() + cells.codes.size() < cells.forms.size()) flags |= with_absent;
    if ((flags & (with_numbers | with_absent)) != 0) flags |= with_statistics;
    if (std::any_of(cells.shown.begin(), cells.shown.end(), [scale](std::uint8_t shown) { return shown != scale; }))
        flags |= with_shown_scales;
    return flags;
}

void append_statistics(std::vector<std::byte>& out, std::span<const std::int64_t> mantissas,
                       std::span<const std::uint8_t> shown, std::size_t entries) {
    int128 sum = 0;
    std::int64_t least = 0, greatest = 0;
    std::uint8_t most_shown = 0;
    if (!mantissas.empty()) {
        const auto [low, high] = std::minmax_element(mantissas.begin(), mantissas.end());
        least = *low;
        greatest = *high;
        for (const std::int64_t mantissa : mantissas) sum += mantissa;
        most_shown = *std::max_element(shown.begin(), shown.end());
    }
    append_u64(out, static_cast<std::uint64_t>(sum));
    append_u64(out, static_cast<std::uint64_t>(sum >> 64));
    append_u64(out, static_cast<std::uint64_t>(least));
    append_u64(out, static_cast<std::uint64_t>(greatest));
    append_u32(out, static_cast<std::uint32_t>(mantissas.size() | entries << 16));
    append_u32(out, most_shown);
}

// The statistics of a block of cells of only the rows up to a seq; `seqs` are those of its rows.
void append_marked_statistics(std::vector<std::byte>& out, std::span<const std::uint8_t> forms,
                              std::span<const std::int64_t> mantissas, std::span<const std::uint8_t> shown,
                              std::span<const std::int64_t> seqs, std::int64_t last_seq) {
    std::array<std::int64_t, segment_block_rows> seen_mantissas;
    std::array<std::uint8_t, segment_block_rows> seen_shown;
    std::size_t numbers = 0, number = 0, entries = 0;
    for (std::size_t row = 0; row < forms.size(); ++row) {
        const bool is_seen = seqs[row] <= last_seq;
        if (forms[row] == static_cast<std::uint8_t>(CellForm::number)) {
            seen_mantissas[numbers] = mantissas[number];
            seen_shown[numbers] = shown[number++];
            numbers += is_seen ? 1 : 0;
        } else if (forms[row] == static_cast<std::uint8_t>(CellForm::entry)) {
            entries += is_seen ? 1 : 0;
        }
    }
    append_statistics(out, std::span(seen_mantissas).first(numbers), std::span(seen_shown).first(numbers), entries);
}

// Walks the cells by blocks: visit(forms, mantissas, shown, codes of the block).
template <typename Visit>
void for_each_block(const ColumnCells& cells, Visit visit) {
    std::size_t number = 0, entry = 0;
    for (std::size_t begin = 0; begin < cells.forms.size(); begin += segment_block_rows) {
        const std::size_t rows = std::min<std::size_t>(segment_block_rows, cells.forms.size() - begin);
        const auto forms = std::span(cells.forms).subspan(begin, rows);
        const auto numbers =
            static_cast<std::size_t>(std::count(forms.begin(), forms.end(), static_cast<std::uint8_t>(CellForm::number)));
        const auto entries =
            static_cast<std::size_t>(std::count(forms.begin(), forms.end(), static_cast<std::uint8_t>(CellForm::entry)));
        visit(forms, std::span(cells.mantissas).subspan(number, numbers), std::span(cells.shown).subspan(number, numbers),
              std::span(cells.codes).subspan(entry, entries));
        number += numbers;
        entry += entries;
    }
}

void write_marked_statistics(Column& column, const ColumnCells& cells, std::span<const std::int64_t> seqs,
                             const Header& header, BlockOutput& out) {
    if (!is_marked(column.type, column.flags)) return;
    column.marks = static_cast<std::uint32_t>(header.marks.size());
    for (const SegmentMark& mark : header.marks) {
        std::size_t row = 0;
        for_each_block(cells, [&](auto forms, auto mantissas, auto shown, auto) {
            append_marked_statistics(out.bytes(), forms, mantissas, shown, seqs.subspan(row, forms.size()), mark.last_seq);
            row += forms.size();
        });
        out.end_block();
    }
}

void write_column(std::string_view name, std::uint8_t scale, const ColumnCells& cells, std::span<const std::int64_t> seqs,
                  Header& header, BlockOutput& out) {
    Column column;
    column.type = property_type;
    column.name = name;
    column.flags = flags_of(cells, scale);
    column.scale = column.has(with_numbers) ? scale : 0;
    column.data_blocks = blocks_for(header.rows);
    const unsigned occurring = column.flags & (with_absent | with_numbers | with_entries);
    const bool several_forms = (occurring & (occurring - 1)) != 0;
    if (column.has(with_statistics)) {
        for_each_block(cells, [&](auto, auto mantissas, auto shown, auto codes) {
            append_statistics(out.bytes(), mantissas, shown, codes.size());
        });
        out.end_block();
    }
    write_marked_statistics(column, cells, seqs, header, out);
    for_each_block(cells, [&](auto forms, auto mantissas, auto shown, auto codes) {
        if (several_forms) append_integers(out.bytes(), forms);
        if (column.has(with_numbers)) append_integers(out.bytes(), mantissas);
        if (column.has(with_shown_scales)) append_integers(out.bytes(), shown);
        if (column.has(with_entries)) append_integers(out.bytes(), codes);
        out.end_block();
    });
    cells.dictionary.write(column, out);
    header.columns.push_back(column);
}

}  // namespace

PropertyWriter::PropertyWriter(std::span<const StoredEvent* const> rows, Poll poll) : rows_(rows), poll_(poll) {
    collect_keys();
    call(poll_);
    choose_columns();
    collect_cells();
    call(poll_);
}

void PropertyWriter::collect_keys() {
    std::unordered_map<std::string_view, std::uint32_t> numbers;
    std::vector<std::uint32_t> before;  // keys of the event before: most events have the same
    std::size_t cells = 0;
    for (const StoredEvent* event : rows_) cells += event->properties.size();
    cell_keys_.reserve(cells);
    for (const StoredEvent* event : rows_) {
        for (std::size_t i = 0; i < event->properties.size(); ++i) {
            const std::string_view name = event->properties[i].key;
            std::uint32_t number = 0;
            if (i < before.size() && keys_[before[i]].name == name) {
                number = before[i];
            } else {
                const auto [found, is_new] = numbers.try_emplace(name, static_cast<std::uint32_t>(keys_.size()));
                if (is_new) keys_.push_back({name});
                number = found->second;
            }
            ++keys_[number].cells;
            cell_keys_.push_back(number);
        }
        before.assign(cell_keys_.end() - static_cast<std::ptrdiff_t>(event->properties.size()), cell_keys_.end());
    }
}

void PropertyWriter::choose_columns() {
    std::vector<Key*> often;
    for (Key& key : keys_) {
        key.rare = key.cells < std::max<std::size_t>(few_cells, rows_.size() / rare_part) && key.cells < rows_.size();
        if (!key.rare) often.push_back(&key);
    }
    if (often.size() <= most_columns) return;
    std::sort(often.begin(), often.end(), [](const Key* left, const Key* right) {
        return left->cells != right->cells ? left->cells > right->cells : left->name < right->name;
    });
    for (std::size_t i = most_columns; i < often.size(); ++i) often[i]->rare = true;
}

void PropertyWriter::collect_cells() {
    std::vector<std::uint32_t> next(keys_.size());
    std::uint32_t at = 0;
    for (std::size_t i = 0; i < keys_.size(); ++i) {
        keys_[i].first_cell = next[i] = at;
        at += keys_[i].cells;
    }
    cells_.resize(at);
    std::size_t cell = 0;
    for (std::uint32_t row = 0; row < rows_.size(); ++row)
        for (const Property& property : rows_[row]->properties) cells_[next[cell_keys_[cell++]]++] = {row, &property};
}

std::vector<const PropertyWriter::Key*> PropertyWriter::sorted_keys(bool rare) const {
    std::vector<const Key*> keys;
    for (const Key& key : keys_)
        if (key.rare == rare) keys.push_back(&key);
    std::sort(keys.begin(), keys.end(), [](const Key* left, const Key* right) { return left->name < right->name; });
    return keys;
}

void PropertyWriter::write_rare(Header& header, BlockOutput& out) const {
    DictionaryBuilder names, entries;
    std::vector<std::uint32_t> codes_of_keys(keys_.size());
    for (const Key* key : sorted_keys(true))
        codes_of_keys[static_cast<std::size_t>(key - keys_.data())] = names.add(PropertyKind::text, key->name);
    names.sort();  // which gives them the codes that they have by their order
    std::vector<std::uint32_t> counts(rows_.size()), name_codes, codes;
    std::size_t cell = 0;
    for (std::size_t row = 0; row < rows_.size(); ++row) {
        for (const Property& property : rows_[row]->properties) {
            const std::uint32_t key = cell_keys_[cell++];
            if (!keys_[key].rare) continue;
            ++counts[row];
            name_codes.push_back(codes_of_keys[key]);
            codes.push_back(entries.add(property.kind, property.text));
        }
        if (counts[row] > max_rare_in_row) throw Error(ErrorKind::limit_exceeded, "an event has too many properties");
    }
    call(poll_);
    entries.sort();
    for (std::uint32_t& code : codes) code = entries.code(code);
    call(poll_);
    Column name_column, rare_column;
    name_column.type = rare_name;
    names.write(name_column, out);
    header.columns.push_back(name_column);
    rare_column.type = rare;
    rare_column.data_blocks = codes.empty() ? 0 : blocks_for(header.rows);
    for (std::size_t block = 0, first = 0; block < rare_column.data_blocks; ++block) {
        const std::size_t begin = block * segment_block_rows;
        const auto block_counts = std::span<const std::uint32_t>(counts).subspan(
            begin, std::min<std::size_t>(segment_block_rows, counts.size() - begin));
        std::size_t cells = 0;
        for (const std::uint32_t count : block_counts) cells += count;
        append_integers(out.bytes(), block_counts);
        append_integers(out.bytes(), std::span<const std::uint32_t>(name_codes).subspan(first, cells));
        append_integers(out.bytes(), std::span<const std::uint32_t>(codes).subspan(first, cells));
        out.end_block();
        first += cells;
    }
    entries.write(rare_column, out);
    header.columns.push_back(rare_column);
}

void PropertyWriter::write_columns(Header& header, BlockOutput& out) const {
    std::vector<std::int64_t> seqs;
    if (!header.marks.empty())
        for (const StoredEvent* event : rows_) seqs.push_back(event->seq);
    for (const Key* key : sorted_keys(false)) {
        const std::span<const Cell> cells = cells_of(*key);
        std::vector<std::optional<PlainNumber>> plain(cells.size());
        ScaleChoice choice;
        for (std::size_t i = 0; i < cells.size(); ++i) {
            if (cells[i].property->kind != PropertyKind::number) continue;
            plain[i] = plain_number(cells[i].property->text);
            if (plain[i]) choice.add(*plain[i]);
        }
        const std::uint8_t scale = choice.best();
        ColumnCells column(rows_.size());
        for (std::size_t i = 0; i < cells.size(); ++i) {
            std::uint8_t& form = column.forms[cells[i].row];
            const std::uint8_t shown = plain[i] ? plain[i]->scale : std::uint8_t{0};
            if (plain[i] && scale_to(*plain[i], scale)) {
                form = static_cast<std::uint8_t>(CellForm::number);
                column.mantissas.push_back(plain[i]->mantissa);
                column.shown.push_back(shown);
            } else {
                form = static_cast<std::uint8_t>(CellForm::entry);
                column.codes.push_back(column.dictionary.add(cells[i].property->kind, cells[i].property->text));
            }
        }
        call(poll_);
        column.dictionary.sort();
        for (std::uint32_t& code : column.codes) code = column.dictionary.code(code);
        call(poll_);
        write_column(key->name, scale, column, seqs, header, out);
        call(poll_);
    }
}

}  // namespace tally::segment_format
