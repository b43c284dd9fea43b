// Metricsco's page "Integrating with Metricsco", sentence by sentence: each test is named by the sentence that it proves.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const contract = require('./contract.js');
const { Tallyd, call, event, isErrorAnswer, setUp } = require('./lib.js');

let s;
let family;
before(async () => {
  s = await setUp();
  family = (await call(s.url, s.key, 'GET', '/api/v1/profile')).json.default_product_family_id;
});
after(() => s?.close());

const get = (target, key = s.key) => call(s.url, key, 'GET', target);
const post = (target, body, key = s.key) => call(s.url, key, 'POST', target, body);
const metric = (fields) => ({ name: 'Visits', code: 'visit', aggregation_type: 'COUNT', product_family_id: family, ...fields });
const protectedRoutes = () => contract.routes().filter((route) => route.scope);
const targetOf = (pattern) => pattern.replace('{id}', 'bm_7n42DGM5Tflk9n8mt7Fhc7').replace(/\{\w+\}/, 'x');
function profile(name, mode) {
  const tenant = s.cluster.psql(`SELECT tally.create_tenant('${name}', mode => '${mode}')`);
  return { tenant, key: s.cluster.psql(`SET tally.tenant = '${tenant}'; SELECT tally.create_api_key(name => 'k', scopes => '{read,write,admin}')`).split('\n').at(-1) };
}

test('"Need some assistance? Don\'t worry, we\'ve got your back.": an error says what is wrong, where, and what to do', async () => {
  const { details, message } = isErrorAnswer(assert, await get('/api/v1/metrics/x'), 400, 'BAD_REQUEST');
  assert.match(message, /is not the id of a metric/);
  assert.equal(details.field, 'id');
  assert.match(details.hint, /look like bm_/);
});

test('"Sending data to Metricsco is easy and familiar for most developers."', async () => {
  assert.deepEqual((await post('/api/v1/events/ingest', { events: [event()] })).json, { accepted: 1, duplicates: 0 });
});

test('"The Metricsco API is organized around REST."', async () => {
  const { json: made } = await post('/api/v1/metrics', metric());
  const target = `/api/v1/metrics/${made.id}`;
  assert.deepEqual((await get(target)).json, made);
  assert.equal((await call(s.url, s.key, 'PATCH', target, { name: 'Renamed' })).json.name, 'Renamed');
  assert.equal((await get(target)).json.name, 'Renamed');
});

test('"Our API is designed to have predictable, resource-oriented URLs"', () => {
  // One resource is written as the Meteroid API writes it, which the same server serves.
  for (const { pattern } of protectedRoutes().filter((route) => route.pattern.startsWith('/api/') && !route.pattern.startsWith('/api/v1/batch-jobs'))) {
    assert.match(pattern, /^\/api\/v1\/[a-z_]+(\/(\{[a-z_]+\}|[a-z_]+))*$/);
  }
  // What has a list has its members below it.
  const patterns = new Set(protectedRoutes().map((route) => route.pattern));
  for (const list of ['metrics', 'products', 'product_families', 'imports', 'keys']) assert.ok(patterns.has(`/api/v1/${list}`) && patterns.has(`/api/v1/${list}/{id}`), list);
});

test('"and to use HTTP response codes to indicate API errors"', async () => {
  const statuses = [await get('/api/v1/metrics?page=x'), await get('/api/v1/metrics', 'wrong'), await get('/api/v1/metrics/bm_0'), await post('/api/v1/events/ingest', { events: [{}] })].map((answer) => answer.status);
  assert.deepEqual(statuses, [400, 401, 404, 400]);
});

