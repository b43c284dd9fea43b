// A table of ours that rows are put into without an executor: heap and index entries directly.
//
// What SQL would do besides is either done here (every index that is ready gets its entry, rights and constraints are
// checked by the caller) or stands in the way: then is_direct is false and the caller goes through SQL. In the way are
// triggers, rules, CHECK constraints, generated columns, forced row level security, children, another access method than
// heap, columns other than those that the caller knows, indexes with expressions, predicates or exclusion, deferrable ones,
// and a distributed table.
// Everything here calls PostgreSQL: inside call_pg where C++ objects are alive.
#pragma once

#include <span>

#include "pg/border/prelude.hpp"

namespace tally {

struct StoreTable {
    Relation relation = nullptr;
    ResultRelInfo* indexes = nullptr;  // as the executor opens them
    Relation primary = nullptr;        // the index of the primary key
    IndexInfo* primary_info = nullptr;
    TupleDesc shape = nullptr;  // a copy without reference count, for slots
    char* room = nullptr;       // for rows
    std::size_t room_left = 0;
    bool is_direct = false;
};

// Whether an engine for distributed tables has taken tally.NAME over, and the table here is an empty shell.
bool is_distributed(const char* name);

// Opens tally.NAME for writing; `columns` are its types in order, the first `key_columns` the primary key. The lock is kept
// until the transaction ends.
StoreTable open_store_table(const char* name, std::span<const Oid> columns, int key_columns);
void close_store_table(StoreTable& table);

// A row of `length` bytes of columns from `data` on, to be filled. `not_null` is the bitmap of columns that are not NULL, or
// nullptr where none is. It lives as long as CurrentMemoryContext, as slots do.
HeapTuple new_row(StoreTable& table, std::size_t length, const bits8* not_null, bool has_varlena, char** data);

// Slots for rows, cheaper than those of the executor: nothing is ever freed by them.
TupleTableSlot** new_slots(const StoreTable& table, int count);
void put_row(TupleTableSlot* slot, HeapTuple row);

// Puts rows into the heap, one WAL record a page. Their places are in tts_tid afterwards. No index knows them yet.
void insert_rows(const StoreTable& table, TupleTableSlot** slots, int count);

// Puts a row that lies in the heap into every index. `key` is its primary key. With UNIQUE_CHECK_PARTIAL the answer false
// means that somebody else may hold the key; the entry is made all the same.
bool insert_index_entries(const StoreTable& table, TupleTableSlot* slot, Datum* key, IndexUniqueCheck primary_check);

}  // namespace tally
