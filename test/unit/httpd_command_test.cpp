// What `tallyd import` is made of: addresses, progress, and the file that lets it go on.
#include <gtest/gtest.h>

#include <unistd.h>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "cli/http_client.hpp"
#include "cli/import_progress.hpp"

namespace {

using tallyd::base_url;

TEST(Url, BeginningOfEveryTarget) {
    std::string wrong;
    EXPECT_EQ(base_url("http://example.net", wrong), "http://example.net");
    EXPECT_EQ(base_url("https://example.net/", wrong), "https://example.net");
    EXPECT_EQ(base_url("HTTPS://example.net:8443/tally//", wrong), "https://example.net:8443/tally");
    EXPECT_EQ(base_url("http://[::1]:8080/tally", wrong), "http://[::1]:8080/tally");
    EXPECT_EQ(wrong, "");
}

TEST(Url, WhatIsNone) {
    for (const char* text : {"", "example.net", "ftp://x", "http://", "http://:80", "http://x:0", "http://x:70000",
                             "http://x:y", "http://x/a b", "http://user@x", "http://x?y", "https://x/#y"}) {
        std::string wrong;
        EXPECT_FALSE(base_url(text, wrong)) << text;
        EXPECT_NE(wrong, "") << text;
    }
}

TEST(Url, QueryValuesAreEncoded) {
    EXPECT_EQ(tallyd::percent_encode("a b&c=\xC3\xA4-._~"), "a%20b%26c%3D%C3%A4-._~");
}

TEST(Progress, TextOnATerminalAndWithoutOne) {
    const tallyd::Progress bar("f.csv", 1000, 200, true);
    EXPECT_EQ(bar.text(600, 40, 2), "f.csv: [##############----------] 60 %, 40 lines, 20/s, 0:02 left");
    EXPECT_EQ(bar.text(200, 0, 0), "f.csv: [####--------------------] 20 %, 0 lines, 0/s, -:-- left");
    const tallyd::Progress line("f.csv", 1000, 0, false);
    EXPECT_EQ(line.text(1000, 40, 2), "f.csv: 100 %, 40 lines, 20/s, 0:00 left");
    const tallyd::Progress unknown("stdin", 0, 0, false);
    EXPECT_EQ(unknown.text(1000, 40, 2), "stdin: 40 lines, 20/s");
    EXPECT_EQ(tallyd::clock_text(3723), "1:02:03");
    EXPECT_EQ(tallyd::clock_text(59.6), "1:00");
}

class State : public testing::Test {
protected:
    State() : path_(testing::TempDir() + "state-" + std::to_string(::getpid())) {}
    ~State() override { std::filesystem::remove(path_); }
    const std::string path_;
};

TEST_F(State, IsReadAsItWasWritten) {
    tallyd::ImportState state{"http://x", "imp_1", 1, 1763862960123456789U, 3, 4, 5, 6, 7, 8}, read;
    EXPECT_EQ(tallyd::write_state(path_, state), "");
    ASSERT_TRUE(tallyd::read_state(path_, read));
    EXPECT_EQ(read.url, "http://x");
    EXPECT_EQ(read.import_id, "imp_1");
    EXPECT_EQ(read.modified, 1763862960123456789U);
    EXPECT_EQ(read.line, 5U);
    EXPECT_EQ(read.failed, 8U);
    EXPECT_NE(tallyd::write_state(path_ + "/no", state), "");
}

TEST_F(State, NonsenseIsNone) {
    tallyd::ImportState read;
    EXPECT_FALSE(tallyd::read_state(path_, read));
    for (const char* text :
         {"", "{}", "[1]", R"({"url":"x","import_id":"y","size":-1})", R"({"url":"x","import_id":"y"})"}) {
        std::ofstream(path_) << text;
        EXPECT_FALSE(tallyd::read_state(path_, read)) << text;
    }
}

}  // namespace
