// Events voided, restored and amended over REST: at once, once, by whom; which event is meant; what a key may.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { call, setUp } = require('./lib.js');

let s;
let metric;
const get = (path, key = s.key) => call(s.url, key, 'GET', path);
const post = (path, body, key = s.key) => call(s.url, key, 'POST', path, body);
const usage = async () => (await get(`/api/v1/metrics/${metric}/usage?from=2026-01-01&to=2026-03-01`)).json.total.value;
const event = (event_id, customer_id, seconds, more) => ({ event_id, code: 'gpu', customer_id, timestamp: '2026-01-05T00:00:00Z', properties: { seconds }, ...more });
const send = (...events) => post('/api/v1/events/ingest', { events, allow_backfilling: true, allow_partial_failures: true });

before(async () => {
  s = await setUp();
  const { json: profile } = await get('/api/v1/profile');
  const made = await post('/api/v1/metrics', { code: 'gpu', name: 'GPU', aggregation_type: 'SUM', aggregation_key: 'seconds', product_family_id: profile.default_product_family_id });
  metric = made.json.id;
  await send(event('a', 'ann', 1), event('b', 'ann', 10), event('b', 'bob', 100), event('b', 'bob', 1000, { source: 'web' }), event('a b/c', '', 10000));
});
after(() => s?.close());

test('a voided event does not count in the next answer, twice is 409, and a restored one counts again', async () => {
  const voided = await post('/api/v1/events/a/void', { reason: 'sent by a test' });
  assert.equal(voided.status, 200, voided.text);
  assert.equal(voided.json.voided.reason, 'sent by a test');
  assert.match(voided.json.voided.by, /^tkn_/);
  assert.equal(voided.json.metrics[0].counted, false);
  assert.equal(await usage(), '11110');
  assert.equal((await post('/api/v1/events/a/void', { reason: 'again' })).status, 409);
  assert.deepEqual((await send(event('a', 'ann', 1))).json, { accepted: 0, duplicates: 1 });
  const restored = await post('/api/v1/events/a/restore', { reason: 'no test' });
  assert.equal(restored.json.voided, undefined);
  assert.deepEqual(restored.json.history.map((act) => [act.action, act.reason]), [['voided', 'sent by a test'], ['restored', 'no test']]);
  assert.equal((await post('/api/v1/events/a/restore', { reason: 'again' })).status, 409);
  assert.equal(await usage(), '11111');
});

test('an amended event counts as it is now; both rows are listed; the original is a duplicate', async () => {
  const amended = await post('/api/v1/events/a/amend', { reason: 'lost digit', properties: { seconds: 2.50, region: 'eu' } });
  assert.equal(amended.status, 200, amended.text);
  assert.equal(await usage(), '11112.5');
  const { json } = await get('/api/v1/events/a');
  assert.deepEqual(json.data.map((one) => one.properties.seconds).sort(), [1, 2.5]);
  assert.equal(json.data.find((one) => one.properties.seconds === 1).voided.amended, true);
  assert.equal(json.data.find((one) => one.properties.seconds === 2.5).voided, undefined);
  const list = (await get('/api/v1/events?customer_id=ann')).json.data;
  const histories = (rows) => rows.map((one) => [one.properties.seconds, one.history]).sort();
  assert.deepEqual(histories(list.filter((one) => one.event_id === 'a')), histories(json.data));
  assert.deepEqual(json.data.map((one) => one.history.map((act) => act.action)), [['voided', 'restored', 'amended'], ['voided', 'restored', 'amended']]);
  assert.ok(list.some((one) => one.event_id === 'b' && one.history === undefined));
  assert.deepEqual((await send(event('a', 'ann', 1))).json, { accepted: 0, duplicates: 1 });
  assert.match((await send(event('a', 'ann', 2.5))).json.failures[0].reason, /other content/);
  assert.equal((await post('/api/v1/events/a/amend', { reason: 'x', properties: { seconds: 2.5, region: 'eu' } })).status, 409);
  assert.equal((await post('/api/v1/events/a/amend', { reason: 'x', timestamp: '2026-02-05T00:00:00Z' })).json.timestamp, '2026-02-05T00:00:00.000Z');
  assert.equal((await post('/api/v1/events/a/amend', { reason: 'x', code: 'other' })).json.metrics.length, 0);
  assert.equal(await usage(), '11110');
  assert.equal((await post('/api/v1/events/a/amend', { reason: 'x', code: 'gpu', properties: { seconds: 1 } })).status, 200);
  assert.equal(await usage(), '11111');
});

