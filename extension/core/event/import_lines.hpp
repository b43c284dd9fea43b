// A piece of an imported file -> one JSON document for each event, with the line that it began on.
//
// NDJSON: a line is one JSON object, an event as POST /api/v1/events/ingest takes it; blank lines are skipped.
// CSV (RFC 4180): the piece begins with the header. Columns event_code or code, customer_id or customer_alias, event_id,
// timestamp and source are the event's fields, _error is ignored (so that an answered file can be sent again), every
// other column that is not empty in a row is a property, a string. Lines end with LF or CRLF; a quoted field may hold
// line ends.
// What is wrong with one line is its `reason`; what is wrong with the header is the piece's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tally {

struct ImportLine {
    int line = 0;          // counted from the first line of the piece, 0; in CSV the header is not counted
    std::string document;  // JSON array of one event; empty if there is a reason
    std::string reason;
};

struct ImportPiece {
    std::vector<ImportLine> lines;
    int line_count = 0;  // lines that the piece has, the header not counted
    std::string reason;  // why the piece as a whole is refused; empty if it is not
};

ImportPiece read_ndjson(std::string_view text);
ImportPiece read_csv(std::string_view text);

}  // namespace tally
