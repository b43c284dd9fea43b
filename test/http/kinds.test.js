// Events as real senders send them: properties of any kind of JSON, paths to what is in them, codes that no metric reads, and windows
// that are counted from where the sender's months and weeks begin. What usage comes to is SQL's affair (test/sql/kinds.sql).
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { call, isErrorAnswer, setUp } = require('./lib.js');

let s;
let family;
before(async () => {
  s = await setUp();
  family = (await call(s.url, s.key, 'GET', '/api/v1/profile')).json.default_product_family_id;
});
after(() => s?.close());

const get = (target) => call(s.url, s.key, 'GET', target);
const create = (fields) => call(s.url, s.key, 'POST', '/api/v1/metrics', { name: 'M', aggregation_type: 'SUM', product_family_id: family, ...fields });
const ingest = (events, more = {}) => call(s.url, s.key, 'POST', '/api/v1/events/ingest', typeof events === 'string' ? events : { events, allow_backfilling: true, ...more });
const one = (event_id, properties, more = {}) => ({ event_id, code: 'k', customer_id: 'c', timestamp: '2024-01-15T00:00:00Z', properties, ...more });
const nested = (depth) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
const body = (value, more = '') => `{"events": [{"event_id": "deep", "code": "k", "customer_id": "c", "properties": {"p": ${value}}}]${more}}`;
const usage = async (id, more = '') => {
  const answer = await get(`/api/v1/metrics/${id}/usage?from=2024-01-01&to=2024-02-01${more}`);
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
};

test('properties of any kind come back as they were sent, before and after packing', async () => {
  const properties = { yes: true, no: false, nothing: null, object: { b: [1, 'x', null, { c: {} }], a: '' }, list: [], 'é"\\': ['\n\u{1f600}'], text: 'true', number: 1.5 };
  assert.deepEqual((await ingest([one('all', properties)])).json, { accepted: 1, duplicates: 0 });
  const shuffled = Object.fromEntries(Object.entries({ ...properties, object: { a: '', b: properties.object.b } }).reverse());
  assert.deepEqual((await ingest([one('all', shuffled)])).json, { accepted: 0, duplicates: 1 });
  for (const changed of [{ ...properties, nothing: 0 }, { ...properties, list: [null] }, { ...properties, yes: 'true' }])
    isErrorAnswer(assert, await ingest([one('all', changed)]), 409, 'CONFLICT');
  for (const round of [0, 1]) {
    if (round === 1) s.cluster.psql("CALL tally.pack(min_events => 1, max_age => '0')");
    assert.deepEqual((await get('/api/v1/events/all?customer_id=c&source=')).json.data[0].properties, properties);
    assert.deepEqual((await get('/api/v1/events?code=k')).json.data[0].properties, properties);
  }
  const lines = [{ a: { b: true } }, { a: [1] }].map((value, n) => JSON.stringify(one(`line ${n}`, value))).join('\n');
  assert.equal((await call(s.url, s.key, 'POST', '/api/v1/events/import', lines, { 'content-type': 'application/x-ndjson' })).json.accepted, 2);
  assert.deepEqual((await get('/api/v1/events/line%201')).json.data[0].properties, { a: [1] });
});

test('hostile depth is refused by its name, strict and partial, and stops nothing else', async () => {
  assert.equal((await ingest(body(nested(64)))).json.accepted, 1);
  for (const depth of [65, 1000, 100000]) {
    const refusal = isErrorAnswer(assert, await ingest(body(nested(depth))), 400, 'BAD_REQUEST');
    assert.deepEqual([refusal.failures[0].field, refusal.failures[0].reason], ['properties.p', 'the property is nested deeper than 64 objects and arrays']);
    assert.equal((await ingest(body(nested(depth), ', "allow_partial_failures": true'))).json.failures.length, 1);
  }
  for (const broken of ['[1,,2]', '[', '{"a":}', 'tru', '[01]', '{"a":1,}', nested(100000).slice(1)])
    isErrorAnswer(assert, await ingest(body(broken)), 400, 'BAD_REQUEST');
});

