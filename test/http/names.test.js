// Names over HTTP: a metric by its id, its slug, or a code that it alone reads; ranges by either pair of words.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { call, event, isErrorAnswer, setUp } = require('./lib.js');

let s;
let family;
const made = {};
const get = (target) => call(s.url, s.key, 'GET', target);
const post = (target, body) => call(s.url, s.key, 'POST', target, body);
const metric = (fields) => post('/api/v1/metrics', { name: 'Seconds', code: 'gpu', aggregation_type: 'SUM', aggregation_key: 'seconds', product_family_id: family, ...fields });

before(async () => {
  s = await setUp();
  family = (await get('/api/v1/profile')).json.default_product_family_id;
  for (const [name, fields] of Object.entries({ gpu: { slug: 'gpu-seconds' }, one: { code: 'a/b ?', slug: 'first' }, two: { code: 'shared', slug: 'sum' }, three: { code: 'shared', slug: 'max', aggregation_type: 'MAX' } })) {
    const answer = await metric(fields);
    assert.equal(answer.status, 201, answer.text);
    made[name] = answer.json;
  }
  const sent = await post('/api/v1/events/ingest', { events: [event({ code: 'gpu', customer_id: 'ann', properties: { seconds: 7 } })] });
  assert.equal(sent.json?.accepted, 1, sent.text);
});
after(() => s?.close());

test('a slug is answered where there is one, and only there', async () => {
  assert.equal(made.gpu.slug, 'gpu-seconds');
  assert.ok(!('slug' in (await metric({ code: 'bare', name: 'bare' })).json));
  const { data } = (await get('/api/v1/metrics?per_page=100')).json;
  assert.equal(data.find((one) => one.id === made.gpu.id).slug, 'gpu-seconds');
  assert.ok(!('slug' in data.find((one) => one.name === 'bare')));
});

test('a bad slug is 400 and a taken one 409, at the field', async () => {
  for (const slug of ['', 'A', '-a', 'a b', 'ä', 'a'.repeat(65), 7, {}, 'bm_abc', '01a2213b-9015-76f5-9dcc-ac9e508c4c9f']) {
    for (const answer of [await metric({ slug }), await call(s.url, s.key, 'PATCH', '/api/v1/metrics/first', { slug })]) {
      assert.equal(isErrorAnswer(assert, answer, 400, 'BAD_REQUEST').details.field, 'slug', JSON.stringify(slug));
    }
  }
  for (const answer of [await metric({ slug: 'first' }), await call(s.url, s.key, 'PATCH', '/api/v1/metrics/sum', { slug: 'first' })]) {
    const { details } = isErrorAnswer(assert, answer, 409, 'CONFLICT');
    assert.equal(details.field, 'slug');
    assert.ok(details.hint.includes(made.one.id), details.hint);
  }
});

const routes = {
  metric: (name) => get(`/api/v1/metrics/${name}`),
  usage: (name) => get(`/api/v1/metrics/${name}/usage?from=2026-01-01&to=2100-01-01`),
  value: (name) => get(`/api/v1/metrics/${name}/value`),
  summaries: (name) => get(`/api/v1/metrics/${name}/summaries?from=2026-01-01&to=2027-01-01&bucket=month`),
  summary: (name) => get(`/api/v1/usage/summary?start_date=2026-01-01&end_date=2027-01-01&metric_id=${name}`),
  customer: (name) => get(`/api/v1/usage/customer/ann?start_date=2026-01-01&end_date=2027-01-01&metric_id=${name}`),
  change: (name) => call(s.url, s.key, 'PATCH', `/api/v1/metrics/${name}`, {}),
  archive: (name) => post(`/api/v1/metrics/${name}/archive`),
  unarchive: (name) => post(`/api/v1/metrics/${name}/unarchive`),
};

