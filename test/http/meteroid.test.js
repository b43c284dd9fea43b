// The routes of Meteroid's shape through HTTP: statuses, empty answers, headers. What the answers contain is SQL's affair.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { call, event, isErrorAnswer, setUp } = require('./lib.js');

let s;
let family;
before(async () => {
  s = await setUp();
  family = (await call(s.url, s.key, 'GET', '/api/v1/profile')).json.default_product_family_id;
});
after(() => s?.close());

const send = (method, target, body, headers) => call(s.url, s.key, method, `/api/v1${target}`, body, headers);
const metric = (fields) => ({ name: 'Calls', code: 'call', aggregation_type: 'COUNT', product_family_id: family, ...fields });

// 204: no body, and no word about one.
function isNothing(answer) {
  assert.equal(answer.status, 204, answer.text);
  assert.equal(answer.text, '');
  assert.equal(answer.headers.get('content-type'), null);
  assert.equal(answer.headers.get('content-length'), null);
  assert.ok(answer.headers.get('x-request-id'));
}

test('a metric is changed, archived and unarchived', async () => {
  const { id } = (await send('POST', '/metrics', metric({ description: 'd' }))).json;
  const changed = await send('PATCH', `/metrics/${id}`, { name: 'Calls made', description: null });
  assert.equal(changed.status, 200, changed.text);
  assert.equal(changed.json.name, 'Calls made');
  assert.ok(!('description' in changed.json));
  isErrorAnswer(assert, await send('PATCH', `/metrics/${id}`, { code: 'x' }), 400, 'BAD_REQUEST');
  for (const twice of [1, 2]) isNothing(await send('POST', `/metrics/${id}/archive`, undefined, { 'x-twice': String(twice) }));
  assert.ok((await send('GET', `/metrics/${id}`)).json.archived_at);
  for (const twice of [1, 2]) isNothing(await send('POST', `/metrics/${id}/unarchive`, undefined, { 'x-twice': String(twice) }));
  assert.ok(!('archived_at' in (await send('GET', `/metrics/${id}`)).json));
  for (const verb of ['archive', 'unarchive']) isErrorAnswer(assert, await send('POST', `/metrics/bm_0/${verb}`), 404, 'NOT_FOUND');
  const wrong = await send('DELETE', `/metrics/${id}`);
  isErrorAnswer(assert, wrong, 405, 'METHOD_NOT_ALLOWED');
  assert.equal(wrong.headers.get('allow'), 'GET, HEAD, PATCH, OPTIONS');
});

test('product families and products, by id and by alias', async () => {
  for (const [noun, fields] of [['product_families', {}], ['products', { product_family_id: family }]]) {
    const made = await send('POST', `/${noun}`, { name: 'A', alias: `a ${noun}`.replace(' ', '-'), ...fields });
    assert.equal(made.status, 201, made.text);
    const { id, alias } = made.json;
    assert.deepEqual((await send('GET', `/${noun}/${alias}`)).json, made.json);
    isErrorAnswer(assert, await send('POST', `/${noun}`, { name: 'B', alias, ...fields }), 409, 'CONFLICT');
    assert.equal((await send('PATCH', `/${noun}/${id}`, { name: 'C' })).json.name, 'C');
    isNothing(await send('POST', `/${noun}/${alias}/archive`));
    assert.ok(!(await send('GET', `/${noun}`)).json.data.some((one) => one.id === id));
    isNothing(await send('POST', `/${noun}/${alias}/unarchive`));
    assert.ok((await send('GET', `/${noun}`)).json.data.some((one) => one.id === id));
    isErrorAnswer(assert, await send('GET', `/${noun}/nothing`), 404, 'NOT_FOUND');
  }
});

