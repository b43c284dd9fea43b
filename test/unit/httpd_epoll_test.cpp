// What stands before epoll for the HTTP library: full answers do not wait, and what is out already may be taken out again.
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace {

struct Epoll : testing::Test {
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    std::array<int, 3> readable{};

    Epoll() {
        for (int& fd : readable) fd = eventfd(1, EFD_CLOEXEC);
    }
    ~Epoll() override {
        for (const int fd : readable) close(fd);
        close(epoll);
    }
    Epoll(const Epoll&) = delete;
    Epoll& operator=(const Epoll&) = delete;

    int change(int operation, int fd) const {
        epoll_event event{};
        event.events = EPOLLIN | EPOLLET;
        errno = 0;
        return epoll_ctl(epoll, operation, fd, &event);
    }
};

TEST_F(Epoll, ACallAfterOneAnsweredInFullDoesNotWait) {
    constexpr int kFarLongerThanATest = 3'600'000;
    for (const int fd : readable) ASSERT_EQ(change(EPOLL_CTL_ADD, fd), 0);
    std::array<epoll_event, 3> events{};
    EXPECT_EQ(epoll_wait(epoll, events.data(), 3, kFarLongerThanATest), 3);
    EXPECT_EQ(epoll_wait(epoll, events.data(), 3, kFarLongerThanATest), 0);
}

TEST_F(Epoll, TakingOutWhatIsOutOrClosedIsNoError) {
    ASSERT_EQ(change(EPOLL_CTL_ADD, readable[0]), 0);
    EXPECT_EQ(change(EPOLL_CTL_DEL, readable[0]), 0);
    EXPECT_EQ(change(EPOLL_CTL_DEL, readable[0]), 0);
    const int closed = eventfd(1, EFD_CLOEXEC);
    ASSERT_EQ(change(EPOLL_CTL_ADD, closed), 0);
    close(closed);
    EXPECT_EQ(change(EPOLL_CTL_DEL, closed), 0);
}

TEST_F(Epoll, OtherErrorsStayErrors) {
    ASSERT_EQ(change(EPOLL_CTL_ADD, readable[0]), 0);
    EXPECT_EQ(change(EPOLL_CTL_ADD, readable[0]), -1);
    EXPECT_EQ(errno, EEXIST);
    EXPECT_EQ(change(EPOLL_CTL_MOD, readable[1]), -1);
    EXPECT_EQ(errno, ENOENT);
}

}  // namespace
