// Events of a call that are enough for a segment go straight into one, and are never rows: grouped by code and month, as
// packing would group them.
//
// Ingest makes no partition and waits for nobody's: where there is none for a month, or somebody changes it just now, its
// events become rows. It holds no lock of a pile either, so that an open transaction holds up no packing: such a segment is
// loose until packing has adopted it (pg/segment/segment_rows.hpp).
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/event/stored_event.hpp"
#include "core/ingest/ingest_batch.hpp"
#include "pg/ingest/recent_event.hpp"

namespace tally {

class DirectSegments {
public:
    explicit DirectSegments(const EventOrigin& origin) : origin_(origin) {}

    // Decides which of the batch's accepted events go into segments, and locks the partitions for them. Calls PostgreSQL.
    void choose(const IngestBatch& batch);
    // Takes an event that goes into a segment; false: it becomes a row. The batch must live until store().
    bool take(const Event& event, std::int64_t seq);
    // Stores what was taken. Calls PostgreSQL.
    void store();

private:
    struct Key {
        std::string_view code;
        std::int32_t code_hash = 0;
        std::int32_t month = 0;

        friend bool operator==(const Key& left, const Key& right) noexcept {
            return left.month == right.month && left.code_hash == right.code_hash && left.code == right.code;
        }
    };
    struct KeyHash {
        std::size_t operator()(const Key& key) const noexcept {
            return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(key.code_hash)) << 32 |
                    static_cast<std::uint32_t>(key.month)) *
                       0x9E3779B97F4A7C15ULL >>
                   20;
        }
    };
    struct Group {
        std::size_t count = 0;
        bool is_chosen = false;
        std::vector<StoredEvent> events;
    };

    Group& group_of(const Event& event);

    EventOrigin origin_;
    std::unordered_map<Key, Group, KeyHash> groups_;
    std::pair<const Key, Group>* last_ = nullptr;  // most events come in runs
    bool has_chosen_ = false;
};

}  // namespace tally
