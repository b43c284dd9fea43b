// What tally.verify() holds stored events against while it reads them: which of them corrections name, whose personal data
// was erased, and what cuts say they saw. Read once, with the active snapshot; bounded by the numbers of those.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/hash128.hpp"
#include "core/event/stored_event.hpp"
#include "core/event/known_at.hpp"

namespace tally {

// A cut sees only what was committed when it was made, and so received before. Its own number (UUIDv7) tells when that was.
struct CutSight {
    Hash128 cut_id{};
    std::int32_t tenant_id = 0;  // 0: everybody's
    std::int64_t last_seq = 0;
    std::int64_t made_at = 0;  // Unix microseconds; with what a clock may have been set back by since
    NumberRanges unseen;
    std::int64_t received_later = 0;  // events that it sees, and were received after it
};

class VerifyFacts {
public:
    // Calls PostgreSQL.
    VerifyFacts();

    // Whether a correction, lifted or not, names the event, as what was void or as what counts in its place.
    bool is_in_correction(std::int32_t tenant_id, std::int64_t seq) const;
    // Whether properties of the customer's events were erased: they say less than was sent.
    bool is_erased(std::int32_t tenant_id, std::string_view customer_id) const;
    // Holds an event against all cuts.
    void see(const StoredEvent& event);
    const std::vector<CutSight>& cuts() const noexcept { return cuts_; }
    // nullptr where there is no such cut.
    const CutSight* find_cut(const Hash128& cut_id) const noexcept {
        const auto found =
            std::find_if(cuts_.begin(), cuts_.end(), [&](const CutSight& cut) { return cut.cut_id == cut_id; });
        return found == cuts_.end() ? nullptr : &*found;
    }

private:
    void read_corrections(const char* table);
    void read_erasures();
    void read_cuts();

    std::vector<std::pair<std::int32_t, std::int64_t>> in_corrections_;  // ascending
    std::set<std::pair<std::int32_t, std::string>> erased_customers_;    // few: each was asked for by hand
    std::vector<CutSight> cuts_;                                         // by ascending last_seq
    std::vector<std::int64_t> first_made_;                               // the earliest made_at from each cut on
};

}  // namespace tally
