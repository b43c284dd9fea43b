// Bodies that come compressed: inflated as they stream, in bounded memory and by turns; limits hold for what comes out.
'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const { after, before, test } = require('node:test');
const { gzipSync } = require('node:zlib');
const { call, isErrorAnswer, raw, parseAnswers, setUp } = require('./lib.js');

const LIMIT = 262144;
const FILE = 3 << 20;
let s;
before(async () => { s = await setUp(['--http-threads', '1', '--max-ingest-body', String(LIMIT), '--max-inflated-file', String(FILE)]); });
after(() => s?.close());

const zstd = (bytes, ...args) => {
  const done = spawnSync('zstd', ['-qc', ...args], { input: bytes, maxBuffer: 1 << 28 });
  assert.equal(done.status, 0, String(done.stderr ?? done.error));
  return done.stdout;
};
const CODINGS = { gzip: gzipSync, 'x-gzip': gzipSync, GZIP: gzipSync, zstd, ZSTD: zstd };
const batch = (name, size = 3) => JSON.stringify({ allow_backfilling: true, events: Array.from({ length: size }, (_, n) => ({ event_id: `${name} ${n}`, code: 'coded', customer_id: 'c', timestamp: '2024-01-01T00:00:00Z' })) });
const lines = (name, count) => Array.from({ length: count }, (_, n) => `${JSON.stringify({ event_id: `${name} ${n}`, code: 'coded', customer_id: 'c', timestamp: '2024-01-01T00:00:00Z', properties: { n } })}\n`).join('');
const ingest = (body, coding, type = 'application/json') => call(s.url, s.key, 'POST', '/api/v1/events/ingest', body, { 'content-type': type, 'content-encoding': coding });
const upload = (body, coding, query = '') => call(s.url, s.key, 'POST', `/api/v1/events/import${query}`, body, { 'content-type': 'application/x-ndjson', 'content-encoding': coding });
const peak = () => Number(/VmHWM:\s*(\d+)/.exec(fs.readFileSync(`/proc/${s.tallyd.child.pid}/status`, 'utf8'))[1]);     // KiB

test('events, files and every other body may come in gzip and in zstd', async () => {
  for (const [coding, pack] of Object.entries(CODINGS)) {
    assert.equal((await ingest(pack(batch(coding)), coding)).json.accepted, 3, coding);
    assert.equal((await ingest(pack(batch(coding)), coding)).json.duplicates, 3, coding);
    const file = await upload(pack(lines(`file ${coding}`, 2500)), coding);
    assert.equal(file.json.accepted, 2500, file.text);
    assert.equal((await call(s.url, null, 'POST', '/api/v1/product_families', pack(JSON.stringify({ apiKey: s.key, name: coding, alias: `a_${coding}` })), { 'content-encoding': coding })).status, 201);
  }
  assert.equal((await ingest(batch('as it is'), 'identity')).json.accepted, 3);
  assert.equal((await ingest(gzipSync(`\ufeff${batch('marked')}`), 'gzip')).json.accepted, 3);
  const form = gzipSync('reason=x&nope=1');
  assert.match((await call(s.url, s.key, 'POST', '/api/v1/metrics', form, { 'content-encoding': 'gzip', 'content-type': 'application/x-www-form-urlencoded' })).text, /unknown field/);
});

test('several streams are one, and pieces may be of any size', async () => {
  const text = batch('members', 50);
  assert.equal((await ingest(Buffer.concat([gzipSync(text.slice(0, 100)), gzipSync(''), gzipSync(text.slice(100))]), 'gzip')).json.accepted, 50);
  for (const [coding, packed] of [['gzip', gzipSync(lines('bytes', 40))], ['zstd', zstd(lines('bytes', 40))]]) {
    const head = `POST /api/v1/events/import HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${s.key}\r\nContent-Type: application/x-ndjson\r\nContent-Encoding: ${coding}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n`;
    const chunks = [...packed].map((byte) => Buffer.concat([Buffer.from('1\r\n'), Buffer.from([byte]), Buffer.from('\r\n')]));
    const [answer] = parseAnswers(await raw(s.tallyd.port, [head, ...chunks, '0\r\n\r\n'], { pause: 0 }));
    assert.equal(JSON.parse(answer.text)[coding === 'gzip' ? 'accepted' : 'duplicates'], 40);
  }
});

test('the limit of a body holds for what comes out of it, and is told', async () => {
  for (const [coding, pack] of [['gzip', gzipSync], ['zstd', zstd]]) {
    const fits = batch('fits', 3).replace('[', `[${' '.repeat(LIMIT - batch('fits', 3).length)}`);
    assert.equal(fits.length, LIMIT);
    assert.equal((await ingest(pack(fits), coding)).status, 200);
    const { message } = isErrorAnswer(assert, await ingest(pack(`${fits} `), coding), 413, 'PAYLOAD_TOO_LARGE');
    assert.match(message, new RegExp(`larger than ${LIMIT} bytes inflated`));
    isErrorAnswer(assert, await call(s.url, s.key, 'POST', '/api/v1/metrics', pack(' '.repeat(2 << 20)), { 'content-encoding': coding }), 413, 'PAYLOAD_TOO_LARGE');
  }
});

