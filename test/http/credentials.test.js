// The places where a key may stand (Metricsco's among them): header, query string, JSON body, form.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { call, event, isErrorAnswer, parseAnswers, raw, setUp, storedEvents, until } = require('./lib.js');

let s;
let family;
before(async () => {
  s = await setUp();
  family = (await call(s.url, s.key, 'GET', '/api/v1/profile')).json.default_product_family_id;
});
after(() => s?.close());

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const basic = (user, password = '') => ({ authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` });
const metric = (code) => ({ name: code, code, aggregation_type: 'COUNT', product_family_id: family });
const badKey = async () => (await call(s.url, 'wrong', 'GET', '/api/v1/profile')).text;

test('HTTP Basic: the key is the user name, the password empty or the key again', async () => {
  for (const headers of [basic(s.key), basic(s.key, s.key), { authorization: basic(s.key).authorization.replace('Basic', 'bASIC') }]) {
    const answer = await call(s.url, null, 'GET', '/api/v1/profile', undefined, headers);
    assert.equal(answer.status, 200, answer.text);
  }
  isErrorAnswer(assert, await call(s.url, null, 'GET', '/api/v1/profile', undefined, basic(s.key, 'x')), 401, 'UNAUTHORIZED');
  isErrorAnswer(assert, await call(s.url, null, 'GET', '/api/v1/profile', undefined, basic('wrong')), 401, 'UNAUTHORIZED');
});

test('apiKey in the query string works on every route and is no query parameter', async () => {
  assert.equal((await call(s.url, null, 'GET', `/api/v1/profile?apiKey=${s.key}`)).status, 200);
  assert.equal((await call(s.url, null, 'GET', `/api/v1/metrics?apiKey=${s.key}&per_page=1`)).status, 200);
  assert.equal((await call(s.url, null, 'POST', `/api/v1/metrics?apiKey=${s.key}`, metric('query_key'))).status, 201);
  assert.equal((await call(s.url, null, 'POST', `/api/v1/events/ingest?%61piKey=${s.key}`, { events: [event()] })).json.accepted, 1);
  for (const value of ['', '=', '=wrong']) {
    assert.equal((await call(s.url, null, 'GET', `/api/v1/profile?apiKey${value}`)).text, await badKey());
  }
  isErrorAnswer(assert, await call(s.url, null, 'GET', `/api/v1/profile?apikey=${s.key}`), 401, 'UNAUTHORIZED');
});

test('apiKey in a JSON body works and is no field of it', async () => {
  assert.equal((await call(s.url, null, 'POST', '/api/v1/metrics', { apiKey: s.key, ...metric('first') })).status, 201);
  assert.equal((await call(s.url, null, 'POST', '/api/v1/metrics', { ...metric('last'), apiKey: s.key })).status, 201);
  const escaped = JSON.stringify({ ...metric('escaped'), apiKey: s.key }).replace(s.key, s.key.replace(/_/g, '\\u005f'));
  assert.equal((await call(s.url, null, 'POST', '/api/v1/metrics', escaped)).status, 201);
  const answer = await call(s.url, null, 'POST', '/api/v1/events/ingest', { apiKey: s.key, events: [event()] });
  assert.equal(answer.json.accepted, 1, answer.text);
  assert.equal((await call(s.url, null, 'POST', '/api/v1/events/ingest', { events: [event()], apiKey: s.key })).json.accepted, 1);
});

test('a property or nested member of that name is data, not a key', async () => {
  const one = event({ properties: { apiKey: s.key } });
  isErrorAnswer(assert, await call(s.url, null, 'POST', '/api/v1/events/ingest', { events: [one] }), 401, 'UNAUTHORIZED');
  assert.equal((await call(s.url, s.key, 'POST', '/api/v1/events/ingest', { events: [event({ properties: { apiKey: 'data' } })] })).json.accepted, 1);
  assert.match(s.cluster.psql(`SELECT string_agg(properties::text, ' ') FROM ${storedEvents}`), /data/);
});

test('a wrong key in a body, or one that is no string, is 401 with the same words as any bad key', async () => {
  const words = await badKey();
  for (const value of ['wrong', '', 5, null, { a: 1 }, ['x']]) {
    for (const [target, body] of [['/api/v1/metrics', metric('never')], ['/api/v1/events/ingest', { events: [event()] }]]) {
      const answer = await call(s.url, null, 'POST', target, { apiKey: value, ...body });
      isErrorAnswer(assert, answer, 401, 'UNAUTHORIZED');
      assert.equal(answer.text, words);
    }
  }
});

test('keys that agree are one, keys that disagree are a bad key, whichever is right', async () => {
  const words = await badKey();
  const all = await call(s.url, s.key, 'POST', `/api/v1/metrics?apiKey=${s.key}&apiKey=${s.key}`, { apiKey: s.key, ...metric('agree') });
  assert.equal(all.status, 201, all.text);
  const pairs = [[s.key, '?apiKey=wrong', {}], ['wrong', `?apiKey=${s.key}`, {}], [s.key, '', { apiKey: 'wrong' }], ['wrong', '', { apiKey: s.key }],
    [null, `?apiKey=${s.key}`, { apiKey: 'wrong' }], [null, `?apiKey=${s.key}&apiKey=wrong`, {}]];
  for (const [key, query, members] of pairs) {
    for (const [target, body] of [['/api/v1/metrics', metric('never')], ['/api/v1/events/ingest', { events: [event()] }]]) {
      const answer = await call(s.url, key, 'POST', target + query, { ...members, ...body });
      isErrorAnswer(assert, answer, 401, 'UNAUTHORIZED');
      assert.equal(answer.text, words);
    }
  }
  assert.equal(s.cluster.psql("SELECT count(*) FROM tally.metric WHERE code = 'never'"), '0');
});

test('a form: its fields become strings, apiKey is the key', async () => {
  const form = (fields) => new URLSearchParams(fields).toString();
  const made = await call(s.url, null, 'POST', '/api/v1/metrics', form({ apiKey: s.key, ...metric('form_made') }), FORM);
  assert.equal(made.status, 201, made.text);
  assert.equal(made.json.code, 'form_made');
  assert.equal((await call(s.url, s.key, 'POST', '/api/v1/metrics', form(metric('form_bearer')), FORM)).status, 201);
  const words = await badKey();
  assert.equal((await call(s.url, null, 'POST', '/api/v1/metrics', form({ apiKey: 'wrong', ...metric('x') }), FORM)).text, words);
  assert.equal((await call(s.url, 'wrong', 'POST', '/api/v1/metrics', form({ apiKey: s.key, ...metric('x') }), FORM)).text, words);
  isErrorAnswer(assert, await call(s.url, null, 'POST', '/api/v1/metrics', form(metric('x')), FORM), 401, 'UNAUTHORIZED');
  for (const bad of ['a=%zz', 'a=%00', 'a=%ff', 'code=a&code=b']) {
    isErrorAnswer(assert, await call(s.url, s.key, 'POST', '/api/v1/metrics', bad, FORM), 400, 'BAD_REQUEST');
  }
});

test('a POST that takes no body may bring its key in one, and nothing else', async () => {
  const { id } = (await call(s.url, s.key, 'POST', '/api/v1/metrics', metric('archived'))).json;
  const target = `/api/v1/metrics/${id}/archive`;
  for (const [body, headers] of [[{ apiKey: s.key }, {}], [`apiKey=${s.key}`, FORM]]) {
    assert.equal((await call(s.url, null, 'POST', target, body, headers)).status, 204);
    assert.equal((await call(s.url, s.key, 'POST', target, body, headers)).status, 204);
  }
  assert.equal((await call(s.url, s.key, 'POST', target)).status, 204);
  for (const [body, headers] of [[{ a: 1 }, {}], [[], {}], ['a=1', FORM], ['x', { 'content-type': 'text/plain' }], ['{', {}]]) {
    isErrorAnswer(assert, await call(s.url, s.key, 'POST', target, body, headers), 400, 'BAD_REQUEST');
  }
  isErrorAnswer(assert, await call(s.url, null, 'POST', target, { apiKey: 'wrong' }), 401, 'UNAUTHORIZED');
  isErrorAnswer(assert, await call(s.url, null, 'POST', target), 401, 'UNAUTHORIZED');
});

test('malformed bodies: 401 when no key was shown, 400 when one was tried', async () => {
  for (const target of ['/api/v1/metrics', '/api/v1/events/ingest']) {
    for (const body of ['', '{', '{"events":[', '"\0"', 'x']) isErrorAnswer(assert, await call(s.url, null, 'POST', target, body), 401, 'UNAUTHORIZED');
    for (const body of [`{"apiKey":"${s.key}"`, `{,"apiKey":"${s.key}"}`, `{"apiKey":"${s.key}",}`, `{"a" "apiKey":"${s.key}"}`, `{"apiKey":"${s.key}"} x`,
      `{"apiKey":"${s.key}","apiKey":"${s.key}"}`, `{"a":"\0","apiKey":"${s.key}"}`]) {
      isErrorAnswer(assert, await call(s.url, null, 'POST', target, body), 400, 'BAD_REQUEST');
    }
  }
});

test('a chunked body may hold the key too, and the connection stays', async () => {
  const body = JSON.stringify({ apiKey: s.key, events: [event()] });
  const bytes = `POST /api/v1/events/ingest HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  const unkeyed = `POST /api/v1/events/ingest HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`;
  const answers = parseAnswers(await raw(s.tallyd.port, [bytes, unkeyed, bytes.replace('Host: x', 'Host: x\r\nConnection: close')], { pause: 100 }));
  assert.deepEqual(answers.map((answer) => answer.status), [200, 401, 200]);
});

test('no key enters the log, wherever it stood', async () => {
  await call(s.url, null, 'GET', `/healthz?apiKey=${s.key}`);
  await until('the log', () => s.tallyd.log().some((line) => /healthz\?apiKey=\*\*\*/.test(line.target)));
  assert.ok(!s.tallyd.stderr.includes(s.key));
  assert.ok(!s.tallyd.stderr.includes(Buffer.from(`${s.key}:`).toString('base64').slice(0, 30)));
});
