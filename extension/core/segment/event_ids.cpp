// Recognises ids that are 16 bytes in disguise, and writes them out again.
#include "core/segment/event_ids.hpp"

#include <array>
#include <cstring>

#include "core/segment/format.hpp"
#include "core/segment/integers.hpp"
#include "core/segment/output.hpp"
#include "core/segment/packed_bytes.hpp"

namespace tally::segment_format {
namespace {

enum Form : std::uint8_t { as_text = 0, as_uuid = 1, as_digits = 2, forms };

constexpr std::size_t id_bytes = 16;
constexpr std::size_t uuid_characters = 36;
constexpr std::size_t digit_characters = 32;
constexpr std::size_t max_text_bytes = std::size_t{64} << 20;

constexpr std::array<std::uint8_t, 256> make_digits() {
    std::array<std::uint8_t, 256> digits{};
    digits.fill(16);
    for (std::uint8_t i = 0; i < 10; ++i) digits[static_cast<std::size_t>('0') + i] = i;
    for (std::uint8_t i = 10; i < 16; ++i) digits[static_cast<std::size_t>('a') + i - 10] = i;
    return digits;
}

constexpr auto digit_values = make_digits();

// Where each of the 16 bytes stands in a UUID.
constexpr std::array<std::uint8_t, id_bytes> uuid_places = {0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};

Form read_form(std::string_view id, std::array<std::byte, id_bytes>& bytes) noexcept {
    const bool uuid = id.size() == uuid_characters && id[8] == '-' && id[13] == '-' && id[18] == '-' && id[23] == '-';
    if (!uuid && id.size() != digit_characters) return as_text;
    unsigned wrong = 0;
    for (std::size_t i = 0; i < id_bytes; ++i) {
        const std::size_t place = uuid ? uuid_places[i] : 2 * i;
        const unsigned high = digit_values[static_cast<unsigned char>(id[place])];
        const unsigned low = digit_values[static_cast<unsigned char>(id[place + 1])];
        wrong |= high | low;
        bytes[i] = static_cast<std::byte>(high << 4 | (low & 15));
    }
    if ((wrong & 16) != 0) return as_text;
    return uuid ? as_uuid : as_digits;
}

std::string_view write_form(Form form, const std::byte* bytes, TextArena& arena) {
    constexpr std::string_view digits = "0123456789abcdef";
    const std::size_t size = form == as_uuid ? uuid_characters : digit_characters;
    char* const text = reinterpret_cast<char*>(arena.allocate(size));
    if (form == as_uuid) text[8] = text[13] = text[18] = text[23] = '-';
    for (std::size_t i = 0; i < id_bytes; ++i) {
        const std::size_t place = form == as_uuid ? uuid_places[i] : 2 * i;
        const auto byte = std::to_integer<unsigned>(bytes[i]);
        text[place] = digits[byte >> 4];
        text[place + 1] = digits[byte & 15];
    }
    return {text, size};
}

// Of a block in which all ids are of one binary form: none is looked at that was not asked for.
const std::byte* take_binary_only(Bytes block, std::uint32_t count) {
    const std::size_t binary_bytes = std::size_t{count} * id_bytes;
    if (binary_bytes > block.size()) fail_damaged("ids are cut short");
    const std::byte* const binary = block.data();
    block = block.subspan(binary_bytes);
    const Integers no_lengths(block, 0);
    std::byte no_text{};
    read_packed(block, 0, &no_text);
    if (!block.empty()) fail_damaged("a block of ids holds more than ids");
    return binary;
}

}  // namespace

bool append_event_ids(std::vector<std::byte>& out, std::span<const std::string_view> ids) {
    std::vector<std::uint8_t> id_forms;
    std::vector<std::byte> binary, texts;
    std::vector<std::uint32_t> lengths;
    for (const std::string_view id : ids) {
        std::array<std::byte, id_bytes> bytes;
        id_forms.push_back(read_form(id, bytes));
        if (id_forms.back() != as_text) {
            append_bytes(binary, bytes);
        } else {
            append_bytes(texts, std::as_bytes(std::span(id)));
            lengths.push_back(static_cast<std::uint32_t>(id.size()));
        }
    }
    append_integers(out, std::span<const std::uint8_t>(id_forms));
    append_bytes(out, binary);
    append_integers(out, std::span<const std::uint32_t>(lengths));
    append_packed(out, texts);
    return !lengths.empty();
}

void read_event_ids(Bytes block, bool with_text, std::uint32_t count, std::uint32_t begin, std::uint32_t end,
                    std::string_view* ids, TextArena& arena) {
    const Integers stored_forms(block, count);
    if (stored_forms.constant() &&
        (stored_forms.constant_value() == as_uuid || stored_forms.constant_value() == as_digits)) {
        const std::byte* const binary = take_binary_only(block, count);
        for (std::uint32_t i = begin; i < end; ++i)
            ids[i - begin] = write_form(static_cast<Form>(stored_forms.constant_value()), binary + i * id_bytes, arena);
        return;
    }
    std::vector<std::uint8_t> id_forms(count);
    stored_forms.read_below(forms, 0, count, id_forms.data());
    std::uint32_t texts = 0;
    for (const std::uint8_t form : id_forms) texts += form == as_text ? 1 : 0;
    if (texts > 0 && !with_text) fail_damaged("an id is a text where none should be");
    const std::size_t binary_bytes = std::size_t{count - texts} * id_bytes;
    if (binary_bytes > block.size()) fail_damaged("ids are cut short");
    const std::byte* binary = block.data();
    block = block.subspan(binary_bytes);
    std::vector<std::uint32_t> lengths(texts);
    Integers(block, texts).read_below(max_text_bytes, 0, texts, lengths.data());
    std::size_t text_bytes = 0;
    for (const std::uint32_t length : lengths) text_bytes += length;
    if (text_bytes > max_text_bytes) fail_damaged("ids are longer than a segment can hold");
    char* text = reinterpret_cast<char*>(arena.allocate(text_bytes));
    read_packed(block, text_bytes, reinterpret_cast<std::byte*>(text));
    if (!block.empty()) fail_damaged("a block of ids holds more than ids");
    for (std::uint32_t i = 0, next = 0; i < end; ++i) {
        const bool wanted = i >= begin;
        if (id_forms[i] == as_text) {
            if (wanted) ids[i - begin] = {text, lengths[next]};
            text += lengths[next++];
        } else {
            if (wanted) ids[i - begin] = write_form(static_cast<Form>(id_forms[i]), binary, arena);
            binary += id_bytes;
        }
    }
}

}  // namespace tally::segment_format
