// How core lets whoever called it look up from long work: it is called every few milliseconds (in loops of small steps every
// 65,536), and may throw.
#pragma once

namespace tally {

using Poll = void (*)();

inline void call(Poll poll) {
    if (poll != nullptr) poll();
}

}  // namespace tally