test('keys, groups and filters may be paths', async () => {
  const metrics = {};
  for (const key of ['u.bytes', '$.u.bytes', "$['u']['list'][0]", 'u'])
    metrics[key] = (await create({ code: 'paths', aggregation_key: key })).json.id;
  const send = (n, properties) => one(`p${n}`, properties, { code: 'paths' });
  const sent = [{ u: { bytes: 1, region: 'eu', ok: true, list: [10] } }, { u: { bytes: '2.50', region: 'us', ok: false, list: [] } },
    { u: { bytes: {}, region: 'eu' } }, { 'u.bytes': 100, u: { bytes: 4, ok: true } }, { u: 8 }];
  assert.equal((await ingest(sent.map((properties, n) => send(n, properties)))).json.accepted, 5);
  const totals = async () => {
    const all = [];
    for (const key of Object.keys(metrics)) {
      const { total } = await usage(metrics[key]);
      all.push([total.value, total.events, total.skipped]);
    }
    return all;
  };
  const expected = [['103.50', 3, 2], ['7.50', 3, 2], ['10', 1, 4], ['8', 1, 4]];
  assert.deepEqual(await totals(), expected);
  const grouped = async () => (await usage(metrics['$.u.bytes'], `&group_by=u.region&group_by=${encodeURIComponent('$.u.ok')}&filter[u.ok]=true`)).usage
    .map((row) => [row.dimensions, row.value]);
  assert.deepEqual(await grouped(), [[{ '$.u.ok': 'true', 'u.region': 'eu' }, '1'], [{ '$.u.ok': 'true' }, '4']]);
  s.cluster.psql("CALL tally.pack(min_events => 1, max_age => '0')");
  assert.deepEqual(await totals(), expected);
  assert.deepEqual((await grouped()).length, 2);
  const reasons = (await get('/api/v1/events/p2')).json.data[0].metrics.map((metric) => metric.reason);
  assert.deepEqual(reasons, ['property "u.bytes" is not a number', 'property "$.u.bytes" is not a number', 'property "$[\'u\'][\'list\'][0]" is missing', 'property "u" is not a number']);
});

test('what is no path is told with its place, where it was given', async () => {
  for (const [key, place] of [['$.a[', 5], ['a..b', 3], ['$.a-b', 4], ['$..a', 3], ['$', 2], ["$['a", 3]]) {
    for (const [field, definition] of [['aggregation_key', { aggregation_key: key }], ['usage_group_key', { aggregation_key: 'v', usage_group_key: key }],
      ['segmentation_matrix.key', { aggregation_key: 'v', segmentation_matrix: { key, values: ['1'] } }]]) {
      const { message, details } = isErrorAnswer(assert, await create({ code: 'bad', ...definition }), 400, 'BAD_REQUEST');
      assert.equal(details.field, field);
      assert.ok(message.endsWith(`at character ${place}`), message);
    }
    const { json: made } = await create({ code: 'good', aggregation_key: 'v' });
    for (const [field, query] of [['group_by', `group_by=${encodeURIComponent(key)}`], ['filter', `filter${encodeURIComponent(`[${key}]`)}=1`]]) {
      const answer = await get(`/api/v1/metrics/${made.id}/usage?from=2024-01-01&to=2024-02-01&${query}`);
      assert.equal(isErrorAnswer(assert, answer, 400, 'BAD_REQUEST').details.field, field, query);
    }
  }
});

