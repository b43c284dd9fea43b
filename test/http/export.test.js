// Answers as CSV and NDJSON: what Accept asks for, rows that lose nothing, exports of any length in bounded memory.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const net = require('node:net');
const { after, before, test } = require('node:test');
const { call, isErrorAnswer, raw, parseAnswers, setUp, until } = require('./lib.js');

const COUNT = 5300;
const LONG = 12000;      // events that no buffer of a socket holds
const ODD = { 'a,b': 'x', quote: 'say "no"', lines: 'one\r\ntwo', wide: 'ünï😀', exact: '1.0', empty: '' };
let s;
let metric;
const get = (target, accept, headers = {}) => call(s.url, s.key, 'GET', target, undefined, { ...(accept === undefined ? {} : { accept }), ...headers });
const line = (n) => `{"event_id":"e${n}","code":"out","customer_id":"c${n % 3}","timestamp":"2024-01-${String(1 + (n % 28)).padStart(2, '0')}T00:00:00Z","properties":${n === 7 ? JSON.stringify({ ...ODD, n }) : `{"n":${n === 8 ? '1.50000000000000000000000000000001' : n},"region":"r${n % 2}"}`}}\n`;

before(async () => {
  s = await setUp(['--slow-readers', '1', '--http-threads', '1', '--send-timeout', '20']);
  const file = Array.from({ length: COUNT }, (_, n) => line(n)).join('');
  assert.equal((await call(s.url, s.key, 'POST', '/api/v1/events/import', file, { 'content-type': 'application/x-ndjson' })).json.accepted, COUNT);
  const long = Array.from({ length: LONG }, (_, n) => JSON.stringify({ event_id: `long ${n}`, code: 'long', customer_id: 'c', timestamp: '2024-02-01T00:00:00Z', properties: { pad: 'x'.repeat(900) } })).join('\n');
  assert.equal((await call(s.url, s.key, 'POST', '/api/v1/events/import', long, { 'content-type': 'application/x-ndjson' })).json.accepted, LONG);
  const family = (await call(s.url, s.key, 'GET', '/api/v1/profile')).json.product_families[0].id;
  metric = (await call(s.url, s.key, 'POST', '/api/v1/metrics', { code: 'out', name: 'Out', aggregation_type: 'SUM', aggregation_key: 'n', product_family_id: family })).json.id;
});
after(() => s?.close());

// RFC 4180, strictly.
function table(text) {
  const rows = [[]];
  const cell = /("(?:[^"]|"")*"|[^",\r\n]*)(,|\r\n)/y;
  while (cell.lastIndex < text.length) {
    const at = cell.lastIndex;
    const found = cell.exec(text);
    assert.ok(found, `no cell at ${at}: ${JSON.stringify(text.slice(at, at + 80))}`);
    rows.at(-1).push(found[1].startsWith('"') ? found[1].slice(1, -1).replaceAll('""', '"') : found[1]);
    if (found[2] !== ',') rows.push([]);
  }
  assert.deepEqual(rows.pop(), []);
  const [names, ...rest] = rows;
  for (const row of rest) assert.equal(row.length, names.length);
  return rest.map((row) => Object.fromEntries(names.map((name, n) => [name, row[n]])));
}

async function pages(query) {
  const all = [];
  for (let cursor = ''; cursor !== null;) {
    const { json } = await get(`/api/v1/events?limit=1000${query}${cursor && `&cursor=${cursor}`}`);
    all.push(...json.data);
    cursor = json.next_cursor;
  }
  return all;
}

test('NDJSON of all events is what their pages hold, in the same order', async () => {
  for (const query of ['&code=out', '&customer_id=c1', '&search=say', '&code=nothing']) {
    const answer = await get(`/api/v1/events?${query.slice(1)}`, 'application/x-ndjson');
    assert.equal(answer.headers.get('content-type'), 'application/x-ndjson');
    assert.equal(answer.headers.get('content-disposition'), 'attachment; filename="pgtally.ndjson"');
    const lines = answer.text.split('\n');
    assert.equal(lines.pop(), '');
    assert.deepEqual(lines.map((one) => JSON.parse(one)), await pages(query));
  }
  assert.match((await get('/api/v1/events?code=out', 'application/x-ndjson')).text, /"n":1\.50000000000000000000000000000001[,}]/);
});

