// Fuzz target of import pieces: any bytes give lines in order, each a JSON array of one event or a reason that can be
// shown, and no line is lost from the count. Fields written as RFC 4180 says come back as they were.
//
// Input: a byte (0: NDJSON, 1: CSV under the bytes' own header, 2: CSV under a good header, 3: fields to be written and
// read again), the bytes.
#include <simdjson.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "core/event/event_document.hpp"
#include "core/event/import_lines.hpp"

using namespace tally;

namespace {

constexpr std::string_view good_header = "event_code,customer_id,event_id,timestamp,source,_error,note\n";

void require(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "import_lines_fuzz: %s\n", what);
    std::abort();
}

bool is_utf8(std::string_view text) {
    return simdjson::validate_utf8(text.data(), text.size());
}

// Lines of a text: what stands after the last line end is a line if it is anything.
int count_lines(std::string_view text) {
    return static_cast<int>(std::count(text.begin(), text.end(), '\n')) + (text.empty() || text.back() == '\n' ? 0 : 1);
}

void require_lines(const ImportPiece& piece, bool utf8, bool is_csv) {
    int last = -1;
    for (const ImportLine& line : piece.lines) {
        require(line.line > last && line.line < piece.line_count, "lines are not in order");
        last = line.line;
        require(line.document.empty() != line.reason.empty(), "a line is neither a document nor refused, or both");
        require(line.reason.size() < 1000, "a reason is too long to be shown");
        if (line.document.empty()) continue;
        const EventDocument document(line.document, {DocumentForm::array, true, 0, 0, true});
        if (document.reason().empty()) require(document.events().size() == 1, "a line is not one event");
        require(!is_csv || !utf8 || document.reason().empty(), "a line of CSV is no document");
    }
}

void require_piece(std::string_view text, bool is_csv) {
    const ImportPiece piece = is_csv ? read_csv(text) : read_ndjson(text);
    const bool utf8 = is_utf8(text);
    if (!piece.reason.empty()) {
        require(is_csv && piece.lines.empty(), "a refused piece has lines");
        require(!utf8 || is_utf8(piece.reason), "a reason cannot be shown");
        return;
    }
    require_lines(piece, utf8, is_csv);
    if (!is_csv) {
        if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
        require(piece.line_count == count_lines(text), "a line is not counted");
    } else if (text.starts_with(good_header)) {
        require(piece.line_count == count_lines(text.substr(good_header.size())), "a line of CSV is not counted");
    }
}

// A text comes back as it is; a number has lost the blanks around it.
bool is_note(std::string_view read, std::string_view note) {
    if (read == note) return true;
    constexpr std::string_view blanks = " \t\r";
    const std::size_t first = note.find_first_not_of(blanks);
    if (first == std::string_view::npos) return false;
    const std::string_view bare = note.substr(first, note.find_last_not_of(blanks) + 1 - first);
    return read == bare && bare.find_first_not_of("0123456789.eE+-") == std::string_view::npos;
}

// The bytes, cut at each byte 1, as the notes of as many rows.
void require_fields_come_back(std::string_view bytes) {
    std::vector<std::string_view> notes;
    std::string text(good_header);
    while (notes.size() < 100 && !bytes.empty()) {
        const std::string_view note = bytes.substr(0, bytes.find('\1'));
        bytes.remove_prefix(std::min(note.size() + 1, bytes.size()));
        if (note.find('\0') != std::string_view::npos) continue;  // which no event may hold
        notes.push_back(note);
        text += "call,\"\",,,\"a, \"\"b\"\"\",what was wrong,\"";
        for (const char c : note) text.append(c == '"' ? 2 : 1, c);
        text += notes.size() % 2 == 0 ? "\"\r\n" : "\"\n";
    }
    if (!is_utf8(text)) return;
    const ImportPiece piece = read_csv(text);
    require(piece.reason.empty() && piece.lines.size() == notes.size(), "a row is lost");
    for (std::size_t i = 0; i < notes.size(); ++i) {
        require(piece.lines[i].reason.empty(), "a row is refused");
        const EventDocument document(piece.lines[i].document, {DocumentForm::array, true, 0, 0, true});
        require(document.events().size() == 1 && document.events()[0].reason.empty(), "a row is no good event");
        const Event& event = document.events()[0];
        require(event.code == "call" && event.customer_id.empty() && event.source == "a, \"b\"", "a field is another");
        require(event.properties.size() == (notes[i].empty() ? 0 : 1), "a property is lost or made up");
        if (!notes[i].empty()) require(is_note(event.properties[0].text, notes[i]), "a property is another");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
    switch (data[0] % 4) {
        case 0: require_piece(bytes, false); break;
        case 1: require_piece(bytes, true); break;
        case 2: require_piece(std::string(good_header).append(bytes), true); break;
        default: require_fields_come_back(bytes);
    }
    return 0;
}
