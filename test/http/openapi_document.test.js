// Lint of httpd/openapi/: the rules of OpenAPI 3.1 that matter, examples against schemas, the document against the
// route table, and openapi.pl, which joins the files of the resources.
'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const contract = require('./contract.js');

const { MISSING, doc, resolve, validate } = contract;
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tally-document-'));
process.on('exit', () => fs.rmSync(dir, { recursive: true, force: true }));
const ROOT = path.join(__dirname, '..', '..');
const operations = Object.entries(doc.paths).flatMap(([pattern, item]) => Object.entries(item).map(([method, operation]) => ({ pattern, method: method.toUpperCase(), operation })));
const nameOf = ({ method, pattern }) => `${method} ${pattern}`;

// Calls visit(value, where) for everything in the document.
function walk(value, visit, where = '#') {
  visit(value, where);
  if (value !== null && typeof value === 'object') for (const [key, inner] of Object.entries(value)) walk(inner, visit, `${where}/${key}`);
}

// Every schema of the document, its parts included, and where it stands.
function schemas() {
  const found = [];
  const add = (schema, where) => {
    found.push([schema, where]);
    for (const [name, inner] of Object.entries(schema.properties ?? {})) add(inner, `${where}/${name}`);
    for (const keyword of ['allOf', 'anyOf', 'oneOf']) (schema[keyword] ?? []).forEach((inner, n) => add(inner, `${where}/${keyword}/${n}`));
    for (const keyword of ['items', 'additionalProperties']) if (typeof schema[keyword] === 'object') add(schema[keyword], `${where}/${keyword}`);
  };
  for (const [name, schema] of Object.entries(doc.components.schemas)) add(schema, name);
  walk(doc, (value, where) => { if (value?.schema && !/\/example\b|\/properties\//.test(where)) add(value.schema, where); });
  return found;
}

test('every row of the route table is in the document, with its status, body and scope, and nothing else is', () => {
  const rows = contract.routes();
  assert.ok(rows.length > 30);
  assert.deepEqual(operations.map(nameOf).sort(), rows.map(nameOf).sort());
  for (const row of rows) {
    const operation = doc.paths[row.pattern][row.method.toLowerCase()];
    const successes = Object.keys(operation.responses).filter((status) => /^2/.test(status));
    assert.deepEqual(successes, [String(row.status)], nameOf(row));
    assert.equal(operation.requestBody !== undefined, row.body !== 'none', `body of ${nameOf(row)}`);
    assert.equal(operation.security?.length === 0, row.scope === undefined, `key of ${nameOf(row)}`);
    assert.equal((operation.parameters ?? []).map(resolve).some((one) => one.name === 'Idempotency-Key'), row.once, `Idempotency-Key of ${nameOf(row)}`);
    if (row.scope) assert.match(operation.description, new RegExp(`Needs the scope ${row.scope}\\.$`), nameOf(row));
  }
});

test('every object has the fields of OpenAPI 3.1 and no other', () => {
  const fields = (value, required, optional, where) => {
    for (const name of required) assert.ok(name in value, `${where}: ${name} is missing`);
    for (const name of Object.keys(value)) assert.ok([...required, ...optional].includes(name) || name.startsWith('x-'), `${where}: ${name} is unknown`);
  };
  const parameter = (value, where) => fields(value, ['name', 'in', 'description', 'schema'], ['required', 'style', 'explode', 'example'], where);
  const response = (value, where) => {
    fields(value, ['description', 'headers'], ['content'], where);
    for (const [type, media] of Object.entries(value.content ?? {})) fields(media, ['schema', 'example'], [], `${where} ${type}`);
    for (const header of Object.values(value.headers)) fields(resolve(header), ['description', 'schema', 'example'], ['required'], where);
  };
  assert.match(doc.openapi, /^3\.1\.\d+$/);
  fields(doc, ['openapi', 'info', 'paths'], ['servers', 'security', 'tags', 'components'], 'document');
  fields(doc.info, ['title', 'version'], ['summary', 'description', 'license'], 'info');
  fields(doc.components, ['schemas'], ['responses', 'parameters', 'headers', 'securitySchemes'], 'components');
  for (const scheme of Object.values(doc.components.securitySchemes)) fields(scheme, ['type'], ['scheme', 'description', 'name', 'in'], 'security scheme');
  for (const { operation, ...place } of operations) {
    const where = nameOf(place);
    fields(operation, ['operationId', 'tags', 'summary', 'responses'], ['description', 'security', 'parameters', 'requestBody'], where);
    for (const one of operation.parameters ?? []) parameter(resolve(one), where);
    if (operation.requestBody) {
      fields(operation.requestBody, ['required', 'content'], [], where);
      for (const media of Object.values(operation.requestBody.content)) fields(media, ['schema', 'example'], [], where);
    }
    for (const [status, one] of Object.entries(operation.responses)) {
      assert.match(status, /^([1-5]\d\d|default)$/, where);
      const whole = resolve(one);
      response(whole, `${where} ${status}`);
      assert.equal(whole.content === undefined, ['204', '304'].includes(status), `${where} ${status}: content`);
    }
  }
});

test('operations have ids of their own, tags that are declared and security schemes that are there', () => {
  const ids = operations.map(({ operation }) => operation.operationId);
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) assert.match(id, /^[a-z][A-Za-z]+$/);
  const tags = doc.tags.map((tag) => tag.name);
  for (const { operation, ...place } of operations) for (const tag of operation.tags) assert.ok(tags.includes(tag), `${nameOf(place)}: ${tag}`);
  for (const need of [doc, ...operations.map((one) => one.operation)].flatMap((one) => one.security ?? [])) {
    for (const scheme of Object.keys(need)) assert.ok(scheme in doc.components.securitySchemes, scheme);
  }
  assert.equal(doc.info.version, /default_version *= *'([^']+)'/.exec(fs.readFileSync(path.join(ROOT, 'extension/pgtally.control'), 'utf8'))[1]);
});

test('every $ref leads somewhere, and every component is used', () => {
  const used = new Set();
  walk(doc, (value) => {
    if (typeof value?.$ref !== 'string') return;
    resolve(value);
    used.add(value.$ref);
  });
  for (const [kind, all] of Object.entries(doc.components)) {
    if (kind === 'securitySchemes') continue;
    for (const name of Object.keys(all)) assert.ok(used.has(`#/components/${kind}/${name}`), `${kind}/${name} is used nowhere`);
  }
});

test('the parameters of a path are declared and required, and no parameter twice', () => {
  for (const { operation, ...place } of operations) {
    const all = (operation.parameters ?? []).map(resolve);
    const inPath = all.filter((one) => one.in === 'path');
    assert.deepEqual(inPath.map((one) => one.name).sort(), [...place.pattern.matchAll(/\{(\w+)\}/g)].map((found) => found[1]).sort(), nameOf(place));
    for (const one of inPath) assert.equal(one.required, true, nameOf(place));
    const names = all.map((one) => `${one.in} ${one.name}`);
    assert.equal(new Set(names).size, names.length, nameOf(place));
    for (const one of all) assert.ok(['path', 'query', 'header'].includes(one.in), nameOf(place));
  }
});

test('schemas are as JSON Schema has it, without an unknown keyword, and require what they list', { skip: MISSING }, () => {
  for (const [schema, where] of schemas()) {
    assert.doesNotThrow(() => validate(schema, null), where);
    for (const name of schema.required ?? []) assert.ok(name in (schema.properties ?? {}), `${where}: ${name} is required and not listed`);
    if (schema.type === 'array') assert.ok(schema.items, `${where}: items`);
    if ('default' in schema) assert.deepEqual(validate(schema, schema.default), [], `${where}: default`);
  }
});

test('every example is as its schema says', { skip: MISSING }, () => {
  let examples = 0;
  walk(doc, (value, where) => {
    if (!value?.schema || !('example' in value) || /\/example\//.test(where)) return;
    examples += 1;
    assert.deepEqual(validate(value.schema, value.example), [], where);
  });
  assert.ok(examples > 100, `${examples} examples`);
});

const REDOCLY = path.join(__dirname, 'node_modules/@redocly/cli/bin/cli.js');
function redoclyMissing() {
  if (!fs.existsSync(REDOCLY)) return 'redocly is not installed: see test/lib/npm.sh';
  const [major, minor] = process.versions.node.split('.').map(Number);
  return major > 20 || (major === 20 && minor >= 19) ? false : `redocly needs node 20.19, and this is ${process.versions.node}`;
}

// All its recommended rules, warnings counted as errors. A copy, so that nothing but the file is read; nothing is sent to anybody.
function redocly(document) {
  const folder = fs.mkdtempSync(path.join(dir, 'redocly-'));
  fs.writeFileSync(path.join(folder, 'api.json'), JSON.stringify(document));
  fs.writeFileSync(path.join(folder, 'redocly.yaml'), 'extends: [recommended-strict]\n');
  const done = spawnSync(process.execPath, [REDOCLY, 'lint', 'api.json', '--format=json'],
    { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 26, env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true', CI: 'true' } });
  assert.match(done.stdout, /^\{/, done.stderr);
  return JSON.parse(done.stdout).problems.map((one) => `${one.ruleId}: ${one.message} at ${one.location[0]?.pointer}`);
}

test('redocly finds nothing to complain of', { skip: redoclyMissing() }, () => assert.deepEqual(redocly(doc), []));

test('redocly would find what is wrong', { skip: redoclyMissing() }, () => {
  const bad = structuredClone(doc);
  bad.paths['/api/v1/events'].get.responses['200'].content['application/json'].schema.$ref = '#/components/schemas/Nothing';
  bad.paths['/healthz'].get.operationId = 'getReadiness2';
  bad.paths['/readyz'].get.operationId = 'getReadiness2';
  const found = redocly(bad).join('\n');
  assert.match(found, /no-unresolved-refs/);
  assert.match(found, /operation-operationId-unique/);
});

test('every error is of the one schema', () => {
  for (const { operation, ...place } of operations) {
    for (const [status, one] of Object.entries(operation.responses)) {
      if (!/^([45]|default)/.test(status)) continue;
      const { content } = resolve(one);
      assert.deepEqual(Object.keys(content), ['application/json'], `${nameOf(place)} ${status}`);
      assert.equal(content['application/json'].schema.$ref, '#/components/schemas/Error');
    }
  }
});

// openapi.pl.
function joined(files) {
  const [from, to] = [fs.mkdtempSync(path.join(dir, 'from-')), fs.mkdtempSync(path.join(dir, 'to-'))];
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(from, `${name}.yaml`), text);
  const done = spawnSync('perl', [path.join(ROOT, 'httpd/openapi.pl'), from, to], { encoding: 'utf8' });
  const written = Object.fromEntries(fs.readdirSync(to).map((name) => [name, fs.readFileSync(path.join(to, name), 'utf8')]));
  return { ...done, written };
}

test('the files of the resources are one document, in whose texts nothing changes', () => {
  const path = (id, text) => `paths:\n  /${id}:\n    get:\n      operationId: ${id}\n      x-route: { function: f_${id}, scope: read }\n      summary: ${text}\n      responses: { "200": {} }\n`;
  const { status, stderr, written } = joined({
    common: 'openapi: "3.1.0"\ncomponents:\n  schemas:\n    E: { enum: ["1", 1, true, "true", null, yes, -2.5] }\n',
    b: `${path('b', '"ünï \\"? \\\\ \\t"')}components:\n  schemas:\n    B: {}\n`,
    a: path('a', '>-\n        one: two\n        three'),
  });
  assert.equal(status, 0, stderr);
  const whole = {
    openapi: '3.1.0', components: { schemas: { E: { enum: ['1', 1, true, 'true', null, 'yes', -2.5] }, B: {} } },
    paths: { '/a': { get: { 'x-scope': 'read', operationId: 'a', summary: 'one: two three', responses: { 200: {} } } }, '/b': { get: { 'x-scope': 'read', operationId: 'b', summary: 'ünï "? \\ \t', responses: { 200: {} } } } },
  };
  assert.deepEqual(JSON.parse(written['openapi.json']), whole);
  assert.deepEqual(Object.keys(JSON.parse(written['openapi.json'])), Object.keys(whole), 'in the order that they were written in');
  assert.match(written['routes.inc'], /^\{"GET", "\/a", RouteKind::call, LaneId::read, "read", "f_a", 200, BodyKind::none, false, nullptr, false, 0, \{\}\},$/m);
  const pieces = [...written['openapi.inc'].matchAll(/^ {4}"(.*)"$/gm)].map(([, piece]) => piece.replace(/\\([0-7]{3}|.)/g, (whole, one) => (one.length === 3 ? String.fromCharCode(parseInt(one, 8)) : one)));
  assert.deepEqual(JSON.parse(Buffer.from(pieces.join(''), 'latin1').toString()), whole);
});

test('what is wrong in a file of a resource is told with its name, and nothing is written', () => {
  const good = { common: 'openapi: "3.1.0"\n', a: 'paths:\n  /a:\n    get: { x-route: { kind: health }, responses: { "200": {} } }\n' };
  assert.equal(joined(good).status, 0);
  const slow = (clause, lane = 'read') => `paths:\n  /b:\n    get: { x-route: { function: f, scope: read, lane: ${lane}, slow_with: [${clause}] }, parameters: [{ name: q }], responses: { "200": {} } }\n`;
  assert.match(joined({ ...good, b: slow('q without q') }).written['routes.inc'], /\{\{"q", "q"\}\}\},$/m);
  const bad = [
    [{ b: good.a }, /b\.yaml: paths: \/a is in another file too/], [{ b: 'paths:\n  /b: {}\n  /b: {}\n' }, /b\.yaml: .*uplicate/], [{ b: 'tags: []\n' }, /b\.yaml: tags: only common\.yaml/],
    [{ b: '- x\n' }, /b\.yaml: it is no mapping/], [{ b: 'a: 1\n---\na: 1\n' }, /b\.yaml: one document/], [{ b: 'paths:\n\t- x\n' }, /b\.yaml/], [{ common: undefined }, /common\.yaml/],
    [{ b: good.a.replace('/a', '/b').replace('kind', 'kinds') }, /get \/b: x-route has unknown members: kinds/], [{ b: good.a.replace('/a', '/b').replace(/x-route: \{.*?\}, /, '') }, /get \/b: x-route is missing/],
    [{ b: good.a.replace('/a', '/b').replace('"200"', '"404"') }, /one status must be a success/], [{ b: good.a.replace('/a', '/b').replace('health', 'call') }, /a function is called with a key/],
    [{ b: slow('q without p') }, /get \/b: slow_with: p is no parameter/], [{ b: slow('format') }, /slow_with: it has no other format/], [{ b: slow('q', 'write') }, /slow_with is of the lane read/],
    [{ b: slow('q').replace('lane: read', 'lane: read, page: 10') }, /rows come page by page/],
  ];
  for (const [files, message] of bad) {
    const given = Object.fromEntries(Object.entries({ ...good, ...files }).filter(([, text]) => text !== undefined));
    const done = joined(given);
    assert.notEqual(done.status, 0, JSON.stringify(files));
    assert.match(done.stderr, message);
    assert.deepEqual(done.written, {});
  }
});