test('CSV of all events has a header and quotes what needs it', async () => {
  const answer = await get('/api/v1/events?code=out', 'text/csv');
  assert.equal(answer.headers.get('content-type'), 'text/csv');
  assert.equal(answer.headers.get('content-disposition'), 'attachment; filename="pgtally.csv"');
  const rows = table(answer.text);
  assert.equal(rows.length, COUNT);
  const expected = await pages('&code=out');
  assert.deepEqual(rows.map((row) => row.event_id), expected.map((event) => event.event_id));
  const odd = rows.find((row) => row.event_id === 'e7');
  assert.deepEqual(JSON.parse(odd.properties), { ...ODD, n: 7 });
  assert.match(rows.find((row) => row.event_id === 'e8').properties, /1\.50000000000000000000000000000001/);
  assert.deepEqual(JSON.parse(odd.metrics), expected.find((event) => event.event_id === 'e7').metrics);
  assert.equal((await get('/api/v1/events?code=nothing', 'text/csv')).text, 'event_id,code,customer_id,source,timestamp,received_at,properties,import_id,voided,metrics\r\n');
});

test('usage and summaries are rows of CSV, a column for each dimension', async () => {
  const range = 'from=2024-01-01&to=2024-02-01';
  for (const [query, names] of [['&window=week', []], ['&group_by=region&group_by=customer_id', ['dimensions.region']], ['&group_by=a,b&group_by=wide', ['dimensions.a,b', 'dimensions.wide']]]) {
    const { json } = await get(`/api/v1/metrics/${metric}/usage?${range}${query}`);
    const answer = await get(`/api/v1/metrics/${metric}/usage?${range}${query}`, 'text/csv');
    const rows = table(answer.text);
    assert.ok(rows.length > 1);
    assert.deepEqual(Object.keys(rows[0]), ['start', 'end', 'customer_id', ...names, 'value', 'converted_value', 'events', 'skipped']);
    assert.deepEqual(rows, json.usage.map((row) => ({ start: row.start, end: row.end, customer_id: row.customer_id ?? '', ...Object.fromEntries(names.map((name) => [name, row.dimensions[name.slice(11)] ?? ''])),
      value: row.value ?? '', converted_value: row.converted_value ?? '', events: String(row.events), skipped: String(row.skipped) })));
  }
  const { json } = await get(`/api/v1/metrics/${metric}/summaries?${range}&bucket=1d`);
  const rows = table((await get(`/api/v1/metrics/${metric}/summaries?${range}&bucket=1d`, 'text/csv')).text);
  assert.ok(rows.length > 20);
  assert.deepEqual(rows.map((row) => [row.start, row.total, row.events, row.mean]), json.summaries.map((row) => [row.start, row.total, String(row.events), row.mean ?? '']));
});