test('every route takes the slug, and the code of one metric, for the id', async () => {
  for (const [route, ask] of Object.entries(routes)) {
    const byId = await ask(made.gpu.id);
    assert.ok(byId.status === 200 || byId.status === 204, `${route}: ${byId.text}`);
    for (const name of ['gpu-seconds', ...(route === 'unarchive' ? [] : ['gpu'])]) {
      if (route === 'archive') await routes.unarchive(made.gpu.id);
      const answer = await ask(name);
      assert.deepEqual([answer.status, answer.json], [byId.status, byId.json], `${route} by ${name}`);
    }
    assert.equal((await ask(encodeURIComponent('a/b ?'))).status, byId.status, `${route} by a code with marks`);
    if (route === 'archive') await routes.unarchive('first');
  }
  assert.equal((await post('/event/v1/gpu-seconds', { value: 1 })).json.total, '8');
  assert.equal((await post('/event/v1/gpu', { value: 1 })).json.total, '9');
});

test('a code of several metrics is 400 and names them; what is no name is 400, an id of nothing 404', async () => {
  for (const [route, ask] of Object.entries(routes)) {
    const { message, details } = isErrorAnswer(assert, await ask('shared'), 400, 'BAD_REQUEST');
    assert.match(message, /is read by 2 metrics/, route);
    assert.match(details.field, /^(id|metric_id)$/);
    for (const { id } of [made.two, made.three]) assert.ok(details.hint.includes(id), `${route}: ${details.hint}`);
    isErrorAnswer(assert, await ask('nothing'), 400, 'BAD_REQUEST');
    isErrorAnswer(assert, await ask('bm_7n42DGM5Tflk9n8mt7Fhc7'), 404, 'NOT_FOUND');
  }
  isErrorAnswer(assert, await post('/event/v1/shared', { value: 1 }), 400, 'BAD_REQUEST');
  isErrorAnswer(assert, await post('/event/v1/nothing', { value: 1 }), 401, 'UNAUTHORIZED');
});

test('a range has two pairs of names on every route that takes one; where they contradict it is 400', async () => {
  const routes = ['/api/v1/metrics/gpu-seconds/usage?', '/api/v1/metrics/gpu-seconds/summaries?bucket=month&', '/api/v1/events?code=gpu&', '/api/v1/usage/summary?', '/api/v1/usage/customer/ann?'];
  for (const route of routes) {
    const plain = await get(`${route}from=2026-01-01&to=2027-01-01`);
    assert.equal(plain.status, 200, plain.text);
    for (const query of ['start_date=2026-01-01&end_date=2027-01-01', 'start_date=2026-01-01&to=2027-01-01', 'from=2026-01-01&start_date=2026-01-01&to=2027-01-01&end_date=2027-01-01']) {
      const answer = await get(`${route}${query}`);
      assert.deepEqual([answer.status, answer.json], [200, plain.json], `${route}${query}`);
    }
    for (const query of ['from=2026-01-01&start_date=2026-01-02&to=2027-01-01', 'from=2026-01-01&to=2027-01-01&end_date=2027-01-02']) {
      const { message, details } = isErrorAnswer(assert, await get(`${route}${query}`), 400, 'BAD_REQUEST');
      assert.match(message, /contradict each other/);
      assert.match(details.field, /^(from|to|start_date|end_date)$/);
    }
  }
});

test('a name that is more than a line is refused, whatever it names', async () => {
  for (const [target, body] of [['/api/v1/keys', {}], ['/api/v1/metrics', { code: 'x', aggregation_type: 'COUNT', product_family_id: family }], ['/api/v1/product_families', {}]]) {
    for (const name of ['two\nlines', 'a tab\t', '\u001b[2J', 'end\u007f']) {
      const { details } = isErrorAnswer(assert, await post(target, { ...body, name }), 400, 'BAD_REQUEST');
      assert.equal(details.field, 'name', target);
    }
    assert.equal((await post(target, { ...body, name: 'Zeile – línea – 行' })).status, 201, target);
  }
});
