// Measurely's API page, sentence by sentence: each test is named by the sentence that it proves.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { call, fetch, isErrorAnswer, setUp } = require('./lib.js');

let s;
let family;
let METRIC_ID;
before(async () => {
  s = await setUp();
  family = (await call(s.url, s.key, 'GET', '/api/v1/profile')).json.default_product_family_id;
  METRIC_ID = (await create('Signups', 'base')).id;
});
after(() => s?.close());

async function create(name, kind) {
  const made = await call(s.url, s.key, 'POST', '/api/v1/metrics', { name, kind, code: name.toLowerCase(), product_family_id: family });
  assert.equal(made.status, 201, made.text);
  return made.json;
}
const update = (metric, body, key = s.key, method = 'POST') => call(s.url, key, method, `/event/v1/${encodeURIComponent(metric)}`, body);
const read = async (metric, what = 'value') => (await call(s.url, s.key, 'GET', `/api/v1/metrics/${metric}/${what}`)).json;

// The page's JavaScript; its address was lost, so it is ours.
const updateMetric = async (API_KEY, METRIC, value) => {
  const response = await fetch(`${s.url}/event/v1/${METRIC}`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      'Authorization': `Bearer ${API_KEY}`,
    },
    body: JSON.stringify({ value: value }),
  });
  return response.status;
};

// The page's Go, call by call: json.Marshal of a map, http.NewRequest, two headers, client.Do, the status code.
async function updateMetricGo(apiKey, metric, value) {
  const jsonValue = Buffer.from(JSON.stringify({ value: Math.trunc(value) }));
  const headers = new Headers();
  headers.set('Content-Type', 'application/json');
  headers.set('Authorization', ['Bearer', apiKey].join(' '));
  headers.set('User-Agent', 'Go-http-client/1.1');
  const resp = await fetch(`${s.url}/event/v1/${metric}`, { method: 'POST', headers, body: jsonValue });
  await resp.arrayBuffer();
  return [resp.status, null];
}

test('"How to interact with the Measurely API to update metric values."', async () => {
  const { id } = await create('Updated', 'base');
  assert.deepEqual((await update(id, { value: 2 })).json, { value: '2', total: '2' });
  assert.deepEqual((await update(id, { value: 0.5 })).json, { value: '0.5', total: '2.5' });
});

test('"you need to send a POST request to the endpoint with an application API key and the metric ID of the value you wish to update"', async () => {
  assert.equal((await update(METRIC_ID, { value: 1 })).status, 200);
  isErrorAnswer(assert, await update(METRIC_ID, undefined, s.key, 'GET'), 405, 'METHOD_NOT_ALLOWED');
  isErrorAnswer(assert, await update(METRIC_ID, { value: 1 }, s.key, 'PUT'), 405, 'METHOD_NOT_ALLOWED');
});

test('"API Key: You need an application API key to authenticate your request."', async () => {
  isErrorAnswer(assert, await update(METRIC_ID, { value: 1 }, null), 401, 'UNAUTHORIZED');
  isErrorAnswer(assert, await update(METRIC_ID, { value: 1 }, 'wrong'), 401, 'UNAUTHORIZED');
  assert.equal((await update(METRIC_ID, { value: 1 })).status, 200);
});

test('"Metric ID: The ID of the metric that you wish to update."', async () => {
  const [one, other] = [await create('One', 'base'), await create('Other', 'base')];
  await update(one.id, { value: 7 });
  assert.equal((await read(one.id)).total, '7');
  assert.equal((await read(other.id)).total, '0');
  assert.equal((await update('Other', { value: 8 })).json.total, '8');
});

test('"Always keep your API key secure. Do not expose it publicly in your code or repositories."', async () => {
  await update(METRIC_ID, { value: 1 });
  for (const target of ['/api/v1/keys', '/api/v1/profile']) assert.ok(!(await call(s.url, s.key, 'GET', target)).text.includes(s.key));
  assert.ok(!s.tallyd.stderr.includes(s.key));
  assert.equal(s.cluster.psql(`SELECT count(*) FROM tally.api_key k WHERE k::text LIKE '%${s.key}%'`), '0');
});

test('"To update a metric\'s value, you need to make a POST request to the following endpoint"', async () => {
  const { id } = await create('Endpoint', 'base');
  const answer = await call(s.url, s.key, 'POST', `/event/v1/${id}`, { value: 100 });
  assert.deepEqual([answer.status, answer.json], [200, { value: '100', total: '100' }]);
});

test('"The request body should contain the value you wish to add or remove."', async () => {
  const { id } = await create('Balance', 'dual');
  assert.equal((await update(id, { value: 100 })).json.total, '100');
  assert.equal((await update(id, { value: -30 })).json.total, '70');
  const { positive, negative, net } = await read(id);
  assert.deepEqual({ positive, negative, net }, { positive: '100', negative: '30', net: '70' });
});

test('"The body format should be JSON"', async () => {
  const target = `/event/v1/${METRIC_ID}`;
  assert.equal((await call(s.url, s.key, 'POST', target, '{\n  "value": 100\n}')).status, 200);
  isErrorAnswer(assert, await call(s.url, s.key, 'POST', target, 'value=100'), 400, 'BAD_REQUEST');
  isErrorAnswer(assert, await call(s.url, s.key, 'POST', target, '<value>100</value>', { 'content-type': 'application/xml' }), 415, 'UNSUPPORTED_MEDIA_TYPE');
});

test('"Code exemples": export const updateMetric = async (API_KEY, METRIC_ID, value)', async () => {
  const { id } = await create('JavaScript', 'base');
  assert.equal(await updateMetric(s.key, id, 100), 200);
  assert.equal(await updateMetric(s.key, id, 0), 400);
  assert.equal(await updateMetric('wrong', id, 100), 401);
  assert.equal((await read(id)).total, '100');
});

