// Limits of requests per second, and Idempotency-Key.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { call, event, http, isErrorAnswer, setUp, sleep, until } = require('./lib.js');

let s;
before(async () => { s = await setUp(); });
after(() => s?.close());

const keyWith = (limits, name = 'limited') => {
  const key = s.cluster.psql(`SELECT tally.create_api_key(name => '${name}', scopes => '{read,write}')`);
  s.cluster.psql(`SELECT tally.set_limits(${limits}, key => '${key}')`);
  return key;
};
const ingest = (key, events) => call(s.url, key, 'POST', '/api/v1/events/ingest', { events });

test('of a hundred at once as many pass as the burst allows; the rest is 429 and reaches nothing', async () => {
  // So slow that none comes back while they are sent.
  const key = keyWith('requests_per_second => 0.001, burst => 30, events_per_month => 1000');
  const agent = new http.Agent({ keepAlive: true, maxSockets: 50 });
  const post = () => new Promise((resolve, reject) => {
    const request = http.request(`${s.url}/api/v1/events/ingest`, { method: 'POST', agent, headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' } }, (response) => {
      let text = '';
      response.on('data', (data) => { text += data; });
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }));
    });
    request.on('error', reject);
    request.end(JSON.stringify({ events: [event()] }));
  });
  const answers = await Promise.all(Array.from({ length: 100 }, post));
  agent.destroy();
  const passed = answers.filter((answer) => answer.status === 200);
  const refused = answers.filter((answer) => answer.status === 429);
  assert.deepEqual([passed.length, refused.length], [30, 70]);
  assert.deepEqual(passed.map((answer) => Number(answer.headers['ratelimit-remaining'])).sort((a, b) => a - b), Array.from({ length: 30 }, (_, n) => n));
  for (const answer of refused) {
    isErrorAnswer(assert, answer, 429, 'TOO_MANY_REQUESTS');
    assert.equal(answer.headers['ratelimit-limit'], '30');
    assert.equal(answer.headers['ratelimit-remaining'], '0');
    assert.ok(Number(answer.headers['ratelimit-reset']) > 25000);
    assert.ok(Number(answer.headers['retry-after']) >= 1 && Number(answer.headers['retry-after']) <= 1000, answer.headers['retry-after']);
  }
  // The profile would be refused for this key: ask with the other one.
  assert.equal(s.cluster.psql(`SELECT sum(used) FROM tally.month_count c JOIN tally.api_key k USING (key_id) WHERE k.name = 'limited'`), '30');
});

test('after Retry-After it passes again', async () => {
  const key = keyWith('requests_per_second => 0.2, burst => 1', 'waits');
  assert.equal((await call(s.url, key, 'GET', '/api/v1/profile')).status, 200);
  const refused = await call(s.url, key, 'GET', '/api/v1/profile');
  isErrorAnswer(assert, refused, 429, 'TOO_MANY_REQUESTS');
  await sleep(Number(refused.headers.get('retry-after')) * 1000 + 50);
  assert.equal((await call(s.url, key, 'GET', '/api/v1/profile')).status, 200);
});

test('a key without limits has no such headers, and a changed limit holds within seconds', async () => {
  const free = await call(s.url, s.key, 'GET', '/api/v1/profile');
  assert.equal(free.headers.get('ratelimit-limit'), null);
  const key = s.cluster.psql("SELECT tally.create_api_key(name => 'later', scopes => '{read}')");
  assert.equal((await call(s.url, key, 'GET', '/api/v1/profile')).status, 200);
  s.cluster.psql(`SELECT tally.set_limits(requests_per_second => 0.01, burst => 2, key => '${key}')`);
  await until('the limit', async () => (await call(s.url, key, 'GET', '/api/v1/profile')).status === 429);
});

const secondsLeft = () => Math.ceil((Date.UTC(new Date().getUTCFullYear(), new Date().getUTCMonth() + 1) - Date.now()) / 1000);

// A refusal by the limit of the month; before: seconds that were left of it when the request was sent.
function isMonthRefusal(refused, before, limit, remaining) {
  const body = isErrorAnswer(assert, refused, 429, 'TOO_MANY_REQUESTS');
  const { 'retry-after': wait, 'ratelimit-limit': most, 'ratelimit-remaining': left, 'ratelimit-reset': reset } = Object.fromEntries(refused.headers);
  assert.deepEqual([most, left, reset], [String(limit.events_per_month), String(remaining), wait]);
  assert.ok(Number(wait) <= before + 1 && Number(wait) >= secondsLeft() - 1, wait);
  assert.deepEqual(body.details.limit, { ...limit, remaining });
}

test('the month\'s limit says what it is and when to come back', async () => {
  const key = keyWith('events_per_month => 2', 'monthly');
  assert.equal((await ingest(key, [event()])).status, 200);
  const before = secondsLeft();
  isMonthRefusal(await ingest(key, [event(), event()]), before, { whose: 'key', events_per_month: 2 }, 1);
  assert.equal((await ingest(key, [event()])).status, 200);
  isMonthRefusal(await ingest(key, [event()]), before, { whose: 'key', events_per_month: 2 }, 0);
});

