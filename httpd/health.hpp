// What is known of the database and of our own life: written by database threads and shutdown, read by /readyz,
// by the handler (refuse at once while the database is gone for long) and by the watchdog.
#pragma once

#include <array>
#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "job.hpp"

namespace tallyd {

enum class Use { write, read, import };

class Health {
public:
    void connected(Use use) noexcept;
    void disconnected(Use use) noexcept;
    int connections(Use use) const noexcept { return of(use).connected.load(); }

    // How long there has been no connection for this use; zero while there is one.
    Clock::duration away(Use use) const noexcept;

    void extension_ready(std::string versions);  // JSON object text of tally_rest.ready()
    void extension_missing(std::string why);

    struct Extension {
        bool ready = false;
        std::string text;  // the JSON object, or why not
    };
    Extension extension() const;

    std::atomic<bool> draining{false};

private:
    struct Group {
        std::atomic<int> connected{0};
        std::atomic<Clock::rep> since{Clock::now().time_since_epoch().count()};  // meaningful while connected == 0
    };
    const Group& of(Use use) const noexcept { return groups_[static_cast<std::size_t>(use)]; }
    Group& of(Use use) noexcept { return groups_[static_cast<std::size_t>(use)]; }

    std::array<Group, 3> groups_;
    mutable std::mutex mutex_;
    Extension extension_{false, "the database was not reached yet"};
};

}  // namespace tallyd