test('usage comes in pages behind a cursor, and as one stream of CSV of any length', async () => {
  const target = `/api/v1/metrics/${metric}/usage?from=2024-01-01&to=2024-01-20&window=day&group_by=customer_id&group_by=region`;
  for (const fill of ['', '&fill=true']) {
    const whole = (await get(target + fill)).json;
    assert.equal(whole.next_cursor, undefined);
    const rows = [];
    let pages = 0;
    for (let cursor = ''; cursor !== null; pages += 1) {
      const { json, text } = await get(`${target}${fill}&limit=10${cursor && `&cursor=${cursor}`}`);
      assert.ok(json?.usage.length <= 10 && json.usage.length > 0, text);
      assert.ok(pages < whole.usage.length, 'a page begins behind the one before');
      assert.deepEqual(json.total, whole.total);
      rows.push(...json.usage);
      cursor = json.next_cursor;
    }
    assert.deepEqual(rows, whole.usage);
    assert.equal(pages, Math.ceil(rows.length / 10));
  }
  const { next_cursor: cursor } = (await get(`${target}&limit=1`)).json;
  const hex = (text) => Buffer.from(text).toString('hex');
  const bad = ['', 'zz', 'abc', hex('no'), hex('{}'), hex('[]'), hex('["2024-01-02T00:00:00Z"]'), hex('[null,null,null]'), hex('["then","c1","r1"]'), hex('["2023-01-02T00:00:00Z","c1","r1"]'),
    hex('["2024-01-02T00:00:00Z","c1","r1","x"]'), hex('["2024-01-02T00:00:00Z",["c1"],"\\u0000"]'), 'ff'];
  for (const wrong of bad) assert.equal(isErrorAnswer(assert, await get(`${target}&cursor=${wrong}`), 400, 'BAD_REQUEST').details.field, 'cursor', wrong);
  assert.equal(isErrorAnswer(assert, await get(`${target}&window=&group_by=n&cursor=${cursor}`), 400, 'BAD_REQUEST').details.field, 'window');
  for (const limit of ['0', '100001', 'ten']) assert.equal(isErrorAnswer(assert, await get(`${target}&limit=${limit}`), 400, 'BAD_REQUEST').details.field, 'limit');
  // A place that no row has: the rows behind it, in the order of bytes.
  const between = (await get(`${target}&limit=1000&cursor=${hex('["2024-01-03T00:00:00.000Z","c1x",null]')}`)).json.usage;
  assert.deepEqual(between, (await get(target)).json.usage.filter((row) => row.start > '2024-01-03T00:00:00.000Z' || (row.start === '2024-01-03T00:00:00.000Z' && row.customer_id > 'c1x')));

  const explained = await get(`${target}&explain=true`, 'text/csv');
  assert.equal(isErrorAnswer(assert, explained, 400, 'BAD_REQUEST').details.field, 'explain');
  assert.equal((await get(`${target}&explain=false`, 'text/csv')).status, 200);

  const long = `/api/v1/metrics/${metric}/usage?from=2024-01-01&to=2024-02-10&window=minute&group_by=customer_id&fill=true`;
  assert.match(isErrorAnswer(assert, await get(long), 400, 'BAD_REQUEST').details.hint, /pages by limit and cursor/);
  const high = () => Number(/VmHWM:\s*(\d+)/.exec(fs.readFileSync(`/proc/${s.tallyd.child.pid}/status`, 'utf8'))[1]);
  const before = high();
  const answer = await get(long, 'text/csv');
  const grown = high() - before;
  assert.equal(answer.status, 200, answer.text);
  const rows = table(answer.text);
  assert.equal(rows.length, 40 * 24 * 60 * 3);
  assert.equal(rows.reduce((sum, row) => sum + Number(row.events), 0), COUNT, 'every event, once');
  assert.equal(new Set(rows.map((row) => row.start + row.customer_id)).size, rows.length);
  assert.ok(grown < 24 * 1024 * Number(process.env.MEMORY_FACTOR || 1), `${grown} KiB for ${answer.text.length} bytes`);
});

test('summaries of any length are one stream, in bounded memory', async () => {
  const family = (await get('/api/v1/profile')).json.product_families[0].id;
  const made = await call(s.url, s.key, 'POST', '/api/v1/metrics', { code: 'beat', name: 'Beats', kind: 'dual', aggregation_type: 'SUM', aggregation_key: 'value', product_family_id: family });
  assert.equal(made.status, 201, made.text);
  const BEATS = 110000;    // more than one answer may hold
  s.cluster.psql(`INSERT INTO tally.recent_event (generation, tenant_id, code_hash, customer_hash, ts, received_at, code, customer_id, source, event_id, properties)
    SELECT 0, m.tenant_id, tally._hash32('beat'), 0, '2024-05-01Z'::timestamptz + n * interval '2 s', now(), 'beat', '', '', n::text, '{"value": 1}' FROM tally.metric m, generate_series(0, ${BEATS} - 1) n WHERE m.code = 'beat'`);
  const target = `/api/v1/metrics/${made.json.id}/summaries?bucket=1s`;
  const few = `${target}&from=2024-04-20&to=2024-05-01T01:00:00Z`;
  const high = () => Number(/VmHWM:\s*(\d+)/.exec(fs.readFileSync(`/proc/${s.tallyd.child.pid}/status`, 'utf8'))[1]);
  const { json } = await get(few);
  assert.equal(json.next_cursor, undefined);
  assert.deepEqual(table((await get(few, 'text/csv')).text).map((row) => [row.start, row.total, row.total_events]), json.summaries.map((row) => [row.start, row.total, String(row.total_events)]));
  const all = `${target}&from=2024-04-01&to=2024-06-01`;
  isErrorAnswer(assert, await get(all), 400, 'BAD_REQUEST');
  const before = high();
  const answer = await get(all, 'text/csv');
  const grown = high() - before;
  assert.equal(answer.status, 200, answer.text);
  const rows = table(answer.text);
  assert.equal(rows.length, BEATS);
  rows.forEach((row, n) => assert.ok(row.total === String(n + 1) && row.total_events === row.total, `row ${n}: ${JSON.stringify(row)}`));
  assert.ok(grown < 12 * 1024, `${grown} KiB for ${answer.text.length} bytes`);
  for (const name of ['limit', 'cursor']) assert.equal(isErrorAnswer(assert, await get(`${few}&${name}=1`, 'text/csv'), 400, 'BAD_REQUEST').details.field, name);
  const page = (await get(`${few}&limit=7&cursor=${encodeURIComponent(json.summaries[3].start)}`)).json;
  assert.deepEqual(page.summaries, json.summaries.slice(3, 10));
  assert.equal(new Date(page.next_cursor).getTime(), new Date(json.summaries[10].start).getTime());
});

