// Zstandard behind the names of packed_bytes.hpp, at its fastest level that codes entropy: what is left of sorted texts
// after their common beginnings has few repetitions but few different bytes, and LZ4 gains nothing there
// (test/bench/README.md).
#include "core/segment/packed_bytes.hpp"

#include <zstd.h>

#include <cstring>
#include <memory>
#include <new>

#include "core/segment/output.hpp"

namespace tally::segment_format {
namespace {

constexpr int level = 1;
constexpr std::uint8_t as_it_is = 0;
constexpr std::uint8_t zstandard = 1;
// Unpacking takes some two microseconds for each block, however short, so a saving has to be worth that: what is left of
// numbered names after their common beginnings (user-123456) would shrink by a quarter, and counting distinct ones would
// take twice as long.
constexpr std::size_t smallest_worth_it = 48;
bool is_worth_it(std::size_t before, std::size_t after) {
    return after + 96 <= before && after * 10 <= before * 7;
}

// A context is 160 kB of memory without meaning between two calls. Made anew for each block it takes half the time of a
// small question: malloc grows the heap for it and gives it back to the kernel. So a thread keeps the ones it has made.
template <typename Context, Context* (*make)(), std::size_t (*destroy)(Context*)>
Context* kept_context() {
    struct Destroy {
        void operator()(Context* context) const noexcept { destroy(context); }
    };
    thread_local std::unique_ptr<Context, Destroy> context;
    if (!context) context.reset(make());
    if (!context) throw std::bad_alloc();
    return context.get();
}
constexpr auto packing_context = kept_context<ZSTD_CCtx, ZSTD_createCCtx, ZSTD_freeCCtx>;
constexpr auto unpacking_context = kept_context<ZSTD_DCtx, ZSTD_createDCtx, ZSTD_freeDCtx>;

void append_head(std::vector<std::byte>& out, std::uint8_t method, std::size_t before, std::size_t after) {
    out.push_back(static_cast<std::byte>(method));
    append_varint(out, before);
    append_varint(out, after);
}

struct Packed {
    std::uint8_t method;
    std::uint64_t size;  // when it is unpacked
    Bytes bytes;
};

Packed take_packed(Bytes& rest) {
    ByteReader reader(rest, "segment");
    const std::uint8_t method = reader.u8();
    const std::uint64_t before = reader.varint();
    const std::uint64_t after = reader.varint();
    if (after > reader.left() || (method == as_it_is && after != before)) fail_damaged("texts are cut short");
    if (method != as_it_is && method != zstandard) fail_damaged("texts are packed in an unknown way");
    const Bytes packed = reader.take(after);
    rest = rest.last(reader.left());
    return {method, before, packed};
}

void unpack(Bytes packed, std::size_t size, std::byte* bytes) {
    const std::size_t unpacked = ZSTD_decompressDCtx(unpacking_context(), bytes, size, packed.data(), packed.size());
    if (ZSTD_isError(unpacked) != 0 || unpacked != size) fail_damaged("compressed texts do not unpack");
}

}  // namespace

void append_packed(std::vector<std::byte>& out, Bytes bytes) {
    if (bytes.size() >= smallest_worth_it) {
        std::vector<std::byte> room(ZSTD_compressBound(bytes.size()));
        const std::size_t size =
            ZSTD_compressCCtx(packing_context(), room.data(), room.size(), bytes.data(), bytes.size(), level);
        if (ZSTD_isError(size) != 0) throw std::bad_alloc();  // the room suffices, so there is no other reason
        if (is_worth_it(bytes.size(), size)) {
            append_head(out, zstandard, bytes.size(), size);
            out.insert(out.end(), room.begin(), room.begin() + static_cast<std::ptrdiff_t>(size));
            return;
        }
    }
    append_head(out, as_it_is, bytes.size(), bytes.size());
    append_bytes(out, bytes);
}

void read_packed(Bytes& rest, std::size_t size, std::byte* bytes) {
    const Packed packed = take_packed(rest);
    if (packed.size != size) fail_damaged("texts are cut short");
    if (packed.method == zstandard) {
        unpack(packed.bytes, size, bytes);
    } else if (size > 0) {
        std::memcpy(bytes, packed.bytes.data(), size);
    }
}

Bytes view_packed(Bytes& rest, std::size_t most, std::vector<std::byte>& memory) {
    const Packed packed = take_packed(rest);
    if (packed.method == as_it_is) return packed.bytes;
    if (packed.size > most) fail_damaged("its texts are longer than a segment can hold");
    memory.resize(packed.size);
    unpack(packed.bytes, packed.size, memory.data());
    return memory;
}

}  // namespace tally::segment_format
