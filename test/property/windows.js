// Windows of a range, by the words of the README and by the clocks that Node knows: nothing of it asks PostgreSQL.
// Instants are microseconds since 1970, local times too, as if the zone were UTC.
'use strict';

const SECOND = 1e6;
const DAY = 86400 * SECOND;
const MONDAY = Date.UTC(2001, 0, 1) * 1000;

const clocks = new Map();

// How far the zone's clocks are ahead of UTC at an instant.
function offsetAt(zone, instant) {
  if (zone === 'UTC') return 0;
  if (!clocks.has(zone)) {
    clocks.set(zone, {
      known: new Map(),
      format: new Intl.DateTimeFormat('en-US', {
        timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
      }),
    });
  }
  const { known, format } = clocks.get(zone);
  const quarter = Math.floor(instant / (900 * SECOND));    // clocks change at quarters of an hour
  if (!known.has(quarter)) {
    const ms = quarter * 900 * 1000;
    const part = Object.fromEntries(format.formatToParts(new Date(ms)).map(({ type, value }) => [type, Number(value)]));
    known.set(quarter, Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second) * 1000 - ms * 1000);
  }
  return known.get(quarter);
}

// The first instant at which the zone's clocks show a local time; the moment of the change where they skip it.
function instantOf(zone, local) {
  const offsets = [...new Set([-DAY, 0, DAY].map((d) => offsetAt(zone, local + d)))];
  const shown = offsets.map((offset) => local - offset).filter((instant) => instant + offsetAt(zone, instant) === local);
  if (shown.length > 0) return Math.min(...shown);
  let low = local - DAY;
  let high = local + DAY;
  const before = offsetAt(zone, low);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(zone, middle) === before) low = middle;
    else high = middle;
  }
  return high;
}

// name -> months, or microseconds by days, or by time.
const WIDTHS = {
  minute: { time: 60 * SECOND }, hour: { time: 3600 * SECOND }, day: { days: 1 }, week: { days: 7 }, month: { months: 1 },
  quarter: { months: 3 }, year: { months: 12 }, '20m': { time: 1200 * SECOND }, '45 minutes': { time: 2700 * SECOND }, '2 hours': { time: 7200 * SECOND },
  '6 hours': { time: 21600 * SECOND }, '7 hours': { time: 25200 * SECOND }, '12 hours': { time: 43200 * SECOND }, '25 hours': { time: 90000 * SECOND },
  '14 days': { days: 14 }, '5 days': { days: 5 }, '2 months': { months: 2 }, '10 years': { months: 120 },
};

const lengthOf = ({ months, days, time }) => time || (days || months * 30) * DAY;

function monthStart(month) {
  const at = new Date(0);
  at.setUTCFullYear(Math.floor(month / 12), month % 12, 1);
  return at.getTime() * 1000;
}

function boundaries(from, to, width, zone) {
  const localFrom = from + offsetAt(zone, from);
  const localTo = Math.max(localFrom, to + offsetAt(zone, to)) + DAY;
  const all = [];
  if (width.months) {
    const date = new Date(Math.floor(localFrom / 1000));
    let month = date.getUTCFullYear() * 12 + date.getUTCMonth();
    for (month -= month % width.months; monthStart(month) <= localTo; month += width.months) all.push(instantOf(zone, monthStart(month)));
  } else if (width.days) {
    const step = width.days * DAY;
    for (let local = MONDAY + Math.floor((localFrom - MONDAY) / step) * step; local <= localTo; local += step) all.push(instantOf(zone, local));
  } else if (DAY % width.time !== 0) {
    const origin = instantOf(zone, MONDAY);
    for (let at = origin + Math.floor((from - origin) / width.time) * width.time; at < to; at += width.time) all.push(at);
  } else {
    // Up to an hour by the time that has passed since midnight, wider ones by the clock.
    for (let day = Math.floor(localFrom / DAY) * DAY - DAY; day <= localTo; day += DAY) {
      if (width.time > 3600 * SECOND) {
        for (let local = day; local < day + DAY; local += width.time) all.push(instantOf(zone, local));
      } else {
        const end = instantOf(zone, day + DAY);
        for (let at = instantOf(zone, day); at < end; at += width.time) all.push(at);
      }
    }
  }
  return all;
}

// The starts of the windows of [from, to), the first one cut to the range.
function windowStarts(from, to, window, zone) {
  if (!window) return [from];
  const inner = boundaries(from, to, WIDTHS[window], zone).filter((at) => at > from && at < to);
  return [...new Set([from, ...inner])].sort((a, b) => a - b);
}

// A window's name that cuts a range into at most so many windows, or none.
function fittingWindows(from, to, most) {
  return Object.keys(WIDTHS).filter((name) => (to - from) / lengthOf(WIDTHS[name]) < most);
}

function instantText(instant) {
  const seconds = Math.floor(instant / SECOND);
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${String(instant - seconds * SECOND).padStart(6, '0')}Z`;
}

module.exports = { DAY, SECOND, fittingWindows, instantOf, instantText, windowStarts };
