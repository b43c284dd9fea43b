// Meteroid's page "Create a billable metric", field by field: each test is named by the words that it proves.
'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { after, before, test } = require('node:test');
const { call, event, isErrorAnswer, setUp } = require('./lib.js');
const contract = require('./contract.js');

let s;
let family;
let product;
before(async () => {
  s = await setUp();
  family = (await call(s.url, s.key, 'GET', '/api/v1/profile')).json.default_product_family_id;
  product = (await call(s.url, s.key, 'POST', '/api/v1/products', { name: 'P', product_family_id: family })).json.id;
});
after(() => s?.close());

const AGGREGATIONS = ['COUNT', 'LATEST', 'MAX', 'MIN', 'MEAN', 'SUM', 'COUNT_DISTINCT'];
const REQUIRED = ['aggregation_type', 'code', 'created_at', 'id', 'name', 'product_family_id'];
const OPTIONAL = ['aggregation_key', 'description', 'product_id', 'segmentation_matrix', 'unit_conversion', 'usage_group_key'];
// The body of the page's sample; what it leaves open as "<string>" and must exist is ours.
const sample = () => ({
  aggregation_type: 'COUNT', code: '<string>', name: '<string>', product_family_id: family, aggregation_key: '<string>', description: '<string>',
  product_id: product, segmentation_matrix: { key: '<string>', values: ['<string>'] }, unit_conversion: { factor: 123, rounding: 'UP' }, usage_group_key: '<string>',
});
const create = (fields) => call(s.url, s.key, 'POST', '/api/v1/metrics', { ...sample(), ...fields });
async function made(fields) {
  const answer = await create(fields);
  assert.equal(answer.status, 201, answer.text);
  return answer.json;
}
async function refused(field, fields) {
  const body = isErrorAnswer(assert, await create(fields), 400, 'BAD_REQUEST');
  assert.equal(body.details?.field, field, JSON.stringify(body));
}
// A field that is a text or null.
async function textOrNull(field) {
  assert.equal((await made({ [field]: 'some text' }))[field], 'some text');
  assert.ok(!(field in await made({ [field]: null })));
  assert.ok(!(field in await made({ [field]: undefined })));
  await refused(field, { [field]: 7 });
}

test('"curl --request POST --url https://api.example.com/api/v1/metrics": "Create a billable metric"', () => {
  // As the page has it, word for word but for the address and the token.
  const done = spawnSync('curl', ['--silent', '--show-error', '--noproxy', '*', '--write-out', '\n%{http_code} %{content_type}',
    '--request', 'POST',
    '--url', `${s.url}/api/v1/metrics`,
    '--header', `Authorization: Bearer ${s.key}`,
    '--header', 'Content-Type: application/json',
    '--data', `\n${JSON.stringify(sample(), null, 2)}\n`], { encoding: 'utf8' });
  assert.equal(done.status, 0, done.stderr || String(done.error));
  const [body, outcome] = done.stdout.split('\n');
  assert.equal(outcome, '201 application/json', body);
  const metric = JSON.parse(body);
  const { id, created_at: created, segmentation_matrix: matrix, ...rest } = metric;
  const { segmentation_matrix: sent, ...expected } = sample();
  assert.deepEqual(rest, expected);
  assert.deepEqual(matrix, { ...sent, type: 'SINGLE' });
  assert.match(id, /^bm_/);
  assert.ok(Math.abs(new Date(created) - Date.now()) < 60000);
  if (!contract.MISSING) assert.deepEqual(contract.validate({ $ref: '#/components/schemas/Metric' }, metric), []);
});

test('the metric of the page\'s sample measures what it says', async () => {
  const { id } = await made({ code: 'sampled' });
  const events = ['<string>', '<string>', 'other'].map((text) => event({ code: 'sampled', properties: { '<string>': text } }));
  assert.equal((await call(s.url, s.key, 'POST', '/api/v1/events/ingest', { events })).json.accepted, 3);
  const { json } = await call(s.url, s.key, 'GET', `/api/v1/metrics/${id}/usage?from=2020-01-01&to=2100-01-01`);
  const [{ dimensions, value, converted_value: converted, skipped }] = json.usage;
  assert.deepEqual({ dimensions, value, converted, skipped }, { dimensions: { '<string>': '<string>' }, value: '2', converted: '1', skipped: 0 });
  assert.equal(json.total.events, 2, 'what lies outside the matrix is not counted');
});