test('several events of one id are named, and customer_id and source say which is meant', async () => {
  const which = await post('/api/v1/events/b/void', { reason: 'x' });
  assert.equal(which.status, 409);
  assert.deepEqual(which.json.details.candidates, [{ customer_id: 'ann', source: '' }, { customer_id: 'bob', source: '' }, { customer_id: 'bob', source: 'web' }]);
  assert.equal((await post('/api/v1/events/b/void', { reason: 'x', customer_id: 'bob' })).json.details.candidates.length, 2);
  assert.equal((await post('/api/v1/events/b/void', { reason: 'x', customer_id: 'bob', source: '' })).json.source, '');
  assert.equal(await usage(), '11011');
  assert.equal((await post('/api/v1/events/b/restore', { reason: 'x', customer_id: 'bob', source: '' })).status, 200);
  assert.equal((await post(`/api/v1/events/${encodeURIComponent('a b/c')}/void`, { reason: 'x', customer_id: '' })).status, 200);
  assert.equal(await usage(), '1111');
  assert.equal((await post('/api/v1/events/b/void', { reason: 'x', customer_id: 'cem' })).status, 404);
});

test('what is wrong is named', async () => {
  for (const [action, body, field] of [
    ['void', {}, 'reason'], ['void', { reason: '' }, 'reason'], ['void', { reason: ' ' }, 'reason'], ['void', { reason: 7 }, 'reason'],
    ['void', { reason: 'x'.repeat(1001) }, 'reason'], ['void', { reason: 'x', nope: 1 }, 'nope'], ['void', { reason: 'x', customer_id: 1 }, 'customer_id'],
    ['restore', { reason: 'x', source: [] }, 'source'], ['restore', {}, 'reason'], ['amend', { properties: {} }, 'reason'], ['amend', { reason: 'x' }, undefined],
    ['amend', { reason: 'x', properties: [] }, 'properties'],
    ['amend', { reason: 'x', timestamp: 'now' }, 'timestamp'], ['amend', { reason: 'x', timestamp: '2999-01-01T00:00:00Z' }, 'timestamp'], ['amend', { reason: 'x', code: '' }, 'code'],
  ]) {
    const answer = await post(`/api/v1/events/a/${action}`, body);
    assert.equal(answer.status, 400, `${action} ${JSON.stringify(body)}: ${answer.text}`);
    assert.equal(answer.json.details?.field, field, answer.text);
  }
});

test('a key that only reads may not correct; one that writes may', async () => {
  const secret = async (scopes) => (await post('/api/v1/keys', { name: 'k', scopes })).json.secret;
  const reader = await secret(['read']);
  for (const action of ['void', 'restore', 'amend']) assert.equal((await post(`/api/v1/events/a/${action}`, { reason: 'x' }, reader)).status, 403);
  assert.equal((await post('/api/v1/events/a/void', { reason: 'x' }, await secret(['write']))).status, 200);
});

test('a form may bring a void', async () => {
  const answer = await call(s.url, s.key, 'POST', '/api/v1/events/a/restore', 'reason=by+form', { 'content-type': 'application/x-www-form-urlencoded' });
  assert.equal(answer.status, 200, answer.text);
});

