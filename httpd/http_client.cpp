// A small client for our own server: see http_client.hpp.
#include "http_client.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

namespace tallyd {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kConnectTime{10};
constexpr std::chrono::seconds kAnswerTime{120};
constexpr std::size_t kLongestAnswer = std::size_t{16} << 20;

// The value of a header in a head, or an empty text.
std::string_view header(std::string_view head, std::string_view name) noexcept {
    for (std::size_t at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at)) {
        at += 2;
        std::string_view line = head.substr(at, head.find("\r\n", at) - at);
        if (line.size() <= name.size() || line[name.size()] != ':' ||
            strncasecmp(line.data(), name.data(), name.size()) != 0)
            continue;
        line.remove_prefix(name.size() + 1);
        while (line.starts_with(' ')) line.remove_prefix(1);
        return line;
    }
    return {};
}

template <class Number>
Number number(std::string_view text, Number otherwise) noexcept {
    Number value{};
    return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc() ? value : otherwise;
}

}  // namespace

std::optional<Url> parse_url(const std::string& text, std::string& wrong) {
    constexpr std::string_view kScheme = "http://";
    if (text.starts_with("https://")) {
        wrong = "https is not spoken here: use a tunnel, or tallyd's own port on this machine";
        return std::nullopt;
    }
    wrong = "\"" + text + "\" is not a URL such as http://127.0.0.1:8080";
    if (!text.starts_with(kScheme)) return std::nullopt;
    std::string rest = text.substr(kScheme.size());
    Url url;
    if (const auto slash = rest.find('/'); slash != std::string::npos) {
        url.path = rest.substr(slash);
        rest.resize(slash);
        while (url.path.ends_with('/')) url.path.pop_back();
    }
    const auto bracket = rest.rfind(']');
    if (const auto colon = rest.rfind(':');
        colon != std::string::npos && (bracket == std::string::npos || colon > bracket)) {
        url.port = rest.substr(colon + 1);
        rest.resize(colon);
    }
    if (rest.starts_with('[') && rest.ends_with(']')) rest = rest.substr(1, rest.size() - 2);
    url.host = rest;
    const bool bad = url.host.empty() || number<unsigned>(url.port, 0) == 0 || number<unsigned>(url.port, 0) > 65535 ||
                     text.find_first_of(" \r\n@?#") != std::string::npos;
    if (bad) return std::nullopt;
    wrong.clear();
    return url;
}

std::string percent_encode(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (std::isalnum(static_cast<unsigned char>(c)) || std::strchr("-._~", c))
            out += c;
        else
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

HttpClient::HttpClient(Url url, std::string key) : url_(std::move(url)), key_(std::move(key)) {}

HttpClient::~HttpClient() {
    close();
}

void HttpClient::close() noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

bool HttpClient::wait(short events, Time until) const {
    for (;;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
        if (left <= 0) return false;
        pollfd entry{fd_, events, 0};
        const int ready = poll(&entry, 1, static_cast<int>(left));
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return false;
    }
}

std::string HttpClient::connect() {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int error = getaddrinfo(url_.host.c_str(), url_.port.c_str(), &hints, &found); error != 0)
        return gai_strerror(error);
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(found, freeaddrinfo);
    std::string why = "no address";
    for (const addrinfo* at = found; at; at = at->ai_next) {
        fd_ = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd_ < 0) continue;
        int error = ::connect(fd_, at->ai_addr, at->ai_addrlen) == 0 ? 0 : errno;
        if (error == EINPROGRESS) {
            socklen_t size = sizeof error;
            if (!wait(POLLOUT, Clock::now() + kConnectTime))
                error = ETIMEDOUT;
            else
                getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
        }
        if (error == 0) {
            const int on = 1;
            setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            return {};
        }
        why = std::strerror(error);
        close();
    }
    return why;
}

bool HttpClient::send_all(const std::string& text, Time until) {
    for (std::size_t at = 0; at < text.size();) {
        const ssize_t sent = send(fd_, text.data() + at, text.size() - at, MSG_NOSIGNAL);
        if (sent > 0) {
            at += static_cast<std::size_t>(sent);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            // An answer that comes while we still send is a refusal: read it.
            if (!wait(POLLOUT | POLLIN, until)) return false;
            char byte;
            if (recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0) return true;
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

HttpClient::Result HttpClient::receive(Time until) {
    std::string text;
    std::size_t head = std::string::npos;
    for (;;) {
        if (head == std::string::npos) head = text.find("\r\n\r\n");
        if (head != std::string::npos) {
            const std::string_view lines(text.data(), head + 2);
            const auto length = number<std::size_t>(header(lines, "Content-Length"), kLongestAnswer + 1);
            if (!text.starts_with("HTTP/1.1 ") || length > kLongestAnswer) break;
            if (text.size() >= head + 4 + length) {
                Result result;
                result.status = number<int>(std::string_view(text).substr(9, 3), 0);
                result.retry_after = number<int>(header(lines, "Retry-After"), 0);
                result.body = text.substr(head + 4, length);
                if (header(lines, "Connection").starts_with("close")) close();
                return result;
            }
        }
        char buffer[16384];
        const ssize_t got = recv(fd_, buffer, sizeof buffer, 0);
        if (got > 0) {
            text.append(buffer, static_cast<std::size_t>(got));
        } else if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
            close();
            return {0, "the connection was lost", 0};
        } else if (!wait(POLLIN, until)) {
            close();
            return {0, "there was no answer in time", 0};
        }
    }
    close();
    return {0, "the answer is not one of tallyd", 0};
}

HttpClient::Result HttpClient::post(const std::string& target, const std::string& content_type,
                                    const std::string& body) {
    if (fd_ < 0)
        if (const std::string why = connect(); !why.empty()) return {0, "no connection: " + why, 0};
    const bool six = url_.host.find(':') != std::string::npos;
    const std::string head = fmt::format(
        "POST {}{} HTTP/1.1\r\nHost: {}:{}\r\nAuthorization: Bearer {}\r\nContent-Type: {}\r\nContent-Length: "
        "{}\r\n\r\n",
        url_.path, target, six ? '[' + url_.host + ']' : url_.host, url_.port, key_, content_type, body.size());
    const auto until = Clock::now() + kAnswerTime;
    // Where sending fails there may still be an answer that says why.
    if (send_all(head, until)) send_all(body, until);
    return receive(until);
}

}  // namespace tallyd
