// Every operation of the document is driven with its own example request, in an order in which it can succeed; the answer
// is checked by lib.js against the schema, and here against the example: it has the same fields.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const contract = require('./contract.js');
const { call, setUp } = require('./lib.js');

const { doc, resolve } = contract;
const operations = Object.entries(doc.paths).flatMap(([path, item]) => Object.entries(item).map(([method, operation]) => ({ path, method: method.toUpperCase(), ...operation })));
const byId = new Map(operations.map((operation) => [operation.operationId, operation]));

// Makers first, what takes things away last; the rest in the order of the document.
const FIRST = ['createProductFamily', 'createProduct', 'createMetric', 'ingestEvents', 'updateValue', 'createKey'];
const LAST = ['changeMetric', 'changeProductFamily', 'changeProduct', 'voidImport', 'revokeKey'];
const ORDER = [...FIRST, ...[...byId.keys()].filter((id) => !FIRST.includes(id) && !LAST.includes(id)), ...LAST];

const successOf = (operation) => Number(Object.keys(operation.responses).find((status) => /^2/.test(status)));
const exampleOf = (operation) => Object.values(resolve(operation.responses[successOf(operation)]).content ?? {})[0]?.example;
const parametersOf = (operation) => (operation.parameters ?? []).map(resolve);
const pathExample = (operationId) => parametersOf(byId.get(operationId)).find((one) => one.in === 'path').example;

let s;
const real = new Map();     // id in the examples -> id of what stands for it here
const substitute = (text) => [...real].reduce((all, [from, to]) => all.replaceAll(from, to), text);

before(async () => {
  s = await setUp();
  const { json: profile } = await call(s.url, s.key, 'GET', '/api/v1/profile');
  const revenue = await call(s.url, s.key, 'POST', '/api/v1/metrics', { code: 'revenue', name: 'Revenue', kind: 'dual', product_family_id: profile.default_product_family_id });
  assert.equal(revenue.status, 201, revenue.text);
  real.set(pathExample('updateValue'), revenue.json.id);
  const made = JSON.parse(s.cluster.psql(`SELECT tally_rest.import_chunk(1, '{}', '{"name": ["october.ndjson"]}',
    '{"event_id": "old-1", "code": "gpu", "customer_id": "ann", "timestamp": "2024-10-01T10:00:00Z", "properties": {"seconds": 5, "region": "eu"}}')`));
  real.set(pathExample('getImport'), made.import_id);
});
after(() => s?.close());

function requestOf(operation) {
  let target = operation.path;
  const query = [];
  const headers = {};
  for (const { name, in: place, example, schema } of parametersOf(operation)) {
    if (example === undefined) continue;
    if (place === 'path') target = target.replace(`{${name}}`, encodeURIComponent(example));
    else if (place === 'header') headers[name.toLowerCase()] = `${example}-${operation.operationId}`;
    else if (schema.type === 'object') for (const [key, value] of Object.entries(example)) query.push([`${name}[${key}]`, value]);
    else for (const value of [].concat(example)) query.push([name, String(value)]);
  }
  const text = query.length > 0 ? `?${new URLSearchParams(query)}` : '';
  const [type, media] = Object.entries(operation.requestBody?.content ?? { none: {} })[0];
  if (type !== 'application/json' && media.example) {
    headers['content-type'] = type;
    return { target: substitute(target + text), headers, body: `${media.example}\n` };
  }
  return { target: substitute(target + text), headers, body: media.example && JSON.parse(substitute(JSON.stringify(media.example))) };
}

// The same fields in both, all the way down; of lists the first item.
function sameShape(actual, example, at = '') {
  if (example === null || typeof example !== 'object') return;
  if (Array.isArray(example)) {
    assert.ok(Array.isArray(actual), at);
    if (example.length > 0 && actual.length > 0) sameShape(actual[0], example[0], `${at}/0`);
    return;
  }
  assert.deepEqual(Object.keys(actual).sort(), Object.keys(example).sort(), `fields of ${at || 'the answer'}`);
  for (const name of Object.keys(example)) sameShape(actual[name], example[name], `${at}/${name}`);
}

for (const operationId of ORDER) {
  const operation = byId.get(operationId);
  test(`${operationId}: ${operation.method} ${operation.path} does what its example says`, async () => {
    const { target, headers, body } = requestOf(operation);
    const key = operation.security?.length === 0 ? null : s.key;
    const answer = await call(s.url, key, operation.method, target, body, headers);
    assert.equal(answer.status, successOf(operation), answer.text);
    const example = exampleOf(operation);
    if (answer.json === undefined || operationId === 'getDocument') return;
    if (example.id !== undefined) real.set(example.id, answer.json.id);
    sameShape(answer.json, example);
  });
}

test('every security scheme of the document lets one in', async () => {
  const ways = {
    bearer: ['/api/v1/profile', { authorization: `Bearer ${s.key}` }],
    basic: ['/api/v1/profile', { authorization: `Basic ${Buffer.from(`${s.key}:`).toString('base64')}` }],
    apiKey: [`/api/v1/profile?${doc.components.securitySchemes.apiKey.name}=${s.key}`, {}],
  };
  assert.deepEqual(doc.security.flatMap(Object.keys), Object.keys(ways));
  for (const [target, headers] of Object.values(ways)) assert.equal((await call(s.url, null, 'GET', target, undefined, headers)).status, 200);
});

test('the document is served as it was written, may be kept, and is not sent twice', async () => {
  const answer = await call(s.url, null, 'GET', '/openapi.json');
  assert.deepEqual(answer.json, doc);
  assert.equal(answer.headers.get('content-type'), 'application/json');
  assert.match(answer.headers.get('cache-control'), /max-age=\d+/);
  const tag = answer.headers.get('etag');
  assert.match(tag, /^"[0-9a-f]{32}"$/);
  for (const known of [tag, `"other", W/${tag}`, '*']) {
    const again = await call(s.url, null, 'GET', '/openapi.json', undefined, { 'if-none-match': known });
    assert.equal(again.status, 304);
    assert.equal(again.headers.get('etag'), tag);
  }
  assert.equal((await call(s.url, null, 'GET', '/openapi.json', undefined, { 'if-none-match': '"other"' })).status, 200);
});

test('an answer that is not as the document says is found', () => {
  const header = (name) => ({ 'x-request-id': 'x', 'content-type': 'application/json' })[name.toLowerCase()];
  const wrong = (status, body, method = 'GET', target = '/healthz') => contract.complaints({ method, target }, { status, header, text: JSON.stringify(body) });
  const good = { status: 'ok', version: '1' };
  assert.deepEqual(wrong(200, good), []);
  assert.match(wrong(200, { ...good, more: 1 }).join(), /"more" is not documented/);
  assert.match(wrong(200, { status: 'ok' }).join(), /required/);
  assert.match(wrong(200, { ...good, version: 1 }).join(), /type/);
  assert.match(wrong(201, good).join(), /status 201 is not documented/);
  assert.match(wrong(409, { code: 'CONFLICT', message: 'x' }).join(), /status 409/);
  assert.match(wrong(503, { code: 'SERVICE_UNAVAILABLE', message: 'x' }, 'GET', '/readyz').join(), /Retry-After is missing/);
  assert.match(wrong(200, {}, 'GET', '/nowhere').join(), /no such operation/);
  assert.match(wrong(404, { error: 'x' }, 'GET', '/nowhere').join(), /required/);
});
