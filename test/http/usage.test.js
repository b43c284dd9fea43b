// The main path through HTTP: define metrics, send events, read usage. What the answers contain is SQL's affair and
// tested there; here the routes, their parameters and their errors are.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { call, event, isErrorAnswer, setUp } = require('./lib.js');

let s;
let family;
before(async () => {
  s = await setUp();
  const profile = await call(s.url, s.key, 'GET', '/api/v1/profile');
  assert.equal(profile.status, 200, profile.text);
  family = profile.json.default_product_family_id;
});
after(() => s?.close());

const create = (fields) => call(s.url, s.key, 'POST', '/api/v1/metrics', { product_family_id: family, ...fields });
const range = 'from=2024-01-01T00:00:00Z&to=2024-02-01T00:00:00Z';

test('a metric is created, read back and listed', async () => {
  const made = await create({ name: 'Calls', code: 'made', aggregation_type: 'SUM', aggregation_key: 'n' });
  assert.equal(made.status, 201, made.text);
  assert.match(made.json.id, /^bm_/);
  assert.equal(made.headers.get('content-type'), 'application/json');
  const read = await call(s.url, s.key, 'GET', `/api/v1/metrics/${made.json.id}`);
  assert.deepEqual(read.json, made.json);
  const list = await call(s.url, s.key, 'GET', '/api/v1/metrics');
  assert.equal(list.status, 200);
  assert.ok(list.text.includes(made.json.id));
});

test('numbers of CSV may be padded; a filter that means the customer says what was meant', async () => {
  const { json } = await create({ name: 'Padded', code: 'padded', aggregation_type: 'SUM', aggregation_key: 'n' });
  const csv = 'code,customer_id,timestamp,n,note\npadded,c,2024-01-15T00:00:00Z, 5, x \npadded,c,2024-01-16T00:00:00Z,"7 ", x \npadded,c,2024-01-17T00:00:00Z,\t-1e1\t, x \n';
  const sent = await call(s.url, s.key, 'POST', '/api/v1/events/import', csv, { 'content-type': 'text/csv' });
  assert.equal(sent.json?.accepted, 3, sent.text);
  const usage = (more) => call(s.url, s.key, 'GET', `/api/v1/metrics/${json.id}/usage?${range}${more}`);
  const all = await usage('&filter[note]=%20x%20');
  assert.deepEqual([all.json.total.value, all.json.total.events, all.json.total.skipped], ['2', 3, 0], all.text);
  for (const more of ['&filter[customer_id]=c', '&filter[customer_id]=c&filter[customer_id]=d', '&filter[note]=x&filter[customer_id]=', '&customer_id=c&filter[customer_id]=c']) {
    const refusal = isErrorAnswer(assert, await usage(more), 400, 'BAD_REQUEST');
    assert.match(refusal.details.hint, /customer_id=/, more);
  }
  assert.equal((await usage('&customer_id=c')).json.total.events, 3);
});

test('a wrong definition is 400 and names the field', async () => {
  const cases = [[{ name: 'x', code: 'x', aggregation_type: 'SUM' }, 'aggregation_key'], [{ name: 'x', code: 'x', aggregation_type: 'NONSENSE' }, 'aggregation_type'],
    [{ name: 'x', aggregation_type: 'COUNT' }, 'code'], [{ name: 7, code: 'x', aggregation_type: 'COUNT' }, 'name']];
  for (const [fields, field] of cases) {
    const body = isErrorAnswer(assert, await create(fields), 400, 'BAD_REQUEST');
    assert.equal(body.details?.field, field, JSON.stringify(body));
  }
  isErrorAnswer(assert, await call(s.url, s.key, 'POST', '/api/v1/metrics', [1, 2]), 400, 'BAD_REQUEST');
  isErrorAnswer(assert, await call(s.url, s.key, 'POST', '/api/v1/metrics', 'null'), 400, 'BAD_REQUEST');
});

