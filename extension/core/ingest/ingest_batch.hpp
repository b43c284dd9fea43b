// Bodies of events of one tenant, each parsed once: what must be asked of the store about them, and, when that is known,
// what becomes of every event (core/ingest/ingest_judge).
//
// A body is what one client sent at once: an array, or a request with its own strict or partial meaning. An identity is
// what makes an event itself (core/event/event_check.hpp); the batch lists each that occurs once, in the order of its bytes,
// which is the one order in which all writers claim.
//
// Use: add() every body, seal(), tell the facts (reject(), identities()), judge; begin() for another batch in the same
// memory.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/event/event_document.hpp"

namespace tally {

enum class Verdict : std::uint8_t {
    untold,     // a good event of a strict body of which nothing is stored
    accepted,   // new: it is to be stored
    duplicate,  // the same event again
    conflict,   // the same identity with another content: the first one stands
    rejected,   // it cannot be stored, whatever the store holds
    limited,    // a limit of the month has no room for it
    held,       // an open transaction holds the event, so nothing was decided about its body
};

// "accepted", ...; nothing for untold and held.
std::string_view verdict_name(Verdict verdict) noexcept;

// The first 8 bytes of a payload's hash: what is stored to tell a duplicate from a conflict.
std::int64_t payload_key(const Hash128& payload) noexcept;

// Which limit refused an event, and what it had left for the event's body.
struct LimitReached {
    bool of_tenant = false;
    std::int64_t events_per_month = 0;
    std::int64_t remaining = 0;
};

struct BatchEvent {
    static constexpr std::uint32_t no_identity = std::numeric_limits<std::uint32_t>::max();

    const Event* event = nullptr;  // nullptr: the body as a whole is refused
    std::uint32_t body = 0;
    std::uint32_t index = 0;               // within its body
    std::uint32_t identity = no_identity;  // ordinal in identities(); none for an event that cannot be stored
    std::int64_t payload = 0;
    Verdict verdict = Verdict::untold;
    std::string_view reason;  // empty for what is stored or was
    std::string_view field;
    std::optional<LimitReached> limit;
    bool is_unmatched = false;  // no metric that is in use reads its code

    // Whether it is stored and counts for nobody yet.
    bool is_stored_unmatched() const noexcept { return is_unmatched && verdict == Verdict::accepted; }
};

struct BatchIdentity {
    enum class State : std::uint8_t {
        unknown,  // nobody holds it, as far as is known
        stored,   // with `payload`
        held,     // by an open transaction, and the caller does not wait
    };
    static constexpr std::uint32_t nobody = std::numeric_limits<std::uint32_t>::max();

    Hash128 key{};
    State state = State::unknown;
    std::int64_t payload = 0;
    std::uint32_t accepted = nobody;  // what judging decided: the event (ordinal in events()) that is to be stored
};

struct BatchBody {
    const EventDocument* document = nullptr;  // the batch's
    std::uint32_t sender = 0;                 // whose limit its events count for
    std::uint32_t first = 0;                  // its events in events()
    std::uint32_t count = 0;
    bool strict = false;
};

class IngestBatch {
public:
    IngestBatch() = default;
    explicit IngestBatch(const DocumentOptions& options) { begin(options); }

    // An empty batch. Memory of the one before is kept for it, unless that was a large one.
    void begin(const DocumentOptions& options);

    // Parses a document of the batch, which may still be dropped for another: take() makes it a body.
    const EventDocument& parse(std::string_view text);
    void take(std::uint32_t sender);
    void add(std::string_view text, std::uint32_t sender) {
        parse(text);
        take(sender);
    }
    // No body is added after this.
    void seal();

    // A good event that may not be stored after all, because of what a metric's kind takes. Only before seal().
    void reject(std::size_t event, std::string reason, std::string field);

    const DocumentOptions& options() const noexcept { return options_; }
    std::span<const BatchBody> bodies() const noexcept { return bodies_; }
    std::span<BatchEvent> events() noexcept { return events_; }
    std::span<const BatchEvent> events() const noexcept { return events_; }
    // In the order of the bytes of their keys.
    std::span<BatchIdentity> identities() noexcept { return identities_; }
    std::span<const BatchIdentity> identities() const noexcept { return identities_; }
    std::span<const BatchEvent> events_of(const BatchBody& body) const noexcept {
        return std::span(events_).subspan(body.first, body.count);
    }
    std::span<BatchEvent> events_of(const BatchBody& body) noexcept {
        return std::span(events_).subspan(body.first, body.count);
    }
    // Events of a sender that may turn out to be new.
    std::size_t candidates(std::uint32_t sender) const noexcept;
    std::size_t candidates() const noexcept { return candidates_; }

    // Text that lives as long as the batch.
    std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }

private:
    DocumentOptions options_;
    std::vector<std::unique_ptr<EventDocument>> documents_;  // of the bodies, in order, and spare ones
    std::size_t bytes_ = 0;                                  // parsed
    std::vector<BatchBody> bodies_;
    std::vector<BatchEvent> events_;
    std::vector<BatchIdentity> identities_;
    std::deque<std::string> texts_;
    std::size_t candidates_ = 0;
};

}  // namespace tally
