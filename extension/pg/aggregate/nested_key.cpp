// Values that are made of values as bytes (pg/aggregate/nested_key.hpp). Only PostgreSQL's calls and plain data here: an
// error of PostgreSQL may leave any of these functions.
#include "pg/aggregate/nested_key.hpp"

namespace tally {

struct NestedReader {
    enum class Shape : std::uint8_t { array, row, range, multirange, json };
    Shape shape;
    ValueReader part;       // array: an item; range, multirange: a bound; json: a number
    TypeCacheEntry* range;  // range; multirange: the type of its ranges
    int16 item_length;      // array
    bool item_by_value;
    char item_alignment;
    MemoryContext memory;  // row: where the columns' readers live
    ValueReader* columns;
    int column_count;
};

namespace {

using Shape = NestedReader::Shape;

void put_key(StringInfo out, const ValueReader& reader, Datum value) {
    const SetKey key = reader.key_of(value);
    pq_sendint64(out, key.high);
    pq_sendint64(out, key.low);
}

void put_part(StringInfo out, const ValueReader& reader, Datum value, bool is_null) {
    pq_sendbyte(out, is_null ? 1 : 0);
    if (!is_null) put_key(out, reader, value);
}

void write_array(const NestedReader& reader, Datum value, StringInfo out) {
    ArrayType* const array = DatumGetArrayTypeP(value);
    Datum* items = nullptr;
    bool* nulls = nullptr;
    int count = 0;
    deconstruct_array(array, ARR_ELEMTYPE(array), reader.item_length, reader.item_by_value, reader.item_alignment, &items,
                      &nulls, &count);
    pq_sendint32(out, static_cast<std::uint32_t>(ARR_NDIM(array)));
    for (int i = 0; i < ARR_NDIM(array); ++i) {
        pq_sendint32(out, static_cast<std::uint32_t>(ARR_DIMS(array)[i]));
        pq_sendint32(out, static_cast<std::uint32_t>(ARR_LBOUND(array)[i]));
    }
    for (int i = 0; i < count; ++i) put_part(out, reader.part, items[i], nulls[i]);
}

// The readers of a row's columns. The next row may be of another shape: records are, and ALTER TYPE adds columns.
void prepare_columns(NestedReader& reader, TupleDesc row) {
    if (reader.column_count < row->natts) {
        reader.columns = static_cast<ValueReader*>(
            MemoryContextAllocZero(reader.memory, sizeof(ValueReader) * static_cast<std::size_t>(row->natts)));
        reader.column_count = row->natts;
    }
    for (int i = 0; i < row->natts; ++i) {
        Form_pg_attribute const column = TupleDescAttr(row, i);
        ValueReader& known = reader.columns[i];
        if (column->attisdropped || (known.type == column->atttypid && known.collation == column->attcollation)) continue;
        known.type = InvalidOid;  // as long as it is not whole
        ValueReader found;
        fill_reader(found, column->atttypid, column->attcollation, reader.memory);
        known = found;
    }
}

void write_row(NestedReader& reader, Datum value, StringInfo out) {
    HeapTupleHeader const header = DatumGetHeapTupleHeader(value);
    TupleDesc const row = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header), HeapTupleHeaderGetTypMod(header));
    prepare_columns(reader, row);
    HeapTupleData tuple;
    tuple.t_len = HeapTupleHeaderGetDatumLength(header);
    ItemPointerSetInvalid(&tuple.t_self);
    tuple.t_tableOid = InvalidOid;
    tuple.t_data = header;
    const auto count = static_cast<std::size_t>(row->natts);
    auto* const values = static_cast<Datum*>(palloc(sizeof(Datum) * count + 1));
    auto* const nulls = static_cast<bool*>(palloc(sizeof(bool) * count + 1));
    heap_deform_tuple(&tuple, row, values, nulls);
    for (int i = 0; i < row->natts; ++i)
        if (!TupleDescAttr(row, i)->attisdropped) put_part(out, reader.columns[i], values[i], nulls[i]);
    ReleaseTupleDesc(row);
}

void write_range(const NestedReader& reader, const RangeType* range, StringInfo out) {
    RangeBound lower;
    RangeBound upper;
    bool empty = false;
    range_deserialize(reader.range, range, &lower, &upper, &empty);
    pq_sendbyte(out, empty ? 1 : 0);
    if (empty) return;
    for (const RangeBound* const bound : {&lower, &upper}) {
        pq_sendbyte(out, bound->infinite ? 0 : bound->inclusive ? 1 : 2);
        if (!bound->infinite) put_key(out, reader.part, bound->val);
    }
}