test('of a key with two limits the answer tells the one that refuses', async () => {
  const key = keyWith('events_per_month => 1, requests_per_second => 1000, burst => 5000', 'both');
  assert.equal((await ingest(key, [event()])).headers.get('ratelimit-limit'), '5000');
  const before = secondsLeft();
  isMonthRefusal(await ingest(key, [event()]), before, { whose: 'key', events_per_month: 1 }, 0);
  const { default_product_family_id: family } = (await call(s.url, s.key, 'GET', '/api/v1/profile')).json;
  assert.equal((await call(s.url, s.key, 'POST', '/api/v1/metrics', { code: 'v', name: 'Both', kind: 'base', product_family_id: family, aggregation_type: 'SUM' })).status, 201);
  isMonthRefusal(await call(s.url, key, 'POST', '/event/v1/Both', { value: 1 }), before, { whose: 'key', events_per_month: 1 }, 0);
});

test('a partial batch is 429 where every event is over the limit, and 200 where any is not', async () => {
  const key = keyWith('events_per_month => 2', 'partial');
  const partial = (events) => call(s.url, key, 'POST', '/api/v1/events/ingest', { events, allow_partial_failures: true });
  const first = event();
  const some = await partial([first, event(), event()]);
  assert.deepEqual([some.status, some.json.accepted, some.json.failures.length], [200, 2, 1]);
  isMonthRefusal(await partial([event(), event()]), secondsLeft() + 1, { whose: 'key', events_per_month: 2 }, 0);
  const mixed = [await partial([event(), first]), await partial([event(), { ...event(), code: '' }])];
  assert.deepEqual(mixed.map((answer) => [answer.status, answer.json.duplicates, answer.json.failures.length]), [[200, 1, 1], [200, 0, 2]]);
});

test('a bad key is 401 and no more, however often', async () => {
  for (let n = 0; n < 20; n += 1) isErrorAnswer(assert, await call(s.url, 'tally_live_nobody', 'GET', '/api/v1/profile'), 401, 'UNAUTHORIZED');
});

test('the same Idempotency-Key and body are answered as the first time', async () => {
  const family = (await call(s.url, s.key, 'GET', '/api/v1/profile')).json.default_product_family_id;
  const metric = { code: 'once', name: 'Once', aggregation_type: 'COUNT', product_family_id: family };
  const create = (body, id, path = '/api/v1/metrics') => call(s.url, s.key, 'POST', path, body, { 'idempotency-key': id });
  const all = await Promise.all(Array.from({ length: 8 }, () => create(metric, 'k-1')));
  for (const answer of all) {
    assert.equal(answer.status, 201, answer.text);
    assert.equal(answer.text, all[0].text);
  }
  assert.equal((await call(s.url, s.key, 'GET', '/api/v1/metrics?search=once')).json.pagination_meta.total_items, 1);
  isErrorAnswer(assert, await create({ ...metric, name: 'Other' }, 'k-1'), 409, 'CONFLICT');
  assert.notEqual((await create(metric, 'k-2')).json.id, all[0].json.id);
  const made = await create({ name: 'F' }, 'k-3', '/api/v1/product_families');
  assert.equal(made.status, 201, made.text);
  assert.equal((await create({ name: 'F' }, 'k-3', '/api/v1/product_families')).text, made.text);
});

test('with an Idempotency-Key it does not matter where the API key stands, nor how the JSON is laid out', async () => {
  const send = (body, key, query = '', type = 'application/json') => call(s.url, key, 'POST', `/api/v1/product_families${query}`, body, { 'idempotency-key': 'places', 'content-type': type });
  const answers = [
    await send({ name: 'Places', alias: 'places' }, s.key), await send({ apiKey: s.key, name: 'Places', alias: 'places' }, null), await send({ name: 'Places', apiKey: s.key, alias: 'places' }, null),
    await send('{\n  "alias": "places",\n  "name": "Places"\n}\n', s.key), await send({ name: 'Places', alias: 'places' }, null, `?apiKey=${s.key}`),
    await send(`apiKey=${s.key}&name=Places&alias=places`, null, '', 'application/x-www-form-urlencoded'),
  ];
  for (const answer of answers) assert.deepEqual([answer.status, answer.text], [201, answers[0].text]);
  isErrorAnswer(assert, await send({ name: 'Places', alias: 'place' }, s.key), 409, 'CONFLICT');
});

test('an Idempotency-Key has 1 to 255 characters', async () => {
  for (const id of ['', 'x'.repeat(256)]) {
    const answer = await call(s.url, s.key, 'POST', '/api/v1/metrics', { code: 'x' }, { 'idempotency-key': id });
    assert.match(isErrorAnswer(assert, answer, 400, 'BAD_REQUEST').message, /Idempotency-Key/);
  }
});
