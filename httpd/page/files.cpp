// The files of the page: see files.hpp.
#include "page/files.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"

namespace tallyd::page {

namespace {

struct File {
    std::string_view path;
    const char* type;
    const char* tag;
    std::string_view plain, packed;
};

using namespace std::string_view_literals;
#include "page.inc"  // kBuilt, kFiles: made by web/bundle.mjs

// Nothing but our own files runs or is loaded, nobody is called but this server, and nobody frames the page.
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

constexpr auto kPlain = std::to_array<HeaderField>({{"Content-Security-Policy", kPolicy},
                                                    {"X-Content-Type-Options", "nosniff"},
                                                    {"Referrer-Policy", "no-referrer"},
                                                    {"Cross-Origin-Opener-Policy", "same-origin"},
                                                    {"Cross-Origin-Resource-Policy", "same-origin"},
                                                    {"X-Frame-Options", "DENY"},
                                                    {"Vary", "Accept-Encoding"},
                                                    {"Content-Encoding", "gzip"}});
constexpr std::span<const HeaderField> kPacked = kPlain;  // all of them
constexpr const char* kLookAgain = "no-cache";            // kept, and asked about with its tag

const File* find(std::string_view path) noexcept {
    const auto found = std::find_if(kFiles.begin(), kFiles.end(), [path](const File& file) { return file.path == path; });
    return found == kFiles.end() ? nullptr : &*found;
}

// "gzip;q=0" is the one way to refuse what is named.
bool takes_gzip(std::string_view accepted) noexcept {
    const std::size_t at = accepted.find("gzip");
    if (at == std::string_view::npos) return false;
    const std::string_view rest = accepted.substr(at + 4, accepted.substr(at + 4).find(','));
    const std::size_t weight = rest.find("q=0");
    return weight == std::string_view::npos || rest.find_first_of("123456789", weight) != std::string_view::npos;
}

}  // namespace

bool built() noexcept {
    return kBuilt;
}

bool has_file(std::string_view path) noexcept {
    return find(path);
}

void make_safe(Response& answer) noexcept {
    answer.fields = kPacked.first(kPacked.size() - 1);
}

Response file(std::string_view path, const char* accepted, const char* known) {
    const File* file = find(path);
    if (!file) return refuse(404, "the page has no such file");
    Response answer;
    answer.status = 200;
    answer.etag = file->tag;
    answer.cache_control = kLookAgain;
    make_safe(answer);
    if (known && std::string_view(known).find(file->tag) != std::string_view::npos) {
        answer.status = 304;
        answer.content_type = nullptr;
        return answer;
    }
    answer.content_type = file->type;
    const bool packed = accepted && takes_gzip(accepted);
    if (packed) answer.fields = kPacked;
    answer.body = packed ? file->packed : file->plain;
    return answer;
}

}  // namespace tallyd::page