#ifdef PGTALLY_MULTIRANGES
void write_multirange(const NestedReader& reader, Datum value, StringInfo out) {
    int32 count = 0;
    RangeType** ranges = nullptr;
    multirange_deserialize(reader.range, DatumGetMultirangeTypeP(value), &count, &ranges);
    pq_sendint32(out, static_cast<std::uint32_t>(count));
    for (int32 i = 0; i < count; ++i) write_range(reader, ranges[i], out);
}
#endif

void write_scalar(const NestedReader& reader, const JsonbValue& scalar, StringInfo out) {
    pq_sendbyte(out, static_cast<std::uint8_t>(scalar.type));
    if (scalar.type == jbvString) {
        pq_sendint32(out, static_cast<std::uint32_t>(scalar.val.string.len));
        appendBinaryStringInfo(out, scalar.val.string.val, scalar.val.string.len);
    } else if (scalar.type == jbvNumeric) {
        put_key(out, reader.part, NumericGetDatum(scalar.val.numeric));
    } else if (scalar.type == jbvBool) {
        pq_sendbyte(out, scalar.val.boolean ? 1 : 0);
    }
}

void write_json(const NestedReader& reader, Datum value, StringInfo out) {
    JsonbIterator* walk = JsonbIteratorInit(&DatumGetJsonbP(value)->root);
    JsonbValue item;
    for (;;) {
        const JsonbIteratorToken token = JsonbIteratorNext(&walk, &item, false);
        if (token == WJB_DONE) return;
        pq_sendbyte(out, static_cast<std::uint8_t>(token));
        if (token == WJB_BEGIN_ARRAY) {
            pq_sendint32(out, static_cast<std::uint32_t>(item.val.array.nElems));
            pq_sendbyte(out, item.val.array.rawScalar ? 1 : 0);
        } else if (token == WJB_BEGIN_OBJECT) {
            pq_sendint32(out, static_cast<std::uint32_t>(item.val.object.nPairs));
        } else if (token == WJB_KEY || token == WJB_ELEM || token == WJB_VALUE) {
            write_scalar(reader, item, out);
        }
    }
}

NestedReader* new_reader(Shape shape, MemoryContext memory) {
    auto* const reader = static_cast<NestedReader*>(MemoryContextAllocZero(memory, sizeof(NestedReader)));
    reader->shape = shape;
    reader->memory = memory;
    return reader;
}

NestedReader* range_reader(Shape shape, TypeCacheEntry* range, MemoryContext memory) {
    NestedReader* const reader = new_reader(shape, memory);
    reader->range = range;
    fill_reader(reader->part, range->rngelemtype->type_id, range->rng_collation, memory);
    return reader;
}

}  // namespace

NestedReader* nested_reader(Oid type, Oid collation, MemoryContext memory) {
    if (type == JSONBOID) {
        NestedReader* const reader = new_reader(Shape::json, memory);
        fill_reader(reader->part, NUMERICOID, InvalidOid, memory);
        return reader;
    }
    if (const Oid item = get_element_type(type); OidIsValid(item)) {
        NestedReader* const reader = new_reader(Shape::array, memory);
        fill_reader(reader->part, item, collation, memory);
        get_typlenbyvalalign(item, &reader->item_length, &reader->item_by_value, &reader->item_alignment);
        return reader;
    }
    if (type_is_rowtype(type)) return new_reader(Shape::row, memory);
    if (type_is_range(type)) return range_reader(Shape::range, lookup_type_cache(type, TYPECACHE_RANGE_INFO), memory);
#ifdef PGTALLY_MULTIRANGES
    if (type_is_multirange(type))
        return range_reader(Shape::multirange, lookup_type_cache(type, TYPECACHE_MULTIRANGE_INFO)->rngtype, memory);
#endif
    return nullptr;
}

void write_nested(NestedReader& reader, Datum value, StringInfo out) {
    check_stack_depth();
    switch (reader.shape) {
        case Shape::array: return write_array(reader, value, out);
        case Shape::row: return write_row(reader, value, out);
        case Shape::range: return write_range(reader, DatumGetRangeTypeP(value), out);
        case Shape::multirange:
#ifdef PGTALLY_MULTIRANGES
            return write_multirange(reader, value, out);
#endif
        case Shape::json: return write_json(reader, value, out);
    }
}

}  // namespace tally
