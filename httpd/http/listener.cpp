// The listening socket: see listener.hpp.
#include "http/listener.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tallyd {

namespace {

constexpr int kBacklog = 1024;

union Address {
    sockaddr any;
    sockaddr_in four;
    sockaddr_in6 six;
};

socklen_t fill(Address& address, const std::string& text, std::uint16_t port) {
    address = {};
    if (inet_pton(AF_INET, text.c_str(), &address.four.sin_addr) == 1) {
        address.four.sin_family = AF_INET;
        address.four.sin_port = htons(port);
        return sizeof address.four;
    }
    inet_pton(AF_INET6, text.c_str(), &address.six.sin6_addr);
    address.six.sin6_family = AF_INET6;
    address.six.sin6_port = htons(port);
    return sizeof address.six;
}

Listener failed(int fd, const std::string& what, const std::string& place) {
    Listener listener;
    listener.error = "cannot " + what + ' ' + place + ": " + std::strerror(errno);
    if (fd >= 0) close(fd);
    return listener;
}

}  // namespace

Listener listen_on(const std::string& text, std::uint16_t port, bool tls) {
    Address address;
    socklen_t size = fill(address, text, port);
    const bool six = address.any.sa_family == AF_INET6;
    const std::string host = six ? '[' + text + ']' : text;
    const std::string place = host + ':' + std::to_string(port);
    const int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return failed(fd, "make a socket for", place);
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (six) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, &address.any, size) != 0 || listen(fd, kBacklog) != 0) return failed(fd, "listen on", place);
    if (getsockname(fd, &address.any, &size) != 0) return failed(fd, "read the address of", place);
    Listener listener;
    listener.fd = fd;
    listener.url = (tls ? "https://" : "http://") + host + ':' +
                   std::to_string(ntohs(six ? address.six.sin6_port : address.four.sin_port));
    return listener;
}

}  // namespace tallyd
