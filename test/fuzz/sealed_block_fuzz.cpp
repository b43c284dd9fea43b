// Fuzzing blocks of sealed identities: any bytes are either refused or give back, when written again, the same bytes.
#include <cstdlib>
#include <cstring>

#include "core/base/crc32c.hpp"
#include "core/base/error.hpp"
#include "core/identity/filter.hpp"
#include "core/identity/sealed_block.hpp"

namespace {

using namespace tally;

// Reads a block; what can be read must be found, and must write the same bytes.
void read(Bytes bytes) {
    const BlockView block(bytes);
    std::vector<SealedIdentity> entries;
    for (std::uint32_t i = 0; i < block.size(); ++i) {
        entries.push_back(block.at(i));
        if (block.find(entries.back().key) != entries.back()) std::abort();
    }
    std::string again;
    append_block(again, entries);
    if (again.size() != bytes.size() || std::memcmp(again.data(), bytes.data(), again.size()) != 0) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
    try {
        read(bytes);
    } catch (const Error&) {
    }
    // With the right checksum, so that what lies behind it is reached too.
    if (size >= block_header_bytes) {
        std::string mended(reinterpret_cast<const char*>(data), size);
        const std::uint32_t sum = crc32c(std::as_bytes(std::span(mended)).subspan(block_header_bytes));
        for (unsigned i = 0; i < 4; ++i) mended[4 + i] = static_cast<char>(sum >> (8 * i));
        try {
            read(std::as_bytes(std::span(mended)));
        } catch (const Error&) {
        }
    }
    try {
        check_filter(bytes);
    } catch (const Error&) {
    }
    return 0;
}