test('usage of all metrics is a row of CSV for each, its groups as JSON', async () => {
  const family = (await get('/api/v1/profile')).json.product_families[0].id;
  const made = await call(s.url, s.key, 'POST', '/api/v1/metrics', { code: 'out', name: 'Out, "by region"', aggregation_type: 'COUNT', product_family_id: family, segmentation_matrix: { type: 'SINGLE', key: 'region', values: ['r0', 'r1'] } });
  assert.equal(made.status, 201);
  for (const target of ['/api/v1/usage/summary', '/api/v1/usage/customer/c1', '/api/v1/usage/customer/nobody']) {
    const range = `${target}?start_date=2024-01-01&end_date=2024-02-01`;
    const { json } = await get(range);
    const answer = await get(range, 'text/csv');
    assert.equal(answer.headers.get('content-type'), 'text/csv');
    const rows = table(answer.text);
    assert.ok(rows.length >= 2);
    assert.deepEqual(rows.map((row) => ({ ...row, grouped_usage: JSON.parse(row.grouped_usage) })), json.usage.map((row) => ({ ...row, error: '' })));
    isErrorAnswer(assert, await get(`${target}?start_date=2024-01-01`, 'text/csv'), 400, 'BAD_REQUEST');
  }
});

test('Accept decides as RFC 9110 says, and every answer says so', async () => {
  const json = 'application/json';
  const csv = 'text/csv';
  const ndjson = 'application/x-ndjson';
  for (const [accept, type] of [[undefined, json], ['*/*', json], ['application/*', json], ['text/*', csv], ['TEXT/CSV', csv], ['text/csv;q=0.5, application/json;q=0.4', csv], ['text/csv;q=0.4, */*;q=0.5', json],
    ['text/csv, */*', csv], ['text/html,application/xhtml+xml,*/*;q=0.8', json], ['application/json;q=0, */*', csv], ['application/x-ndjson;charset=utf-8', ndjson], ['image/png , text/csv ; q=0.1', csv], ['', json]]) {
    const answer = await get('/api/v1/events?code=nothing', accept);
    assert.equal(answer.headers.get('content-type'), type, accept);
    assert.match(answer.headers.get('vary'), /Accept/);
  }
  for (const accept of ['image/png', 'text/html', 'text/csv;q=0', 'nonsense', ',', 'application/json;q=0', 'text/csvx', '*/json']) {
    const answer = await get('/api/v1/events', accept);
    assert.match(isErrorAnswer(assert, answer, 406, 'NOT_ACCEPTABLE').message, /application\/json, text\/csv or application\/x-ndjson/);
    assert.match(answer.headers.get('vary'), /Accept/);
  }
  isErrorAnswer(assert, await get(`/api/v1/metrics/${metric}/usage?from=2024-01-01&to=2024-02-01`, ndjson), 406, 'NOT_ACCEPTABLE');
  const refused = await get('/api/v1/events?from=nonsense', csv);
  isErrorAnswer(assert, refused, 400, 'BAD_REQUEST');
  assert.match(refused.headers.get('vary'), /Accept/);
  assert.equal(refused.headers.get('content-disposition'), null);
  for (const name of ['limit', 'cursor']) assert.equal(isErrorAnswer(assert, await get(`/api/v1/events?${name}=1`, csv), 400, 'BAD_REQUEST').details.field, name);
  isErrorAnswer(assert, await call(s.url, null, 'GET', '/api/v1/events', undefined, { accept: csv }), 401);
  assert.equal((await get('/api/v1/metrics', 'text/html')).status, 200, 'a route of one format answers in it');
});

