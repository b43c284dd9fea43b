// Files of events uploaded to POST /api/v1/events/import: streamed, by line, in chunks that stay.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { after, before, test } = require('node:test');
const { call, http, isErrorAnswer, parseAnswers, raw, setUp, sleep, startTallyd, storedEvents, until } = require('./lib.js');

let s;
before(async () => { s = await setUp(); });
after(() => s?.close());

const PATH = '/api/v1/events/import';
const NDJSON = { 'content-type': 'application/x-ndjson' };
const CSV = { 'content-type': 'text/csv' };
const upload = (body, headers = NDJSON, query = '', key = s.key) => call(s.url, key, 'POST', PATH + query, body, headers);
const line = (n, more = {}) => `${JSON.stringify({ code: 'imported', customer_id: 'c', timestamp: '2024-01-01T00:00:00Z', properties: { n: String(n) }, ...more })}\n`;
const events = (where = 'true') => Number(s.cluster.psql(`SELECT count(*) FROM ${storedEvents} WHERE code = 'imported' AND ${where}`));

const shown = async (id) => (await call(s.url, s.key, 'GET', `/api/v1/imports/${id}`)).json;
const counts = (one) => [one.accepted, one.duplicates, one.failed ?? one.failures];

// A chunked request whose body is written as the caller likes. write() resolves when the bytes have left.
function open(headers, query = '') {
  const answer = {};
  const request = http.request(`${s.url}${PATH}${query}`, { method: 'POST', headers: { authorization: `Bearer ${s.key}`, ...headers } });
  answer.done = new Promise((resolve) => {
    request.on('response', (response) => {
      let text = '';
      response.on('data', (data) => { text += data; });
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text, json: JSON.parse(text) }));
    });
    request.on('error', (error) => resolve({ error }));
  });
  answer.write = (data) => new Promise((resolve) => { request.write(data, resolve); });
  answer.end = () => { request.end(); return answer.done; };
  answer.destroy = () => request.destroy();
  return answer;
}

test('NDJSON and CSV are taken, the same file again counts once', async () => {
  const text = Array.from({ length: 25 }, (_, n) => line(`a${n}`)).join('');
  const first = await upload(text);
  assert.equal(first.status, 200, first.text);
  assert.match(first.json.import_id, /^imp_/);
  assert.deepEqual({ ...first.json, import_id: 0 }, { import_id: 0, accepted: 25, duplicates: 0, failed: 0, failures: [] });
  assert.equal((await upload(text)).json.duplicates, 25);
  const csv = `event_code,customer_id,timestamp,n\r\n${Array.from({ length: 7 }, (_, n) => `imported,c,2024-01-01T00:00:00Z,"b\n${n}"\r\n`).join('')}`;
  assert.equal((await upload(csv, CSV)).json.accepted, 7);
  assert.equal((await upload(csv, { 'content-type': 'text/csv; charset=utf-8' })).json.duplicates, 7);
  for (const type of ['application/ndjson', 'application/jsonl']) assert.equal((await upload(text, { 'content-type': type })).json.duplicates, 25);
});

test('failures name their lines, whoever finds them', async () => {
  const text = Buffer.concat([
    Buffer.from(line('f1')), Buffer.from('{"code": 1}\n'), Buffer.from('nonsense\n'), Buffer.from([0x7b, 0xff, 0x7d, 0x0a]),
    Buffer.from('\n'), Buffer.from(`{"x":"${'y'.repeat(1.5 * 1024 * 1024)}"}\n`), Buffer.from(line('f2')),
    Buffer.from(JSON.stringify({ code: 'imported', timestamp: '' })),
  ]);
  const { json } = await upload(text);
  assert.equal(json.accepted, 2);
  assert.equal(json.failed, 5);
  assert.deepEqual(json.failures.map((failure) => failure.line), [2, 3, 4, 6, 8]);
  assert.match(json.failures[2].reason, /UTF-8/);
  assert.match(json.failures[3].reason, /too long/);
  assert.equal(json.failures[4].field, 'customer_id');
  assert.deepEqual(counts(await shown(json.import_id)), [2, 0, 5]);
});

