// Columns of tally.recent_event and tally.segment by their numbers, for who reads rows without SQL. The tables are
// defined in sql/install/40-event. The key of recent_event is its first columns, in their order.
#pragma once

#include <cstdint>

#include "pg/border/prelude.hpp"

namespace tally {

enum RecentColumn : std::int16_t {
    recent_generation = 1,
    recent_tenant,
    recent_code_hash,
    recent_customer_hash,
    recent_ts,
    recent_seq,
    recent_received_at,
    recent_import,
    recent_code,
    recent_customer,
    recent_source,
    recent_event_id,
    recent_properties
};

enum SegmentColumn : std::int16_t {
    segment_id = 1,
    segment_tenant,
    segment_code,
    segment_month,
    segment_first_ts,
    segment_last_ts,
    segment_first_customer,
    segment_last_customer,
    segment_first_seq,
    segment_last_seq,
    segment_events,
    segment_imports,
    segment_data,
    segment_weight
};

// Of a slot whose columns have been taken apart.
inline Datum column_value(const TupleTableSlot* slot, std::int16_t column) {
    return slot->tts_values[column - 1];
}
inline bool column_is_null(const TupleTableSlot* slot, std::int16_t column) {
    return slot->tts_isnull[column - 1];
}

}  // namespace tally
