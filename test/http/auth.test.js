// Keys: who is let in, who is told 401 or 403, and that no key ever reaches the log.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const contract = require('./contract.js');
const { Examples } = require('./examples.js');
const { call, event, isErrorAnswer, parseAnswers, raw, setUp, until } = require('./lib.js');

let s;
before(async () => { s = await setUp(); });
after(() => s?.close());

const PROTECTED = [['GET', '/api/v1/profile'], ['GET', '/api/v1/metrics'], ['POST', '/api/v1/metrics'], ['GET', '/api/v1/metrics/bm_x'],
  ['GET', '/api/v1/metrics/bm_x/usage'], ['POST', '/api/v1/events/ingest']];

test('without a key every route is 401 with a challenge, unknown keys too', async () => {
  for (const [method, target] of PROTECTED) {
    for (const key of [null, 'wrong', 'x'.repeat(64)]) {
      const body = method === 'POST' ? { events: [event()] } : undefined;
      const answer = await call(s.url, key, method, target, body);
      isErrorAnswer(assert, answer, 401, 'UNAUTHORIZED');
      assert.equal(answer.headers.get('www-authenticate'), 'Bearer, Basic realm="tallyd"');
    }
  }
});

test('malformed Authorization headers are 401', async () => {
  for (const value of ['Bearer', 'Bearer ', `Basic ${s.key}`, ...['', ':', `${s.key}`, `:${s.key}`, `${s.key}:other`, `${s.key}::`].map((pair) => `Basic ${Buffer.from(pair).toString('base64')}`),
    `Basic ${Buffer.from(`${s.key}:`).toString('base64')}!`, s.key, `Bearer${s.key}`, `Bearer ${s.key} x`, 'Bearer a,b', `Bearer ${'a'.repeat(600)}`]) {
    isErrorAnswer(assert, await call(s.url, null, 'GET', '/api/v1/profile', undefined, { authorization: value }), 401, 'UNAUTHORIZED');
  }
  const answers = parseAnswers(await raw(s.tallyd.port, `GET /api/v1/profile HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${s.key}\r\nAuthorization: Bearer other\r\n\r\n`));
  isErrorAnswer(assert, answers[0], 401, 'UNAUTHORIZED');
});

test('the scheme is compared without case', async () => {
  for (const scheme of ['bearer', 'BEARER', 'BeArEr']) {
    const answer = await call(s.url, null, 'GET', '/api/v1/profile', undefined, { authorization: `${scheme}  ${s.key}` });
    assert.equal(answer.status, 200);
  }
});

test('a missing or malformed key is refused before the body is read, unless the body may hold it', async () => {
  const early = [['GET', '/api/v1/profile', 'Content-Type: application/json'], ['POST', '/api/v1/events/ingest', 'Content-Type: text/plain'],
    ['POST', '/api/v1/events/ingest', 'Content-Type: application/json\r\nAuthorization: Bearer'],
    ['POST', '/api/v1/events/ingest?apiKey=a&apiKey=b', 'Content-Type: application/json']];
  for (const [method, target, line] of early) {
    const head = `${method} ${target} HTTP/1.1\r\nHost: x\r\n${line}\r\nContent-Length: 100000\r\n\r\n`;
    isErrorAnswer(assert, parseAnswers(await raw(s.tallyd.port, head))[0], 401, 'UNAUTHORIZED');
  }
  const large = `POST /api/v1/events/ingest HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100000000\r\n\r\n`;
  isErrorAnswer(assert, parseAnswers(await raw(s.tallyd.port, large))[0], 413, 'PAYLOAD_TOO_LARGE');
});

test('a key without the scope is 403', async () => {
  const reader = s.cluster.psql("SELECT tally.create_api_key(name => 'reader', scopes => '{read}')");
  assert.equal((await call(s.url, reader, 'GET', '/api/v1/metrics')).status, 200);
  isErrorAnswer(assert, await call(s.url, reader, 'POST', '/api/v1/events/ingest', { events: [event()] }), 403, 'FORBIDDEN');
  isErrorAnswer(assert, await call(s.url, reader, 'POST', '/api/v1/metrics', { code: 'x' }), 403, 'FORBIDDEN');
});

test('every route is open to a key with its scope, or admin, and to others 403, which names the scope', async () => {
  const examples = new Examples(s, contract.doc);
  await examples.prepare();
  const keys = ['read', 'write', 'admin'].map((scope) => [scope, s.cluster.psql(`SELECT tally.create_api_key(name => 'only ${scope}', scopes => '{${scope}}')`)]);
  const routes = contract.routes().filter((route) => route.scope);
  assert.ok(routes.length > 40);
  // What takes away last, and those who may not before those who may.
  const place = ({ method, pattern }) => examples.order.indexOf(contract.operationOf(method, pattern).operationId);
  for (const route of routes.sort((a, b) => place(a) - place(b))) {
    const operation = examples.byId.get(contract.operationOf(route.method, route.pattern).operationId);
    const { target, headers, body } = examples.requestOf(operation);
    for (const [scope, key] of keys) {
      const { status, json, text } = await call(s.url, key, route.method, target, body, headers);
      const name = `${route.method} ${target} with a key that may ${scope}: ${status} ${text.slice(0, 200)}`;
      if (scope === 'write' && body?.dry_run === true) {      // which writes nothing, and tells what is stored
        assert.equal(status, 403, name);
        assert.equal(json.message, 'this API key lacks the scope "read"', name);
      } else if (scope === route.scope || scope === 'admin') {
        assert.ok(status !== 401 && status !== 403, name);
      } else {
        assert.equal(status, 403, name);
        assert.equal(json.message, `this API key lacks the scope "${route.scope}"`, name);
      }
    }
  }
});

test('keys never enter the log', async () => {
  await call(s.url, s.key, 'GET', `/api/v1/profile?apiKey=${s.key}&API_KEY=${s.key}&from=visible&%61pikey=${s.key}`);
  await call(s.url, null, 'GET', `/nope?apiKey=${s.key}`);
  await until('the log', () => s.tallyd.log().filter((line) => /apiKey=\*\*\*/.test(line.target)).length >= 2);
  assert.ok(!s.tallyd.stderr.includes(s.key));
  assert.match(s.tallyd.stderr, /from=visible/);
});