test('lines that were refused are listed later on, by line, in pages', async () => {
  const { json } = await upload(`${line('g1')}nonsense\n{"code": 1, "event_id": "e"}\nmore\n`);
  const list = (query = '') => call(s.url, s.key, 'GET', `/api/v1/imports/${json.import_id}/failures${query}`);
  const all = (await list()).json;
  assert.deepEqual(all.pagination_meta, { page: 0, per_page: 20, total_items: 3, total_pages: 1 });
  assert.deepEqual(all.data.map((one) => one.line), [2, 3, 4]);
  assert.deepEqual(all.data.map((one) => one.reason), json.failures.map((one) => one.reason));
  assert.deepEqual((await list('?per_page=2&page=1')).json.data, all.data.slice(2));
  assert.equal((await list('?line=2')).status, 400);
  assert.equal((await call(s.url, s.key, 'GET', '/api/v1/imports/imp_0/failures')).status, 404);
});

test('of many failures a thousand are listed, all are counted', async () => {
  const { json } = await upload('x\n'.repeat(2500));
  assert.equal(json.failed, 2500);
  assert.equal(json.failures.length, 1000);
  assert.equal(json.failures_truncated, true);
  assert.deepEqual([json.failures[0].line, json.failures[999].line], [1, 1000]);
});

