// A client for our own server, http or https: libcurl with one connection that is kept open, one request at a time.
#pragma once

#include <curl/curl.h>

#include <csignal>
#include <memory>
#include <optional>
#include <string>

namespace tallyd {

// The address that stands before every target: http or https, no user, query, fragment, nor a slash at its end. wrong:
// set where it is none.
std::optional<std::string> base_url(const std::string& text, std::string& wrong);

// For a value in a query string.
std::string percent_encode(const std::string& text);

class HttpClient {
public:
    struct Result {
        int status = 0;    // 0: there was no answer
        std::string body;  // or why there was none
        int retry_after = 0;
        bool permanent = false;  // there will be none later either
    };

    // key: sent with every request. ca_file: certificates that are trusted in place of the system's; empty: the
    // system's. interrupted: a signal handler may set it, and no answer is waited for any longer.
    HttpClient(std::string base, const std::string& key, std::string ca_file, const volatile std::sig_atomic_t& interrupted);

    Result post(const std::string& target, const std::string& content_type, const std::string& body);

private:
    Result failure(CURLcode code) const;
    std::string certificate_problem() const;

    const std::string base_, authorization_, ca_file_;
    const std::unique_ptr<CURL, void (*)(CURL*)> curl_;
    char error_[CURL_ERROR_SIZE] = {};
};

}  // namespace tallyd
