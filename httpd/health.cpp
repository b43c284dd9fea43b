// What is known of the database and of our own life: see health.hpp.
#include "health.hpp"

namespace tallyd {

void Health::connected(Use use) noexcept {
    of(use).connected.fetch_add(1);
}

void Health::disconnected(Use use) noexcept {
    Group& group = of(use);
    group.since.store(Clock::now().time_since_epoch().count());
    group.connected.fetch_sub(1);
}

Clock::duration Health::away(Use use) const noexcept {
    const Group& group = of(use);
    if (group.connected.load() > 0) return Clock::duration::zero();
    return Clock::now() - Clock::time_point(Clock::duration(group.since.load()));
}

void Health::extension_ready(std::string versions) {
    const std::lock_guard lock(mutex_);
    extension_ = {true, std::move(versions)};
}

void Health::extension_missing(std::string why) {
    const std::lock_guard lock(mutex_);
    extension_ = {false, std::move(why)};
}

Health::Extension Health::extension() const {
    const std::lock_guard lock(mutex_);
    return extension_;
}

}  // namespace tallyd
