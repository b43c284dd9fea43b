// What becomes of a request whose connection to the database breaks after the commit and before the answer: it is done once.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { call, event, isErrorAnswer, setUp, startTallyd } = require('./lib.js');
const { proxy } = require('./proxy.js');

let s, between, tallyd;
before(async () => {
  s = await setUp();
  between = proxy(s.cluster);
  tallyd = await startTallyd(s.cluster, ['--database', between.conninfo]);
  await tallyd.ready();
});
after(async () => {
  await tallyd?.stop();
  between?.close();
  await s?.close();
});

const count = (sql) => Number(s.cluster.psql(`SELECT count(*) FROM ${sql}`));
// Asks while the answer to what holds this text gets lost; the statement was prepared before, so that it is one round trip.
async function losing(text, method, target, body, headers) {
  const losses = between.lost();
  between.lose(text);
  const answer = await call(tallyd.url, s.key, method, target, body, headers);
  assert.equal(between.lost(), losses + 1, 'an answer was lost');
  return answer;
}
const isUnknown = (answer) => assert.match(isErrorAnswer(assert, answer, 503, 'SERVICE_UNAVAILABLE').message, /unknown whether/);

test('a value without an event_id is recorded once, and nobody is told that it was', async () => {
  const family = (await call(s.url, s.key, 'GET', '/api/v1/profile')).json.default_product_family_id;
  const { json } = await call(s.url, s.key, 'POST', '/api/v1/metrics', { name: 'plain', code: 'plain', kind: 'base', product_family_id: family });
  assert.equal((await call(tallyd.url, s.key, 'POST', `/event/v1/${json.id}`, { value: 1 })).status, 200);
  isUnknown(await losing('4711.25', 'POST', `/event/v1/${json.id}`, { value: 4711.25 }));
  assert.equal((await call(s.url, s.key, 'GET', `/api/v1/metrics/${json.id}/value`)).json.total, '4712.25');
});

test('what creates something without an Idempotency-Key is done once', async () => {
  assert.equal((await call(tallyd.url, s.key, 'POST', '/api/v1/keys', { name: 'first', scopes: ['read'] })).status, 201);
  isUnknown(await losing('cut off', 'POST', '/api/v1/keys', { name: 'cut off', scopes: ['read'] }));
  assert.equal(count("tally.api_key WHERE name = 'cut off'"), 1);
  assert.equal((await call(tallyd.url, s.key, 'POST', '/api/v1/product_families', { name: 'first' })).status, 201);
  isUnknown(await losing('lost family', 'POST', '/api/v1/product_families', { name: 'lost family' }));
  assert.equal(count("tally.product_family WHERE name = 'lost family'"), 1);
});

test('with an Idempotency-Key it is done once and answered', async () => {
  const create = (name, ask = call.bind(null, tallyd.url, s.key)) => ask('POST', '/api/v1/product_families', { name }, { 'idempotency-key': `key of ${name}` });
  assert.equal((await create('calm')).status, 201);
  const answer = await create('stormy', losing.bind(null, 'key of stormy'));
  assert.equal(answer.status, 201, answer.text);
  assert.equal(answer.json.name, 'stormy');
  assert.equal(count("tally.product_family WHERE name = 'stormy'"), 1);
});

test('events, which carry their identity, and reads are tried again and answered', async () => {
  assert.equal((await call(tallyd.url, s.key, 'POST', '/api/v1/events/ingest', { events: [event()] })).json.accepted, 1);
  const lost = event({ event_id: 'lost and found' });
  const answer = await losing('lost and found', 'POST', '/api/v1/events/ingest', { events: [lost] });
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual([answer.json.accepted, answer.json.duplicates], [0, 1]);
  assert.equal((await call(s.url, s.key, 'GET', '/api/v1/events?search=lost%20and')).text.match(/lost and found/g).length, 1);
  assert.equal((await call(tallyd.url, s.key, 'GET', '/api/v1/events?search=calm')).status, 200);
  assert.equal((await losing('needle', 'GET', '/api/v1/events?search=needle')).status, 200);
});
