// Tells the four ways of a varlena apart, and fetches slices of external ones, or finds them among chunks kept before.
#include <algorithm>
#include <cstring>

#include "core/segment/chunk_cache.hpp"

#include "pg/segment/segment_bytes.hpp"

#include "pg/border/boundary.hpp"

namespace tally {
namespace {

Bytes bytes_of(const struct varlena* value) {
    return {reinterpret_cast<const std::byte*>(VARDATA_ANY(value)), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(value))};
}

// Longer slices are read past the cache: a scan of many segments would only push out what small questions need.
constexpr std::size_t most_kept_chunks = 12;
constexpr std::size_t chunk_bytes = TOAST_MAX_CHUNK_SIZE;

// 8,192 chunks, 16 MB at most, filled as they are read.
ChunkCache& kept_chunks() {
    static ChunkCache cache(chunk_bytes, 2048);
    return cache;
}

}  // namespace

PgSegmentBytes::PgSegmentBytes(Datum value, std::int64_t segment_id)
    : value_(value), segment_id_(segment_id), memory_(CurrentMemoryContext) {
    auto* const stored = reinterpret_cast<struct varlena*>(DatumGetPointer(value));
    struct varatt_external pointer = {};
    if (VARATT_IS_EXTERNAL_ONDISK(stored)) VARATT_EXTERNAL_GET_POINTER(pointer, stored);
    sliced_ = OidIsValid(pointer.va_valueid) && !VARATT_EXTERNAL_IS_COMPRESSED(pointer);
    if (sliced_) {
        size_ = call_pg([&] { return toast_raw_datum_size(value); }) - VARHDRSZ;
        if (segment_id != 0) value_number_ = std::uint64_t{pointer.va_toastrelid} << 32 | pointer.va_valueid;
    } else {
        whole_ = bytes_of(call_pg([&] { return pg_detoast_datum_packed(stored); }));
        size_ = whole_.size();
    }
}

Bytes PgSegmentBytes::slice(std::size_t offset, std::size_t length) {
    if (!sliced_) return whole_.subspan(offset, length);
    if (value_number_ == 0 || length == 0 || length > most_kept_chunks * chunk_bytes) return fetch(offset, length);
    return slice_of_chunks(offset, length);
}

// Chunks that are not kept are fetched in one go, from the first of them to the last.
Bytes PgSegmentBytes::slice_of_chunks(std::size_t offset, std::size_t length) {
    ChunkCache& kept = kept_chunks();
    auto* const slice = static_cast<std::byte*>(call_pg([&] { return MemoryContextAlloc(memory_, length); }));
    const auto begin_of = [&](std::size_t chunk) { return chunk * chunk_bytes; };
    const auto end_of = [&](std::size_t chunk) { return std::min(size_, begin_of(chunk + 1)); };
    const auto copy = [&](Bytes bytes, std::size_t at) {
        const std::size_t from = std::max(at, offset), to = std::min(at + bytes.size(), offset + length);
        std::memcpy(slice + (from - offset), bytes.data() + (from - at), to - from);
    };
    std::size_t missing = SIZE_MAX, last_missing = 0;
    for (std::size_t chunk = offset / chunk_bytes; begin_of(chunk) < offset + length; ++chunk) {
        const Bytes bytes = kept.find({value_number_, segment_id_, static_cast<std::uint32_t>(chunk)});
        if (!bytes.empty()) {
            copy(bytes, begin_of(chunk));
            continue;
        }
        if (missing == SIZE_MAX) missing = chunk;
        last_missing = chunk;
    }
    if (missing == SIZE_MAX) return {slice, length};
    const Bytes fetched = fetch(begin_of(missing), end_of(last_missing) - begin_of(missing));
    copy(fetched, begin_of(missing));
    for (std::size_t chunk = missing; chunk <= last_missing; ++chunk)
        kept.put({value_number_, segment_id_, static_cast<std::uint32_t>(chunk)},
                 fetched.subspan(begin_of(chunk) - begin_of(missing), end_of(chunk) - begin_of(chunk)));
    return {slice, length};
}

Bytes PgSegmentBytes::fetch(std::size_t offset, std::size_t length) {
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
