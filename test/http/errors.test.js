// Every refusal is JSON with a code and a message, whatever part of the server makes it.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { call, event, isErrorAnswer, parseAnswers, raw, setUp } = require('./lib.js');

let s;
before(async () => { s = await setUp(['--max-body', '4096', '--max-ingest-body', '8192']); });
after(() => s?.close());

const refused = async (status, code, method, target, body, headers, key = s.key) => {
  const answer = await call(s.url, key, method, target, body, headers);
  return { answer, body: isErrorAnswer(assert, answer, status, code) };
};
const head = (...lines) => `${lines.join('\r\n')}\r\n\r\n`;
const one = async (bytes, options) => {
  const answers = parseAnswers(await raw(s.tallyd.port, bytes, options));
  assert.equal(answers.length, 1, JSON.stringify(answers));
  return answers[0];
};

test('an unknown path is 404, with a key and without', async () => {
  await refused(404, 'NOT_FOUND', 'GET', '/nope');
  assert.match((await refused(404, 'NOT_FOUND', 'GET', '/api', undefined, {}, null)).body.details.hint, /\/openapi\.json/);
  await refused(404, 'NOT_FOUND', 'POST', '/api/v1/nope', {});
  await refused(404, 'NOT_FOUND', 'GET', '/api//v1/metrics');
  await refused(404, 'NOT_FOUND', 'GET', '/api/v1/metrics/a/b');
  await refused(404, 'NOT_FOUND', 'GET', '/api/v1/metrics/%2F/usage/x');
});

test('a known path with an unknown method is 405 and says what is allowed', async () => {
  const { answer } = await refused(405, 'METHOD_NOT_ALLOWED', 'PUT', '/api/v1/metrics', {});
  assert.equal(answer.headers.get('allow'), 'GET, HEAD, POST, OPTIONS');
  const { answer: second } = await refused(405, 'METHOD_NOT_ALLOWED', 'DELETE', '/healthz');
  assert.equal(second.headers.get('allow'), 'GET, HEAD, OPTIONS');
  const third = await one(head('BREW /api/v1/profile HTTP/1.1', 'Host: x', 'Connection: close'));
  isErrorAnswer(assert, third, 405, 'METHOD_NOT_ALLOWED');
});

test('a GET that is refused keeps its connection', async () => {
  const bytes = head('GET /nope HTTP/1.1', 'Host: x') + head('GET /healthz HTTP/1.1', 'Host: x', 'Connection: close');
  const answers = parseAnswers(await raw(s.tallyd.port, bytes));
  assert.deepEqual(answers.map((answer) => answer.status), [404, 200]);
});

test('one trailing slash is ignored, more are not', async () => {
  assert.equal((await call(s.url, s.key, 'GET', '/api/v1/profile/')).status, 200);
  assert.equal((await call(s.url, null, 'GET', '/healthz/')).status, 200);
  await refused(404, 'NOT_FOUND', 'GET', '/api/v1/profile//');
});

test('HEAD is answered where GET is, without a body', async () => {
  const answer = await call(s.url, s.key, 'HEAD', '/api/v1/profile');
  assert.equal(answer.status, 200);
  assert.equal(answer.text, '');
  assert.ok(Number(answer.headers.get('content-length')) > 0);
  assert.equal((await call(s.url, null, 'HEAD', '/api/v1/profile')).status, 401);
  assert.equal((await call(s.url, s.key, 'HEAD', '/api/v1/events/import')).status, 404, 'there is no event of this id');
  assert.equal((await call(s.url, s.key, 'HEAD', '/api/v1/events/x/void')).status, 405);
});

test('a broken path or query is 400', async () => {
  for (const target of ['/api/v1/metrics/%zz', '/api/v1/metrics/%', '/api/v1/metrics/%00', '/api/v1/metrics/%ff',
    '/api/v1/metrics?a=%f', '/api/v1/metrics?a=%00', '/api/v1/metrics?%ff=1', '/api/v1/metrics?a=%c3%28']) {
    await refused(400, 'BAD_REQUEST', 'GET', target);
  }
  isErrorAnswer(assert, await one(head('GET nonsense HTTP/1.1', 'Host: x', 'Connection: close')), 400, 'BAD_REQUEST');
});