test('an accepted event whose code no metric reads is told, counted and listed', async () => {
  const scrape = async () => Number(/^tallyd_unmatched_events_total (\d+)$/m.exec((await call(s.url, null, 'GET', '/metrics')).text)[1]);
  const before = await scrape();
  await create({ code: 'known', aggregation_type: 'COUNT' });
  const send = (id, code) => one(id, {}, { code });
  assert.deepEqual((await ingest([send('m1', 'known')])).json, { accepted: 1, duplicates: 0 });
  assert.deepEqual((await ingest([send('m2', 'knwon'), send('m3', 'known'), send('m4', 'knwon')])).json, { accepted: 3, duplicates: 0, unmatched: 2 });
  assert.deepEqual((await ingest([send('m2', 'knwon')])).json, { accepted: 0, duplicates: 1 });
  const csv = 'code,customer_id,timestamp\nknwon,c,2024-01-20T00:00:00Z\nknown,c,2024-01-20T00:00:00Z\n';
  const file = await call(s.url, s.key, 'POST', '/api/v1/events/import', csv, { 'content-type': 'text/csv' });
  assert.deepEqual([file.json.accepted, file.json.unmatched], [2, 1]);
  assert.equal((await get(`/api/v1/imports/${file.json.import_id}`)).json.unmatched, 1);
  const listed = async () => (await get('/api/v1/unmatched_codes')).json.data.filter((code) => code.code.startsWith('k'));
  const wanted = [{ code: 'knwon', events: 3, first: '2024-01-15T00:00:00.000Z', last: '2024-01-20T00:00:00.000Z' }];
  assert.deepEqual((await listed()).filter((code) => code.code === 'knwon'), wanted);
  s.cluster.psql("CALL tally.pack(min_events => 1, max_age => '0')");
  assert.deepEqual((await listed()).filter((code) => code.code === 'knwon'), wanted);
  assert.equal((await get('/api/v1/unmatched_codes?limit=1')).json.data.length, 1);
  assert.equal(await scrape() - before, 3);
  await create({ code: 'knwon', aggregation_type: 'COUNT' });
  assert.deepEqual((await listed()).filter((code) => code.code === 'knwon'), []);
});

test('months from an anchor, weeks from a day', async () => {
  const { json: made } = await create({ code: 'windows', aggregation_type: 'COUNT' });
  const starts = async (query, from = '2024-01-31', to = '2024-06-01') => {
    const answer = await get(`/api/v1/metrics/${made.id}/usage?from=${from}&to=${to}&fill=true&${query}`);
    assert.equal(answer.status, 200, answer.text);
    return { ...answer.json, starts: answer.json.usage.map((row) => row.start) };
  };
  const months = await starts('window=month&anchor=2024-01-31');
  assert.deepEqual(months.starts.map((start) => start.slice(0, 10)), ['2024-01-31', '2024-02-29', '2024-03-31', '2024-04-30', '2024-05-31']);
  assert.equal(months.anchor, '2024-01-31T00:00:00.000');
  const berlin = await starts('window=month&anchor=2024-01-31T11:00:00Z&time_zone=Europe/Berlin');
  assert.deepEqual(berlin.starts.slice(1), ['2024-01-31T11:00:00.000Z', '2024-02-29T11:00:00.000Z', '2024-03-31T10:00:00.000Z', '2024-04-30T10:00:00.000Z', '2024-05-31T10:00:00.000Z']);
  const weeks = await starts('window=week&week_start=sunday', '2024-01-01', '2024-01-15');
  assert.deepEqual([weeks.week_start, ...weeks.starts.map((start) => start.slice(0, 10))], ['sunday', '2024-01-01', '2024-01-07', '2024-01-14']);
  for (const [query, field] of [['window=month&anchor=31', 'anchor'], ['window=hour&anchor=2024-01-31', 'anchor'], ['anchor=2024-01-31', 'anchor'], ['window=month&anchor=2024-02-30', 'anchor'],
    ['window=week&week_start=sun', 'week_start'], ['window=day&week_start=sunday', 'week_start'], ['week_start=sunday', 'week_start']]) {
    const answer = await get(`/api/v1/metrics/${made.id}/usage?from=2024-01-01&to=2024-02-01&${query}`);
    assert.equal(isErrorAnswer(assert, answer, 400, 'BAD_REQUEST').details.field, field, query);
  }
});
