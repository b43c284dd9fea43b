// Parses bodies and lists their identities: see ingest_batch.hpp.
#include "core/ingest/ingest_batch.hpp"

#include <algorithm>

namespace tally {
namespace {

constexpr std::size_t most_kept_bytes = 4 << 20;

std::uint64_t big_u64(const std::uint8_t* bytes) noexcept {
    std::uint64_t value = 0;
    for (int i = 0; i < 8; ++i) value = value << 8 | bytes[i];
    return value;
}

// An event with its identity as two words that compare as the identity's bytes do; equal ones in their order of arrival.
struct Claim {
    std::uint64_t high;
    std::uint64_t low;
    std::uint32_t event;

    friend bool operator<(const Claim& left, const Claim& right) noexcept {
        if (left.high != right.high) return left.high < right.high;
        if (left.low != right.low) return left.low < right.low;
        return left.event < right.event;
    }
    bool same_identity(const Claim& other) const noexcept { return high == other.high && low == other.low; }
};

}  // namespace

std::string_view verdict_name(Verdict verdict) noexcept {
    switch (verdict) {
        case Verdict::accepted: return "accepted";
        case Verdict::duplicate: return "duplicate";
        case Verdict::conflict: return "conflict";
        case Verdict::rejected: return "rejected";
        case Verdict::limited: return "limited";
        case Verdict::untold:
        case Verdict::held: break;
    }
    return {};
}

std::int64_t payload_key(const Hash128& payload) noexcept {
    return static_cast<std::int64_t>(big_u64(payload.data()));
}

void IngestBatch::begin(const DocumentOptions& options) {
    if (bytes_ > most_kept_bytes) *this = IngestBatch();
    options_ = options;
    bytes_ = 0;
    bodies_.clear();
    events_.clear();
    identities_.clear();
    texts_.clear();
    candidates_ = 0;
}

const EventDocument& IngestBatch::parse(std::string_view text) {
    if (documents_.size() == bodies_.size()) documents_.push_back(std::make_unique<EventDocument>());
    EventDocument& document = *documents_[bodies_.size()];
    document.read(text, options_);
    bytes_ += text.size();
    return document;
}

void IngestBatch::take(std::uint32_t sender) {
    const EventDocument& parsed = *documents_[bodies_.size()];
    const std::vector<Event>& found = parsed.events();
    const auto number = static_cast<std::uint32_t>(bodies_.size());
    BatchBody& body = bodies_.emplace_back();
    body.document = &parsed;
    body.sender = sender;
    body.first = static_cast<std::uint32_t>(events_.size());
    body.strict = !parsed.allow_partial_failures();
    if (!parsed.reason().empty()) {
        BatchEvent& refused = events_.emplace_back();
        refused.body = number;
        refused.verdict = Verdict::rejected;
        refused.reason = parsed.reason();
        refused.field = parsed.field();
    } else {
        if (events_.capacity() < events_.size() + found.size())
            events_.reserve(std::max(events_.size() + found.size(), 2 * events_.size()));
        std::uint32_t index = 0;
        for (const Event& event : found) {
            BatchEvent& one = events_.emplace_back();
            one.event = &event;
            one.body = number;
            one.index = index++;
            if (event.reason.empty()) {
                one.payload = payload_key(event.payload);
            } else {
                one.verdict = Verdict::rejected;
                one.reason = event.reason;
                one.field = event.field;
            }
        }
    }
    body.count = static_cast<std::uint32_t>(events_.size()) - body.first;
}

void IngestBatch::reject(std::size_t event, std::string reason, std::string field) {
    BatchEvent& one = events_[event];
    one.verdict = Verdict::rejected;
    one.reason = keep(std::move(reason));
    one.field = keep(std::move(field));
}

void IngestBatch::seal() {
    std::vector<Claim> claims;
    claims.reserve(events_.size());
    for (std::size_t at = 0; at < events_.size(); ++at) {
        if (events_[at].verdict == Verdict::rejected) continue;
        const Hash128& key = events_[at].event->identity;
        claims.push_back({big_u64(key.data()), big_u64(key.data() + 8), static_cast<std::uint32_t>(at)});
    }
    candidates_ = claims.size();
    std::sort(claims.begin(), claims.end());
    identities_.reserve(claims.size());
    for (std::size_t at = 0; at < claims.size(); ++at) {
        BatchEvent& event = events_[claims[at].event];
        if (at == 0 || !claims[at].same_identity(claims[at - 1])) identities_.emplace_back().key = event.event->identity;
        event.identity = static_cast<std::uint32_t>(identities_.size() - 1);
    }
}

std::size_t IngestBatch::candidates(std::uint32_t sender) const noexcept {
    std::size_t found = 0;
    for (const BatchBody& body : bodies_) {
        if (body.sender != sender) continue;
        for (const BatchEvent& event : events_of(body)) found += event.identity != BatchEvent::no_identity;
    }
    return found;
}

}  // namespace tally
