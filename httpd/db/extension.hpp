// Whether the extension answers in the database: written by the threads of the lanes, read by /readyz.
#pragma once

#include <mutex>
#include <string>

namespace tallyd {

class Extension {
public:
    struct State {
        bool ready = false;
        std::string text;  // the JSON object of tally_rest.ready(), or why not
    };

    void ready(std::string versions) { set({true, std::move(versions)}); }
    void missing(std::string why) { set({false, std::move(why)}); }

    State state() const {
        const std::lock_guard lock(mutex_);
        return state_;
    }

private:
    void set(State state) {
        const std::lock_guard lock(mutex_);
        state_ = std::move(state);
    }

    mutable std::mutex mutex_;
    State state_{false, "the database was not reached yet"};
};

}  // namespace tallyd
