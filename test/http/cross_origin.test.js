// Pages of other origins: preflights, what they may read, and what a list of origins changes.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { call, event, isErrorAnswer, parseAnswers, raw, setUp, startTallyd } = require('./lib.js');

let s;
before(async () => { s = await setUp(); });
after(() => s?.close());

// An event may be called "ingest": GET asks for that.
const PATHS = { '/healthz': 'GET, HEAD, OPTIONS', '/readyz': 'GET, HEAD, OPTIONS', '/metrics': 'GET, HEAD, OPTIONS',
  '/api/v1/events/ingest': 'POST, GET, HEAD, OPTIONS', '/api/v1/profile': 'GET, HEAD, OPTIONS', '/api/v1/metrics': 'GET, HEAD, POST, OPTIONS' };
const APP = 'https://app.example.com';

test('a preflight is answered for every path, without a key', async () => {
  for (const [target, methods] of Object.entries(PATHS)) {
    const answer = await call(s.url, null, 'OPTIONS', target, undefined, { origin: APP, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' });
    assert.equal(answer.status, 204, target);
    assert.equal(answer.text, '');
    assert.equal(answer.headers.get('content-type'), null);
    assert.equal(answer.headers.get('access-control-allow-origin'), '*');
    assert.equal(answer.headers.get('access-control-allow-methods'), methods);
    assert.equal(answer.headers.get('access-control-allow-headers'), 'Authorization, Content-Type, Idempotency-Key, X-Request-Id');
    assert.ok(Number(answer.headers.get('access-control-max-age')) > 0);
    assert.equal(answer.headers.get('access-control-allow-credentials'), null);
    assert.ok(answer.headers.get('x-request-id'));
  }
});

test('OPTIONS without an origin says what a path allows; an unknown path is 404', async () => {
  const answer = await call(s.url, null, 'OPTIONS', '/api/v1/metrics/bm_x');
  assert.equal(answer.status, 204);
  assert.match(answer.headers.get('allow'), /^GET, HEAD, .*OPTIONS$/);
  isErrorAnswer(assert, await call(s.url, null, 'OPTIONS', '/nope', undefined, { origin: APP }), 404, 'NOT_FOUND');
  const bytes = 'OPTIONS /api/v1/profile HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
  const stream = await raw(s.tallyd.port, bytes);
  assert.match(stream, /^HTTP\/1\.1 204 [^]*HTTP\/1\.1 200 /);
});

test('every answer may be read by any origin, errors too', async () => {
  const answers = [await call(s.url, s.key, 'GET', '/api/v1/profile', undefined, { origin: APP }), await call(s.url, null, 'GET', '/api/v1/profile', undefined, { origin: APP }),
    await call(s.url, null, 'GET', '/nope'), await call(s.url, s.key, 'POST', '/api/v1/events/ingest', { events: [event()] }), await call(s.url, s.key, 'POST', '/api/v1/metrics', '{')];
  const refusedByLibrary = parseAnswers(await raw(s.tallyd.port, 'GET /healthz HTTP/3.0\r\nHost: x\r\n\r\n'))[0];
  const direct = parseAnswers(await raw(s.tallyd.port, 'POST /api/v1/metrics HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n'))[0];
  assert.equal(refusedByLibrary.headers['access-control-allow-origin'], '*');
  assert.equal(direct.headers['access-control-allow-origin'], '*');
  for (const answer of answers) {
    assert.equal(answer.headers.get('access-control-allow-origin'), '*');
    assert.match(answer.headers.get('access-control-expose-headers'), /X-Request-Id, Retry-After, RateLimit-Limit/);
    assert.equal(answer.headers.get('vary'), null);
  }
});

test('with a list only its origins are named, and caches are told', async () => {
  const tallyd = await startTallyd(s.cluster, ['--cors-origin', APP, '--cors-origin', 'http://localhost:3000']);
  await tallyd.ready();
  for (const origin of [APP, 'http://localhost:3000']) {
    const answer = await call(tallyd.url, s.key, 'GET', '/api/v1/profile', undefined, { origin });
    assert.equal(answer.headers.get('access-control-allow-origin'), origin);
    assert.equal(answer.headers.get('vary'), 'Origin');
  }
  for (const origin of [undefined, 'https://evil.example.com', `${APP}.evil.com`, 'null', 'http://app.example.com']) {
    const headers = origin ? { origin } : {};
    for (const answer of [await call(tallyd.url, s.key, 'GET', '/api/v1/profile', undefined, headers), await call(tallyd.url, null, 'OPTIONS', '/api/v1/profile', undefined, headers)]) {
      assert.ok([200, 204].includes(answer.status));
      assert.equal(answer.headers.get('access-control-allow-origin'), null);
      assert.equal(answer.headers.get('access-control-allow-methods'), null);
      assert.equal(answer.headers.get('vary'), 'Origin');
    }
  }
  await tallyd.stop();
  const none = await startTallyd(s.cluster, ['--cors-origin', 'none']);
  const answer = await call(none.url, null, 'GET', '/healthz', undefined, { origin: APP });
  assert.equal(answer.headers.get('access-control-allow-origin'), null);
  await none.stop();
});
