// What happens in the property test: events, metrics and questions, all of them drawn from a seeded Random.
//
// Each session has microseconds of its own (ts modulo 8), so equal timestamps come from one session only and the order of
// their arrival, which LATEST and the event list need, is known to the oracle. Instants are few on purpose: ranges and windows
// then begin and end exactly at events, one microsecond before and after them.
'use strict';

const { DAY, SECOND, fittingWindows, instantOf, instantText } = require('./windows.js');

const ZONES = ['UTC', 'America/New_York', 'Europe/Berlin', 'Australia/Lord_Howe', 'America/Havana', 'Asia/Kathmandu', 'America/St_Johns', 'Pacific/Apia'];
// Local days on which clocks change in these zones, and ends of months and years.
const DAYS = [['America/New_York', 2024, 2, 10], ['America/New_York', 2024, 10, 3], ['Europe/Berlin', 2025, 2, 30], ['Europe/Berlin', 2024, 9, 27],
  ['Australia/Lord_Howe', 2024, 3, 7], ['Australia/Lord_Howe', 2024, 9, 6], ['America/Havana', 2024, 2, 10], ['America/Havana', 2024, 10, 3],
  ['UTC', 2024, 1, 29], ['UTC', 2024, 11, 31], ['UTC', 2025, 5, 30], ['UTC', 2000, 0, 1], ['UTC', 1999, 11, 31], ['Asia/Kathmandu', 2025, 0, 1]];
const HOT = DAYS.flatMap(([zone, year, month, day]) => [0, 2, 24].map((hour) => instantOf(zone, Date.UTC(year, month, day, hour) * 1000)));

// SQL codes are written by SQL sessions, in one transaction with what the oracle knows; mixed ones over REST too, so they are
// asked about only while no request is on its way.
const SQL_CODES = ['api', 'gpu', 'big', 'old'];
const MIXED_CODES = ['call', 'value', 'paid'];
const CUSTOMERS = ['', 'é-Kunde', "o'neil", ...Array.from({ length: 60 }, (_, n) => `c${n}`)];
const REGIONS = ['"eu"', '"us"', '"ap"', '"é"', '1', '1.0', '1.00', '"1"', '"1.0"', '2', '""', '-0.5'];
const LONG = 'a-user-id-that-is-longer-than-fifteen-bytes-';

function number(random) {
  const sign = random.chance(0.2) ? '-' : '';
  switch (random.below(12)) {
    case 0: return sign + random.digits(random.between(1, 30));
    case 1: return `${sign}${random.below(10)}.${'0'.repeat(random.below(20))}${random.digits(random.between(1, 8))}`;
    case 2: return `${sign}${random.between(1, 99)}e${random.between(-12, 12)}`;
    case 3: return '0';
    case 4: return random.pick(['1', '1.0', '1.00', '-1', '0.10', '0.1']);
    case 5: return `${sign}${random.digits(random.between(1, 18))}.${String(random.below(100)).padStart(2, '0')}`;
    case 6: case 7: return `${sign}${random.below(100)}.${String(random.below(1000)).padStart(3, '0')}`;
    default: return sign + random.below(1000);
  }
}

// The value of property n as JSON text; undefined where it is absent.
function measure(random) {
  const kind = random.below(20);
  if (kind === 0) return undefined;
  if (kind === 1) return random.pick(['"many"', '""', '"1,5"', '"NaN"', '"0x10"', '" 1"', '"1 "', '"."', '"Infinity"']);
  if (kind < 5) return `"${random.pick(['', '', '', '+'])}${number(random)}"`;
  return number(random);
}

// A property with others within it, or what somebody sent in its place.
function nested(random) {
  if (random.chance(0.1)) return random.pick(['null', 'true', '"text"', '7', '[]', '[{"n":1}]', '{}', '{"n":{"n":1}}']);
  const members = [['n', measure(random)], ['ok', random.pick(['true', 'false', '"true"', 'null', undefined])], ['region', random.pick(REGIONS)],
    ['list', random.chance(0.5) ? `[${number(random)}, {"n": ${number(random)}}]` : undefined]].filter(([, value]) => value !== undefined);
  return `{${members.map(([key, value]) => `"${key}" : ${value}`).join(', ')}}`;
}

