// Configuration: flags, defaults, refusals. And the Prometheus text.
#include <gtest/gtest.h>

#include "app/config.hpp"
#include "base/metrics.hpp"

namespace {

using tallyd::Config;

std::variant<Config, int> read(std::vector<const char*> args) {
    args.insert(args.begin(), "tallyd");
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    auto result = tallyd::read_config(static_cast<int>(args.size()), args.data());
    testing::internal::GetCapturedStdout();
    testing::internal::GetCapturedStderr();
    return result;
}

TEST(Config, FlagsAndDefaults) {
    const auto result =
        read({"--database", "dbname=x", "--port", "0", "--max-ingest-body", "2MB", "--queue-timeout", "0.5"});
    ASSERT_TRUE(std::holds_alternative<Config>(result));
    const Config& config = std::get<Config>(result);
    EXPECT_EQ(config.database, "dbname=x");
    EXPECT_EQ(config.listen, "127.0.0.1");
    EXPECT_EQ(config.port, 0);
    EXPECT_EQ(config.max_ingest_body, 2u << 20);
    EXPECT_EQ(config.max_body, 1u << 20);
    EXPECT_EQ(config.queue_timeout, 0.5);
    EXPECT_GE(config.http_threads, 2u);
    EXPECT_GE(config.writers, 1u);
}

TEST(Config, ServeIsTheDefaultAndTheLastFlagWins) {
    EXPECT_TRUE(std::holds_alternative<Config>(read({"serve", "--database", "x"})));
    const auto result = read({"--database", "x", "--port", "1", "--port", "2"});
    ASSERT_TRUE(std::holds_alternative<Config>(result));
    EXPECT_EQ(std::get<Config>(result).port, 2);
}

TEST(Config, WrongValuesEndWithTwo) {
    const std::vector<std::vector<const char*>> wrong = {{},
                                                         {"--database", "x", "--port", "65536"},
                                                         {"--database", "x", "--port", "-1"},
                                                         {"--database", "x", "--http-threads", "0"},
                                                         {"--database", "x", "--queue-timeout", "-1"},
                                                         {"--database", "x", "--queue-timeout", "nan"},
                                                         {"--database", "x", "--max-body", "12 parsecs"},
                                                         {"--database", "x", "--listen", "example.org"},
                                                         {"--database", "x", "--listen", "0.0.0.0"},
                                                         {"--database", "x", "--log-level", "loud"},
                                                         {"--database", "x", "--tls-cert", "a"},
                                                         {"--database", "x", "--tls-key", "a"},
                                                         {"--database", "x", "--cors-origin", "a.example.com"},
                                                         {"--database", "x", "--cors-origin", "https://a/"},
                                                         {"--database", "x", "unknown"},
                                                         {"--database"}};
    for (const auto& args : wrong) {
        const auto result = read(args);
        ASSERT_TRUE(std::holds_alternative<int>(result)) << (args.empty() ? "" : args.back());
        EXPECT_EQ(std::get<int>(result), 2);
    }
    EXPECT_EQ(std::get<int>(read({"--help"})), 0);
    EXPECT_EQ(std::get<int>(read({"--version"})), 0);
}

TEST(Config, ANumberOutOfRangeIsToldTheRange) {
    const char* args[] = {"tallyd", "--database", "x", "--port", "99999"};
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    tallyd::read_config(5, args);
    const std::string said = testing::internal::GetCapturedStderr() + testing::internal::GetCapturedStdout();
    EXPECT_NE(said.find("--port"), std::string::npos) << said;
    EXPECT_NE(said.find("99999 not in range"), std::string::npos) << said;
    EXPECT_NE(said.find("65535"), std::string::npos) << said;
}

TEST(Config, OriginsAndCertificate) {
    EXPECT_EQ(std::get<Config>(read({"--database", "x"})).cors_origins, (std::vector<std::string>{"*"}));
    const auto result = read({"--database", "x", "--cors-origin", "https://a", "--cors-origin", "https://b,https://c",
                              "--tls-cert", "c.pem", "--tls-key", "k.pem", "--listen", "0.0.0.0", "serve"});
    ASSERT_TRUE(std::holds_alternative<Config>(result));
    EXPECT_EQ(std::get<Config>(result).cors_origins, (std::vector<std::string>{"https://a", "https://b", "https://c"}));
    EXPECT_TRUE(std::get<Config>(result).tls());
    EXPECT_FALSE(std::get<Config>(read({"--database", "x"})).tls());
}

TEST(Config, Loopback) {
    for (const char* address : {"127.0.0.1", "127.255.0.9", "::1", "localhost"})
        EXPECT_TRUE(tallyd::is_loopback(address)) << address;
    for (const char* address : {"0.0.0.0", "::", "128.0.0.1", "::ffff:127.0.0.1", "10.0.0.1", "127.1", ""})
        EXPECT_FALSE(tallyd::is_loopback(address)) << address;
    EXPECT_TRUE(std::holds_alternative<Config>(read({"--database", "x", "--listen", "0.0.0.0", "--behind-proxy"})));
}

TEST(Metrics, CountsByRouteAndStatusAndAccumulatesBuckets) {
    tallyd::Metrics metrics({{"GET", "/healthz"}, {"POST", "/x"}});
    metrics.request(0, 200, 0.0001);
    metrics.request(0, 200, 0.02);
    metrics.request(tallyd::Metrics::kNoRoute, 404, 100);
    metrics.request(tallyd::Metrics::kNoRoute, 777, 0.3);
    metrics.batch(3, 0.001);
    const std::string text = metrics.prometheus({{{"read", 3, 70, 2}, {"slow_read", 0, 0, 1}}});
    const auto has = [&text](const std::string& line) { return text.find(line + "\n") != std::string::npos; };
    EXPECT_TRUE(has(R"(tallyd_http_requests_total{method="GET",route="/healthz",status="200"} 2)"));
    EXPECT_TRUE(has(R"(tallyd_http_requests_total{method="",route="unmatched",status="404"} 1)"));
    EXPECT_TRUE(has(R"(tallyd_http_requests_total{method="",route="unmatched",status="other"} 1)"));
    EXPECT_TRUE(has(R"(tallyd_http_request_duration_seconds_bucket{le="0.0005"} 1)"));
    EXPECT_TRUE(has(R"(tallyd_http_request_duration_seconds_bucket{le="0.025"} 2)"));
    EXPECT_TRUE(has(R"(tallyd_http_request_duration_seconds_bucket{le="+Inf"} 4)"));
    EXPECT_TRUE(has("tallyd_http_request_duration_seconds_count 4"));
    EXPECT_TRUE(has(R"(tallyd_ingest_batch_requests_bucket{le="5"} 1)"));
    EXPECT_TRUE(has(R"(tallyd_ingest_batch_requests_bucket{le="2"} 0)"));
    EXPECT_TRUE(has(R"(tallyd_queue_requests{lane="read"} 3)"));
    EXPECT_TRUE(has(R"(tallyd_queue_bytes{lane="read"} 70)"));
    EXPECT_TRUE(has(R"(tallyd_database_connections{lane="slow_read"} 1)"));
    EXPECT_EQ(text.back(), '\n');
}

}  // namespace
