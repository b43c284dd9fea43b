// Decodes blocks of cells into arrays by row.
#include "core/segment/property_reader.hpp"

#include <algorithm>
#include <array>

#include "core/segment/integers.hpp"
#include "core/segment/plain_number.hpp"

namespace tally::segment_format {
namespace {

constexpr auto number_form = static_cast<std::uint8_t>(CellForm::number);
constexpr auto entry_form = static_cast<std::uint8_t>(CellForm::entry);
constexpr std::uint32_t cell_forms = 3;

// Values of the cells that have one, put into rows; the other rows get 0.
template <typename Value>
void scatter(const std::uint8_t* forms, std::uint8_t form, std::uint32_t rows, const Value* dense, Value* values) {
    for (std::uint32_t i = 0; i < rows; ++i) values[i] = forms[i] == form ? *dense++ : Value{0};
}

}  // namespace

// A block of cells taken apart. Forms are decoded only where there are several.
struct StoredColumn::Cells {
    Cells(const StoredColumn& column, std::uint32_t block) : rows(rows_in_block(column.header_, block)) {
        Bytes bytes = column.table_.block(column.column_.data_block(block));
        const bool numbers_only = column.only_numbers(), entries_only = column.only_entries();
        several = !numbers_only && !entries_only;
        numbers = numbers_only ? rows : 0;
        entries = entries_only ? rows : 0;
        if (several) {
            Integers(bytes, rows).read_below(cell_forms, 0, rows, forms.data());
            for (std::uint32_t i = 0; i < rows; ++i) {
                numbers += forms[i] == number_form ? 1 : 0;
                entries += forms[i] == entry_form ? 1 : 0;
            }
            if ((numbers > 0 && !column.has_numbers()) || (entries > 0 && !column.has_entries()))
                fail_damaged("a column has cells of a form that it does not have");
        } else {
            forms.fill(numbers_only ? number_form : entry_form);
        }
        if (column.has_numbers()) mantissas.emplace(bytes, numbers);
        if (column.column_.has(with_shown_scales)) scales.emplace(bytes, numbers);
        if (column.has_entries()) codes.emplace(bytes, entries);
        if (!bytes.empty()) fail_damaged("a block of cells holds more than its cells");
    }

    // How many cells of that form lie before the row.
    std::uint32_t rank(std::uint8_t form, std::uint32_t row) const {
        return static_cast<std::uint32_t>(std::count(forms.begin(), forms.begin() + row, form));
    }

    // Values of rows [first, last), read by `read` from the dense values.
    template <typename Value, typename Read>
    void spread(std::uint8_t form, std::uint32_t first, std::uint32_t last, Value* values, Read read) const {
        std::array<Value, segment_block_rows> dense;
        const std::uint32_t from = rank(form, first);
        const std::uint32_t count = rank(form, last) - from;
        read(from, from + count, dense.data());
        scatter(forms.data() + first, form, last - first, dense.data(), values);
    }

