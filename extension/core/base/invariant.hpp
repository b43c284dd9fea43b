// Checks of what must always hold, at the entry and exit of the functions that change states. They cost time, so they
// are on only where PGTALLY_CHECK_INVARIANTS is defined: under the sanitizers, in fuzz targets, and in builds against a
// server that has assertions itself. A broken invariant ends the process, as PostgreSQL's Assert does.
#pragma once

#include <exception>

#ifdef PGTALLY_CHECK_INVARIANTS
#include <cstdio>
#include <cstdlib>
#endif

namespace tally {

#ifdef PGTALLY_CHECK_INVARIANTS
constexpr bool invariants_are_checked = true;
inline void invariant(bool holds, const char* broken) noexcept {
    if (holds) return;
    std::fprintf(stderr, "pgtally: broken invariant: %s\n", broken);
    std::abort();
}
#else
constexpr bool invariants_are_checked = false;
inline void invariant(bool, const char*) noexcept {}
#endif

// The state is consistent now and will be when the scope ends. is_consistent must be found by argument-dependent
// lookup.
template <typename State>
class StaysConsistent {
public:
    explicit StaysConsistent([[maybe_unused]] const State& state) noexcept {
        if constexpr (invariants_are_checked) {
            state_ = &state;
            exceptions_ = std::uncaught_exceptions();
            invariant(is_consistent(*state_), "a state was inconsistent on entry");
        }
    }
    StaysConsistent(const StaysConsistent&) = delete;
    StaysConsistent& operator=(const StaysConsistent&) = delete;
    ~StaysConsistent() {
        if constexpr (invariants_are_checked)
            invariant(std::uncaught_exceptions() > exceptions_ || is_consistent(*state_), "a state was left inconsistent");
    }

private:
    const State* state_ = nullptr;
    int exceptions_ = 0;  // a state that an exception leaves behind is used no more
};

}  // namespace tally
