// What a stored event says, as the hash that was kept of it when it was accepted (event_document.hpp): whoever has both can
// tell whether code, timestamp or properties have changed since.
#pragma once

#include <memory>
#include <string_view>

#include "core/base/hash128.hpp"
#include "core/event/stored_event.hpp"

namespace tally {

// Whether the event came with a timestamp is not stored, so one of the two was kept.
struct StoredPayload {
    Hash128 with_time{}, without_time{};
};

// Keep one for many events: it reuses its buffers.
class PayloadReader {
public:
    PayloadReader();
    ~PayloadReader();
    PayloadReader(const PayloadReader&) = delete;
    PayloadReader& operator=(const PayloadReader&) = delete;

    // Throws Error(corrupted) where a property is none that is ever accepted.
    StoredPayload read(std::string_view code, const StoredEvent& event);

private:
    struct Buffers;
    std::unique_ptr<Buffers> buffers_;
};

}  // namespace tally