// A socket that asks for an export and reads nothing of it until it is told to.
function slow(key, target = '/api/v1/events') {
  const socket = net.connect({ port: s.tallyd.port, host: '127.0.0.1' });
  socket.pause();
  socket.on('error', () => {});
  socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nAccept: application/x-ndjson\r\nConnection: close\r\n\r\n`);
  return socket;
}
// Until tallyd has had nothing to do in the database for a while, though its clients still wait.
async function allStopped() {
  await until('requests', async () => /^tallyd_http_requests_in_flight ([2-9]|\d\d)/m.test((await call(s.url, null, 'GET', '/metrics')).text));
  const active = () => s.cluster.psql(`SELECT count(*) FROM pg_stat_activity WHERE usename = 'tallyd_login' AND state = 'active'`);
  let quiet = 0;
  await until('all of them to stop', () => { quiet = active() === '0' ? quiet + 1 : 0; return quiet > 20; });
}

test('a client that takes nothing holds no connection to the database, and gets all of it when it goes on', async () => {
  const sockets = Array.from({ length: 6 }, () => slow(s.key, '/api/v1/events?code=long'));
  await allStopped();
  // There is one connection for slow reads: others pass.
  assert.equal((await get('/api/v1/events?code=out', 'application/x-ndjson')).text.split('\n').length, COUNT + 1);
  let text = '';
  sockets[0].on('data', (data) => { text += data.toString('latin1'); });
  const ended = new Promise((resolve) => { sockets[0].on('close', resolve); });
  sockets[0].resume();
  for (const socket of sockets.slice(1)) socket.destroy();
  await ended;
  assert.match(text, /^HTTP\/1\.1 200 [\s\S]*transfer-encoding: chunked/i);
  assert.equal([...text.replace(/\r\n[0-9a-f]+\r\n/gi, '').matchAll(/"event_id":"long \d+"/g)].length, LONG);
  assert.match(text, /\r\n0\r\n\r\n$/);
  assert.equal((await get('/api/v1/events?limit=1')).status, 200);
});

test('HEAD has the head alone; clients of HTTP/1.0 read to the end', async () => {
  const head = await call(s.url, s.key, 'HEAD', '/api/v1/events', undefined, { accept: 'text/csv' });
  assert.equal(head.headers.get('content-type'), 'text/csv');
  const [old] = parseAnswers(await raw(s.tallyd.port, [`GET /api/v1/events HTTP/1.0\r\nAuthorization: Bearer ${s.key}\r\nAccept: text/csv\r\n\r\n`]));
  assert.equal(old.status, 200);
});

test('an export that fails in the middle is a stream without an end', async () => {
  const key = s.cluster.psql("SELECT tally.create_api_key(name => 'short', scopes => '{read}')");
  const socket = slow(key, '/api/v1/events?code=long');
  await allStopped();
  s.cluster.psql("SELECT tally.revoke_api_key(k.id) FROM tally.api_keys() k WHERE k.name = 'short'");
  let text = '';
  socket.on('data', (data) => { text += data.toString('latin1'); });
  const ended = new Promise((resolve) => { socket.on('close', resolve); });
  socket.resume();
  await ended;
  assert.match(text, /^HTTP\/1\.1 200 /);
  const rows = [...text.matchAll(/"event_id":"long/g)].length;
  assert.ok(rows >= 1000 && rows < LONG, `${rows} rows`);
  assert.doesNotMatch(text, /\r\n0\r\n\r\n$/);
  await until('the log to say so', () => s.tallyd.log().some((one) => one.event === 'export_broken_off'));
  const before = Number(/VmHWM:\s*(\d+)/.exec(fs.readFileSync(`/proc/${s.tallyd.child.pid}/status`, 'utf8'))[1]);
  for (let n = 0; n < 2; n += 1) assert.equal((await get('/api/v1/events?code=long', 'application/x-ndjson')).text.split('\n').length, LONG + 1);
  const grown = Number(/VmHWM:\s*(\d+)/.exec(fs.readFileSync(`/proc/${s.tallyd.child.pid}/status`, 'utf8'))[1]) - before;
  assert.ok(grown < 8 * 1024, `${grown} KiB for an export of 14 MB`);
});