function properties(random) {
  const all = [['n', measure(random)]];
  if (random.chance(0.4)) all.push(['usage', nested(random)]);
  if (random.chance(0.03)) all.push(['usage.n', measure(random)]);
  if (random.chance(0.9)) all.push(['region', random.pick(REGIONS)]);
  if (random.chance(0.8)) all.push(['model', `"m${random.skewed(20)}"`]);
  if (random.chance(0.8)) all.push(['user', random.chance(0.2) ? String(random.below(50)) : `"${random.chance(0.3) ? LONG : 'u'}${random.skewed(400)}"`]);
  if (random.chance(0.05)) all.push([`rare-${random.below(500)}`, `"${random.digits(5)}"`]);
  if (random.chance(0.02)) all.push(['note', JSON.stringify(`"quoted" \\ \t ${'ü'.repeat(random.below(300))}`)]);
  for (let i = all.length - 1; i > 0; i -= 1) {
    const j = random.below(i + 1);
    [all[i], all[j]] = [all[j], all[i]];
  }
  return `{${all.filter(([, value]) => value !== undefined).map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`;
}

// An instant at which things happen; recent ones are younger than 24 hours.
function instant(random, place, recent) {
  const now = Math.floor(Date.now() / 1000) * SECOND - 2 * SECOND;
  let base;
  if (recent || random.chance(0.15)) base = now - random.pick([0, 60, 3600, 20000, random.below(80000)]) * SECOND;
  else if (random.chance(0.6)) base = random.pick(HOT) + random.pick([0, 0, 0, -8, 8, SECOND, -SECOND, 1800 * SECOND, 3600 * SECOND, -3600 * SECOND]);
  else if (random.chance(0.05)) base = random.pick([0, 8, 86400 * SECOND, 315532800 * SECOND]);
  else base = Date.UTC(2024, random.below(20), 1) * 1000 + random.below(31 * 24 * 6) * 600 * SECOND;
  return Math.max(0, base - (base % 8)) + place;
}

// Sources that name a metric of a code, as value updates have them: what such metrics come to is carried by packing.
const VALUE_SOURCES = new Map();
function noteMetric(id, code) {
  VALUE_SOURCES.set(code, [...(VALUE_SOURCES.get(code) || []), `value:${id}`]);
}

class EventMaker {
  constructor(random, name, place) {
    Object.assign(this, { random, name, place, count: 0, sent: [] });
  }

  // An event as JSON text. recent: its time needs no allow_backfilling.
  fresh(code, { recent = false, at, customer } = {}) {
    const { random } = this;
    this.count += 1;
    const event = {
      id: `${this.name}-${this.count}`, customer: customer ?? random.pick([CUSTOMERS[random.skewed(CUSTOMERS.length)], 'c1']),
      code, source: random.pick(['', '', '', 's1', 'value', ...(VALUE_SOURCES.get(code) || []).slice(0, 3)]), ts: instantText(at ?? instant(random, this.place, recent)), properties: properties(random),
    };
    if (random.chance(0.3)) event.id = `${event.id}-${'0123456789abcdef'.repeat(2)}`;
    if (this.sent.length < 3000) this.sent.push(event);
    else this.sent[random.below(3000)] = event;
    return event;
  }

  // The same event again, or (sometimes) another one under its identity.
  again() {
    if (this.sent.length === 0) return this.fresh('api');
    const event = { ...this.random.pick(this.sent) };
    if (this.random.chance(0.3)) event.properties = properties(this.random);
    else if (this.random.chance(0.5)) event.properties = event.properties.replace(/:1\.0([,}])/, ':1.00$1');
    return event;
  }

  batch(size, codes, options = {}) {
    const { random } = this;
    const events = [];
    while (events.length < size) {
      if (!options.fresh && this.sent.length > 0 && random.chance(0.08)) events.push(this.again());
      else events.push(this.fresh(random.pick(codes), options));
    }
    return events;
  }
}

const text = (value) => JSON.stringify(value);
const eventJson = (e) => `{"event_id":${text(e.id)},"code":${text(e.code)},"customer_id":${text(e.customer)},"timestamp":"${e.ts}","source":${text(e.source)},"properties":${e.properties}}`;

const AGGREGATIONS = ['COUNT', 'SUM', 'MIN', 'MAX', 'MEAN', 'LATEST', 'COUNT_DISTINCT'];

