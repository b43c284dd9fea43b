// Inflates gzip by zlib and zstd by libzstd: see inflater.hpp.
#include "base/inflater.hpp"

#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <limits>
#include <new>
#include <string>

namespace tallyd {

namespace {

constexpr int kGzipOnly = 16;  // added to zlib's window

class Gzip final : public Inflater {
public:
    Gzip() {
        if (inflateInit2(&stream_, MAX_WBITS + kGzipOnly) != Z_OK) throw std::bad_alloc();
    }
    ~Gzip() override { inflateEnd(&stream_); }
    Gzip(const Gzip&) = delete;
    Gzip& operator=(const Gzip&) = delete;

    Step step(const char* data, std::size_t size, char* room, std::size_t room_size) override {
        if (ended_) {
            if (size == 0) return {0, 0};
            inflateReset(&stream_);
            ended_ = false;
        }
        const auto fitting = [](std::size_t bytes) {
            return static_cast<uInt>(std::min<std::size_t>(bytes, std::numeric_limits<uInt>::max()));
        };
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data));
        stream_.avail_in = fitting(size);
        stream_.next_out = reinterpret_cast<Bytef*>(room);
        stream_.avail_out = fitting(room_size);
        const uInt in = stream_.avail_in, out = stream_.avail_out;
        const int result = inflate(&stream_, Z_NO_FLUSH);
        begun_ = begun_ || in > 0;
        if (result == Z_STREAM_END) {
            ended_ = true;
            once_ = true;
        } else if (result == Z_MEM_ERROR) {
            throw std::bad_alloc();
        } else if (result != Z_OK && result != Z_BUF_ERROR) {
            const std::string why = stream_.msg ? stream_.msg : "it is damaged";
            throw InflateError((once_ ? "goes on after its end with what is no gzip: " : "is no sound gzip: ") + why);
        }
        return {in - stream_.avail_in, out - stream_.avail_out};
    }

    bool whole() const noexcept override { return ended_ || !begun_; }

private:
    z_stream stream_{};
    bool begun_ = false, ended_ = false, once_ = false;
};

class Zstd final : public Inflater {
public:
    explicit Zstd(int window) : window_(window) {
        if (!stream_ || ZSTD_isError(ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, window)))
            throw std::bad_alloc();
    }

    Step step(const char* data, std::size_t size, char* room, std::size_t room_size) override {
        if (ended_ && size == 0) return {0, 0};
        ZSTD_inBuffer in{data, size, 0};
        ZSTD_outBuffer out{room, room_size, 0};
        const std::size_t result = ZSTD_decompressStream(stream_.get(), &out, &in);
        if (ZSTD_isError(result)) {
            if (ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation) throw std::bad_alloc();
            if (ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge)
                throw InflateError("needs a window larger than " + std::to_string((1U << window_) >> 20) +
                                   " MiB: compress it without --long and --ultra");
            throw InflateError(std::string(once_ ? "goes on after its end with what is no zstd: " : "is no sound zstd: ") +
                               ZSTD_getErrorName(result));
        }
        begun_ = begun_ || in.pos > 0;
        ended_ = result == 0;
        once_ = once_ || ended_;
        return {in.pos, out.pos};
    }

    bool whole() const noexcept override { return ended_ || !begun_; }

private:
    const std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> stream_{ZSTD_createDCtx(), ZSTD_freeDCtx};
    const int window_;
    bool begun_ = false, ended_ = false, once_ = false;
};

}  // namespace

std::unique_ptr<Inflater> Inflater::make(Coding coding, int window) {
    if (coding == Coding::gzip) return std::make_unique<Gzip>();
    return std::make_unique<Zstd>(window);
}

}  // namespace tallyd
