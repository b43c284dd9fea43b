// Closed periods over REST: a statement stays as it is, what comes later are adjustments, closing twice takes superseding.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { call, setUp } = require('./lib.js');

let s;
let metric;
let january;
const get = (path, key = s.key) => call(s.url, key, 'GET', path);
const post = (path, body, key = s.key) => call(s.url, key, 'POST', path, body);
const send = (event_id, customer_id, seconds) => post('/api/v1/events/ingest', { events: [{ event_id, code: 'gpu', customer_id, timestamp: '2026-01-05T00:00:00Z', properties: { seconds } }], allow_backfilling: true });

before(async () => {
  s = await setUp();
  const { json: profile } = await get('/api/v1/profile');
  metric = (await post('/api/v1/metrics', { code: 'gpu', name: 'GPU', aggregation_type: 'SUM', aggregation_key: 'seconds', product_family_id: profile.default_product_family_id })).json.id;
  await send('1', 'ann', 1);
  await send('2', 'bob', 10);
});
after(() => s?.close());

test('a period is closed, and its statement has a line for each customer and metric', async () => {
  const made = await post('/api/v1/statements', { from: '2026-01-01', to: '2026-02-01' });
  assert.equal(made.status, 201, made.text);
  january = made.json.id;
  const { json } = await get(`/api/v1/statements/${january}?per_page=1`);
  assert.deepEqual(json.data, [{ customer_id: 'ann', metric_id: metric, value: '1', converted_value: '1', events: 1, skipped: 0 }]);
  assert.equal(json.pagination_meta.total_items, 2);
  assert.equal(json.digest, made.json.digest);
  assert.deepEqual(json.metrics.map((one) => [one.id, one.aggregation_type, one.code]), [[metric, 'SUM', 'gpu']]);
});

test('later events and corrections are adjustments, with the events that made them; the statement stays', async () => {
  const { json: before } = await get(`/api/v1/statements/${january}`);
  assert.deepEqual((await get(`/api/v1/statements/${january}/adjustments`)).json, { statement_id: january, data: [], totals: [], events: [], events_total: 0 });
  await send('3', 'ann', 5);
  await post('/api/v1/events/2/void', { reason: 'x' });
  const { json } = await get(`/api/v1/statements/${january}/adjustments`);
  assert.deepEqual(json.data.map((one) => [one.customer_id, one.value, one.events, one.value_then, one.value_now]), [['ann', '5', 1, '1', '6'], ['bob', '-10', -1, '10', null]]);
  assert.deepEqual(json.totals, [{ metric_id: metric, value: '-5', converted_value: '-5' }]);
  assert.deepEqual(json.events.map((one) => [one.event_id, one.change]), [['3', 'received'], ['2', 'voided']]);
  const { json: second } = await get(`/api/v1/statements/${january}/adjustments?events_limit=1&events_offset=1`);
  assert.deepEqual([second.events, second.events_total], [json.events.slice(1), 2]);
  assert.equal((await get(`/api/v1/statements/${january}/adjustments?events_limit=10001`)).json.details.field, 'events_limit');
  assert.deepEqual((await get(`/api/v1/statements/${january}`)).json, before);
});

