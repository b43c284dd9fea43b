// New months while somebody else is making partitions: nobody waits who need not, and nothing is refused for good.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { call, event, isErrorAnswer, setUp } = require('./lib.js');

let s;
before(async () => { s = await setUp(); });
after(() => s?.close());

const ingest = (events) => call(s.url, s.key, 'POST', '/api/v1/events/ingest', { events, allow_backfilling: true });

test('an open transaction that made a month holds up new months only, and they get through after it', async () => {
  const maker = await s.cluster.session(
    "BEGIN; SELECT tally.record('c', 'k', event_id => 'maker', ts => '2005-01-05Z', allow_backfilling => true)");
  const late = event({ timestamp: '2006-03-05T00:00:00Z' });
  const held = ingest([late]);
  for (let n = 0; n < 5; n += 1) assert.equal((await ingest([event()])).status, 200);
  const refused = await held;
  isErrorAnswer(assert, refused, 503, 'SERVICE_UNAVAILABLE');
  assert.ok(refused.headers.get('retry-after'));
  await maker.end();
  assert.deepEqual((await ingest([late])).json, { accepted: 1, duplicates: 0 });
});

// The lines of a file that is one month a line, from a year on.
const file = (year, months, code) => Array.from({ length: months }, (_, n) => `${JSON.stringify({
  code, customer_id: 'c', event_id: `${code}-${n}`, timestamp: new Date(Date.UTC(year, n, 3)).toISOString(), properties: { v: n } })}\n`).join('');
const upload = (text) => call(s.url, s.key, 'POST', '/api/v1/events/import', text, { 'content-type': 'application/x-ndjson' });

test('no line of a file is lost where it has many new months', async () => {
  const text = file(1971, 300, 'old-file');
  let answer = await upload(text);
  // A slow machine may need more than one request; each leaves its part behind.
  for (let n = 0; n < 10 && answer.status === 503; n += 1) answer = await upload(text);
  assert.equal(answer.json.failed, 0, answer.text);
  assert.equal(s.cluster.psql("SELECT count(*) FROM tally.event WHERE code = 'old-file'"), '300');
});

test('a file whose months are not there yet waits for an open transaction that makes one, and is not refused line by line', async () => {
  const maker = await s.cluster.session(
    "BEGIN; SELECT tally.record('c', 'k', event_id => 'maker-2', ts => '2007-01-05Z', allow_backfilling => true)");
  const text = file(2008, 2, 'held-file');
  const refused = await upload(text).finally(maker.end);
  isErrorAnswer(assert, refused, 503, 'SERVICE_UNAVAILABLE');
  assert.ok(refused.headers.get('retry-after'));
  assert.equal(refused.json.details.accepted, 0);
  assert.deepEqual({ ...(await upload(text)).json, import_id: 0 }, { import_id: 0, accepted: 2, duplicates: 0, failed: 0, failures: [] });
});

test('a value update whose month is not there yet is not answered before it is stored', async () => {
  const { id } = (await call(s.url, s.key, 'POST', '/api/v1/metrics', {
    name: 'first of the month', code: 'first-value', kind: 'base', product_family_id: (await call(s.url, s.key, 'GET', '/api/v1/profile')).json.default_product_family_id })).json;
  const add = () => call(s.url, s.key, 'POST', `/event/v1/${id}`, { value: 5, event_id: 'once' });
  // Nothing has come for so long that the partition of this month is missing.
  const month = s.cluster.psql("SELECT to_char(now() AT TIME ZONE 'UTC', '\"event_\"YYYY_MM')");
  s.cluster.psql(`ALTER TABLE tally.event DETACH PARTITION tally.${month}`);
  const maker = await s.cluster.session(
    "BEGIN; SELECT tally.record('c', 'k', event_id => 'maker-3', ts => '2009-01-05Z', allow_backfilling => true)");
  isErrorAnswer(assert, await add().finally(maker.end), 503, 'SERVICE_UNAVAILABLE');
  assert.deepEqual((await add()).json, { value: '5', total: '5' });
  assert.equal(s.cluster.psql("SELECT count(*) FROM tally.event WHERE code = 'first-value'"), '1');
});

test('one body of twenty years of new months', async () => {
  const events = [];
  for (let month = 0; month < 240; month += 1) {
    const at = new Date(Date.UTC(1970, month, 15)).toISOString();
    events.push(event({ event_id: `month-${month}`, timestamp: at }));
  }
  let answer = await ingest(events);
  // A slow machine may need more than one request; each leaves its part behind.
  for (let n = 0; n < 10 && answer.status === 503; n += 1) answer = await ingest(events);
  assert.deepEqual(answer.json, { accepted: 240, duplicates: 0 });
  assert.equal(s.cluster.psql("SELECT count(DISTINCT tableoid) FROM tally.event WHERE event_id LIKE 'month-%'"), '240');
});
