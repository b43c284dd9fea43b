// A client for our own server: see http_client.hpp.
#include "cli/http_client.hpp"

#include <fmt/format.h>
#include <gnutls/x509.h>

#include <cstring>
#include <new>
#include <string_view>

namespace tallyd {

namespace {

constexpr long kConnectSeconds = 10;
constexpr long kAnswerSeconds = 120;
constexpr std::size_t kLongestAnswer = std::size_t{16} << 20;

using UrlParts = std::unique_ptr<CURLU, void (*)(CURLU*)>;
using HeaderList = std::unique_ptr<curl_slist, void (*)(curl_slist*)>;

// A part of a URL; empty where it has none.
std::string part(const UrlParts& url, CURLUPart which) {
    char* text = nullptr;
    if (curl_url_get(url.get(), which, &text, 0) != CURLUE_OK) return {};
    const std::unique_ptr<char, void (*)(void*)> owner(text, curl_free);
    return text;
}

bool is_loopback(const std::string& base) {
    const UrlParts url(curl_url(), curl_url_cleanup);
    if (!url || curl_url_set(url.get(), CURLUPART_URL, base.c_str(), 0) != CURLUE_OK) return false;
    const std::string host = part(url, CURLUPART_HOST);
    return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

// A callback of libcurl: collects the answer, and ends one that has no end.
std::size_t collect(char* data, std::size_t, std::size_t size, void* out) noexcept {
    auto* text = static_cast<std::string*>(out);
    if (text->size() + size > kLongestAnswer) return 0;
    try {
        text->append(data, size);
    } catch (const std::bad_alloc&) {
        return 0;
    }
    return size;
}

// A callback of libcurl, which asks at least every second.
int is_interrupted(void* flag, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept {
    return *static_cast<const volatile std::sig_atomic_t*>(flag) != 0;
}

HeaderList headers_of(const std::string& authorization, const std::string& content_type) {
    HeaderList list(nullptr, curl_slist_free_all);
    // Without "Expect:" a large body would wait a second where a proxy does not answer 100.
    for (const std::string& line : {authorization, "Content-Type: " + content_type, std::string("Expect:")}) {
        curl_slist* longer = curl_slist_append(list.get(), line.c_str());
        if (!longer) throw std::bad_alloc();
        static_cast<void>(list.release());
        list.reset(longer);
    }
    return list;
}

}  // namespace

std::optional<std::string> base_url(const std::string& text, std::string& wrong) {
    wrong = "\"" + text + "\" is not a URL such as https://tally.example.com or http://127.0.0.1:8080";
    const UrlParts url(curl_url(), curl_url_cleanup);
    if (!url || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) return std::nullopt;
    const std::string scheme = part(url, CURLUPART_SCHEME);
    if ((scheme != "http" && scheme != "https") || part(url, CURLUPART_PORT) == "0") return std::nullopt;
    if (text.find_first_of("@?#") != std::string::npos) {
        wrong = "\"" + text + "\" must end with its path: no user, no question mark, no fragment";
        return std::nullopt;
    }
    std::string base = part(url, CURLUPART_URL);
    while (base.ends_with('/')) base.pop_back();
    wrong.clear();
    return base;
}

std::string percent_encode(const std::string& text) {
    if (text.empty()) return {};
    const std::unique_ptr<char, void (*)(void*)> encoded(
        curl_easy_escape(nullptr, text.data(), static_cast<int>(text.size())), curl_free);
    if (!encoded) throw std::bad_alloc();
    return encoded.get();
}

HttpClient::HttpClient(std::string base, const std::string& key, std::string ca_file,
                       const volatile std::sig_atomic_t& interrupted)
    : base_(std::move(base)),
      authorization_("Authorization: Bearer " + key),
      ca_file_(std::move(ca_file)),
      curl_(curl_easy_init(), curl_easy_cleanup) {
    CURL* const curl = curl_.get();
    if (!curl) throw std::bad_alloc();
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error_);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, kAnswerSeconds);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, is_interrupted);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, const_cast<std::sig_atomic_t*>(&interrupted));
    // The certificate's chain and name are checked: libcurl's default, and there is no option to change it.
    if (!ca_file_.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file_.c_str());
    if (is_loopback(base_)) curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
}

