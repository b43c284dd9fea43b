// Values that are made of values (arrays, rows, ranges, multiranges, JSON documents) as the bytes that tell them apart.
//
// Their own 64-bit hashes would not do: those of bigint, timestamps and whatever has 8 bytes fold them to 32 bits
// before any seed comes in, and that of jsonb repeats itself every 32 items. So the parts are read by readers of their
// own, and the key of the whole is that of the bytes written here: each part as its 16-byte key, with what PostgreSQL's
// equality of the whole compares beside them. These bytes, big-endian, are fixed for ever, for their keys are on disk:
//   array       int32 dimensions, for each int32 length, int32 lower bound; then each item as a part
//   row         each column that is not dropped as a part
//   range       byte 1 if empty; else byte 0 and for each bound: byte 0 infinite, 1 inclusive, 2 exclusive, [1, 2] key
//   multirange  int32 count, then each range
//   jsonb       byte token of the walk; array: int32 items, byte 1 if it only wraps a scalar; object: int32 pairs;
//               scalar: byte type, then int32 length and text | 16-byte key of the number | byte of the boolean
//   a part      byte 1 if NULL; else byte 0 and key
#pragma once

#include "pg/aggregate/value_key.hpp"

namespace tally {

struct NestedReader;

// A reader for values of `type`, which is no domain; nullptr where they are not made of values. Raises 42883 where a
// part has a type that can be neither read nor hashed (of a row only when one is read).
NestedReader* nested_reader(Oid type, Oid collation, MemoryContext memory);

void write_nested(NestedReader& reader, Datum value, StringInfo out);

}  // namespace tally