test('a wrong media type is 415, parameters are tolerated', async () => {
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx', '']) {
    await refused(415, 'UNSUPPORTED_MEDIA_TYPE', 'POST', '/api/v1/metrics', '{}', { 'content-type': type });
  }
  await refused(415, 'UNSUPPORTED_MEDIA_TYPE', 'POST', '/api/v1/events/ingest', 'a=b', { 'content-type': 'application/x-www-form-urlencoded' });
  await refused(415, 'UNSUPPORTED_MEDIA_TYPE', 'POST', '/api/v1/metrics', '{}', { 'content-type': 'application/json', 'content-encoding': 'br' });
  const answer = await call(s.url, s.key, 'POST', '/api/v1/events/ingest', '{"events":1', { 'content-type': 'Application/JSON; charset=utf-8' });
  isErrorAnswer(assert, answer, 400, 'BAD_REQUEST');
});

test('a body that is no JSON text is 400 and says why', async () => {
  const cases = [['', /empty/], ['  \n', /empty/], ['{', /JSON/], ['{"a":1,"a":2}', /[Dd]uplicate|JSON/], ['{"a":1}x', /JSON/],
    ['{"a":"\0"}', /NUL/], [Uint8Array.from([0x22, 0xff, 0xfe, 0x22]), /UTF-8/],
    [`${'['.repeat(65)}${']'.repeat(65)}`, /deep/], ['[1,2', /JSON/]];
  for (const [body, reason] of cases) {
    const { body: error } = await refused(400, 'BAD_REQUEST', 'POST', '/api/v1/metrics', body);
    assert.match(error.message, reason, JSON.stringify(String(body).slice(0, 20)));
  }
  const { body: error } = await refused(400, 'BAD_REQUEST', 'POST', '/api/v1/metrics', '{\n  "a": tru\n}');
  assert.equal(error.details.line, 2);
});

test('an ingest body that is no text is refused before the database sees it, the rest by the database', async () => {
  const bodies = ['', '{', '{"events":[', 'x', '{"events":[]}x', '"\0"', Uint8Array.from([0x7b, 0xc0, 0xaf, 0x7d])];
  for (const body of bodies) await refused(400, 'BAD_REQUEST', 'POST', '/api/v1/events/ingest', body);
});

test('a body beyond the limit is 413, announced or not', async () => {
  await refused(413, 'PAYLOAD_TOO_LARGE', 'POST', '/api/v1/metrics', `"${'x'.repeat(5000)}"`);
  await refused(413, 'PAYLOAD_TOO_LARGE', 'POST', '/api/v1/events/ingest', `"${'x'.repeat(9000)}"`);
  const start = head('POST /api/v1/metrics HTTP/1.1', 'Host: x', `Authorization: Bearer ${s.key}`, 'Content-Type: application/json', 'Transfer-Encoding: chunked', 'Connection: close');
  const chunk = `800\r\n${'x'.repeat(2048)}\r\n`;
  isErrorAnswer(assert, await one([start, chunk, chunk, chunk, chunk, '0\r\n\r\n']), 413, 'PAYLOAD_TOO_LARGE');
  // One that never ends is answered too, and then cut.
  isErrorAnswer(assert, await one([start, ...Array(40).fill(chunk)], { pause: 1 }), 413, 'PAYLOAD_TOO_LARGE');
});

test('a client that is refused while it sends a large body can read the answer', async () => {
  const big = 'x'.repeat(6 << 20);
  for (let n = 0; n < 5; n += 1) {
    const head413 = head('POST /api/v1/metrics HTTP/1.1', 'Host: x', `Authorization: Bearer ${s.key}`, 'Content-Type: application/json', `Content-Length: ${big.length}`);
    isErrorAnswer(assert, await one([head413, big]), 413, 'PAYLOAD_TOO_LARGE');
    const head401 = head('POST /api/v1/metrics HTTP/1.1', 'Host: x', 'Authorization: Bearer', 'Content-Type: application/json', `Content-Length: ${big.length}`);
    isErrorAnswer(assert, await one([head401, big]), 401, 'UNAUTHORIZED');
  }
});

test('limits of target and headers: 414 and 431', async () => {
  isErrorAnswer(assert, await one(head(`GET /${'a'.repeat(9000)} HTTP/1.1`, 'Host: x', 'Connection: close')), 414, 'URI_TOO_LONG');
  isErrorAnswer(assert, await one(head('GET /healthz HTTP/1.1', 'Host: x', `X: ${'a'.repeat(40000)}`, 'Connection: close')), 431, 'REQUEST_HEADER_FIELDS_TOO_LARGE');
  isErrorAnswer(assert, await one(head('GET /healthz HTTP/1.1', 'Host: x', ...Array(300).fill('X: y'), 'Connection: close')), 431, 'REQUEST_HEADER_FIELDS_TOO_LARGE');
});