HttpClient::Result HttpClient::post(const std::string& target, const std::string& content_type, const std::string& body) {
    CURL* const curl = curl_.get();
    const HeaderList headers = headers_of(authorization_, content_type);
    Result result;
    error_[0] = '\0';
    curl_easy_setopt(curl, CURLOPT_URL, (base_ + target).c_str());
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data());
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &result.body);
    if (const CURLcode code = curl_easy_perform(curl); code != CURLE_OK) return failure(code);

    long status = 0;
    curl_off_t retry_after = 0;
    char* elsewhere = nullptr;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retry_after);
    curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &elsewhere);
    if (elsewhere)  // a key is not carried to where an answer points
        return {0, fmt::format("the server is at another address, {}: give its beginning as --url", elsewhere), 0, true};
    result.status = static_cast<int>(status);
    result.retry_after = static_cast<int>(retry_after);
    return result;
}

HttpClient::Result HttpClient::failure(CURLcode code) const {
    const std::string why = error_[0] != '\0' ? error_ : curl_easy_strerror(code);
    switch (code) {
        case CURLE_PEER_FAILED_VERIFICATION:
            return {0, "the server's certificate is not accepted: " + certificate_problem(), 0, true};
        case CURLE_SSL_CACERT_BADFILE:
            return {0,
                    ca_file_.empty() ? why + ": install the package ca-certificates, or name a PEM file with --ca-file"
                                     : "no PEM certificate can be read from " + ca_file_ + " (--ca-file): " + why,
                    0, true};
        case CURLE_SSL_CONNECT_ERROR: return {0, "no TLS with " + base_ + ": " + why + "; does it speak https?", 0};
        case CURLE_GOT_NOTHING:
            return {0,
                    "the connection was closed without an answer" +
                        std::string(base_.starts_with("https:") ? "" : ", as by a server that speaks https alone"),
                    0};
        case CURLE_ABORTED_BY_CALLBACK: return {0, "interrupted", 0, true};
        case CURLE_WRITE_ERROR: return {0, "the answer is not one of tallyd", 0};
        case CURLE_OPERATION_TIMEDOUT: return {0, "there was no answer in time: " + why, 0};
        case CURLE_COULDNT_CONNECT:
        case CURLE_COULDNT_RESOLVE_HOST: return {0, "no connection: " + why, 0};
        default: return {0, "the connection was lost: " + why, 0};
    }
}

// libcurl over GnuTLS says only that the check failed; which part of it did stands in the result of the check.
std::string HttpClient::certificate_problem() const {
    long verdict = 0;
    curl_easy_getinfo(curl_.get(), CURLINFO_SSL_VERIFYRESULT, &verdict);
    if (verdict == 0) return std::string(error_) + ": --url must have a name that the certificate is for";
    const bool gnutls = std::string_view(curl_version_info(CURLVERSION_NOW)->ssl_version).starts_with("GnuTLS");
    const auto bits = static_cast<unsigned>(verdict);
    std::string what = error_;
    gnutls_datum_t text{};
    if (gnutls && gnutls_certificate_verification_status_print(bits, GNUTLS_CRT_X509, &text, 0) == 0) {
        const std::unique_ptr<void, void (*)(void*)> owner(text.data, gnutls_free);
        what.assign(reinterpret_cast<const char*>(text.data), text.size);
        while (what.ends_with(' ') || what.ends_with('\0')) what.pop_back();
    }
    if (gnutls && (bits & GNUTLS_CERT_SIGNER_NOT_FOUND) == 0) return what + " The server needs another one.";
    return what + (ca_file_.empty() ? " If an authority of your own issued it, name its certificate with --ca-file."
                                    : " " + ca_file_ + " (--ca-file) must hold the certificate of who issued it.");
}

}  // namespace tallyd
