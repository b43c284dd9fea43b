// Helper of the HTTP tests: the requests that the API's document gives as examples, made to fit a store of the test's own.
'use strict';

const contract = require('./contract.js');
const { call } = require('./lib.js');

const { resolve } = contract;

// Makers first, what takes things away last; the rest in the order of the document.
const FIRST = ['createProductFamily', 'createProduct', 'createMetric', 'ingestEvents', 'createCorrection', 'createStatement', 'createCut', 'updateValue', 'createKey'];
const LAST = ['voidEvent', 'restoreEvent', 'amendEvent', 'restoreCorrection', 'changeMetric', 'changeProductFamily', 'changeProduct', 'voidImport', 'revokeKey'];

const parametersOf = (operation) => (operation.parameters ?? []).map(resolve);
const successOf = (operation) => Number(Object.keys(operation.responses).find((status) => /^2/.test(status)));
const exampleOf = (operation) => Object.values(resolve(operation.responses[successOf(operation)]).content ?? {})[0]?.example;

class Examples {
  // s: as setUp() answers it. doc: the document whose examples these are.
  constructor(s, doc) {
    this.s = s;
    this.operations = Object.entries(doc.paths).flatMap(([path, item]) => Object.entries(item).map(([method, operation]) => ({ path, method: method.toUpperCase(), ...operation })));
    this.byId = new Map(this.operations.map((operation) => [operation.operationId, operation]));
    this.order = [...FIRST, ...[...this.byId.keys()].filter((id) => !FIRST.includes(id) && !LAST.includes(id)), ...LAST];
    this.real = new Map();     // id in the examples -> id of what stands for it here
  }

  // What the examples take for granted: a metric for value updates, an import.
  async prepare() {
    const { s } = this;
    const pathExample = (operationId) => parametersOf(this.byId.get(operationId)).find((one) => one.in === 'path').example;
    const { json: profile } = await call(s.url, s.key, 'GET', '/api/v1/profile');
    const revenue = await call(s.url, s.key, 'POST', '/api/v1/metrics', { code: 'revenue', name: 'Revenue', kind: 'dual', product_family_id: profile.default_product_family_id });
    if (revenue.status !== 201) throw new Error(revenue.text);
    this.real.set(pathExample('updateValue'), revenue.json.id);
    const made = JSON.parse(s.cluster.psql(`SELECT tally_rest.import_chunk(1, '{}', '{"name": ["october.ndjson"]}',
      '{"event_id": "old-1", "code": "gpu", "customer_id": "ann", "timestamp": "2024-10-01T10:00:00Z", "properties": {"seconds": 5, "region": "eu"}}')`));
    this.real.set(pathExample('getImport'), made.import_id);
    this.real.set(pathExample('getBatchJob'), made.import_id.replace('imp_', 'bjob_'));
  }

  substitute(text) {
    return [...this.real].reduce((all, [from, to]) => all.replaceAll(from, to), text);
  }

  // The parts of an operation's example: {path: {name: text}, query: [[name, text]], headers, body}; body is JSON or a text.
  partsOf(operation) {
    const parts = { path: {}, query: [], headers: {}, body: undefined };
    for (const { name, in: place, example, schema } of parametersOf(operation)) {
      if (example === undefined) continue;
      if (place === 'path') parts.path[name] = this.substitute(example);
      else if (place === 'header') parts.headers[name.toLowerCase()] = `${example}-${operation.operationId}`;
      else if (schema.type === 'object') for (const [key, value] of Object.entries(example)) parts.query.push([`${name}[${key}]`, value]);
      else for (const value of [].concat(example)) parts.query.push([name, this.substitute(String(value))]);
    }
    const [type, media] = Object.entries(operation.requestBody?.content ?? { none: {} })[0];
    if (type === 'application/json') {
      parts.body = JSON.parse(this.substitute(JSON.stringify(media.example)));
    } else if (media.example) {
      parts.headers['content-type'] = type;
      parts.body = `${media.example}\n`;
    }
    return parts;
  }

  requestOf(operation) {
    const { path, query, headers, body } = this.partsOf(operation);
    const target = operation.path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(path[name]));
    return { target: query.length > 0 ? `${target}?${new URLSearchParams(query)}` : target, headers, body };
  }

  // Sends an operation's example, and remembers the id of what it made.
  async send(operationId) {
    const operation = this.byId.get(operationId);
    const { target, headers, body } = this.requestOf(operation);
    const answer = await call(this.s.url, operation.security?.length === 0 ? null : this.s.key, operation.method, target, body, headers);
    const example = exampleOf(operation);
    if (example?.id !== undefined && answer.json?.id !== undefined) this.real.set(example.id, answer.json.id);
    return answer;
  }
}

module.exports = { Examples, FIRST, exampleOf, parametersOf, successOf };
