// Usage as of a cut over REST: it answers what was known then, names the cut, and takes a time after one; one a day is made.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { call, setUp, until } = require('./lib.js');

let s;
let metric;
const routes = (as_of) => [`/api/v1/metrics/${metric}/usage?from=2026-01-01&to=2026-02-01`, `/api/v1/metrics/${metric}/usage?from=2026-01-01&to=2026-02-01&window=day&group_by=customer_id`,
  '/api/v1/usage/summary?start_date=2026-01-01&end_date=2026-02-01', '/api/v1/usage/customer/ann?start_date=2026-01-01&end_date=2026-02-01',
  `/api/v1/metrics/${metric}/summaries?from=2026-01-01&to=2026-02-01&bucket=1d`, `/api/v1/metrics/${metric}/value?`,
  `/api/v1/metrics/${metric}/usage?from=2026-01-01&to=2026-02-01&explain=true`, '/api/v1/events?code=gpu', '/api/v1/events?limit=1', '/api/v1/events/2?customer_id=bob'].map((path) => (as_of ? `${path}&as_of=${encodeURIComponent(as_of)}` : path));
const get = (path, key = s.key) => call(s.url, key, 'GET', path);
const post = (path, body, key = s.key) => call(s.url, key, 'POST', path, body);
const send = (event_id, customer_id, seconds) => post('/api/v1/events/ingest', { events: [{ event_id, code: 'gpu', customer_id, timestamp: '2026-01-05T00:00:00Z', properties: { seconds } }], allow_backfilling: true });
// What all routes say, without the cut and where events lie.
async function answers(as_of) {
  const all = [];
  for (const path of routes(as_of)) {
    const { status, json, text } = await get(path);
    assert.equal(status, 200, text);
    assert.equal(json.as_of !== undefined, as_of !== undefined, text);
    all.push({ ...json, as_of: undefined, made_of: undefined });
  }
  return all;
}

before(async () => {
  s = await setUp();
  const { json: profile } = await get('/api/v1/profile');
  metric = (await post('/api/v1/metrics', { code: 'gpu', name: 'GPU', aggregation_type: 'SUM', aggregation_key: 'seconds', product_family_id: profile.default_product_family_id })).json.id;
  await send('1', 'ann', 1);
  await send('2', 'bob', 10);
});
after(() => s?.close());

test('every route of usage answers what was known at a cut, whatever comes and is corrected later', async () => {
  const then = await answers();
  const made = await post('/api/v1/cuts', { name: 'then' });
  assert.equal(made.status, 201, made.text);
  assert.deepEqual({ ...made.json, id: 0, taken_at: 0 }, { id: 0, name: 'then', kind: 'named', taken_at: 0 });
  await send('3', 'ann', 5);
  await post('/api/v1/events/2/void', { reason: 'x' });
  await post('/api/v1/events/1/amend', { reason: 'y', properties: { seconds: 2 } });
  assert.notDeepEqual(await answers(), then);
  assert.deepEqual(await answers('then'), then);
  assert.deepEqual(await answers(made.json.id), then);
  assert.deepEqual((await get(routes('then')[0])).json.as_of, { id: made.json.id, name: 'then', taken_at: made.json.taken_at });
  assert.match((await call(s.url, s.key, 'GET', routes('then')[1], undefined, { accept: 'text/csv' })).text, /,1,1,1,0/);
  const closed = (await post('/api/v1/statements', { from: '2026-01-01', to: '2026-02-01' })).json.id;
  const at_closing = await answers();
  await send('4', 'cem', 7);
  assert.deepEqual(await answers(closed), at_closing);
  assert.deepEqual(await answers('then'), then);
  assert.equal((await get('/api/v1/events/3')).status, 200);
  assert.equal((await get('/api/v1/events/3?as_of=then')).status, 404, 'it had not come then');
  const exported = await call(s.url, s.key, 'GET', '/api/v1/events?as_of=then', undefined, { accept: 'application/x-ndjson' });
  assert.equal(exported.headers.get('x-as-of'), made.json.id, 'rows name the cut too');
  assert.equal((await call(s.url, s.key, 'GET', routes('then')[0], undefined, { accept: 'text/csv' })).headers.get('x-as-of'), made.json.id);
  assert.equal((await call(s.url, s.key, 'GET', routes()[0], undefined, { accept: 'text/csv' })).headers.get('x-as-of'), null);
  const lines = exported.text.trim().split('\n');
  assert.deepEqual(lines.map((line) => JSON.parse(line).event_id), ['2', '1'], 'a stream of all is as of the cut, too');
});

test('cuts are listed, found by id and name, and a time takes the last one before it', async () => {
  const daily = await until('the cut of the day', async () => (await get('/api/v1/cuts')).json.data.find((cut) => cut.kind === 'daily'));
  assert.match(daily.name, /^daily-20[0-9]{2}-[0-9]{2}-[0-9]{2}$/, 'tallyd makes one a day');
  const { json: list } = await get('/api/v1/cuts');
  // At midnight there may be those of two days.
  const ofDays = list.data.filter((cut) => cut.kind === 'daily').map((cut) => cut.name);
  assert.equal(new Set(ofDays).size, ofDays.length);
  assert.deepEqual(list.data.map((cut) => cut.kind).filter((kind) => kind !== 'daily').sort(), ['named', 'statement']);
  for (const cut of list.data) {
    assert.deepEqual((await get(`/api/v1/cuts/${cut.id}`)).json, cut);
    assert.deepEqual((await get(`/api/v1/cuts/${cut.name}`)).json, cut);
  }
  assert.equal((await get(`${routes()[0]}&as_of=2100-01-01`)).json.as_of.id, list.data[0].id);
});

test('what is wrong is named, and a key that only reads makes no cut', async () => {
  for (const [body, status, field] of [[{ name: 'then' }, 409, 'name'], [{ name: '' }, 400, 'name'], [{ name: 1 }, 400, 'name'], [{ name: '2026' }, 400, 'name'], [{ name: 'daily-1' }, 400, 'name'], [{ nope: 1 }, 400, 'nope']]) {
    const answer = await post('/api/v1/cuts', body);
    assert.equal(answer.status, status, answer.text);
    assert.equal(answer.json.details.field, field, answer.text);
  }
  for (const as_of of ['none', '2000-01-01', '2026-13-01', 'cut_1']) {
    for (const path of routes(as_of)) {
      const answer = await get(path);
      assert.equal(answer.status, 400, answer.text);
      assert.equal(answer.json.details.field, 'as_of', answer.text);
    }
  }
  // An empty one is not as of now, which would look like an answer.
  for (const path of routes()) {
    const answer = await get(`${path}&as_of=`);
    assert.equal(answer.status, 400, `${path}: ${answer.text}`);
    assert.equal(answer.json.details.field, 'as_of', answer.text);
  }
  assert.equal((await call(s.url, s.key, 'GET', '/api/v1/events?as_of=', undefined, { accept: 'application/x-ndjson' })).status, 400);
  assert.equal((await get('/api/v1/cuts/none')).status, 404);
  const reader = (await post('/api/v1/keys', { name: 'k', scopes: ['read'] })).json.secret;
  assert.equal((await post('/api/v1/cuts', { name: 'x' }, reader)).status, 403);
  assert.equal((await get(routes('then')[0], reader)).status, 200);
});