test('events are listed page by page and looked up, usage is answered for all metrics', async () => {
  const timestamp = new Date().toISOString();
  const events = [1, 2, 3].map((n) => event({ event_id: `listed ${n}`, code: 'listed', customer_id: 'a/b c', timestamp }));
  assert.equal((await send('POST', '/events/ingest', { events })).status, 200);
  await send('POST', '/metrics', metric({ name: 'Listed', code: 'listed' }));
  const first = await send('GET', '/events?code=listed&limit=2');
  assert.deepEqual(first.json.data.map((one) => one.event_id), ['listed 3', 'listed 2']);
  assert.equal(first.json.data[0].metrics[0].counted, true);
  const second = await send('GET', `/events?code=listed&limit=2&cursor=${first.json.next_cursor}`);
  assert.deepEqual(second.json.data.map((one) => one.event_id), ['listed 1']);
  assert.equal(second.json.next_cursor, null);
  const one = await send('GET', '/events/listed%201?customer_id=a%2Fb%20c&source=');
  assert.equal(one.json.data[0].customer_id, 'a/b c');
  isErrorAnswer(assert, await send('GET', '/events/listed%209'), 404, 'NOT_FOUND');
  const day = (offset) => new Date(Date.now() + offset * 86400000).toISOString().slice(0, 10);
  const period = `start_date=${day(-1)}&end_date=${day(2)}`;
  for (const target of ['/usage/summary', '/usage/customer/a%2Fb%20c']) {
    const usage = await send('GET', `${target}?${period}`);
    assert.equal(usage.status, 200, usage.text);
    assert.equal(usage.json.usage.find((row) => row.metric_code === 'listed').total_value, '3');
  }
  isErrorAnswer(assert, await send('GET', '/usage/summary'), 400, 'BAD_REQUEST');
  isErrorAnswer(assert, await send('GET', `/usage/summary?${period}&metric_id=bm_0`), 404, 'NOT_FOUND');
});

test('an import is taken back once', async () => {
  const id = s.cluster.psql(`SET tally.tenant = 'test';
    SELECT tally_rest.import_chunk(tally.current_tenant(), '{}', '{"name":["file"]}',
      '{"code":"imported","customer_id":"c","timestamp":"2024-01-01T00:00:00Z"}') ->> 'import_id'`);
  assert.equal((await send('GET', '/imports')).json.data[0].id, id);
  const voided = await send('DELETE', `/imports/${id}?reason=wrong%20file`);
  assert.equal(voided.status, 200, voided.text);
  assert.equal(voided.json.voided.events, 1);
  assert.equal((await send('GET', '/events?code=imported')).json.data[0].voided.reason, 'wrong file');
  isErrorAnswer(assert, await send('DELETE', `/imports/${id}`), 409, 'CONFLICT');
  isErrorAnswer(assert, await send('DELETE', '/imports/imp_0'), 404, 'NOT_FOUND');
});

test('Idempotency-Key: the same request is done once, also twenty times at once', async () => {
  const headers = { 'idempotency-key': 'key 1', 'content-type': 'application/json' };
  const body = metric({ name: 'Once', code: 'once' });
  const answers = await Promise.all(Array.from({ length: 20 }, () => send('POST', '/metrics', body, headers)));
  for (const answer of answers) {
    assert.equal(answer.status, 201, answer.text);
    assert.equal(answer.text, answers[0].text);
  }
  assert.equal((await send('GET', '/metrics?search=once')).json.pagination_meta.total_items, 1);
  isErrorAnswer(assert, await send('POST', '/metrics', metric({ name: 'Other' }), headers), 409, 'CONFLICT');
  isErrorAnswer(assert, await send('POST', '/metrics', {}, { ...headers, 'idempotency-key': 'key 2' }), 400, 'BAD_REQUEST');
  assert.equal((await send('POST', '/metrics', body, { ...headers, 'idempotency-key': 'key 2' })).status, 201);
  for (const bad of ['', 'x'.repeat(256), 'caf\u00e9']) {
    isErrorAnswer(assert, await send('POST', '/metrics', body, { ...headers, 'idempotency-key': bad }), 400, 'BAD_REQUEST');
  }
});