test('bombs are refused in bounded memory', async () => {
  const bombs = { gzip: gzipSync(Buffer.alloc(200 << 20)), zstd: zstd(Buffer.alloc(200 << 20, ' ')) };
  await ingest(zstd(batch('warm')), 'zstd');
  const before = peak();
  for (const [coding, bomb] of Object.entries(bombs)) {
    isErrorAnswer(assert, await ingest(bomb, coding), 413, 'PAYLOAD_TOO_LARGE');
    const { message } = isErrorAnswer(assert, await upload(bomb, coding), 413, 'PAYLOAD_TOO_LARGE');
    assert.match(message, new RegExp(`larger than ${FILE} bytes inflated`));
  }
  assert.ok(peak() - before < 24 * 1024, `${peak() - before} KiB`);
});

test('a file that is too large inflated says what was taken, and where to go on', async () => {
  const text = lines('large', 40000);
  const { details } = isErrorAnswer(assert, await upload(gzipSync(text), 'gzip', '?name=large'), 413, 'PAYLOAD_TOO_LARGE');
  assert.match(details.import_id, /^imp_/);
  assert.equal(details.accepted, details.next_line - 1);
  assert.ok(details.accepted > 10000 && details.accepted % 1000 === 0, JSON.stringify(details));
  const rest = text.split('\n').slice(details.next_line - 1, details.next_line + 499).join('\n');
  assert.equal((await upload(gzipSync(rest), 'gzip', `?import_id=${details.import_id}&line=${details.next_line}`)).json.accepted, 500);
});

test('a long inflating leaves the other requests of its thread their turn', async () => {
  const big = await setUp(['--http-threads', '1']);
  try {
    const bomb = Buffer.concat(Array(4).fill(zstd(Buffer.alloc(250 << 20, ' '))));     // one line that is too long, and takes its time
    let done = false;
    const busy = call(big.url, big.key, 'POST', '/api/v1/events/import', bomb, { 'content-type': 'application/x-ndjson', 'content-encoding': 'zstd' }).finally(() => { done = true; });
    let between = 0;
    while (!done) {
      await call(big.url, null, 'GET', '/healthz');
      if (!done) between += 1;
    }
    assert.equal((await busy).status, 200, (await busy).text);
    assert.ok(between > 5, `${between} answers meanwhile`);
  } finally {
    await big.close();
  }
});

test('what is cut, damaged, no such coding or followed by more is 400 with what is wrong', async () => {
  const text = batch('bad');
  const wrong = {
    gzip: [[gzipSync(text).subarray(0, -1), /ends too early/], [gzipSync(text).subarray(0, 10), /ends too early/], [text, /is no sound gzip: incorrect header check/],
      [Buffer.concat([gzipSync(text).subarray(0, -8), Buffer.alloc(8)]), /is no sound gzip: incorrect data check/], [Buffer.concat([gzipSync(text), Buffer.from('more')]), /goes on after its end/]],
    zstd: [[zstd(text).subarray(0, -1), /ends too early/], [text, /is no sound zstd/], [Buffer.concat([zstd(text), Buffer.from('more')]), /goes on after its end/],
      [zstd(Buffer.alloc(17 << 20, text), '--long=27'), /needs a window larger than 8 MiB/]],
  };
  for (const [coding, cases] of Object.entries(wrong)) {
    for (const [body, message] of cases) {
      assert.match(isErrorAnswer(assert, await ingest(body, coding), 400, 'BAD_REQUEST').message, message);
      assert.match(isErrorAnswer(assert, await upload(body, coding), 400, 'BAD_REQUEST').message, message);
    }
    assert.match(isErrorAnswer(assert, await ingest('', coding), 400, 'BAD_REQUEST').message, /body is empty/);
    assert.match(isErrorAnswer(assert, await upload(CODINGS[coding](''), coding), 400, 'BAD_REQUEST').message, /body is empty/);
  }
  const cut = gzipSync(lines('cut', 5000));
  const { message, details } = isErrorAnswer(assert, await upload(cut.subarray(0, -4), 'gzip'), 400, 'BAD_REQUEST');
  assert.match(message, /ends too early/);
  assert.equal(details.next_line, details.accepted + 1);
  assert.ok(details.accepted >= 4000);
  isErrorAnswer(assert, await ingest(gzipSync(batch('twice')), 'gzip, gzip'), 415, 'UNSUPPORTED_MEDIA_TYPE');
  assert.equal((await ingest(gzipSync(text), 'gzip')).json.accepted, 3);
});
