// The HTTP side: see server.hpp.
#include "http/server.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "base/log.hpp"
#include "http/tls.hpp"

namespace tallyd {

namespace {

// Half of it is the read buffer at first. Larger than the head that we allow, so that our own answer comes first;
// zeroed by libmicrohttpd after each request, so not larger than needed.
constexpr std::size_t kConnectionMemory = 96 << 10;

thread_local std::array<char, 512> last_complaint{};

Connection* connection_of(MHD_Connection* connection) noexcept {
    const MHD_ConnectionInfo* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? static_cast<Connection*>(info->socket_context) : nullptr;
}

__attribute__((format(printf, 2, 0))) void on_message(void*, const char* format, va_list arguments) {
    std::vsnprintf(last_complaint.data(), last_complaint.size(), format, arguments);
    log::write(log::Level::debug, "http_library", log::field("message", last_complaint.data()));
}

void on_connection(void* self, MHD_Connection* connection, void** context, MHD_ConnectionNotificationCode code) {
    auto& connections = static_cast<const HttpRequest::Surroundings*>(self)->connections;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const MHD_ConnectionInfo* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        *context = connections.open(info->connect_fd);
    } else if (*context) {
        connections.closed(static_cast<Connection*>(*context));
        *context = nullptr;
    }
}

// The request line is complete: the earliest moment that a request can be known.
void* on_request_line(void* self, const char* target, MHD_Connection* connection) {
    Connection* from = connection_of(connection);
    if (!from) return nullptr;
    from->enter(Connection::Stage::head);
    try {
        return new HttpRequest(*static_cast<const HttpRequest::Surroundings*>(self), connection, from, target ? target : "");
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

// Targets stay as they came: uri.cpp decodes them, strictly.
std::size_t keep_escapes(void*, MHD_Connection*, char* text) {
    return std::strlen(text);
}

MHD_Result on_request(void*, MHD_Connection*, const char*, const char* method, const char* version, const char* data,
                      std::size_t* size, void** context) {
    auto* request = static_cast<HttpRequest*>(*context);
    if (!request) return MHD_NO;
    try {
        return request->step(method, version, data, size);
    } catch (const std::exception& error) {
        log::message(log::Level::error, error.what());
        return MHD_NO;
    }
}

void on_completed(void*, MHD_Connection* connection, void** context, MHD_RequestTerminationCode code) {
    auto* request = static_cast<HttpRequest*>(*context);
    *context = nullptr;
    if (!request) return;
    if (code == MHD_REQUEST_TERMINATED_WITH_ERROR) request->answer_half_closed();
    request->log_and_count(code == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    delete request;
    if (Connection* from = connection_of(connection)) {
        from->request = nullptr;
        from->enter(Connection::Stage::idle);
    }
}

// A backstop behind the watchdog's own deadlines.
unsigned inactivity_limit(const HttpSettings& config) {
    const double longest =
        std::max({config.head_timeout, config.body_timeout, config.keepalive_timeout, config.send_timeout});
    return static_cast<unsigned>(longest) + 10;
}

}  // namespace

Server::~Server() {
    stop();
}

std::string Server::start(int listen_fd) {
    const HttpSettings& config = settings_;
    void* const self = const_cast<HttpRequest::Surroundings*>(&around_);
    const unsigned threads = std::min(config.http_threads, config.max_connections);
    const MHD_OptionItem options[] = {
        {MHD_OPTION_NOTIFY_CONNECTION, reinterpret_cast<intptr_t>(on_connection), self},
        {MHD_OPTION_NOTIFY_COMPLETED, reinterpret_cast<intptr_t>(on_completed), self},
        {MHD_OPTION_URI_LOG_CALLBACK, reinterpret_cast<intptr_t>(on_request_line), self},
        {MHD_OPTION_UNESCAPE_CALLBACK, reinterpret_cast<intptr_t>(keep_escapes), nullptr},
        {MHD_OPTION_LISTEN_SOCKET, listen_fd, nullptr},
        {MHD_OPTION_CONNECTION_LIMIT, static_cast<intptr_t>(config.max_connections), nullptr},
        {MHD_OPTION_CONNECTION_TIMEOUT, static_cast<intptr_t>(inactivity_limit(config)), nullptr},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, static_cast<intptr_t>(kConnectionMemory), nullptr},
        // The last one: a pool of one is no pool.
        {threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, static_cast<intptr_t>(threads), nullptr},
        {MHD_OPTION_END, 0, nullptr}};
    const MHD_OptionItem encryption[] = {
        {config.tls() ? MHD_OPTION_HTTPS_PRIORITIES : MHD_OPTION_END, 0, const_cast<char*>(tls::kPriorities)},
        {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, reinterpret_cast<void*>(tls::choose)},
        {MHD_OPTION_END, 0, nullptr}};
    const unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_ERROR_LOG |
                           (config.tls() ? unsigned{MHD_USE_TLS} : 0U);
    daemon_ = MHD_start_daemon(flags, 0, nullptr, nullptr, on_request, self, MHD_OPTION_EXTERNAL_LOGGER, on_message, nullptr,
                               MHD_OPTION_ARRAY, encryption, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
    if (!daemon_) return last_complaint[0] ? last_complaint.data() : "the HTTP server could not be started";
    accepting_ = true;
    return {};
}

void Server::stop_accepting() noexcept {
    if (!daemon_ || !accepting_) return;
    accepting_ = false;
    if (const int fd = MHD_quiesce_daemon(daemon_); fd >= 0) close(fd);
}

void Server::stop() noexcept {
    if (!daemon_) return;
    stop_accepting();
    MHD_stop_daemon(daemon_);
    daemon_ = nullptr;
}

std::string reason_of_last_complaint(unsigned status) {
    const std::string_view said(last_complaint.data());
    const auto about = [said](std::string_view word) { return said.find(word) != std::string_view::npos; };
    if (status == 414) return "the request target is too long";
    if (status == 431) return "the request headers are too large";
    if (status == 413)
        return about("chunk") ? "a chunk of the request body is too large" : "the Content-Length is too large";
    if (status == 505) return "the only protocol that is understood is HTTP/1.x";
    if (status >= 500) return "internal error";
    if (about("Content-Length")) return "the Content-Length is not a number";
    if (about("chunk")) return "the chunked encoding of the request body is malformed";
    return "the HTTP request is malformed";
}

}  // namespace tallyd
