// An event that an open transaction holds, sent through tallyd: its body alone is put off, and only for as long as it must.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { call, event, isErrorAnswer, setUp } = require('./lib.js');

let s;
before(async () => { s = await setUp(); });
after(() => s?.close());

const ingest = (events) => call(s.url, s.key, 'POST', '/api/v1/events/ingest', { events });
const hold = (id) => s.cluster.session(`BEGIN; SELECT tally.record('c', 'k', event_id => '${id}')`);

test('100 clients post while a transaction holds the event of one: 99 are answered in time, that one is 503', async () => {
  const held = await hold('held');
  const begun = Date.now();
  const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => ingest([n === 50
    ? { event_id: 'held', code: 'c', customer_id: 'k' } : event()])));
  const took = Date.now() - begun;
  answers.forEach((answer, n) => {
    if (n !== 50) return assert.deepEqual(answer.json, { accepted: 1, duplicates: 0 });
    isErrorAnswer(assert, answer, 503, 'SERVICE_UNAVAILABLE');
    return assert.ok(answer.headers.get('retry-after'));
  });
  assert.ok(took < 10000, `${took} ms`);
  await held.end();
  assert.deepEqual((await ingest([{ event_id: 'held', code: 'c', customer_id: 'k' }])).json, { accepted: 1, duplicates: 0 });
});

test('a value update and a file with such an event are 503 too, and are taken afterwards', async () => {
  const { id } = (await call(s.url, s.key, 'POST', '/api/v1/metrics', { name: 'held', code: 'v', kind: 'base',
    product_family_id: (await call(s.url, s.key, 'GET', '/api/v1/profile')).json.default_product_family_id })).json;
  const add = () => call(s.url, s.key, 'POST', `/event/v1/${id}`, { value: 5, event_id: 'once' });
  const upload = () => call(s.url, s.key, 'POST', '/api/v1/events/import',
    '{"event_id":"line","code":"c","customer_id":"k"}\n{"event_id":"next","code":"c","customer_id":"k"}\n', { 'content-type': 'application/x-ndjson' });
  const held = await s.cluster.session(`BEGIN; SELECT tally.record('v', '', '{"value": 5}', event_id => 'once', source => 'value:${id}'), tally.record('c', 'k', event_id => 'line')`);
  isErrorAnswer(assert, await add(), 503, 'SERVICE_UNAVAILABLE');
  const refused = await upload();
  isErrorAnswer(assert, refused, 503, 'SERVICE_UNAVAILABLE');
  assert.equal(refused.json.details.accepted, 0);
  await held.end();
  assert.deepEqual((await add()).json, { value: '5', total: '5' });
  assert.equal((await upload()).json.accepted, 2);
});
