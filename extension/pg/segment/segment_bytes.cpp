// Tells the four ways of a varlena apart, and fetches slices of external ones.
#include "pg/segment/segment_bytes.hpp"

#include "pg/border/boundary.hpp"

namespace tally {
namespace {

Bytes bytes_of(const struct varlena* value) {
    return {reinterpret_cast<const std::byte*>(VARDATA_ANY(value)), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(value))};
}

// Of a process: what small questions come back to, of some hundred segments.
constexpr std::size_t most_kept_bytes = std::size_t{16} << 20;

KeptSegments& kept_segments() {
    static KeptSegments kept(most_kept_bytes);
    return kept;
}

}  // namespace

PgSegmentBytes::PgSegmentBytes(Datum value, std::int64_t segment_id) : value_(value), memory_(CurrentMemoryContext) {
    auto* const stored = reinterpret_cast<struct varlena*>(DatumGetPointer(value));
    struct varatt_external pointer = {};
    if (VARATT_IS_EXTERNAL_ONDISK(stored)) VARATT_EXTERNAL_GET_POINTER(pointer, stored);
    sliced_ = OidIsValid(pointer.va_valueid) && !VARATT_EXTERNAL_IS_COMPRESSED(pointer);
    if (sliced_) {
        size_ = call_pg([&] { return toast_raw_datum_size(value); }) - VARHDRSZ;
        if (segment_id != 0)
            kept_ = kept_segments().open({std::uint64_t{pointer.va_toastrelid} << 32 | pointer.va_valueid, segment_id});
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