test('lines and adjustments are rows of CSV, lines of NDJSON too, whatever the length', async () => {
  const as = (path, accept) => call(s.url, s.key, 'GET', path, undefined, { accept });
  const lines = await as(`/api/v1/statements/${january}`, 'text/csv');
  assert.equal(lines.headers.get('content-type'), 'text/csv');
  assert.equal(lines.text, `customer_id,metric_id,value,converted_value,events,skipped\r\nann,${metric},1,1,1,0\r\nbob,${metric},10,10,1,0\r\n`);
  const changes = await as(`/api/v1/statements/${january}/adjustments`, 'text/csv');
  assert.equal(changes.text, `customer_id,metric_id,value,converted_value,events,skipped,value_then,value_now\r\nann,${metric},5,5,1,0,1,6\r\nbob,${metric},-10,-10,-1,0,10,\r\n`);
  await post('/api/v1/events/ingest', { events: Array.from({ length: 2100 }, (_, n) => ({ event_id: `m${n}`, code: 'gpu', customer_id: `c,${n % 2 ? 'ü' : ''}${n}`, timestamp: '2025-01-05T00:00:00Z', properties: { seconds: n } })), allow_backfilling: true });
  const { json: profile } = await get('/api/v1/profile');
  const { json: { id: other } } = await post('/api/v1/metrics', { code: 'gpu', name: 'Runs', aggregation_type: 'COUNT', product_family_id: profile.default_product_family_id });
  const { json: { id } } = await post('/api/v1/statements', { from: '2025-01-01', to: '2025-02-01' });
  await post(`/api/v1/metrics/${other}/archive`);
  const all = (await as(`/api/v1/statements/${id}`, 'application/x-ndjson')).text.trim().split('\n').map(JSON.parse);
  assert.equal(all.length, 4200);
  const pages = [];
  for (let cursor = ''; cursor !== null;) {
    const { json } = await get(`/api/v1/statements/${id}?limit=999${cursor && `&cursor=${cursor}`}`);
    pages.push(...json.data);
    cursor = json.next_cursor;
  }
  assert.deepEqual(pages, all);
  assert.deepEqual((await get(`/api/v1/statements/${id}?page=20&per_page=100`)).json.data, all.slice(2000, 2100));
  assert.equal((await as(`/api/v1/statements/${id}`, 'text/csv')).text.split('\r\n').length, 4202);
  assert.equal((await get(`/api/v1/statements/${id}?limit=7&page=1`)).json.details.field, 'page');
  for (const cursor of ['zz', '00000000ff', '0000000000', '8000000061']) assert.equal((await get(`/api/v1/statements/${id}?cursor=${cursor}`)).json.details.field, 'cursor');
  assert.equal((await as(`/api/v1/statements/${id}?limit=7`, 'text/csv')).json.details.field, 'limit');
  assert.equal((await as('/api/v1/statements/stm_1', 'text/csv')).status, 404);
});

test('closing twice is 409 unless the first is superseded, which both say', async () => {
  const twice = await post('/api/v1/statements', { from: '2026-01-31', to: '2026-02-01', customer_id: 'ann' });
  assert.equal(twice.status, 409);
  assert.match(twice.json.message, new RegExp(january));
  const again = await post('/api/v1/statements', { from: '2026-01-01', to: '2026-02-01', supersedes: january });
  assert.equal(again.status, 201, again.text);
  assert.deepEqual(again.json.supersedes, [january]);
  assert.equal((await get(`/api/v1/statements/${january}`)).json.superseded_by, again.json.id);
  assert.equal((await post('/api/v1/statements', { from: '2026-01-01', to: '2026-02-01', supersedes: january })).status, 409);
  assert.equal((await post('/api/v1/statements', { from: '2024-01-01', to: '2024-02-01', supersedes: again.json.id })).json.details.field, 'supersedes');
  assert.equal((await post('/api/v1/statements', { from: '2024-01-01', to: '2024-02-01', supersedes: [1] })).json.details.field, 'supersedes');
  const halves = [];
  for (const [from, to] of [['2024-01-01', '2024-01-15'], ['2024-01-15', '2024-02-01']]) halves.push((await post('/api/v1/statements', { from, to })).json.id);
  const whole = await post('/api/v1/statements', { from: '2024-01-01', to: '2024-02-01', supersedes: halves });
  assert.deepEqual(whole.json.supersedes, halves, whole.text);
  assert.equal((await get('/api/v1/statements')).json.data.length, 6);
});

test('what is wrong is named, and a key that only reads closes nothing', async () => {
  for (const [body, status, field] of [[{ to: '2026-01-01' }, 400, 'from'], [{ from: '2026-01-01', to: 'x' }, 400, 'to'], [{ from: '2026-03-01', to: '2026-03-01' }, 400, 'to'], [{ from: '2026-03-01', to: '2026-04-01', customer_id: 1 }, 400, 'customer_id'], [{ from: '2026-03-01', to: '2026-04-01', nope: 1 }, 400, 'nope'], [{ from: '2026-03-01', to: '2026-04-01', supersedes: 'stm_1' }, 404, 'id']]) {
    const answer = await post('/api/v1/statements', body);
    assert.equal(answer.status, status, answer.text);
    assert.equal(answer.json.details.field, field, answer.text);
  }
  const reader = (await post('/api/v1/keys', { name: 'k', scopes: ['read'] })).json.secret;
  assert.equal((await post('/api/v1/statements', { from: '2026-03-01', to: '2026-04-01' }, reader)).status, 403);
  assert.equal((await get(`/api/v1/statements/${january}`, reader)).status, 200);
  assert.equal((await get('/api/v1/statements/stm_1')).status, 404);
});