test('"We use built-in HTTP features, like HTTP authentication and HTTP verbs, which can be understood by off-the-shelf HTTP clients"', async () => {
  assert.match((await get('/api/v1/profile', null)).headers.get('www-authenticate'), /Bearer.*Basic/);
  const basic = { authorization: `Basic ${Buffer.from(`${s.key}:`).toString('base64')}` };
  assert.equal((await call(s.url, null, 'GET', '/api/v1/profile', undefined, basic)).status, 200);
  const refused = await call(s.url, s.key, 'DELETE', '/api/v1/metrics');
  isErrorAnswer(assert, refused, 405, 'METHOD_NOT_ALLOWED');
  assert.match(refused.headers.get('allow'), /GET, HEAD, POST/);
  assert.equal((await call(s.url, s.key, 'HEAD', '/api/v1/metrics')).status, 200);
});

test('"we support cross-origin resource sharing to allow you to interact securely with our API from a client-side web application"', async () => {
  const origin = 'https://app.example.com';
  for (const { method, pattern } of contract.routes()) {
    const asked = await call(s.url, null, 'OPTIONS', targetOf(pattern), undefined, { origin, 'access-control-request-method': method, 'access-control-request-headers': 'authorization,content-type' });
    assert.equal(asked.status, 204, pattern);
    assert.equal(asked.headers.get('access-control-allow-origin'), '*');
    assert.ok(asked.headers.get('access-control-allow-methods').split(', ').includes(method), pattern);
    assert.match(asked.headers.get('access-control-allow-headers'), /Authorization, Content-Type/);
    assert.equal(asked.headers.get('access-control-allow-credentials'), null);
  }
  const answer = await call(s.url, s.key, 'GET', '/api/v1/profile', undefined, { origin });
  assert.deepEqual([answer.status, answer.headers.get('access-control-allow-origin')], [200, '*']);
});

test('"you should remember that you should never expose your secret API key": no answer holds one but the one that makes it', async () => {
  const { json: made } = await post('/api/v1/keys', { name: 'secret' });
  assert.match(made.secret, /^tally_live_.{43}$/);
  for (const route of protectedRoutes().filter((one) => one.method === 'GET')) {
    const answer = await get(targetOf(route.pattern), s.key);
    assert.ok(!answer.text.includes(made.secret) && !answer.text.includes(s.key), route.pattern);
  }
});

test('"JSON will be returned in all responses from the API, including errors."', async () => {
  for (const route of protectedRoutes()) {
    for (const key of [s.key, 'wrong', null]) {
      const answer = await call(s.url, key, route.method, targetOf(route.pattern), route.body === 'none' ? undefined : '{');
      if (answer.status === 204) continue;      // there is nothing to say
      assert.equal(answer.headers.get('content-type'), 'application/json', route.pattern);
      assert.equal(typeof answer.json, 'object', route.pattern);
    }
  }
  isErrorAnswer(assert, await get('/nowhere', null), 404, 'NOT_FOUND');
});

test('"To make the Metricsco API as explorable as possible, you can setup a separate profile for test-mode."', async () => {
  const [live, trial] = [profile('shop', 'live'), profile('shop test', 'test')];
  assert.deepEqual([(await get('/api/v1/profile', live.key)).json.mode, (await get('/api/v1/profile', trial.key)).json.mode], ['live', 'test']);
  const same = event();
  for (const { key } of [live, trial]) assert.equal((await post('/api/v1/events/ingest', { events: [same] }, key)).json.accepted, 1, 'nothing is shared');
  const { json: made } = await post('/api/v1/product_families', { name: 'F' }, trial.key);
  isErrorAnswer(assert, await get(`/api/v1/product_families/${made.id}`, live.key), 404, 'NOT_FOUND');
});

test('"Each profile has its own API key."', async () => {
  const { tenant, key } = profile('own', 'test');
  assert.match(key, /^tally_test_/);
  assert.equal((await get('/api/v1/profile', key)).json.id, tenant);
  assert.equal((await get('/api/v1/profile')).json.id, s.tenant);
});

test('"You authenticate to the Metricsco API by providing one of your API keys in the request."', async () => {
  const { json: other } = await post('/api/v1/keys', { name: 'other' });
  for (const key of [s.key, other.secret]) assert.equal((await get('/api/v1/profile', key)).status, 200);
});