    std::uint32_t rows, numbers, entries;
    bool several;
    std::array<std::uint8_t, segment_block_rows> forms;
    std::optional<Integers> mantissas, scales, codes;
};

std::optional<BlockStatistics> StoredColumn::statistics(std::uint32_t block) {
    if (!column_.has(with_statistics)) {
        BlockStatistics statistics;
        statistics.entries = rows_in_block(header_, block);
        return statistics;
    }
    return statistics_in(table_.block(column_.statistics_block()), block);
}

std::optional<BlockStatistics> StoredColumn::marked_statistics(std::uint32_t mark, std::uint32_t block) {
    if (mark >= column_.marks) return std::nullopt;
    return statistics_in(table_.block(column_.marked_block(mark)), block);
}

BlockStatistics StoredColumn::statistics_in(Bytes bytes, std::uint32_t block) const {
    BlockStatistics statistics;
    const std::uint32_t rows = rows_in_block(header_, block);
    if (bytes.size() != statistics_bytes * column_.data_blocks) fail_damaged("statistics are cut short");
    const std::byte* const at = bytes.data() + statistics_bytes * block;
    const std::uint32_t counts = little_u32(at + 32);
    statistics.sum = static_cast<int128>(static_cast<uint128>(little_u64(at + 8)) << 64 | little_u64(at));
    statistics.min = static_cast<std::int64_t>(little_u64(at + 16));
    statistics.max = static_cast<std::int64_t>(little_u64(at + 24));
    statistics.numbers = counts & 0xFFFF;
    statistics.entries = counts >> 16;
    const std::uint32_t shown = little_u32(at + 36);
    if (statistics.numbers + statistics.entries > rows || shown > column_.scale) fail_damaged("statistics are impossible");
    statistics.max_shown_scale = static_cast<std::uint8_t>(shown);
    return statistics;
}

void StoredColumn::read_forms(std::uint32_t begin, std::uint32_t end, CellForm* forms) {
    if (only_numbers() || only_entries()) {
        std::fill_n(forms, end - begin, only_numbers() ? CellForm::number : CellForm::entry);
        return;
    }
    load_blocks(table_, column_, begin, end);
    for_each_block_part(begin, end, [&](std::uint32_t block, std::uint32_t first, std::uint32_t last, std::uint32_t at) {
        const Cells cells(*this, block);
        for (std::uint32_t i = first; i < last; ++i) forms[at + i - first] = static_cast<CellForm>(cells.forms[i]);
    });
}

void StoredColumn::read_numbers(std::uint32_t begin, std::uint32_t end, std::int64_t* mantissas) {
    if (!has_numbers()) {
        std::fill_n(mantissas, end - begin, 0);
        return;
    }
    load_blocks(table_, column_, begin, end);
    for_each_block_part(begin, end, [&](std::uint32_t block, std::uint32_t first, std::uint32_t last, std::uint32_t at) {
        if (only_numbers()) {
            Bytes bytes = table_.block(column_.data_block(block));
            Integers(bytes, rows_in_block(header_, block)).read(first, last, mantissas + at);
            return;
        }
        const Cells cells(*this, block);
        cells.spread(
            number_form, first, last, mantissas + at,
            [&](std::uint32_t from, std::uint32_t to, std::int64_t* dense) { cells.mantissas->read(from, to, dense); });
    });
}

void StoredColumn::read_shown_scales(std::uint32_t begin, std::uint32_t end, std::uint8_t* scales) {
    if (only_numbers() && one_shown_scale()) {
        std::fill_n(scales, end - begin, scale());
        return;
    }
    load_blocks(table_, column_, begin, end);
    for_each_block_part(begin, end, [&](std::uint32_t block, std::uint32_t first, std::uint32_t last, std::uint32_t at) {
        const Cells cells(*this, block);
        cells.spread(number_form, first, last, scales + at, [&](std::uint32_t from, std::uint32_t to, std::uint8_t* dense) {
            if (one_shown_scale()) {
                std::fill_n(dense, to - from, scale());
            } else {
                cells.scales->read_below(scale() + 1U, from, to, dense);
            }
        });
    });
}

void StoredColumn::read_codes(std::uint32_t begin, std::uint32_t end, std::uint32_t* codes) {
    if (!has_entries()) {
        std::fill_n(codes, end - begin, 0);
        return;
    }
    load_blocks(table_, column_, begin, end);
    for_each_block_part(begin, end, [&](std::uint32_t block, std::uint32_t first, std::uint32_t last, std::uint32_t at) {
        if (only_entries()) {
            Bytes bytes = table_.block(column_.data_block(block));
            Integers(bytes, rows_in_block(header_, block)).read_below(column_.dictionary_entries, first, last, codes + at);
            return;
        }
        const Cells cells(*this, block);
        cells.spread(entry_form, first, last, codes + at, [&](std::uint32_t from, std::uint32_t to, std::uint32_t* dense) {
            cells.codes->read_below(column_.dictionary_entries, from, to, dense);
        });
    });
}

void StoredColumn::check() {
    std::array<std::int64_t, segment_block_rows> mantissas;
    std::array<std::uint8_t, segment_block_rows> scales;
    std::array<std::uint32_t, segment_block_rows> codes;
    for (std::uint32_t block = 0; block < column_.data_blocks; ++block) {
        const Cells cells(*this, block);
        const BlockStatistics said = statistics(block).value_or(BlockStatistics{});
        if (said.numbers != cells.numbers || said.entries != cells.entries) fail_damaged("statistics are not true");
        if (cells.codes) cells.codes->read_below(column_.dictionary_entries, 0, cells.entries, codes.data());
        if (cells.numbers == 0) continue;
        cells.mantissas->read(0, cells.numbers, mantissas.data());
        std::fill_n(scales.begin(), cells.numbers, scale());
        if (cells.scales) cells.scales->read_below(scale() + 1U, 0, cells.numbers, scales.data());
        int128 sum = 0;
        for (std::uint32_t i = 0; i < cells.numbers; ++i) {
            sum += mantissas[i];
            if (mantissas[i] % int64_power_of_ten[scale() - scales[i]] != 0) fail_damaged("a number has a wrong scale");
        }
        const auto [least, greatest] = std::minmax_element(mantissas.begin(), mantissas.begin() + cells.numbers);
        if (said.sum != sum || said.min != *least || said.max != *greatest ||
            said.max_shown_scale != *std::max_element(scales.begin(), scales.begin() + cells.numbers))
            fail_damaged("statistics are not true");
    }
}

const RareBlock& RareProperties::block(std::uint32_t number) {
    if (loaded_ == number) return block_;
    loaded_.reset();
    const Column& column = header_.columns[rare];
    const std::uint32_t rows = rows_in_block(header_, number);
    Bytes bytes = table_.block(column.data_block(number));
    std::vector<std::uint32_t> counts(rows);
    Integers(bytes, rows).read_below(max_rare_in_row + 1, 0, rows, counts.data());
    block_.begins.assign(1, 0);
    for (const std::uint32_t count : counts) block_.begins.push_back(block_.begins.back() + count);
    const std::uint32_t cells = block_.begins.back();
    const Integers names(bytes, cells), codes(bytes, cells);
    if (!bytes.empty()) fail_damaged("a block of cells holds more than its cells");
    block_.names.resize(cells);
    block_.codes.resize(cells);
    names.read_below(names_.size(), 0, cells, block_.names.data());
    codes.read_below(column.dictionary_entries, 0, cells, block_.codes.data());
    for (std::uint32_t row = 0; row < rows; ++row)
        for (std::uint32_t i = block_.begins[row] + 1; i < block_.begins[row + 1]; ++i)
            if (block_.names[i] <= block_.names[i - 1]) fail_damaged("a row has a property twice");
    loaded_ = number;
    return block_;
}

// visit(place in the caller's array, code) for the rows that have the property.
template <typename Visit>
void RareColumn::for_each_cell(std::uint32_t begin, std::uint32_t end, Visit visit) {
    for_each_block_part(begin, end, [&](std::uint32_t number, std::uint32_t first, std::uint32_t last, std::uint32_t at) {
        const RareBlock& block = properties_.block(number);
        for (std::uint32_t row = first; row < last; ++row)
            for (std::uint32_t i = block.begins[row]; i < block.begins[row + 1] && block.names[i] <= name_; ++i)
                if (block.names[i] == name_) visit(at + row - first, block.codes[i]);
    });
}

void RareColumn::read_forms(std::uint32_t begin, std::uint32_t end, CellForm* forms) {
    std::fill_n(forms, end - begin, CellForm::absent);
    for_each_cell(begin, end, [forms](std::uint32_t place, std::uint32_t) { forms[place] = CellForm::entry; });
}

void RareColumn::read_numbers(std::uint32_t begin, std::uint32_t end, std::int64_t* mantissas) {
    std::fill_n(mantissas, end - begin, 0);
}

void RareColumn::read_shown_scales(std::uint32_t begin, std::uint32_t end, std::uint8_t* scales) {
    std::fill_n(scales, end - begin, std::uint8_t{0});
}

void RareColumn::read_codes(std::uint32_t begin, std::uint32_t end, std::uint32_t* codes) {
    std::fill_n(codes, end - begin, 0);
    for_each_cell(begin, end, [codes](std::uint32_t place, std::uint32_t code) { codes[place] = code; });
}

}  // namespace tally::segment_format