test('events are voided by a filter as one batch, after a dry run, and taken back as one', async () => {
  await send(...Array.from({ length: 20 }, (_, n) => event(`m${n}`, 'dan', n, { properties: { seconds: n, region: n % 2 ? 'eu' : 'us' } })));
  const before = await usage();
  const asked = { reason: 'broken', code: 'gpu', from: '2026-01-01', to: '2026-02-01T00:00:00Z', customer_id: 'dan', filter: { region: 'eu' } };
  const dry = await post('/api/v1/corrections', asked);
  assert.equal(dry.status, 200, dry.text);
  assert.deepEqual(dry.json, { dry_run: true, events: 10, metrics: [{ metric_id: metric, value: '100', converted_value: '100', events: 10, skipped: 0 }] });
  assert.equal(await usage(), before);
  const done = await post('/api/v1/corrections', { ...asked, dry_run: false });
  assert.deepEqual({ ...done.json, id: undefined }, { ...dry.json, dry_run: false, id: undefined });
  assert.equal(Number(await usage()), Number(before) - 100);
  assert.equal((await post('/api/v1/corrections', { ...asked, dry_run: false })).status, 404);
  const { json } = await get('/api/v1/events/m1');
  assert.deepEqual(json.data[0].history.map((act) => [act.action, act.batch_id]), [['voided', done.json.id]]);
  assert.equal((await get(`/api/v1/corrections/${done.json.id}`)).json.question.filter.region, 'eu');
  const restored = await post(`/api/v1/corrections/${done.json.id}/restore`, { reason: 'it was right' });
  assert.equal(restored.json.restored.reason, 'it was right');
  assert.equal((await post(`/api/v1/corrections/${done.json.id}/restore`, { reason: 'again' })).status, 409);
  assert.equal(await usage(), before);
  assert.equal((await get('/api/v1/corrections')).json.data.length, 1);
  for (const [change, field] of [[{ reason: null }, 'reason'], [{ code: '' }, 'code'], [{ from: 'x' }, 'from'], [{ to: '2025-01-01' }, 'to'], [{ filter: [] }, 'filter'], [{ filter: { customer_id: 'x' } }, 'filter'], [{ dry_run: 'no' }, 'dry_run'], [{ customer_id: 1 }, 'customer_id']]) {
    const answer = await post('/api/v1/corrections', { ...asked, ...change });
    assert.equal(answer.status, 400, answer.text);
    assert.equal(answer.json.details.field, field, answer.text);
  }
});

test('usage is explained: what became of each event, and each step to the total', async () => {
  const asked = `/api/v1/metrics/${metric}/usage?from=2026-01-01&to=2026-02-01&customer_id=dan&filter[region]=eu`;
  const { json: plain } = await get(asked);
  const { json } = await get(`${asked}&explain=true`);
  const { explanation, ...rest } = json;
  assert.deepEqual(rest, plain);
  assert.equal(explanation.definition.id, metric);
  assert.equal(explanation.total.value, plain.total.value);
  assert.deepEqual(Object.fromEntries(Object.entries(explanation.total.by_outcome).map(([name, { events }]) => [name, events])),
    { counted: 10, filtered: 10, outside_matrix: 0, missing: 0, empty: 0, not_a_number: 0, not_a_value: 0, voided: 0, amended: 0 });
  assert.deepEqual(explanation.total.steps, [{ step: 'add up the values', events: 10, result: '100' }]);
  assert.equal((await get(`${asked}&explain=yes`)).json.details.field, 'explain');
  const { json: one } = await get('/api/v1/events/m3');
  assert.deepEqual(one.data[0].metrics, [{ metric_id: metric, counted: true, value: '3', dimensions: {} }]);
});

test('an explanation tells what was sent again, by every customer of it and on the days of the range', async () => {
  const told = async (more = '') => (await get(`/api/v1/metrics/${metric}/usage?from=2026-04-01T06:00:00Z&to=2026-04-03&explain=true${more}`)).json.explanation.total.sent_again;
  const days = { first_day: '2026-04-01', last_day: '2026-04-02' };
  const at = (day) => ({ timestamp: `2026-04-0${day}T00:00:00Z` });
  assert.equal((await send(event('r1', 'fay', 1, at(1)), event('r2', 'gus', 1, at(2)))).json.accepted, 2);
  assert.deepEqual(await told(), { ...days, duplicates: 0, conflicts: 0 });
  assert.equal((await send(event('r1', 'fay', 1, at(1)), event('r2', 'gus', 2, at(2)), event('r2', 'gus', 1, at(2)))).json.duplicates, 2);
  assert.deepEqual(await told(), { ...days, duplicates: 2, conflicts: 1 });
  assert.equal((await post('/api/v1/events/ingest', { events: [event('r1', 'fay', 3, at(1)), event('r3', 'fay', 3, at(1))], allow_backfilling: true })).status, 409);
  assert.deepEqual(await told('&customer_id=fay'), { ...days, duplicates: 1, conflicts: 1 });
  assert.deepEqual(await told('&customer_id=fay&customer_id=gus'), { ...days, duplicates: 2, conflicts: 2 });
  assert.deepEqual(await told('&customer_id=hal'), { ...days, duplicates: 0, conflicts: 0 });
});