function matrix(random) {
  const models = () => ['m0', 'm1', ...random.some(['m2', 'm3', 'm4'], 3)];
  const regions = () => random.pick([['eu', 'us'], ['eu', '1'], ['é', 'ap', '2'], ['eu', 'us', 'ap', 'é', '1', '2', '-0.5']]);
  switch (random.below(6)) {
    case 0: return { type: 'SINGLE', key: 'region', values: regions() };
    case 1: return { type: 'DOUBLE', dimension1: { key: 'region', values: regions() }, dimension2: { key: 'model', values: models() } };
    case 2: return { type: 'LINKED', dimension1_key: 'region', dimension2_key: 'model', values: { eu: models(), us: [], 1: ['m0'] } };
    default: return null;
  }
}

function conversion(random) {
  if (random.chance(0.5)) return null;
  return { factor: random.pick([1, 2, 3, 7, 10, 1024, 1000000, 2147483647]), rounding: random.pick(['UP', 'DOWN', 'NEAREST', 'NEAREST_HALF', 'NEAREST_DECILE', 'NONE']) };
}

// A definition of a metric, in the fields of the REST API.
function definition(random, code, aggregation = random.pick(AGGREGATIONS)) {
  return {
    code, name: `${code} ${aggregation} ${random.digits(6)}`, aggregation_type: aggregation,
    aggregation_key: aggregation === 'COUNT' ? null : random.pick(aggregation === 'COUNT_DISTINCT' ? ['user', 'n', 'region', 'model', 'usage.region', '$.usage.ok'] : ['n', 'n', 'n', 'region', 'usage.n', '$.usage.n', '$.usage.list[1].n']),
    segmentation_matrix: matrix(random), usage_group_key: random.pick([null, null, 'model', 'region', 'user', 'usage.ok']), unit_conversion: conversion(random),
  };
}

function range(random) {
  const all = random.chance(0.15);
  const bounds = [0, 1].map(() => instant(random, random.below(8), random.chance(0.2)) + random.pick([0, 0, 0, 1, -1, random.below(3) * DAY, random.below(40) * DAY]));
  let [from, to] = bounds.map((at) => Math.max(0, at)).sort((a, b) => a - b);
  if (all) [from, to] = [0, Date.UTC(2040, 0, 1) * 1000];
  else if (random.chance(0.6)) to = from + random.pick([1, 2, 8, 3600 * SECOND, DAY, 3 * DAY, 31 * DAY, 90 * DAY]);
  return { from, to: to > from ? to : from + 1 };
}

function filter(random) {
  const lists = {};
  if (random.chance(0.6)) lists.region = random.some(['eu', 'us', 'ap', 'é', '1', '2', 'nowhere'], 4);
  if (random.chance(0.5)) lists.model = random.some(['m0', 'm1', 'm2', 'm19'], 3);
  if (random.chance(0.1)) lists['$.usage.ok'] = ['true'];
  if (random.chance(0.1)) lists['usage.region'] = ['eu', '1'];
  if (random.chance(0.1)) lists.user = [`${LONG}1`, 'u0', 'u1'];
  for (const key of Object.keys(lists)) if (lists[key].length === 0) lists[key] = [key === 'model' ? 'm0' : 'eu'];
  return Object.keys(lists).length > 0 ? lists : null;
}

// A question about a metric's usage.
function question(random) {
  const { from, to } = range(random);
  const zone = random.pick(ZONES);
  const fill = random.chance(0.3);
  const groups = random.some(['customer_id', 'region', 'model', 'user', 'rare-1', 'usage.region', '$.usage.ok'], 2);
  // Every group is answered in every window: some 10,000 rows at most.
  const windows = fittingWindows(from, to, fill ? (groups.length > 0 ? 12 : 100) : 400);
  const window = windows.length > 0 && random.chance(0.6) ? random.pick(windows) : null;
  const customers = random.chance(0.5) ? null : Array.from({ length: random.chance(0.7) ? 1 : random.between(2, 5) }, () => CUSTOMERS[random.skewed(CUSTOMERS.length)]);
  return {
    from, to, zone, window, customers, fill, groups, filter: random.chance(0.35) ? filter(random) : null,
  };
}

module.exports = {
  AGGREGATIONS, CUSTOMERS, EventMaker, MIXED_CODES, SQL_CODES, conversion, definition, eventJson, instant, matrix, noteMetric, question, range,
};
