// The store's health as Prometheus text: each family once with HELP and TYPE, and nothing of what is not known.
#include <gtest/gtest.h>

#include "base/store_health.hpp"

namespace {

using tallyd::store_health_text;

TEST(StoreHealth, EachMemberUnderItsName) {
    EXPECT_EQ(store_health_text(R"({"tenants":2,"newest_event":1764345600.25})"),
              "# HELP tallyd_store_tenants Tenants.\n# TYPE tallyd_store_tenants gauge\ntallyd_store_tenants 2\n"
              "# HELP tallyd_store_newest_event_timestamp_seconds When the newest event happened.\n"
              "# TYPE tallyd_store_newest_event_timestamp_seconds gauge\n"
              "tallyd_store_newest_event_timestamp_seconds 1764345600.25\n");
}

TEST(StoreHealth, WhatIsNullOrMissingIsLeftOut) {
    EXPECT_EQ(store_health_text(R"({"verified_at":null,"problems":null,"unknown":1})"), "");
    EXPECT_EQ(store_health_text("no JSON"), "");
}

TEST(StoreHealth, AFamilyOfSeveralHasOneHead) {
    const std::string text = store_health_text(R"({"recent_bytes":1,"segment_bytes":2,"identity_bytes":3,"other_bytes":4})");
    EXPECT_EQ(text,
              "# HELP tallyd_store_size_bytes Size of tables with their indexes, by kind.\n"
              "# TYPE tallyd_store_size_bytes gauge\ntallyd_store_size_bytes{kind=\"recent\"} 1\n"
              "tallyd_store_size_bytes{kind=\"segment\"} 2\ntallyd_store_size_bytes{kind=\"identity\"} 3\n"
              "tallyd_store_size_bytes{kind=\"other\"} 4\n");
}

}  // namespace