test('a chunked upload of tens of megabytes stays in bounded memory', async () => {
  const before = events();
  const stream = open(NDJSON);
  const memory = () => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${s.tallyd.child.pid}/status`, 'utf8'))[1]);
  let most = 0;
  const start = memory();
  const filler = 'z'.repeat(3000);
  for (let block = 0; block < 12; block += 1) {
    await stream.write(Array.from({ length: 800 }, (_, n) => line(`big${block}-${n}`, { properties: { filler } })).join(''));
    most = Math.max(most, memory());
  }
  const answer = await stream.end();
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json.accepted + answer.json.duplicates, 9600);
  assert.equal(events() - before, answer.json.accepted);
  assert.ok(most - start < 24 * 1024, `memory grew by ${most - start} KiB for a body of 30 MB`);
});

test('an upload that breaks off keeps what was stored; sent again it counts once', async () => {
  const lines = Array.from({ length: 3000 }, (_, n) => line(`cut${n}`));
  const before = events();
  const stream = open(NDJSON);
  await stream.write(lines.slice(0, 2500).join(''));
  await until('two chunks', () => events() - before >= 2000);
  stream.destroy();
  await stream.done;
  const stored = events() - before;
  assert.equal(stored % 1000, 0);
  const again = await upload(lines.join(''));
  assert.deepEqual([again.json.accepted, again.json.duplicates], [3000 - stored, stored]);
  assert.equal(events() - before, 3000);
});

test('a file in several requests is one import, which can be taken back', async () => {
  const first = await upload(line('part1'), NDJSON, '?name=in%20parts');
  const id = first.json.import_id;
  const second = await upload(`${line('part2')}bad\n`, NDJSON, `?import_id=${id}&line=2`);
  assert.equal(second.json.import_id, id);
  assert.equal(second.json.failures[0].line, 3);
  const shown = (await call(s.url, s.key, 'GET', `/api/v1/imports/${id}`)).json;
  assert.deepEqual([shown.name, shown.accepted, shown.failures], ['in parts', 2, 1]);
  assert.equal((await call(s.url, s.key, 'DELETE', `/api/v1/imports/${id}`)).json.voided.events, 2);
  const late = isErrorAnswer(assert, await upload(line('part3'), NDJSON, `?import_id=${id}`), 409, 'CONFLICT');
  assert.match(late.message, /taken back/);
});

test('lines that an import took before are resent, and not counted again, in whatever pieces they come', async () => {
  const lines = Array.from({ length: 2500 }, (_, n) => (n % 100 === 7 ? 'bad\n' : n % 100 === 8 ? Buffer.from('\xff\n', 'latin1') : line(`resent${n % 1000}`)));
  const send = (from, to, query) => upload(Buffer.concat(lines.slice(from, to).map((one) => Buffer.from(one))), NDJSON, query);
  const before = events();
  const first = (await send(0, 1700, '')).json;
  assert.deepEqual(counts(first), [980, 686, 34]);
  const id = first.import_id;
  const again = (await send(0, 1700, `?import_id=${id}`)).json;
  assert.deepEqual([...counts(again), again.resent, again.failures.length], [0, 0, 0, 1700, 34]);
  const rest = (await send(1200, 2500, `?import_id=${id}&line=1201`)).json;
  assert.deepEqual([...counts(rest), rest.resent], [0, 784, 16, 500]);
  assert.deepEqual(rest.totals, { accepted: 980, duplicates: 1470, failed: 50 });
  assert.deepEqual(counts(await shown(id)), [980, 1470, 50]);
  assert.equal(events() - before, 980);
});

test('two uploads of the two halves of one import at once, and both again', async () => {
  const lines = Array.from({ length: 4000 }, (_, n) => line(`half${n}`));
  const { import_id: id } = (await upload('\n')).json;
  const half = (n) => upload(lines.slice(n * 2000, n * 2000 + 2000).join(''), NDJSON, `?import_id=${id}&line=${n * 2000 + 1}`);
  const answers = await Promise.all([half(1), half(0), half(1), half(0)]);
  assert.equal(answers.reduce((sum, answer) => sum + answer.json.accepted, 0), 4000);
  assert.equal(answers.reduce((sum, answer) => sum + (answer.json.resent ?? 0), 0), 4000);
  assert.deepEqual(counts(await shown(id)), [4000, 0, 0]);
});

test('the month\'s limit ends an upload at the line that no longer fits', async () => {
  const key = s.cluster.psql("SELECT tally.create_api_key(name => 'short', scopes => '{write}')");
  const limit = (events) => s.cluster.psql(`SELECT tally.set_limits(events_per_month => ${events}, key => '${key}')`);
  limit(1500);
  const lines = Array.from({ length: 4000 }, (_, n) => (n % 1000 === 500 ? 'bad\n' : line(`month${n}`)));
  const before = events();
  const answer = await upload(lines.join(''), NDJSON, '', key);
  const { message, details, failures } = isErrorAnswer(assert, answer, 429, 'TOO_MANY_REQUESTS');
  assert.match(message, /limit of 1500 events per month is reached; the lines before line 1503 were taken/);
  assert.deepEqual([details.accepted, details.duplicates, details.failed, details.next_line], [1500, 0, 2, 1503]);
  assert.deepEqual(failures.map((failure) => failure.line), [501, 1501]);
  assert.deepEqual([answer.headers.get('ratelimit-limit'), answer.headers.get('ratelimit-remaining')], ['1500', '0']);
  assert.ok(Number(answer.headers.get('retry-after')) >= 1);
  assert.deepEqual(counts(await shown(details.import_id)), [1500, 0, 2]);
  assert.equal(events() - before, 1500);
  // What is stored already needs no room.
  assert.deepEqual([(await upload(lines.slice(0, 1502).join(''), NDJSON, '', key)).json.duplicates], [1500]);
  limit(4000);
  const rest = await upload(lines.slice(details.next_line - 1).join(''), NDJSON, `?import_id=${details.import_id}&line=${details.next_line}`, key);
  assert.deepEqual([rest.status, ...counts(rest.json), rest.json.resent], [200, 2496, 0, 2, undefined]);
  assert.deepEqual(rest.json.totals, { accepted: 3996, duplicates: 0, failed: 4 });
});

test('many uploads at the limit: exactly as many lines as it lets pass', async () => {
  const key = s.cluster.psql("SELECT tally.create_api_key(name => 'race', scopes => '{write}')");
  s.cluster.psql(`SELECT tally.set_limits(events_per_month => 2345, key => '${key}')`);
  const before = events();
  const answers = await Promise.all(Array.from({ length: 6 }, (_, file) => upload(Array.from({ length: 1000 }, (__, n) => line(`race${file}-${n}`)).join(''), NDJSON, '', key)));
  assert.equal(events() - before, 2345);
  for (const answer of answers) assert.ok(answer.status === 200 ? answer.json.accepted === 1000 : answer.status === 429, answer.text);
});

test('a server that dies in the middle is waited for', async () => {
  const before = events();
  const stream = open(NDJSON);
  await stream.write(Array.from({ length: 1000 }, (_, n) => line(`dies${n}`)).join(''));
  await until('a chunk', () => events() - before >= 1000);
  s.cluster.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tallyd_login'");
  await stream.write(Array.from({ length: 1500 }, (_, n) => line(`dies${1000 + n}`)).join(''));
  const answer = await stream.end();
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json.accepted, 2500);
  assert.equal(events() - before, 2500);
});

test('lines have numbers of any size; one that is none leaves no import behind', async () => {
  const imports = async () => (await call(s.url, s.key, 'GET', '/api/v1/imports')).json.pagination_meta.total_items;
  const before = await imports();
  const far = await upload(`${line('far')}nonsense\n`, NDJSON, '?line=3000000000');
  assert.deepEqual([far.json.accepted, far.json.failures[0].line], [1, 3000000001]);
  for (const number of ['9007199254740992', '99999999999999999999', '1e3', '-1']) {
    assert.equal(isErrorAnswer(assert, await upload(line('none'), NDJSON, `?line=${number}`), 400, 'BAD_REQUEST').details.field, 'line');
  }
  assert.equal(await imports(), before + 1);
});

test('what cannot be an import is refused', async () => {
  isErrorAnswer(assert, await upload('{}', { 'content-type': 'application/json' }), 415, 'UNSUPPORTED_MEDIA_TYPE');
  isErrorAnswer(assert, await upload(''), 400, 'BAD_REQUEST');
  assert.match(isErrorAnswer(assert, await upload(Buffer.from('\ufeffcode,customer_id\n', 'utf16le'), CSV), 400, 'BAD_REQUEST').message, /not valid UTF-8/);
  for (const csv of ['a,b\n1,2\n', 'event_code,customer_id,\n', 'event_code,customer_id,x,x\n', '\n\n']) isErrorAnswer(assert, await upload(csv, CSV), 400, 'BAD_REQUEST');
  const foreign = await upload(Buffer.from('\ufeffevent_code,customer_id\nimported,c\n', 'utf16le'), CSV);
  assert.match(isErrorAnswer(assert, foreign, 400, 'BAD_REQUEST').message, /header is not valid UTF-8/);
  assert.match(isErrorAnswer(assert, await upload('event_code,customer_id\rimported,c\r', CSV), 400, 'BAD_REQUEST').message, /carriage return alone/);
  for (const [query, field] of [['?line=0', 'line'], ['?line=x', 'line'], ['?line=1&line=2', 'line'], ['?format=csv', 'format'], ['?nope=1', 'nope'], ['?unread=1', 'unread'], [`?name=${'n'.repeat(300)}`, 'name']]) {
    assert.equal(isErrorAnswer(assert, await upload(line('q'), NDJSON, query), 400, 'BAD_REQUEST').details.field, field, query);
  }
  isErrorAnswer(assert, await upload(line('q'), NDJSON, '?import_id=imp_x'), 404, 'NOT_FOUND');
  isErrorAnswer(assert, await upload(line('q'), NDJSON, '', null), 401, 'UNAUTHORIZED');
  isErrorAnswer(assert, await upload(line('q'), NDJSON, '', 'tally_live_nobody'), 401, 'UNAUTHORIZED');
  const reader = s.cluster.psql("SELECT tally.create_api_key(name => 'reads', scopes => '{read}')");
  isErrorAnswer(assert, await upload(line('q').repeat(50000), NDJSON, '', reader), 403, 'FORBIDDEN');
  isErrorAnswer(assert, await call(s.url, s.key, 'PUT', PATH), 405, 'METHOD_NOT_ALLOWED');
});

test('a slow upload that moves is taken, one that stands still is cut', async () => {
  const quick = await startTallyd(s.cluster, ['--body-timeout', '3']);
  try {
    await quick.ready();
    const head = `POST ${PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${s.key}\r\nContent-Type: application/x-ndjson\r\n`;
    const body = line('slow');
    const [slow, stalled] = await Promise.all([
      raw(quick.port, [`${head}Content-Length: ${body.length}\r\n\r\n`, ...body.match(/.{1,20}/gs)], { pause: 700 }),
      raw(quick.port, [`${head}Content-Length: ${body.length}\r\n\r\n`, body.slice(0, 10)]),
    ]);
    assert.equal(parseAnswers(slow)[0].status, 200, slow);
    isErrorAnswer(assert, parseAnswers(stalled)[0], 408, 'REQUEST_TIMEOUT');
  } finally {
    await quick.stop();
  }
});

test('a shutdown in the middle of an upload ends it with an answer', async () => {
  const other = await startTallyd(s.cluster, ['--drain-timeout', '1']);
  await other.ready();
  const request = http.request(`${other.url}${PATH}`, { method: 'POST', headers: { authorization: `Bearer ${s.key}`, ...NDJSON } });
  request.on('error', () => {});
  request.write(line('down'));
  await sleep(100);
  const { code } = await other.stop();
  assert.equal(code, 0);
  request.destroy();
});
