// Value updates by metric id or name, reading them back, keys, and the limit of the month: what SQL answers, over HTTP.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { call, event, isErrorAnswer, setUp } = require('./lib.js');

let s;
let family;
const post = (target, body, key = s.key) => call(s.url, key, 'POST', target, body);
const get = (target, key = s.key) => call(s.url, key, 'GET', target);
before(async () => {
  s = await setUp();
  family = (await get('/api/v1/profile')).json.default_product_family_id;
});
after(() => s?.close());

async function metric(name, kind) {
  const made = await post('/api/v1/metrics', { name, code: `code ${name}`, kind, product_family_id: family });
  assert.equal(made.status, 201, made.text);
  assert.equal(made.json.kind, kind);
  assert.equal(made.json.aggregation_key, 'value');
  return made.json.id;
}

test('a value is added to a metric named by its id or by its name, exactly', async () => {
  const id = await metric('Net sales / 100%', 'base');
  const first = await post(`/event/v1/${id}`, { value: 100 });
  assert.equal(first.status, 200, first.text);
  assert.deepEqual(first.json, { value: '100', total: '100' });
  assert.deepEqual((await post(`/event/v1/${encodeURIComponent('Net sales / 100%')}`, '{"value": 0.1}')).json, { value: '0.1', total: '100.1' });
  assert.deepEqual((await post(`/event/v1/${id}`, '{"value": 90071992547409931.0000000001}')).json.total, '90071992547410031.1000000001');
  assert.equal((await get(`/api/v1/metrics/${id}/value`)).json.total, '90071992547410031.1000000001');
});

test('a retry with the same event_id counts once, another content is a conflict', async () => {
  const id = await metric('Retries', 'dual');
  for (let n = 0; n < 3; n += 1) assert.equal((await post(`/event/v1/${id}`, { value: -5, event_id: 'one' })).json.total, '-5');
  isErrorAnswer(assert, await post(`/event/v1/${id}`, { value: -6, event_id: 'one' }), 409, 'CONFLICT');
});

test('values that the kind refuses are 400 and name the field', async () => {
  const id = await metric('Base', 'base');
  for (const body of ['{"value":0}', '{"value":-1}', '{"value":"1"}', '{}', '{"value":null}', '{"value":1,"x":1}']) {
    const answer = await post(`/event/v1/${id}`, body);
    isErrorAnswer(assert, answer, 400, 'BAD_REQUEST');
    assert.ok(answer.json.details.field, body);
  }
  isErrorAnswer(assert, await post(`/event/v1/${id}`, '{"value":'), 400, 'BAD_REQUEST');
  assert.equal((await get(`/api/v1/metrics/${id}/value`)).json.count, 0);
});

test('an unknown metric and an unknown key get one and the same answer', async () => {
  const unknown = await post('/event/v1/nothing', { value: 1 });
  const bad = await post('/event/v1/nothing', { value: 1 }, `${s.key}x`);
  isErrorAnswer(assert, unknown, 401, 'UNAUTHORIZED');
  isErrorAnswer(assert, bad, 401, 'UNAUTHORIZED');
  assert.equal(unknown.text, bad.text);
  assert.equal(unknown.headers.get('www-authenticate'), bad.headers.get('www-authenticate'));
});

test('summaries hold the buckets in which something happened, with running totals', async () => {
  const id = await metric('Summed', 'dual');
  await post(`/event/v1/${id}`, { value: 7 });
  await post(`/event/v1/${id}`, { value: -2 });
  const now = Date.now();
  const range = `from=${new Date(now - 3600e3).toISOString()}&to=${new Date(now + 3600e3).toISOString()}`;
  const answer = await get(`/api/v1/metrics/${id}/summaries?${range}&bucket=1d`);
  assert.equal(answer.status, 200, answer.text);
  const last = answer.json.summaries.at(-1);
  assert.deepEqual([last.total_positive, last.total_negative, last.total], ['7', '2', '5']);
  isErrorAnswer(assert, await get(`/api/v1/metrics/${id}/summaries?${range}&bucket=never`), 400, 'BAD_REQUEST');
});

test('keys are made, listed without their secrets, and revoked from the next request on', async () => {
  const made = await post('/api/v1/keys', { name: 'till', scopes: ['read'] });
  assert.equal(made.status, 201, made.text);
  assert.equal((await get('/api/v1/profile', made.json.secret)).json.key.name, 'till');
  isErrorAnswer(assert, await get('/api/v1/keys', made.json.secret), 403, 'FORBIDDEN');
  const list = await get('/api/v1/keys');
  assert.ok(list.json.data.some((key) => key.id === made.json.id && key.last_used_at));
  assert.ok(!list.text.includes(made.json.secret));
  const gone = await call(s.url, s.key, 'DELETE', `/api/v1/keys/${made.json.id}`);
  assert.equal(gone.status, 204);
  assert.equal(gone.text, '');
  isErrorAnswer(assert, await get('/api/v1/profile', made.json.secret), 401, 'UNAUTHORIZED');
  isErrorAnswer(assert, await call(s.url, s.key, 'DELETE', '/api/v1/keys/tkn_0'), 404, 'NOT_FOUND');
});

test('of many concurrent events as many pass as the month still has room for', async () => {
  const id = await metric('Limited', 'base');
  const made = await post('/api/v1/keys', { name: 'limited' });
  s.cluster.psql(`SELECT tally.set_limits(key => '${made.json.id}', events_per_month => 20)`);
  const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => (n % 2
    ? post(`/event/v1/${id}`, { value: 1 }, made.json.secret)
    : post('/api/v1/events/ingest', { events: [event()] }, made.json.secret))));
  const passed = answers.filter((answer) => answer.status === 200);
  assert.equal(passed.length, 20);
  for (const answer of answers) if (answer.status !== 200) isErrorAnswer(assert, answer, 429, 'TOO_MANY_REQUESTS');
  const { key } = (await get('/api/v1/profile', made.json.secret)).json;
  assert.equal(key.limits.events_per_month, 20);
  assert.equal(key.usage.events, 20);
});
