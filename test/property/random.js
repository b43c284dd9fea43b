// A seeded source of chances (mulberry32): the same seed makes the same events, metrics and questions. What the sessions'
// races make of them differs from run to run.
'use strict';

class Random {
  constructor(seed) {
    this.state = seed >>> 0;
  }

  // A stream of its own for each session, so that one session's pace does not change another's events.
  fork(name) {
    let hash = this.state ^ 0x9e3779b9;
    for (const char of name) hash = Math.imul(hash ^ char.codePointAt(0), 0x01000193);
    return new Random(hash);
  }

  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  below(n) { return Math.floor(this.next() * n); }

  between(low, high) { return low + this.below(high - low + 1); }

  chance(share) { return this.next() < share; }

  pick(list) { return list[this.below(list.length)]; }

  // Small numbers far more often than large ones.
  skewed(n) { return Math.floor(n * this.next() ** 3); }

  some(list, most) {
    const left = [...list];
    const taken = [];
    for (let n = this.below(Math.min(most, left.length) + 1); n > 0; n -= 1) taken.push(...left.splice(this.below(left.length), 1));
    return taken;
  }

  digits(n) {
    let text = String(this.between(1, 9));
    while (text.length < n) text += this.below(10);
    return text;
  }
}

module.exports = { Random };
