// The partitions of tally.segment: which there are, and making one more.
//
// Both see what is committed now, whatever snapshot the caller reads with: a partition may be younger than the
// snapshot, and then holds nothing that it sees but what was moved since. Everything here calls PostgreSQL and may
// raise.
#pragma once

#include <cstdint>

#include "core/segment/partition.hpp"

#include "pg/border/prelude.hpp"

namespace tally {

struct SegmentPartition {
    Oid oid;
    MonthRange months;
};

struct SegmentPartitions {
    SegmentPartition* partitions;  // palloc'ed
    int count;

    bool hold(std::int32_t month) const noexcept {
        for (int i = 0; i < count; ++i)
            if (partitions[i].months.holds(month)) return true;
        return false;
    }
};

// In no order, without locking them: one that is opened later may be gone by then.
SegmentPartitions segment_partitions();

// Locks the partition of a month for writing until the end of the transaction, with the list just made. Waits for nobody:
// false where there is none, or where somebody changes it or the table just now.
bool lock_for_writing(const SegmentPartitions& all, std::int32_t month);

// Makes the partition for a month if there is none, with the rights of the current user. Waits for nobody: false if
// somebody else is making or dropping partitions just now. SPI must be connected.
bool make_partition(std::int32_t month, std::int32_t current_month);

// A month as a date, and back.
inline DateADT month_date(std::int32_t month) {
    return static_cast<DateADT>(month_begin(month) / USECS_PER_DAY - (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE));
}
inline std::int32_t month_of_date(DateADT date) {
    return month_of((std::int64_t{date} + (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE)) * USECS_PER_DAY);
}

}  // namespace tally