test('"Code exemples": func updateMetric(API_KEY string, METRIC_ID string, value int) (int, error)', async () => {
  const { id } = await create('Go', 'base');
  assert.deepEqual(await updateMetricGo(s.key, id, 100), [200, null]);
  assert.deepEqual(await updateMetricGo(s.key, id, 2 ** 40), [200, null]);
  assert.deepEqual(await updateMetricGo(s.key, id, -1), [400, null]);
  assert.deepEqual(await updateMetricGo(s.key, 'bm_0', 100), [401, null]);
  assert.equal((await read(id)).total, String(2 ** 40 + 100));
});

test('"The Measurely API responds with different status codes based on the outcome of your request."', async () => {
  const statuses = [await update(METRIC_ID, { value: 1 }), await update(METRIC_ID, { value: -1 }), await update('nothing', { value: 1 })].map((answer) => answer.status);
  assert.deepEqual(statuses, [200, 400, 401]);
});

test('"200 - Success: The metric value has been successfully updated, and the event summary has been created in the database."', async () => {
  const { id } = await create('Summary', 'dual');
  await update(id, { value: 5, timestamp: new Date().toISOString() });
  await update(id, { value: -2, timestamp: new Date().toISOString() });
  assert.equal((await read(id)).total, '3');
  const { summaries } = await read(id, 'summaries?from=2020-01-01&to=2100-01-01');
  assert.ok(summaries.length === 1 || summaries.length === 2, 'one bucket, or two at the change of buckets');
  for (const bucket of summaries) assert.equal(new Date(bucket.end) - new Date(bucket.start), 20 * 60 * 1000);
  const { total_positive, total_negative, total, total_events } = summaries.at(-1);
  assert.deepEqual({ total_positive, total_negative, total, total_events }, { total_positive: '5', total_negative: '2', total: '3', total_events: 2 });
});

test('"400 - Bad Request: The request is invalid. This may occur due to missing or improperly formatted request data"', async () => {
  for (const body of ['', '{', '[]', 'null', '{}', '{"value": null}', '{"value": "100"}', '{"value": [1]}', '{"value": true}', '{"value": NaN}', '{"value": 1, "value": 2}', '{"value": 1, "valeu": 2}', '{"value": 1, "filters": {"a": 1}}']) {
    isErrorAnswer(assert, await update(METRIC_ID, body), 400, 'BAD_REQUEST');
  }
});

test('"or an issue with the metric value (e.g., a negative value for a base metric or a value of zero)"', async () => {
  const dual = await create('Dual', 'dual');
  const average = await create('Average', 'average');
  const field = async (metric, value) => isErrorAnswer(assert, await update(metric, { value }), 400, 'BAD_REQUEST').details.field;
  assert.equal(await field(METRIC_ID, -1), 'value');
  assert.equal(await field(METRIC_ID, 0), 'value');
  assert.equal(await field(dual.id, 0), 'value');
  assert.equal((await update(dual.id, { value: -1 })).status, 200);
  assert.equal((await update(average.id, { value: 0 })).status, 200);
});

test('"401 - Unauthorized: The provided API key or metric ID is invalid"', async () => {
  const answers = [await update(METRIC_ID, { value: 1 }, 'wrong'), await update('bm_7n42DGM5Tflk9n8mt7Fhc7', { value: 1 }), await update('no such name', { value: 1 })];
  for (const answer of answers) isErrorAnswer(assert, answer, 401, 'UNAUTHORIZED');
  assert.equal(new Set(answers.map((answer) => answer.text)).size, 1, 'nobody can tell which of the two it is');
});

test('"429 - Too many requests: The rate limit has been exceeded. This typically occurs when the number of requests surpasses the allowed limit for the user\'s plan."', async () => {
  const tenant = s.cluster.psql("SELECT tally.create_tenant('starter')");
  const key = s.cluster.psql(`SET tally.tenant = '${tenant}'; SELECT tally.create_api_key(name => 'k', scopes => '{read,write}')`).split('\n').at(-1);
  const profile = (await call(s.url, key, 'GET', '/api/v1/profile')).json;
  const made = await call(s.url, key, 'POST', '/api/v1/metrics', { name: 'm', code: 'm', kind: 'base', product_family_id: profile.default_product_family_id });
  s.cluster.psql(`SET tally.tenant = '${tenant}'; SELECT tally.set_limits(events_per_month => 3)`);
  const answers = [];
  for (let n = 0; n < 5; n += 1) answers.push(await update(made.json.id, { value: 1 }, key));
  assert.deepEqual(answers.map((answer) => answer.status), [200, 200, 200, 429, 429]);
  isErrorAnswer(assert, answers[4], 429, 'TOO_MANY_REQUESTS');
  assert.ok(Number(answers[4].headers.get('retry-after')) >= 1);
});

test('"500 - Internal server error: An error occurred while processing the request, such as a failure to update the metric. This should be very rare."', async () => {
  s.cluster.psql('ALTER FUNCTION tally_rest._filters_field(tally.metric, jsonb) RENAME TO _lost');
  const answer = await update(METRIC_ID, { value: 1 });
  s.cluster.psql('ALTER FUNCTION tally_rest._lost(tally.metric, jsonb) RENAME TO _filters_field');
  assert.deepEqual(isErrorAnswer(assert, answer, 500, 'INTERNAL_SERVER_ERROR'), { code: 'INTERNAL_SERVER_ERROR', message: 'internal error' });
  assert.equal((await update(METRIC_ID, { value: 1 })).status, 200);
});
