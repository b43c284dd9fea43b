// Inflating: whatever the pieces, several streams, what is cut or damaged, and windows that are too large.
#include "base/inflater.hpp"

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <random>
#include <string>

using tallyd::Coding;
using tallyd::InflateError;
using tallyd::Inflater;

namespace {

std::string packed(Coding coding, const std::string& text, int window = 0) {
    std::string out(text.size() + 1000, '\0');
    if (coding == Coding::zstd) {
        ZSTD_CCtx* context = ZSTD_createCCtx();
        if (window > 0) ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window);
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
        ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, window > 0 ? 0 : 1);
        ZSTD_outBuffer to{out.data(), out.size(), 0};
        for (std::size_t at = 0; at < text.size();) {  // in pieces, so that the window is as asked for
            ZSTD_inBuffer from{text.data() + at, std::min<std::size_t>(text.size() - at, 7777), 0};
            while (from.pos < from.size) ZSTD_compressStream2(context, &to, &from, ZSTD_e_continue);
            at += from.size;
        }
        ZSTD_inBuffer nothing{nullptr, 0, 0};
        while (ZSTD_compressStream2(context, &to, &nothing, ZSTD_e_end) != 0) {
        }
        ZSTD_freeCCtx(context);
        out.resize(to.pos);
        return out;
    }
    z_stream stream{};
    deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

struct Result {
    std::string text;
    bool whole;
};

// In pieces of input and room of these sizes.
Result inflated(Coding coding, const std::string& in, std::size_t piece, std::size_t room) {
    const auto inflater = Inflater::make(coding);
    std::string text, space(room, '\0');
    for (std::size_t at = 0; at <= in.size(); at += piece) {
        const std::size_t end = std::min(in.size(), at + piece);
        for (std::size_t from = at;;) {
            const Inflater::Step step = inflater->step(in.data() + from, end - from, space.data(), room);
            from += step.taken;
            text.append(space, 0, step.given);
            if (step.given == 0 && (from == end || step.taken == 0)) break;
        }
    }
    return {text, inflater->whole()};
}

std::string noise(std::size_t size) {
    std::mt19937 random(7);
    std::string text;
    while (text.size() < size) text += static_cast<char>('a' + random() % 26);
    return text;
}

class Codings : public testing::TestWithParam<Coding> {};

}  // namespace

TEST_P(Codings, GiveBackWhatWasPacked) {
    for (const std::string& text : {std::string(), std::string("x"), std::string(1 << 20, 'y'), noise(300000)})
        for (const std::size_t piece : {1UL, 7UL, 1000UL, 1UL << 20})
            for (const std::size_t room : {1UL, 1000UL, 65536UL}) {
                if (text.size() * std::max(1000UL / piece, 1UL) / room > 1000000) continue;
                const Result result = inflated(GetParam(), packed(GetParam(), text), piece, room);
                EXPECT_EQ(result.text, text) << piece << ' ' << room;
                EXPECT_TRUE(result.whole);
            }
}

TEST_P(Codings, SeveralStreamsAreOne) {
    const std::string both = packed(GetParam(), "one ") + packed(GetParam(), "") + packed(GetParam(), "two");
    for (const std::size_t piece : {1UL, 5UL, 1000UL}) {
        const Result result = inflated(GetParam(), both, piece, 100);
        EXPECT_EQ(result.text, "one two");
        EXPECT_TRUE(result.whole);
    }
}

TEST_P(Codings, WhatIsCutIsNotWhole) {
    const std::string whole = packed(GetParam(), noise(5000));
    for (std::size_t size = 1; size < whole.size(); size += 97)
        EXPECT_FALSE(inflated(GetParam(), whole.substr(0, size), 100, 100).whole) << size;
    EXPECT_FALSE(inflated(GetParam(), whole.substr(0, whole.size() - 1), 100, 100).whole);
    EXPECT_TRUE(inflated(GetParam(), "", 100, 100).whole);
}

TEST_P(Codings, WhatIsDamagedOrNoneIsTold) {
    const std::string whole = packed(GetParam(), noise(5000));
    for (const std::string& bad : {std::string("{\"events\":[]}"), whole + "and more of it", std::string(40, '\0')})
        EXPECT_THROW(inflated(GetParam(), bad, 100, 100), InflateError);
    // The checksum at the end sees what the coding does not.
    for (std::size_t at = 20; at + 9 < whole.size(); at += 301) {
        std::string bad = whole;
        bad[at] = static_cast<char>(bad[at] ^ 0x10);
        bool told = false;
        try {
            told = !inflated(GetParam(), bad, 100, 100).whole;
        } catch (const InflateError&) {
            told = true;
        }
        EXPECT_TRUE(told) << at;
    }
}

INSTANTIATE_TEST_SUITE_P(Both, Codings, testing::Values(Coding::gzip, Coding::zstd));

TEST(Zstd, AWindowThatIsTooLargeIsRefusedWithAdvice) {
    const std::string text = noise(9 << 20);
    EXPECT_EQ(inflated(Coding::zstd, packed(Coding::zstd, text, 23), 100000, 100000).text, text);
    try {
        inflated(Coding::zstd, packed(Coding::zstd, text, 24), 100000, 100000);
        FAIL();
    } catch (const InflateError& error) {
        EXPECT_EQ(std::string(error.what()), "needs a window larger than 8 MiB: compress it without --long and --ultra");
    }
}
