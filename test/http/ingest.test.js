// Ingest through tallyd: coalescing, isolation between the requests of one batch, sizes.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { call, event, http, isErrorAnswer, parseAnswers, raw, setUp } = require('./lib.js');

let s;
before(async () => { s = await setUp(); });
after(() => s?.close());

const ingest = (body, key = s.key) => call(s.url, key, 'POST', '/api/v1/events/ingest', body);

test('events are accepted once; the same again are duplicates', async () => {
  const events = [event(), event(), event()];
  assert.deepEqual((await ingest({ events })).json, { accepted: 3, duplicates: 0 });
  assert.deepEqual((await ingest({ events })).json, { accepted: 0, duplicates: 3 });
});

test('many clients at once: every request has its own answer', async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
  const post = (body) => new Promise((resolve, reject) => {
    const request = http.request(`${s.url}/api/v1/events/ingest`, { method: 'POST', agent, headers: { authorization: `Bearer ${s.key}`, 'content-type': 'application/json' } }, (response) => {
      let text = '';
      response.on('data', (data) => { text += data; });
      response.on('end', () => resolve({ status: response.statusCode, text }));
    });
    request.on('error', reject);
    request.end(body);
  });
  const wanted = [];
  for (let n = 0; n < 600; n += 1) {
    const size = 1 + (n % 4);
    if (n % 7 === 3) wanted.push({ body: '{"events":[', status: 400 });
    else wanted.push({ body: JSON.stringify({ events: Array.from({ length: size }, () => event()) }), status: 200, accepted: size });
  }
  const answers = await Promise.all(wanted.map(({ body }) => post(body)));
  answers.forEach((answer, n) => {
    assert.equal(answer.status, wanted[n].status, answer.text);
    if (wanted[n].status === 200) assert.equal(JSON.parse(answer.text).accepted, wanted[n].accepted);
  });
  agent.destroy();
});

test('requests with different keys share a batch and keep their own right', async () => {
  const reader = s.cluster.psql("SELECT tally.create_api_key(name => 'r2', scopes => '{read}')");
  const lock = await s.cluster.session('BEGIN; LOCK TABLE tally.api_key IN ACCESS EXCLUSIVE MODE');
  const pending = [];
  for (let n = 0; n < 30; n += 1) pending.push(ingest({ events: [event()] }, [s.key, reader, 'unknown'][n % 3]));
  await lock.end();
  (await Promise.all(pending)).forEach((answer, n) => assert.equal(answer.status, [200, 403, 401][n % 3], answer.text));
});

test('a body that makes the whole statement fail is found and takes nobody with it', async () => {
  s.cluster.psql(`
    ALTER FUNCTION tally_rest.ingest_batch(bytea[], text[]) RENAME TO ingest_batch_inner;
    CREATE FUNCTION tally_rest.ingest_batch(bytea[], text[]) RETURNS TABLE (ordinal int, status int, body text)
      LANGUAGE plpgsql AS $$
      BEGIN
        IF EXISTS (SELECT FROM pg_catalog.unnest($2) AS b WHERE b LIKE '%poison%') THEN
          RAISE EXCEPTION 'poisoned' USING ERRCODE = '22000';
        END IF;
        RETURN QUERY SELECT * FROM tally_rest.ingest_batch_inner($1, $2);
      END $$;
    GRANT EXECUTE ON FUNCTION tally_rest.ingest_batch(bytea[], text[]) TO tally_api;`);
  try {
    const lock = await s.cluster.session('BEGIN; LOCK TABLE tally.api_key IN ACCESS EXCLUSIVE MODE');
    const pending = [];
    for (let n = 0; n < 40; n += 1) pending.push(ingest({ events: [event(n % 13 === 5 ? { code: 'poison' } : {})] }));
    await lock.end();
    (await Promise.all(pending)).forEach((answer, n) => {
      if (n % 13 === 5) isErrorAnswer(assert, answer, 400, 'BAD_REQUEST');
      else assert.equal(answer.status, 200, answer.text);
    });
  } finally {
    s.cluster.psql(`DROP FUNCTION tally_rest.ingest_batch(bytea[], text[]);
      ALTER FUNCTION tally_rest.ingest_batch_inner(bytea[], text[]) RENAME TO ingest_batch`);
  }
});

test('a large body passes alone, whole', async () => {
  const events = Array.from({ length: 10000 }, () => event({ properties: { text: 'x'.repeat(300) } }));
  const answer = await ingest({ events });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json.accepted, 10000);
});

test('a chunked body, in small pieces, and several requests in one connection without waiting', async () => {
  const one = (body, last) => `POST /api/v1/events/ingest HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${s.key}\r\nContent-Type: application/json\r\n${last ? 'Connection: close\r\n' : ''}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  const bodies = Array.from({ length: 20 }, () => JSON.stringify({ events: [event(), event()] }));
  const answers = parseAnswers(await raw(s.tallyd.port, bodies.map((body, n) => one(body, n === 19)).join('')));
  assert.equal(answers.length, 20);
  for (const answer of answers) assert.equal(JSON.parse(answer.text).accepted, 2);
  const body = JSON.stringify({ events: [event()] });
  const pieces = [`POST /api/v1/events/ingest HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${s.key}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n`];
  for (let at = 0; at < body.length; at += 50) {
    const piece = body.slice(at, at + 50);
    pieces.push(`${piece.length.toString(16)}\r\n`, piece, '\r\n');
  }
  const [answer] = parseAnswers(await raw(s.tallyd.port, [...pieces, '0\r\n\r\n'], { pause: 2 }));
  assert.equal(JSON.parse(answer.text).accepted, 1);
});

test('a client that closes its sending half still gets its answer', async () => {
  const body = JSON.stringify({ events: [event()] });
  const bytes = `POST /api/v1/events/ingest HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${s.key}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  for (let n = 0; n < 10; n += 1) {
    const [answer] = parseAnswers(await raw(s.tallyd.port, bytes, { pause: 0, end: true }));
    assert.equal(answer?.status, 200);
    const [profile] = parseAnswers(await raw(s.tallyd.port, `GET /api/v1/profile HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${s.key}\r\n\r\n`, { pause: 0, end: true }));
    assert.equal(profile?.status, 200);
  }
});

test('a revoked key is refused on the very next request', async () => {
  const key = s.cluster.psql("SELECT tally.create_api_key(name => 'gone', scopes => '{write}')");
  assert.equal((await ingest({ events: [event()] }, key)).status, 200);
  s.cluster.psql(`SELECT tally.revoke_api_key('${key}')`);
  isErrorAnswer(assert, await ingest({ events: [event()] }, key), 401, 'UNAUTHORIZED');
});
