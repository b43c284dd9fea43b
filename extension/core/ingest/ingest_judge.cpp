// One pass over the bodies: see ingest_judge.hpp. `taken` is what the accepted events of the bodies so far would store.
#include "core/ingest/ingest_judge.hpp"

#include <algorithm>
#include <string>

namespace tally {
namespace {

constexpr std::string_view conflict_reason =
    "an event with this event_id, customer and source is stored already with other content; the first one stands";

class Judge {
public:
    Judge(IngestBatch& batch, const MonthLimits& limits) : batch_(batch), limits_(limits) {}

    void run() {
        for (BatchIdentity& identity : batch_.identities()) identity.accepted = BatchIdentity::nobody;
        for (const BatchBody& body : batch_.bodies()) {
            if (!body.document->reason().empty()) continue;
            judge_body(body);
        }
    }

private:
    static bool good(const BatchEvent& event) noexcept { return event.identity != BatchEvent::no_identity; }

    BatchIdentity& identity_of(const BatchEvent& event) noexcept { return batch_.identities()[event.identity]; }

    std::uint32_t ordinal_of(const BatchEvent& event) noexcept {
        return static_cast<std::uint32_t>(&event - batch_.events().data());
    }

    static void tell(BatchEvent& event, Verdict verdict) noexcept {
        event.verdict = verdict;
        event.limit.reset();
        const bool conflicts = verdict == Verdict::conflict;
        event.reason = conflicts ? conflict_reason : std::string_view{};
        event.field = conflicts ? std::string_view{"event_id"} : std::string_view{};
    }

    void judge_body(const BatchBody& body) {
        const std::span<BatchEvent> events = batch_.events_of(body);
        bool is_bad = false;
        bool is_held = false;
        for (BatchEvent& event : events) {
            if (!good(event)) is_bad = true;
            else if (identity_of(event).state == BatchIdentity::State::held) is_held = true;
        }
        if (is_bad && body.strict) {
            fail(events);
        } else if (is_held) {
            for (BatchEvent& event : events)
                if (good(event)) tell(event, Verdict::held);
        } else {
            take(body, events);
        }
    }

    // What `event` finds under its identity: untold where it is the first.
    Verdict find(const BatchEvent& event) noexcept {
        const BatchIdentity& identity = identity_of(event);
        std::int64_t first = identity.payload;
        if (identity.state != BatchIdentity::State::stored) {
            if (identity.accepted == BatchIdentity::nobody) return Verdict::untold;
            first = batch_.events()[identity.accepted].payload;
        }
        return first == event.payload ? Verdict::duplicate : Verdict::conflict;
    }

    void take(const BatchBody& body, std::span<BatchEvent> events) {
        const std::int64_t room = room_of(body);
        std::vector<std::uint32_t> taken;  // identities that are new with this body, in its order
        bool conflicts = false;
        for (BatchEvent& event : events) {
            if (!good(event)) continue;
            const Verdict found = find(event);
            if (found != Verdict::untold) {
                tell(event, found);
                conflicts |= found == Verdict::conflict;
                continue;
            }
            if (!body.strict && static_cast<std::int64_t>(taken.size()) >= room) {
                limit(event, body, 0);
                continue;
            }
            tell(event, Verdict::accepted);
            identity_of(event).accepted = ordinal_of(event);
            taken.push_back(event.identity);
        }
        if (body.strict && (conflicts || static_cast<std::int64_t>(taken.size()) > room)) {
            for (const std::uint32_t identity : taken) batch_.identities()[identity].accepted = BatchIdentity::nobody;
            if (conflicts) fail(events);
            else refuse(body, events, taken, room);
            return;
        }
        used_ += static_cast<std::int64_t>(taken.size());
        if (body.sender < limits_.senders.size()) {
            if (used_of_sender_.size() <= body.sender) used_of_sender_.resize(body.sender + 1);
            used_of_sender_[body.sender] += static_cast<std::int64_t>(taken.size());
        }
    }

    // A strict body of which nothing is stored: its conflicts are told beside what was rejected.
    void fail(std::span<BatchEvent> events) {
        std::vector<std::uint32_t> touched;
        for (BatchEvent& event : events) {
            if (!good(event)) continue;
            const Verdict found = find(event);
            if (found == Verdict::untold) {
                identity_of(event).accepted = ordinal_of(event);
                touched.push_back(event.identity);
            }
            tell(event, found == Verdict::conflict ? Verdict::conflict : Verdict::untold);
        }
        for (const std::uint32_t identity : touched) batch_.identities()[identity].accepted = BatchIdentity::nobody;
    }

    // A strict body with more new events than there is room: those beyond it are told.
    void refuse(const BatchBody& body, std::span<BatchEvent> events, const std::vector<std::uint32_t>& taken,
                std::int64_t room) {
        std::vector<std::uint32_t> beyond(taken.begin() + std::max<std::int64_t>(room, 0), taken.end());
        std::sort(beyond.begin(), beyond.end());
        for (BatchEvent& event : events) {
            if (std::binary_search(beyond.begin(), beyond.end(), event.identity))
                limit(event, body, std::max<std::int64_t>(room, 0));
            else tell(event, Verdict::untold);
        }
    }

    std::int64_t room_of_sender(const BatchBody& body) const noexcept {
        if (body.sender >= limits_.senders.size()) return std::numeric_limits<std::int64_t>::max();
        const std::int64_t used = body.sender < used_of_sender_.size() ? used_of_sender_[body.sender] : 0;
        return limits_.senders[body.sender].allowed - used;
    }
    std::int64_t room_of_tenant() const noexcept { return limits_.tenant.allowed - used_; }
    std::int64_t room_of(const BatchBody& body) const noexcept { return std::min(room_of_tenant(), room_of_sender(body)); }

    void limit(BatchEvent& event, const BatchBody& body, std::int64_t remaining) {
        LimitReached reached;
        reached.of_tenant = room_of_tenant() <= room_of_sender(body);
        reached.events_per_month =
            reached.of_tenant ? limits_.tenant.events_per_month : limits_.senders[body.sender].events_per_month;
        reached.remaining = remaining;
        event.verdict = Verdict::limited;
        event.reason = limit_reason(reached);
        event.field = {};
        event.limit = reached;
    }

    // Kept once for each limit: many events are refused for one reason.
    std::string_view limit_reason(const LimitReached& reached) {
        if (last_reason_.empty() || reached.of_tenant != last_reached_.of_tenant ||
            reached.events_per_month != last_reached_.events_per_month) {
            last_reached_ = reached;
            last_reason_ = batch_.keep(std::string(reached.of_tenant ? "the tenant's" : "the API key's") + " limit of " +
                                       std::to_string(reached.events_per_month) + " events per month is reached");
        }
        return last_reason_;
    }

    IngestBatch& batch_;
    const MonthLimits& limits_;
    std::int64_t used_ = 0;
    std::vector<std::int64_t> used_of_sender_;
    LimitReached last_reached_;
    std::string_view last_reason_;
};

}  // namespace

void judge(IngestBatch& batch, const MonthLimits& limits) {
    Judge(batch, limits).run();
}

}  // namespace tally
