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
  isErrorAnswer(refused, 503, 'SERVICE_UNAVAILABLE');
  assert.ok(refused.headers.get('retry-after'));
  await maker.end();
  assert.deepEqual((await ingest([late])).json, { accepted: 1, duplicates: 0 });
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
