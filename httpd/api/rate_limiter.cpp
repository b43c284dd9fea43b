// Requests per second: see rate_limiter.hpp.
#include "api/rate_limiter.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/json.hpp"

namespace tallyd {

namespace {

constexpr std::chrono::seconds kKept{3};      // limits on file
constexpr std::chrono::seconds kPatience{2};  // for whoever was sent to look up
constexpr std::size_t kMostKeys = 20000;

double seconds_until(double tokens, double wanted, double rate) noexcept {
    return tokens >= wanted ? 0 : (wanted - tokens) / rate;
}

int whole_seconds(double seconds) noexcept {
    return static_cast<int>(std::min(std::ceil(seconds), 1e9));
}

}  // namespace

std::size_t RateLimiter::HashOfHash::operator()(const KeyHash& key) const noexcept {
    std::size_t first;  // of a SHA-256: as good as any hash of it
    std::memcpy(&first, key.data(), sizeof first);
    return first;
}

void RateLimiter::refill(Bucket& bucket, Clock::time_point now) noexcept {
    const double passed = std::chrono::duration<double>(now - bucket.at).count();
    if (passed <= 0) return;
    bucket.tokens = std::min(bucket.burst, bucket.tokens + passed * bucket.rate);
    bucket.at = now;
}

RateLimiter::Decision RateLimiter::admit(const KeyHash& key, Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    Decision decision;
    const auto found = known_.find(key);
    if (found == known_.end()) {
        decision.verdict = Verdict::look_up;
        return decision;
    }
    Known& known = found->second;
    if (now >= known.until && now - known.asked > kPatience) {
        known.asked = now;
        decision.verdict = Verdict::look_up;
        return decision;
    }
    decision.key_known = known.valid;
    Bucket* taken[2] = {};
    for (const std::string* name : {&known.key_bucket, &known.tenant_bucket}) {
        if (name->empty()) continue;
        const auto at = buckets_.find(*name);
        if (at == buckets_.end()) {
            decision.verdict = Verdict::look_up;
            return decision;
        }
        Bucket& bucket = at->second;
        refill(bucket, now);
        taken[name == &known.key_bucket ? 0 : 1] = &bucket;
        if (bucket.tokens >= 1) continue;
        const int wait = std::max(1, whole_seconds(seconds_until(bucket.tokens, 1, bucket.rate)));
        if (decision.verdict == Verdict::refuse && decision.retry_after >= wait) continue;
        decision.verdict = Verdict::refuse;
        decision.retry_after = wait;
        decision.whose = name == &known.key_bucket ? "API key's" : "tenant's";
        decision.rate = {static_cast<long>(bucket.burst), 0, whole_seconds((bucket.burst - bucket.tokens) / bucket.rate)};
    }
    if (decision.verdict == Verdict::refuse) return decision;
    for (Bucket* bucket : taken) {
        if (bucket == nullptr) continue;
        bucket->tokens -= 1;
        const long left = static_cast<long>(bucket->tokens);
        if (decision.rate.limit >= 0 && decision.rate.remaining <= left) continue;
        decision.rate = {static_cast<long>(bucket->burst), left,
                         whole_seconds((bucket->burst - bucket->tokens) / bucket->rate)};
    }
    return decision;
}

void RateLimiter::set_limit(std::string& name, const std::optional<std::string>& id, double rate, double burst,
                            Clock::time_point now) {
    name.clear();
    if (!id || !(rate > 0)) return;
    name = *id;
    burst = std::max(1.0, burst);
    auto [at, made] = buckets_.try_emplace(name);
    Bucket& bucket = at->second;
    if (made) {
        bucket = {rate, burst, burst, now};
    } else if (bucket.rate != rate || bucket.burst != burst) {
        refill(bucket, now);
        bucket = {rate, burst, std::min(bucket.tokens, burst), bucket.at};
    }
}

// Buckets that are full again hold nothing that a new one would not; only then keys that nobody uses.
void RateLimiter::make_room(Clock::time_point now) {
    if (known_.size() >= kMostKeys) {
        std::erase_if(known_, [now](const auto& entry) { return now >= entry.second.until; });
        if (known_.size() >= kMostKeys) known_.clear();
    }
    if (buckets_.size() < kMostKeys) return;
    std::erase_if(buckets_, [now](const auto& entry) {
        Bucket bucket = entry.second;
        refill(bucket, now);
        return bucket.tokens >= bucket.burst;
    });
}

bool RateLimiter::learn(const KeyHash& key, const std::string& limits, Clock::time_point now) {
    const Json value(limits);
    if (!value.is_object() && !value.is_null()) return false;
    const auto number = [&value](const char* path) { return value.number(path).value_or(0); };
    const std::lock_guard lock(mutex_);
    make_room(now);
    Known& known = known_[key];
    known.until = now + kKept;
    known.asked = {};
    known.valid = value.is_object();
    set_limit(known.key_bucket, value.text("/key_id"), number("/key/requests_per_second"), number("/key/burst"), now);
    set_limit(known.tenant_bucket, value.text("/tenant_id"), number("/tenant/requests_per_second"), number("/tenant/burst"),
              now);
    return true;
}

void RateLimiter::not_learned(const KeyHash& key) noexcept {
    const std::lock_guard lock(mutex_);
    if (const auto found = known_.find(key); found != known_.end()) found->second.asked = {};
}

}  // namespace tallyd
