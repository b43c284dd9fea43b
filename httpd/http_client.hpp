// A small client for our own server: HTTP/1.1 over a plain socket that is kept open, one request at a time.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace tallyd {

struct Url {
    std::string host;  // an IPv6 address without its brackets
    std::string port = "80";
    std::string path;  // what stands before every target; without a slash at its end
};

// http:// only. wrong: set where it is none.
std::optional<Url> parse_url(const std::string& text, std::string& wrong);

// For a value in a query string.
std::string percent_encode(const std::string& text);

class HttpClient {
public:
    struct Result {
        int status = 0;    // 0: there was no answer
        std::string body;  // or why there was none
        int retry_after = 0;
    };

    // key: sent with every request.
    HttpClient(Url url, std::string key);
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    Result post(const std::string& target, const std::string& content_type, const std::string& body);

private:
    using Time = std::chrono::steady_clock::time_point;

    std::string connect();
    bool send_all(const std::string& text, Time until);
    bool wait(short events, Time until) const;
    Result receive(Time until);
    void close() noexcept;

    const Url url_;
    const std::string key_;
    int fd_ = -1;
};

}  // namespace tallyd