test('"You can manage your API keys from your account profile."', async () => {
  const made = await post('/api/v1/keys', { name: 'managed', scopes: ['read'] });
  assert.equal(made.status, 201);
  const { json: list } = await get('/api/v1/keys?per_page=100');
  const { secret, ...shown } = made.json;
  assert.ok(secret);
  assert.deepEqual(list.data.find((key) => key.id === made.json.id), shown);
  assert.equal((await call(s.url, s.key, 'DELETE', `/api/v1/keys/${made.json.id}`)).status, 204);
  isErrorAnswer(assert, await get('/api/v1/profile', secret), 401, 'UNAUTHORIZED');
});

test('"You can have multiple API keys active at one time."', async () => {
  const keys = [];
  for (const name of ['a', 'b', 'c']) keys.push((await post('/api/v1/keys', { name })).json.secret);
  for (const key of [s.key, ...keys]) assert.equal((await get('/api/v1/profile', key)).status, 200);
});

test('"Your API keys carry many privileges, so be sure to keep them secret!": a key may carry fewer', async () => {
  const { json: reader } = await post('/api/v1/keys', { name: 'reader', scopes: ['read'] });
  assert.equal((await get('/api/v1/metrics', reader.secret)).status, 200);
  isErrorAnswer(assert, await post('/api/v1/metrics', metric(), reader.secret), 403, 'FORBIDDEN');
  isErrorAnswer(assert, await get('/api/v1/keys', reader.secret), 403, 'FORBIDDEN');
});

test('"To use your API key, you need only set apiKey equal to your key."', async () => {
  assert.equal((await get(`/api/v1/profile?apiKey=${s.key}`, null)).status, 200);
  assert.equal((await post('/api/v1/metrics', { apiKey: s.key, ...metric() }, null)).status, 201);
  const form = await call(s.url, null, 'POST', '/api/v1/metrics', new URLSearchParams({ apiKey: s.key, ...metric() }).toString(), { 'content-type': 'application/x-www-form-urlencoded' });
  assert.equal(form.status, 201, form.text);
  isErrorAnswer(assert, await get('/api/v1/profile?apiKey=wrong', null), 401, 'UNAUTHORIZED');
  isErrorAnswer(assert, await get('/api/v1/profile?apiKey=wrong'), 401, 'UNAUTHORIZED');
});

test('"All API requests must be made over HTTPS": beyond loopback tallyd does not serve without a certificate, unless a proxy has one', async () => {
  const tallyd = new Tallyd(['--database', s.cluster.conninfo(), '--port', '0', '--listen', '0.0.0.0']);
  assert.equal(await tallyd.listening(), undefined);
  assert.notEqual((await tallyd.exited).code, 0);
  assert.match(tallyd.stderr, /tls-cert|behind-proxy/);
});

test('"You must authenticate for all requests."', async () => {
  for (const route of protectedRoutes()) {
    const answer = await call(s.url, null, route.method, targetOf(route.pattern), route.body === 'none' ? undefined : {});
    isErrorAnswer(assert, answer, 401, 'UNAUTHORIZED');
  }
  // The rest knows nothing of anybody's data.
  assert.deepEqual(contract.routes().filter((route) => !route.scope && route.pattern.startsWith('/api/')), []);
});

test('"Full API Reference"', async () => {
  const { json: reference } = await get('/openapi.json', null);
  for (const route of contract.routes()) assert.ok(reference.paths[route.pattern]?.[route.method.toLowerCase()], route.pattern);
});

test('"Metricsco uses conventional HTTP response codes to indicate success or failure of an API request."', async () => {
  assert.equal((await post('/api/v1/metrics', metric())).status, 201);
  assert.equal((await get('/api/v1/metrics')).status, 200);
  assert.equal((await post('/api/v1/metrics', {})).status, 400);
});

