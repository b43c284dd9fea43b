// Stands before epoll_wait for the HTTP library, whose threads would now and then stop serving.
//
// libmicrohttpd asks for 128 events at a time, and where it gets as many it asks for more before it serves any, with the
// timeout of the first call (MHD_epoll, seen in 0.9.75). Where there were exactly 128, that call waits for somebody else's
// event, for as long as a connection may be idle, and all 128 wait with it: with 1,000 busy connections this happened within
// minutes. So a call after one that was answered in full does not wait: what is left comes with the next.
#include <sys/epoll.h>

#include <utility>

extern "C" int epoll_wait(int epoll, epoll_event* events, int most, int timeout) {
    thread_local int answered_in_full = -1;  // which descriptor the thread's last call was for
    if (std::exchange(answered_in_full, -1) == epoll) timeout = 0;
    const int count = epoll_pwait(epoll, events, most, timeout, nullptr);
    if (count == most) answered_in_full = epoll;
    return count;
}