test('the answer of the page\'s sample: the same fields, "archived_at" once the metric is archived', async () => {
  const metric = await made();
  assert.deepEqual(Object.keys(metric).sort(), [...REQUIRED, ...OPTIONAL].sort());
  assert.equal((await call(s.url, s.key, 'POST', `/api/v1/metrics/${metric.id}/archive`)).status, 204);
  const { json: archived } = await call(s.url, s.key, 'GET', `/api/v1/metrics/${metric.id}`);
  assert.deepEqual(Object.keys(archived).sort(), [...REQUIRED, ...OPTIONAL, 'archived_at'].sort());
  assert.match(archived.archived_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

test('"Authorization: string, header, required. Bearer authentication header of the form Bearer <token>, where <token> is your auth token."', async () => {
  assert.equal((await create()).status, 201);
  const send = (authorization) => call(s.url, null, 'POST', '/api/v1/metrics', sample(), authorization ? { authorization } : {});
  for (const value of [undefined, 'Bearer', 'Bearer wrong', s.key]) isErrorAnswer(assert, await send(value), 401, 'UNAUTHORIZED');
});

test('"Body: application/json"', async () => {
  const send = (type, body) => call(s.url, s.key, 'POST', '/api/v1/metrics', body, { 'content-type': type });
  isErrorAnswer(assert, await send('text/plain', JSON.stringify(sample())), 415, 'UNSUPPORTED_MEDIA_TYPE');
  isErrorAnswer(assert, await send('application/json', 'aggregation_type=COUNT'), 400, 'BAD_REQUEST');
  assert.equal((await send('application/json; charset=utf-8', JSON.stringify(sample()))).status, 201);
});

test('"aggregation_type: enum<string>, required. Available options: COUNT, LATEST, MAX, MIN, MEAN, SUM, COUNT_DISTINCT"', async () => {
  for (const type of AGGREGATIONS) assert.equal((await made({ aggregation_type: type })).aggregation_type, type);
  for (const type of [undefined, null, 'count', 'AVG', '', 7]) await refused('aggregation_type', { aggregation_type: type });
});

for (const field of ['code', 'name']) {
  test(`"${field}: string, required"`, async () => {
    assert.equal((await made({ [field]: 'a "quoted" täxt' }))[field], 'a "quoted" täxt');
    for (const value of [undefined, null, '', 7, ['x'], 'x'.repeat(513)]) await refused(field, { [field]: value });
  });
}

test('"product_family_id: string<MeteroidId>, required. Example: "pf_7n42DGM5Tflk9n8mt7Fhc7""', async () => {
  assert.equal((await made()).product_family_id, family);
  for (const value of [undefined, null, 'pf_7n42DGM5Tflk9n8mt7Fhc7', product, 'nonsense', 7]) await refused('product_family_id', { product_family_id: value });
});

test('"aggregation_key: string | null"', () => textOrNull('aggregation_key'));
test('"description: string | null"', () => textOrNull('description'));
test('"usage_group_key: string | null"', () => textOrNull('usage_group_key'));

test('"product_id: null | string<MeteroidId>. Example: "prd_7n42DGM5Tflk9n8mt7Fhc7""', async () => {
  assert.equal((await made()).product_id, product);
  assert.ok(!('product_id' in await made({ product_id: null })));
  for (const value of ['prd_7n42DGM5Tflk9n8mt7Fhc7', family, 'nonsense', 7]) await refused('product_id', { product_id: value });
});

test('"segmentation_matrix: object", without a type as in the sample, and with one', async () => {
  const matrices = [{ type: 'SINGLE', key: 'region', values: ['eu'] }, { type: 'DOUBLE', dimension1: { key: 'a', values: ['1'] }, dimension2: { key: 'b', values: ['2'] } },
    { type: 'LINKED', dimension1_key: 'a', dimension2_key: 'b', values: { x: ['1'], y: [] } }];
  for (const matrix of matrices) assert.deepEqual((await made({ segmentation_matrix: matrix })).segmentation_matrix, matrix);
  assert.ok(!('segmentation_matrix' in await made({ segmentation_matrix: null })));
  await refused('segmentation_matrix', { segmentation_matrix: 'region' });
  await refused('segmentation_matrix.values', { segmentation_matrix: { key: 'region', values: [] } });
});

test('"unit_conversion: object": "factor" and "rounding"', async () => {
  for (const rounding of ['UP', 'DOWN', 'NEAREST', 'NEAREST_HALF', 'NEAREST_DECILE', 'NONE']) {
    assert.deepEqual((await made({ unit_conversion: { factor: 123, rounding } })).unit_conversion, { factor: 123, rounding });
  }
  assert.ok(!('unit_conversion' in await made({ unit_conversion: null })));
  await refused('unit_conversion.factor', { unit_conversion: { factor: 0, rounding: 'UP' } });
  await refused('unit_conversion.rounding', { unit_conversion: { factor: 1 } });
});

test('"Response: Metric created"', async () => {
  const answer = await create();
  assert.equal(answer.status, 201);
  assert.equal(answer.headers.get('content-type'), 'application/json');
  assert.deepEqual((await call(s.url, s.key, 'GET', `/api/v1/metrics/${answer.json.id}`)).json, answer.json);
  const { json: list } = await call(s.url, s.key, 'GET', '/api/v1/metrics?per_page=100&order_by=created_at.desc');
  assert.ok(list.data.some((one) => one.id === answer.json.id));
});

test('the response\'s fields: "required", and those that are "string | null" left out where they are null', async () => {
  const bare = Object.fromEntries(OPTIONAL.map((field) => [field, null]));
  assert.deepEqual(Object.keys(await made(bare)).sort(), [...REQUIRED].sort());
});

test('"created_at: string<date-time>, required", as in "2023-11-07T05:31:56Z"', async () => {
  const { created_at: created } = await made();
  assert.match(created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
});

test('"id: string<MeteroidId>, required. Example: "bm_7n42DGM5Tflk9n8mt7Fhc7""', async () => {
  const { id } = await made();
  assert.match(id, /^bm_[0-9A-Za-z]{1,22}$/);
  // The page's example is a good id, of a metric that is not there; other texts are no ids.
  isErrorAnswer(assert, await call(s.url, s.key, 'GET', '/api/v1/metrics/bm_7n42DGM5Tflk9n8mt7Fhc7'), 404, 'NOT_FOUND');
  isErrorAnswer(assert, await call(s.url, s.key, 'GET', '/api/v1/metrics/pf_7n42DGM5Tflk9n8mt7Fhc7'), 400, 'BAD_REQUEST');
});