test('"codes in the 2xx range indicate success": nothing that failed is 2xx, whole or in part, unless that was asked for', async () => {
  const events = [event(), event({ event_id: undefined })];
  const strict = isErrorAnswer(assert, await post('/api/v1/events/ingest', { events }), 400, 'BAD_REQUEST');
  assert.equal(strict.failures.length, 1);
  const partial = await post('/api/v1/events/ingest', { events, allow_partial_failures: true });
  assert.deepEqual([partial.status, partial.json.accepted, partial.json.failures.length], [200, 1, 1]);
});

test('"codes in the 4xx range indicate an error that resulted from the provided information (e.g. a required parameter was missing, etc.)"', async () => {
  const { json: made } = await post('/api/v1/metrics', metric());
  const { details } = isErrorAnswer(assert, await get(`/api/v1/metrics/${made.id}/usage?to=2024-01-01`), 400, 'BAD_REQUEST');
  assert.equal(details.field, 'from');
});

test('"HTTP Response Code 400 – Bad Request. Often missing a required parameter or parameters validation failed. Message Body will include Error Message."', async () => {
  const { code, name, ...missing } = metric();
  assert.match(isErrorAnswer(assert, await post('/api/v1/metrics', { ...missing, name }), 400, 'BAD_REQUEST').message, /^code is missing/);
  assert.match(isErrorAnswer(assert, await post('/api/v1/metrics', { ...missing, code, name: 7 }), 400, 'BAD_REQUEST').message, /^name must be a string/);
  assert.match(isErrorAnswer(assert, await get('/api/v1/metrics?per_page=1000'), 400, 'BAD_REQUEST').message, /^per_page must be a whole number from 1 to 100/);
});

test('"HTTP Response Code 401 – API Key validation failed."', async () => {
  const expired = s.cluster.psql(`SET tally.tenant = '${s.tenant}'; SELECT tally.create_api_key(name => 'short', expires_at => clock_timestamp() + interval '1 second')`).split('\n').at(-1);
  await new Promise((resolve) => { setTimeout(resolve, 1100); });
  for (const key of ['wrong', s.key.slice(0, -1), `${s.key}x`, s.key.toUpperCase(), expired]) isErrorAnswer(assert, await get('/api/v1/profile', key), 401, 'UNAUTHORIZED');
});

test('"HTTP Response Code 404 – Not Found. The requested item does not exists."', async () => {
  for (const target of ['/api/v1/metrics/bm_0', '/api/v1/products/none', '/api/v1/product_families/none', '/api/v1/events/none', '/api/v1/imports/imp_0', '/api/v1/nothing']) {
    isErrorAnswer(assert, await get(target), 404, 'NOT_FOUND');
  }
});

test('"HTTP Response Code 500 – Server Error.", "codes in the 5xx range indicate an error with Metricsco\'s servers"', async () => {
  s.cluster.psql('ALTER FUNCTION tally_rest._limits(numeric, integer, bigint) RENAME TO _lost');
  const answer = await get('/api/v1/profile');
  s.cluster.psql('ALTER FUNCTION tally_rest._lost(numeric, integer, bigint) RENAME TO _limits');
  assert.deepEqual(isErrorAnswer(assert, answer, 500, 'INTERNAL_SERVER_ERROR'), { code: 'INTERNAL_SERVER_ERROR', message: 'internal error' });
  assert.equal((await get('/api/v1/profile')).status, 200);
});

test('"Importing your old data: We can help you backfill old data."', async () => {
  const { json: made } = await post('/api/v1/metrics', metric({ code: 'old' }));
  const events = Array.from({ length: 12 }, (_, month) => event({ code: 'old', timestamp: `2019-${String(month + 1).padStart(2, '0')}-15T12:00:00Z` }));
  isErrorAnswer(assert, await post('/api/v1/events/ingest', { events }), 400, 'BAD_REQUEST');
  for (const accepted of [12, 0]) assert.equal((await post('/api/v1/events/ingest', { events, allow_backfilling: true })).json.accepted, accepted);
  const { json: usage } = await get(`/api/v1/metrics/${made.id}/usage?from=2019-01-01&to=2020-01-01&window=month`);
  assert.deepEqual(usage.usage.map((row) => row.value), Array(12).fill('1'));
});
