// Stands before epoll_wait and epoll_ctl for the HTTP library, which uses both in ways that stop or end the process.
//
// epoll_wait: libmicrohttpd asks for 128 events at a time, and where it gets as many it asks for more before it serves any,
// with the timeout of the first call (MHD_epoll, seen in 0.9.75). Where there were exactly 128, that call waits for somebody
// else's event, for as long as a connection may be idle, and all 128 wait with it: with 1,000 busy connections this happened
// within minutes. So a call after one that was answered in full does not wait: what is left comes with the next.
//
// epoll_ctl: MHD_quiesce_daemon takes the listening socket out of every thread's epoll, and a thread that sees the daemon
// quiesced does the same for itself. Who comes second is told that there is no such socket, and ends the process (one drain
// under load in some hundreds, seen in 0.9.75). So taking out what is out already, or closed, is no error.
#include <dlfcn.h>
#include <sys/epoll.h>

#include <cerrno>
#include <utility>

extern "C" int epoll_wait(int epoll, epoll_event* events, int most, int timeout) {
    thread_local int answered_in_full = -1;  // which descriptor the thread's last call was for
    if (std::exchange(answered_in_full, -1) == epoll) timeout = 0;
    const int count = epoll_pwait(epoll, events, most, timeout, nullptr);
    if (count == most) answered_in_full = epoll;
    return count;
}

extern "C" int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) noexcept {
    static const auto system_call = reinterpret_cast<decltype(&epoll_ctl)>(dlsym(RTLD_NEXT, "epoll_ctl"));
    const int result = system_call(epoll, operation, fd, event);
    const bool gone = result != 0 && operation == EPOLL_CTL_DEL && (errno == ENOENT || errno == EBADF);
    return gone ? 0 : result;
}