test('personal data of a customer is erased: told before, gone after, amounts stay', async () => {
  await send(event('eve@x', 'e/ve', 1, { properties: { seconds: 1.50, email: 'eve@x', phone: '1' } }), event('eve2', 'e/ve', 2));
  const before = await usage();
  const path = `/api/v1/customers/${encodeURIComponent('e/ve')}/forget`;
  const dry = await post(path, { reason: 'asked', properties: ['email', 'seconds'] });
  assert.equal(dry.status, 200, dry.text);
  assert.deepEqual(dry.json, { dry_run: true, customer_id: 'e/ve', events: 2, properties: ['email', 'seconds'], event_ids: false, metrics: [{ metric_id: metric, name: 'GPU', code: 'gpu', properties: ['seconds'] }] });
  const done = await post(path, { reason: 'asked', event_ids: true, dry_run: false });
  assert.deepEqual({ ...done.json, id: undefined }, { dry_run: false, id: undefined, customer_id: 'e/ve', events: 2, properties: ['email', 'phone'], event_ids: true, metrics: [] });
  const { json } = await get(`/api/v1/events?customer_id=${encodeURIComponent('e/ve')}`);
  assert.deepEqual(json.data.map((one) => [/^erased-[0-9a-f]{32}$/.test(one.event_id), one.properties]), [[true, { seconds: 2 }], [true, { seconds: 1.5 }]]);
  assert.equal((await get(`/api/v1/events/${encodeURIComponent('eve@x')}`)).status, 404);
  assert.equal(await usage(), before);
  assert.deepEqual((await send(event('eve2', 'e/ve', 2))).json, { accepted: 0, duplicates: 1 });
  const { json: { secret } } = await post('/api/v1/keys', { name: 'k', scopes: ['read'] });
  assert.equal((await post(path, { reason: 'asked' }, secret)).status, 403);
  for (const [body, field] of [[{}, 'reason'], [{ reason: ' ' }, 'reason'], [{ reason: 'x', properties: 'a' }, 'properties'], [{ reason: 'x', properties: [1] }, 'properties'],
    [{ reason: 'x', properties: [''] }, 'properties'], [{ reason: 'x', properties: [] }, 'properties'], [{ reason: 'x', event_ids: 1 }, 'event_ids'], [{ reason: 'x', dry_run: 'no' }, 'dry_run'], [{ reason: 'x', nope: 1 }, 'nope']]) {
    const answer = await post(path, body);
    assert.equal(answer.status, 400, `${JSON.stringify(body)}: ${answer.text}`);
    assert.equal(answer.json.details.field, field, answer.text);
  }
});

test('a dry run tells what is stored: a key that only writes learns nothing by it, and may do what it says', async () => {
  const secret = async (scopes) => (await post('/api/v1/keys', { name: 'k', scopes })).json.secret;
  const [writer, both, admin] = [await secret(['write']), await secret(['read', 'write']), await secret(['admin'])];
  await send(event('dry', 'dry', 1, { code: 'dry' }));
  const asked = { reason: 'x', code: 'dry', from: '2026-01-01', to: '2026-02-01' };
  for (const [path, body] of [['/api/v1/corrections', asked], ['/api/v1/customers/dry/forget', { reason: 'x', properties: ['seconds'] }]]) {
    for (const dry of [{}, { dry_run: true }, { dry_run: null }]) {
      const refused = await post(path, { ...body, ...dry }, writer);
      assert.equal(refused.status, 403, refused.text);
      assert.match(refused.json.message, /scope .read/);
      for (const key of [both, admin]) assert.equal((await post(path, { ...body, ...dry }, key)).json?.dry_run, true);
    }
    const done = await post(path, { ...body, dry_run: false }, writer);
    assert.equal(done.status, 200, done.text);
    assert.equal(done.json.events, 1);
  }
});
