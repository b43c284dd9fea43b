// Requests per second, of a key and of its tenant over all keys: token buckets in this process. The limits come from
// SQL (tally_rest.key_limits) and are kept for a few seconds, so an unlimited key costs one look-up in that time.
// Invariant: from a full bucket exactly `burst` requests pass at one moment, however many threads ask.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "api/key.hpp"
#include "base/clock.hpp"
#include "base/response.hpp"

namespace tallyd {

class RateLimiter {
public:
    enum class Verdict { pass, refuse, look_up };

    struct Decision {
        Verdict verdict = Verdict::pass;
        RateState rate;         // limit < 0: the key has no limit
        int retry_after = 0;    // seconds, where refused
        std::string whose;      // "API key's" or "tenant's", where refused
        bool key_known = true;  // false: SQL said that nobody has such a key
    };

    // look_up: nothing was taken; ask SQL, call learn() or not_learned(), and ask here again.
    // Where the answer on file is old, one caller is sent to look up and the others go on with the old one.
    Decision admit(const KeyHash& key, Clock::time_point now);

    // What key_limits answered, a JSON object or null. false: it makes no sense.
    bool learn(const KeyHash& key, const std::string& limits, Clock::time_point now);
    void not_learned(const KeyHash& key) noexcept;

private:
    struct Bucket {
        double rate = 0, burst = 0, tokens = 0;
        Clock::time_point at{};
    };
    struct Known {
        std::string key_bucket, tenant_bucket;  // empty: no limit
        bool valid = false;
        Clock::time_point until{};
        Clock::time_point asked{};  // when somebody was sent to look up anew
    };
    struct HashOfHash {
        std::size_t operator()(const KeyHash& key) const noexcept;
    };

    void set_limit(std::string& name, const std::optional<std::string>& id, double rate, double burst,
                   Clock::time_point now);
    void make_room(Clock::time_point now);
    static void refill(Bucket& bucket, Clock::time_point now) noexcept;

    std::mutex mutex_;
    std::unordered_map<KeyHash, Known, HashOfHash> known_;
    std::unordered_map<std::string, Bucket> buckets_;
};

}  // namespace tallyd