test('refusals that the HTTP library makes by itself are JSON too', async () => {
  const cases = [
    [head(`GET /${'a'.repeat(200000)} HTTP/1.1`, 'Host: x'), 414],
    [head('GET /healthz HTTP/1.1', 'Host: x', `X: ${'a'.repeat(200000)}`), 431],
    [head('GET /healthz HTTP/1.1', 'Host: x', ...Array(20000).fill('A: b')), 431],
    [head('GET /healthz HTTP/2.0', 'Host: x'), 505],
    [head('GET /healthz HTTP/0.9', 'Host: x'), 505],
    [head('GET /healthz'), 400],
    [head('GET /healthz XTTP/1.1'), 400],
    [head('GET /healthz HTTP/1.1', 'Host: x', 'no colon here', 'A: b'), 400],
    [head('POST /api/v1/metrics HTTP/1.1', 'Host: x', 'Content-Length: abc'), 400],
    [head('POST /api/v1/metrics HTTP/1.1', 'Host: x', 'Content-Length: -1'), 400],
    [head('POST /api/v1/metrics HTTP/1.1', 'Host: x', 'Content-Length: 99999999999999999999999'), 413],
    [`${head('POST /api/v1/metrics HTTP/1.1', 'Host: x', `Authorization: Bearer ${s.key}`, 'Content-Type: application/json', 'Transfer-Encoding: chunked')}zz\r\n`, 400],
  ];
  for (const [bytes, status] of cases) {
    const stream = await raw(s.tallyd.port, bytes);
    const answers = parseAnswers(stream);
    assert.equal(answers.length, 1, `${bytes.slice(0, 60)} -> ${stream.slice(0, 200)}`);
    isErrorAnswer(assert, answers[0], status);
  }
});

