// Tells the four ways of a varlena apart, and fetches slices of external ones.
#include "pg/segment/segment_bytes.hpp"

#include "pg/border/boundary.hpp"

namespace tally {
namespace {

Bytes bytes_of(const struct varlena* value) {
    return {reinterpret_cast<const std::byte*>(VARDATA_ANY(value)), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(value))};
}

bool is_sliceable(const struct varlena* value) {
    if (!VARATT_IS_EXTERNAL_ONDISK(value)) return false;
    struct varatt_external pointer;
    VARATT_EXTERNAL_GET_POINTER(pointer, value);
    return !VARATT_EXTERNAL_IS_COMPRESSED(pointer);
}

}  // namespace

PgSegmentBytes::PgSegmentBytes(Datum value) : value_(value), memory_(CurrentMemoryContext) {
    auto* const stored = reinterpret_cast<struct varlena*>(DatumGetPointer(value));
    sliced_ = is_sliceable(stored);
    if (sliced_) {
        size_ = call_pg([&] { return toast_raw_datum_size(value); }) - VARHDRSZ;
    } else {
        whole_ = bytes_of(call_pg([&] { return pg_detoast_datum_packed(stored); }));
        size_ = whole_.size();
    }
}

Bytes PgSegmentBytes::slice(std::size_t offset, std::size_t length) {
    if (!sliced_) return whole_.subspan(offset, length);
    const Bytes fetched = bytes_of(call_pg([&] {
        MemoryContext const before = MemoryContextSwitchTo(memory_);
        struct varlena* const part = pg_detoast_datum_slice(reinterpret_cast<struct varlena*>(DatumGetPointer(value_)),
                                                            static_cast<int32>(offset), static_cast<int32>(length));
        MemoryContextSwitchTo(before);
        return part;
    }));
    if (fetched.size() != length)
        throw Error(ErrorKind::corrupted, "the bytes of a segment are damaged: chunks of its value are missing");
    return fetched;
}

}  // namespace tally
