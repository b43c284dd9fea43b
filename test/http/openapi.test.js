// Every operation of the document is driven with its own example request, in an order in which it can succeed; the answer
// is checked by lib.js against the schema, and here against the example: it has the same fields.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const contract = require('./contract.js');
const { Examples, exampleOf, successOf } = require('./examples.js');
const { call, setUp } = require('./lib.js');

const { doc } = contract;
const described = new Examples(null, doc);

let s;
let examples;
before(async () => {
  s = await setUp();
  examples = new Examples(s, doc);
  await examples.prepare();
});
after(() => s?.close());

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

for (const operationId of described.order) {
  const operation = described.byId.get(operationId);
  test(`${operationId}: ${operation.method} ${operation.path} does what its example says`, async () => {
    const answer = await examples.send(operationId);
    assert.equal(answer.status, successOf(operation), answer.text);
    if (answer.json !== undefined && operationId !== 'getDocument') sameShape(answer.json, exampleOf(operation));
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

test('an answer that is not as the document says is found', { skip: contract.MISSING }, () => {
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