test('message framing that two servers could read in two ways is refused', async () => {
  const start = ['POST /api/v1/metrics HTTP/1.1', 'Host: x', `Authorization: Bearer ${s.key}`, 'Content-Type: application/json'];
  isErrorAnswer(assert, await one(head(...start, 'Content-Length: 2', 'Transfer-Encoding: chunked')), 400);
  isErrorAnswer(assert, await one(head(...start, 'Content-Length: 2', 'Content-Length: 3')), 400);
  isErrorAnswer(assert, await one(head(...start, 'Transfer-Encoding: gzip, chunked')), 501);
  const chunked = ['2\r\n{}\r\n0\r\n\r\n'];
  // The body alone would be 400 too.
  assert.match(isErrorAnswer(assert, await one([head(...start, 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked', 'Connection: close'), ...chunked]), 400).message, /more than one Transfer-Encoding/);
  assert.match(isErrorAnswer(assert, await one([head('POST /api/v1/metrics HTTP/1.0', ...start.slice(1), 'Transfer-Encoding: chunked'), ...chunked]), 400).message, /HTTP\/1\.0 knows no/);
  isErrorAnswer(assert, await one(head('GET /healthz HTTP/1.1', 'Connection: close')), 400);
  isErrorAnswer(assert, await one(head(...start, 'Expect: the-unexpected', 'Content-Length: 2')), 417);
  isErrorAnswer(assert, await one(`${head('GET /api/v1/profile HTTP/1.1', 'Host: x', `Authorization: Bearer ${s.key}`, 'Content-Length: 2')}{}`), 400);
});

// RFC 9112 (2.2, 3.2, 5.1): what two servers could read as two requests is answered with 400, and the connection ends.
test('a head that is not well formed is refused, whatever else it holds', async () => {
  const bad = {
    'a blank before the colon': ['Host: x', 'X-A : y'], 'a tab before the colon': ['Host: x', 'X-A\t: y'], 'a blank in a length': ['Host: x', 'Content-Length : 30'],
    'a blank in a coding': ['Host: x', 'Transfer-Encoding : chunked'], 'no name': ['Host: x', ': y'], 'only a blank for a name': ['Host: x', ' : y'], 'a blank in a name': ['Host: x', 'X A: y'],
    'a bracket in a name': ['Host: x', 'X(A): y'], 'a letter that is not ASCII': ['Host: x', 'X-\u00e4: y'], 'a control character in a name': ['Host: x', 'X-\x01: y'],
    'a blank before the first header': [' Host: x', 'X-A: y'], 'a tab before the first header': ['\tX-A: y', 'Host: x'], 'a blank before the Host': [' X-A: y', 'Host: x'], 'a blank after Host': ['Host : x'],
    'two hosts': ['Host: a.example', 'Host: b.example'], 'the same host twice': ['Host: x', 'host: x'], 'two hosts in one': ['Host: a.example, b.example'],
    'a path in the host': ['Host: x/y'], 'a user in the host': ['Host: u@x'], 'a blank in the host': ['Host: a b'], 'a port that is no number': ['Host: x:80a'], 'a port too large': ['Host: x:65536'],
    'two ports': ['Host: x:1:2'], 'a port alone': ['Host: :80'], 'a bracket': ['Host: [::1'], 'no address in brackets': ['Host: [x]'], 'an escape cut short': ['Host: x%4'], 'a query in the host': ['Host: x?y'],
    'letters of a host that are not ASCII': ['Host: \u00e4.example'], 'a control character in the host': ['Host: x\x01'], 'quotes': ['Host: "x"'], 'a backslash': ['Host: x\\y'],
    'a lone CR': ['Host: x', 'X: a\rX-B: c'], 'a lone CR before the end': ['Host: x', 'X: a\r'], 'a lone LF': ['Host: x\nX-B: c'], 'two types': ['Host: x', 'Content-Type: a/b', 'Content-Type: application/json'],
  };
  const next = head('GET /readyz HTTP/1.1', 'Host: x');
  for (const start of ['GET /healthz HTTP/1.1', 'GET /healthz HTTP/1.0', 'POST /api/v1/metrics HTTP/1.1']) {
    for (const [what, lines] of Object.entries(bad)) {
      const answers = parseAnswers(await raw(s.tallyd.port, head(start, ...lines) + next + head('GET /healthz HTTP/1.1', 'Host: x', 'Connection: close')));
      if (what !== 'two types') assert.equal(answers.length, 1, `${start}, ${what}: the next request was answered`);
      isErrorAnswer(assert, answers[0], 400, 'BAD_REQUEST');
    }
  }
  for (const start of ['GET http:///healthz HTTP/1.1', 'GET http://u@x/healthz HTTP/1.1', 'GET ftp://x/healthz HTTP/1.1', 'GET http://x:80a/healthz HTTP/1.1', 'G(T /healthz HTTP/1.1', 'G"T /healthz HTTP/1.1']) {
    const answers = parseAnswers(await raw(s.tallyd.port, head(start, 'Host: x') + next));
    assert.equal(answers.length, 1, `${start}: the next request was answered`);
    isErrorAnswer(assert, answers[0], 400, 'BAD_REQUEST');
  }
  const good = ['x', 'x:8080', 'x:', '127.0.0.1:80', '[::1]', '[::1]:8080', '[v1.a:b]', 'a_b.example.', '%41.example', '', 'xn--a.example', 'A.EXAMPLE'];
  for (const host of good) assert.equal((await one(head('GET /healthz HTTP/1.1', `Host: ${host}`, "X-!#$%&'*+-.^_`|~0: \t y \t", 'X:', 'Connection: close'))).status, 200, host);
  const chunked = (trailer) => one([head('POST /api/v1/metrics HTTP/1.1', 'Host: x', `Authorization: Bearer ${s.key}`, 'Content-Type: application/json', 'Transfer-Encoding: chunked', 'Connection: close'),
    `2\r\n[]\r\n0\r\n${trailer}\r\n`]);
  assert.match((await chunked('X-A : y\r\n')).text, /trailer/);
  assert.doesNotMatch((await chunked('X-A: y\r\n')).text, /trailer/);
});

test('a body is read in the charset that its sender declares, or not at all', async () => {
  const routes = { '/api/v1/events/import': ['text/csv', 'code,customer_id,timestamp,v\ndisk,caf\u00e9,2024-01-15T00:00:00Z,1'], '/api/v1/events/ingest': ['application/json', { events: [event()] }],
    '/api/v1/metrics': ['application/json', {}], '/api/v1/profile': null };
  const good = ['', '; charset=utf-8', ';charset=UTF-8', '; charset="Utf-8"', '; header=present; Charset=utf8', '; charset=US-ASCII', ';x="a;charset=latin1"'];
  const bad = ['; charset=windows-1252', ';charset=ISO-8859-1', '; charset="utf-16"', '; header=present;CHARSET=latin1', '; charset = windows-1252', '; charset=utf-8; charset=latin1', '; charset=', ';x="\\"";charset=latin1', '; charset=utf-8x'];
  for (const [route, sample] of Object.entries(routes)) {
    if (!sample) continue;
    const [type, body] = sample;
    for (const more of good) assert.notEqual((await call(s.url, s.key, 'POST', route, body, { 'content-type': type + more })).status, 415, `${route} ${more}`);
    for (const more of bad) assert.match((await refused(415, 'UNSUPPORTED_MEDIA_TYPE', 'POST', route, body, { 'content-type': type + more })).body.message, /UTF-8/, `${route} ${more}`);
  }
  await refused(415, 'UNSUPPORTED_MEDIA_TYPE', 'POST', '/api/v1/events/import', '{}', { 'content-type': 'application/x-ndjson; charset=latin1' });
});

test('a byte order mark before a JSON body is passed over, and only there', async () => {
  const send = (body, target = '/api/v1/events/ingest') => call(s.url, s.key, 'POST', target, body);
  assert.equal((await send(`\ufeff${JSON.stringify({ events: [event()] })}`)).status, 200);
  assert.match((await send('\ufeff{"nope": 1}', '/api/v1/metrics')).text, /unknown field .*nope/);
  for (const body of ['\ufeff', '\ufeff\ufeff{}', '{}\ufeff', ' \ufeff{}']) isErrorAnswer(assert, await send(body, '/api/v1/metrics'), 400);
});

test('a body of another coding is refused with what is taken', async () => {
  for (const [target, type] of [['/api/v1/events/ingest', 'application/json'], ['/api/v1/events/import', 'text/csv'], ['/api/v1/metrics', 'application/json']]) {
    for (const coding of ['deflate', 'identity, gzip', 'gzip, gzip', 'br', 'gzip;q=1', 'zstd,', '']) {
      const { answer } = await refused(415, 'UNSUPPORTED_MEDIA_TYPE', 'POST', target, '{}', { 'content-type': type, 'content-encoding': coding });
      assert.equal(answer.headers.get('accept-encoding'), 'gzip, zstd, identity');
    }
    const { answer } = await refused(415, 'UNSUPPORTED_MEDIA_TYPE', 'POST', target, '{}', { 'content-type': 'text/plain' });
    assert.equal(answer.headers.get('accept-encoding'), null);
  }
});

test('Expect: 100-continue gets a 100 when the body is wanted and the refusal when not', async () => {
  const start = ['POST /api/v1/metrics HTTP/1.1', 'Host: x', 'Content-Type: application/json', 'Expect: 100-continue', 'Connection: close'];
  isErrorAnswer(assert, await one(head(...start, 'Authorization: Bearer', 'Content-Length: 5')), 401);
  const answers = parseAnswers(await raw(s.tallyd.port, [head(...start, `Authorization: Bearer ${s.key}`, 'Content-Length: 5'), '[1,2'], { pause: 200, end: false, limit: 8000 }).catch((error) => String(error.message).slice('no end after: '.length)));
  assert.equal(answers[0].status, 100);
  const whole = parseAnswers(await raw(s.tallyd.port, [head(...start, `Authorization: Bearer ${s.key}`, 'Content-Length: 5'), '[1,2,'], { pause: 200 }));
  assert.deepEqual(whole.map((answer) => answer.status), [100, 400]);
});

test('every answer carries a request id; a sane one of the client is kept', async () => {
  const kept = await call(s.url, null, 'GET', '/nope', undefined, { 'x-request-id': 'abc-123' });
  assert.equal(kept.headers.get('x-request-id'), 'abc-123');
  for (const bad of ['a b', 'x'.repeat(200), '<script>', 'a"b']) {
    const answer = await call(s.url, null, 'GET', '/nope', undefined, { 'x-request-id': bad });
    assert.match(answer.headers.get('x-request-id'), /^[0-9a-f]{16}$/);
  }
  const a = await call(s.url, null, 'GET', '/healthz');
  const b = await call(s.url, null, 'GET', '/healthz');
  assert.notEqual(a.headers.get('x-request-id'), b.headers.get('x-request-id'));
  assert.equal(a.headers.get('cache-control'), 'no-store');
});
