// What the database side is configured by.
#pragma once

#include <cstddef>
#include <string>

#include "db/batch_policy.hpp"

namespace tallyd {

struct DatabaseSettings {
    std::string database;
    std::string read_database;  // a standby for the lanes that read; empty: there is none

    unsigned writers = 1;
    unsigned changers = 2;
    unsigned slow_changers = 1;
    unsigned readers = 3;
    unsigned slow_readers = 2;
    unsigned importers = 1;

    unsigned queue_requests = 8192;
    std::size_t queue_bytes = std::size_t{64} << 20;
    BatchPolicy batch;

    // seconds
    double queue_timeout = 10;
    double statement_timeout = 20;
    double slow_change_timeout = 300;  // a statement of lane slow_write
    double lock_timeout = 2;           // of changes
    double database_grace = 5;
    double reconnect_max = 8;
    double connect_timeout = 5;
    double pack = 2;    // 0: no packing
    double health = 5;  // 0: the store is not asked how it is
};

}  // namespace tallyd