// Events in bodies as they are sent: JavaScript would write 1.0 as 1.
test('a filter finds numbers by their value and texts as they are', async () => {
  const { json: metric } = await create({ name: 'Disks', code: 'by value', aggregation_type: 'COUNT' });
  const sizes = ['1', '1.0', '1.00', '1e0', '0.01E2', '-1.0', '10', '"1"', '"1.0"', '"+1"'];
  const events = sizes.map((size, n) => `{"event_id": "by value ${n}", "code": "by value", "customer_id": "c", "timestamp": "2024-01-01T00:00:00Z", "properties": {"size": ${size}}}`);
  const sent = await call(s.url, s.key, 'POST', '/api/v1/events/ingest', `{"allow_backfilling": true, "events": [${events}]}`);
  assert.equal(sent.json?.accepted, sizes.length, sent.text);
  const found = async (query) => {
    const answer = await call(s.url, s.key, 'GET', `/api/v1/metrics/${metric.id}/usage?${range}${query}`);
    assert.equal(answer.status, 200, answer.text);
    return answer.json.total.value;
  };
  const cases = { '1.0': '6', 1: '6', '1.00': '5', '1e0': '5', '%2B1': '6', '01': '5', '-1': '1', '1e1': '1', 2: '0', one: '0', '': '0' };
  for (const [value, count] of Object.entries(cases)) assert.equal(await found(`&filter[size]=${value}`), count, value);
  assert.equal(await found('&filter[size]=1.0&filter[size]=10.0'), '7');
});

test('usage of what was sent is exact, by customer and by property', async () => {
  const { json: metric } = await create({ name: 'Sum', code: 'usage', aggregation_type: 'SUM', aggregation_key: 'n' });
  const events = Array.from({ length: 10 }, (_, n) => event({
    code: 'usage', customer_id: n < 5 ? 'c1' : 'c2', timestamp: `2024-01-0${1 + (n % 9)}T10:00:00Z`, properties: { n: '0.1', region: n % 2 ? 'eu' : 'us' } }));
  const sent = await call(s.url, s.key, 'POST', '/api/v1/events/ingest', { events, allow_backfilling: true });
  assert.equal(sent.json?.accepted, 10, sent.text);
  const usage = async (query) => {
    const answer = await call(s.url, s.key, 'GET', `/api/v1/metrics/${metric.id}/usage?${range}${query}`);
    assert.equal(answer.status, 200, answer.text);
    return answer.json;
  };
  assert.equal((await usage('')).total.value, '1.0');
  assert.equal((await usage('&customer_id=c1')).total.value, '0.5');
  assert.equal((await usage('&customer_id=c1&customer_id=c2')).total.value, '1.0');
  assert.equal((await usage('&filter[region]=eu')).total.value, '0.5');
  const groups = (await usage('&group_by=region')).usage;
  assert.deepEqual(groups.map((row) => [row.dimensions.region, row.value]).sort(), [['eu', '0.5'], ['us', '0.5']]);
  assert.equal((await usage('&window=day')).usage.length, 9);
});

test('wrong usage parameters are 400 and name the parameter; unknown metrics are 404', async () => {
  const { json: metric } = await create({ name: 'P', code: 'p', aggregation_type: 'COUNT' });
  const cases = [['to=2024-01-01T00:00:00Z', 'from'], ['from=2024-01-01T00:00:00Z', 'to'], ['from=yesterdayish&to=2024-01-01T00:00:00Z', 'from'],
    [`${range}&window=fortnightly`, 'window'], [`${range}&time_zone=Mars/Base`, 'time_zone'], [`${range}&nonsense=1`, 'nonsense'], [`${range}&fill=perhaps`, 'fill']];
  for (const [query, field] of cases) {
    const answer = await call(s.url, s.key, 'GET', `/api/v1/metrics/${metric.id}/usage?${query}`);
    const body = isErrorAnswer(assert, answer, 400, 'BAD_REQUEST');
    assert.equal(body.details?.field, field, answer.text);
  }
  isErrorAnswer(assert, await call(s.url, s.key, 'GET', `/api/v1/metrics/bm_7n42DGM5Tflk9n8mt7Fhc7/usage?${range}`), 404, 'NOT_FOUND');
  isErrorAnswer(assert, await call(s.url, s.key, 'GET', "/api/v1/metrics/'%20OR%201=1--"), 400, 'BAD_REQUEST');
});

test('a strict body with one bad event stores nothing; a partial one stores the rest', async () => {
  const good = event();
  const bad = event({ event_id: undefined });
  const strict = await call(s.url, s.key, 'POST', '/api/v1/events/ingest', { events: [good, bad] });
  assert.equal(isErrorAnswer(assert, strict, 400, 'BAD_REQUEST').failures.length, 1);
  const partial = await call(s.url, s.key, 'POST', '/api/v1/events/ingest', { events: [good, bad], allow_partial_failures: true });
  assert.equal(partial.status, 200, partial.text);
  assert.equal(partial.json.accepted, 1);
  assert.equal(partial.json.failures[0].index, 1);
});
