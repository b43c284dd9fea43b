// Usage of a small cloud, for pictures: a month of events of ten customers up to now, the same whenever it is made (but for
// its end). Sent through the API, as anybody's.
'use strict';

function random(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}

const customers = ['acme', 'birch-labs', 'cobalt', 'delta-works', 'evergreen', 'fjord', 'granite', 'harbour', 'iris', 'juniper'];
const regions = ['eu-west', 'us-east', 'us-west', 'ap-south'];
const metrics = [
  { name: 'API requests', code: 'api_request', aggregation_type: 'COUNT', description: 'Requests that were answered' },
  { name: 'Traffic', code: 'api_request', aggregation_type: 'SUM', aggregation_key: 'bytes', unit_conversion: { factor: 1000000, rounding: 'NONE' } },
  { name: 'GPU seconds', code: 'gpu', aggregation_type: 'SUM', aggregation_key: 'seconds', usage_group_key: 'region' },
  { name: 'Active users', code: 'api_request', aggregation_type: 'COUNT_DISTINCT', aggregation_key: 'user' },
  { name: 'Storage', code: 'storage', aggregation_type: 'LATEST', aggregation_key: 'gigabytes', description: 'Gigabytes kept, last reading' },
];

function eventsUpTo(now) {
  const next = random(20260101);
  const events = [];
  const add = (code, at, customer, properties) => events.push({ event_id: `s-${events.length}`, code, customer_id: customer, timestamp: new Date(at).toISOString(), properties });
  for (let hour = 30 * 24; hour > 0; hour--) {
    const begin = now - hour * 3600000;
    const date = new Date(begin);
    const busy = (0.35 + Math.max(0, Math.sin(((date.getUTCHours() - 5) / 24) * 2 * Math.PI))) * (date.getUTCDay() % 6 === 0 ? 0.4 : 1) * (1.3 - hour / 1500);
    const pick = () => customers[Math.floor(customers.length * next() ** 1.8)];
    for (let n = Math.round(9 * busy + next() * 5); n > 0; n--) {
      add('api_request', begin + next() * 3599000, pick(), { bytes: Math.round(2000 + 400000 * next() ** 3), user: `u${Math.floor(90 * next())}`, region: regions[Math.floor(4 * next() ** 1.5)] });
    }
    for (let n = Math.round(3 * busy * next()); n > 0; n--) {
      add('gpu', begin + next() * 3599000, pick(), { seconds: (0.5 + 60 * next() ** 2).toFixed(3), region: regions[Math.floor(3 * next() ** 1.3)] });
    }
    if (hour % 12 === 0) customers.forEach((one, n) => add('storage', begin + n * 1000, one, { gigabytes: (40 + 12 * n + (720 - hour) / (9 + n)).toFixed(2) }));
    if (hour % 55 === 0) add('cache_flush', begin, 'cobalt', { node: 'n3' });
  }
  return events;
}

async function load(call) {
  const profile = await call('GET', '/api/v1/profile');
  for (const metric of metrics) await call('POST', '/api/v1/metrics', { ...metric, product_family_id: profile.default_product_family_id });
  const events = eventsUpTo(Date.now());
  for (let at = 0; at < events.length; at += 1000) {
    await call('POST', '/api/v1/events/ingest', { events: events.slice(at, at + 1000), allow_backfilling: true });
  }
  return events.length;
}

module.exports = { load };
