// Checks answers of tallyd against the document of httpd/openapi/: is the status documented, is the body what the schema says, are the
// headers there? A JSON Schema validator of the part that the document uses, without dependencies.
// An answer's object has no properties but those that its schema lists: the document says every field.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

// What the build made of httpd/openapi/ stands beside the program.
const built = (name) => fs.readFileSync(path.join(path.dirname(process.env.TALLYD), name), 'utf8');
const doc = JSON.parse(built('openapi.json'));

// The rows of the route table, as the build makes them: [{method, pattern, kind, lane, scope, status, body, once}].
function routes() {
  const lines = built('routes.inc').split('\n').filter((line) => line !== '' && !line.startsWith('//'));
  return lines.map((line) => {
    const row = /^\{"([A-Z]+)", "([^"]+)", RouteKind::(\w+), LaneId::(\w+), (?:"(\w+)"|nullptr), (?:"\w+"|nullptr), (\d+), BodyKind::(\w+), (true|false)\},$/.exec(line);
    if (!row) throw new Error(`a row of the route table is written in another way: ${line}`);
    const [, method, pattern, kind, lane, scope, status, body, once] = row;
    return { method, pattern, kind, lane, scope, status: Number(status), body, once: once === 'true' };
  });
}

function resolve(value) {
  if (!value || typeof value.$ref !== 'string') return value;
  let found = doc;
  for (const part of value.$ref.replace(/^#\//, '').split('/')) found = found?.[part.replaceAll('~1', '/').replaceAll('~0', '~')];
  if (found === undefined || !value.$ref.startsWith('#/')) throw new Error(`$ref leads nowhere: ${value.$ref}`);
  return resolve(found);
}

const typeOf = (value) => {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'number' && Number.isInteger(value) ? 'integer' : typeof value;
};
const isType = (value, type) => typeOf(value) === type || (type === 'number' && typeOf(value) === 'integer');
const length = (text) => [...text].length;

const FORMATS = {
  'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/,
  date: /^\d{4}-\d\d-\d\d$/,
};

// Each keyword that the document may use: (its value, the value under test) -> whether that is as it says.
const KEYWORDS = {
  type: (types, value) => [].concat(types).some((type) => isType(value, type)),
  enum: (list, value) => list.includes(value),
  const: (one, value) => value === one,
  pattern: (pattern, value) => typeof value !== 'string' || new RegExp(pattern, 'u').test(value),
  format: (format, value) => typeof value !== 'string' || FORMATS[format].test(value),
  minLength: (n, value) => typeof value !== 'string' || length(value) >= n,
  maxLength: (n, value) => typeof value !== 'string' || length(value) <= n,
  minimum: (n, value) => typeof value !== 'number' || value >= n,
  maximum: (n, value) => typeof value !== 'number' || value <= n,
  minItems: (n, value) => !Array.isArray(value) || value.length >= n,
  maxItems: (n, value) => !Array.isArray(value) || value.length <= n,
  minProperties: (n, value) => typeOf(value) !== 'object' || Object.keys(value).length >= n,
  maxProperties: (n, value) => typeOf(value) !== 'object' || Object.keys(value).length <= n,
  required: (names, value) => typeOf(value) !== 'object' || names.every((name) => name in value),
};
const SUBSCHEMAS = ['properties', 'additionalProperties', 'items', 'allOf', 'anyOf', 'oneOf', '$ref'];
const NOTES = ['description', 'title', 'default', 'example'];

// The properties that an object schema lists, those of its parts included.
function listed(schema) {
  const whole = resolve(schema);
  return Object.assign({}, ...(whole.allOf || []).map(listed), whole.properties);
}

// What is wrong with a value, as a list of texts. open: further properties are allowed where nothing is said of them.
function validate(schema, value, { at = '', open = false } = {}) {
  if (schema.$ref) {
    const { $ref, ...rest } = schema;
    return [...validate(resolve({ $ref }), value, { at, open }), ...validate(rest, value, { at, open: true })];
  }
  const wrong = [];
  const say = (what) => wrong.push(`${at || '/'}: ${what}`);
  for (const [keyword, test] of Object.entries(KEYWORDS)) {
    if (keyword in schema && !test(schema[keyword], value)) say(`${JSON.stringify(value)?.slice(0, 200)} is against ${keyword} ${JSON.stringify(schema[keyword])}`);
  }
  for (const part of schema.allOf || []) wrong.push(...validate(part, value, { at, open: true }));
  for (const [keyword, most] of [['anyOf', Infinity], ['oneOf', 1]]) {
    if (!schema[keyword]) continue;
    const results = schema[keyword].map((part) => validate(part, value, { at, open }));
    const good = results.filter((result) => result.length === 0).length;
    if (good < 1 || good > most) say(`${good} of ${keyword} fit: ${results.flat().join('; ')}`);
  }
  if (Array.isArray(value) && schema.items) value.forEach((item, n) => wrong.push(...validate(schema.items, item, { at: `${at}/${n}`, open })));
  if (typeOf(value) === 'object') {
    const known = schema.properties || {};
    for (const [name, inner] of Object.entries(known)) {
      if (name in value) wrong.push(...validate(inner, value[name], { at: `${at}/${name}`, open: false }));
    }
    const all = listed(schema);
    for (const name of Object.keys(value)) {
      if (name in all) continue;
      const more = schema.additionalProperties;
      if (more === false || (more === undefined && !open && Object.keys(all).length > 0)) say(`"${name}" is not documented`);
      else if (more && more !== true) wrong.push(...validate(more, value[name], { at: `${at}/${name}`, open }));
    }
  }
  return wrong;
}

// The documented path of a request, as the router finds it: literal segments before parameters.
function pathOf(target) {
  let segments;
  try {
    segments = target.split(/[?#]/)[0].replace(/(?<=.)\/$/, '').split('/').map(decodeURIComponent);
  } catch {
    return undefined;
  }
  const fits = (pattern) => {
    const parts = pattern.split('/');
    return parts.length === segments.length && parts.every((part, n) => (part.startsWith('{') ? segments[n] !== '' : part === segments[n]));
  };
  return Object.keys(doc.paths).filter(fits).sort((a, b) => a.split('{').length - b.split('{').length)[0];
}

function operationOf(method, target) {
  const found = pathOf(target);
  return found && doc.paths[found][(method === 'HEAD' ? 'GET' : method).toLowerCase()];
}

// What is wrong with an answer {status, header(name), text} to a request; method and target may be unknown.
function complaints({ method, target }, { status, header, text }) {
  const operation = method && operationOf(method, target);
  const refusal = resolve(doc.components.responses.Refusal);
  let response = refusal;
  if (operation) {
    response = resolve(operation.responses[status]);
    if (!response && refusal['x-statuses'].includes(status)) response = resolve(operation.responses.default);
    if (!response) return [`status ${status} is not documented`];
  } else if (method === 'OPTIONS' && status === 204 && pathOf(target)) {
    return text === '' ? [] : ['there is a body'];      // a browser asks before it sends: every path answers that
  } else if (status < 400) {
    return ['there is no such operation in the document'];
  }
  const wrong = Object.entries(response.headers).filter(([name, one]) => resolve(one).required && !header(name)).map(([name]) => `header ${name} is missing`);
  if (!response.content) return text === '' ? wrong : [...wrong, 'there is a body'];
  const type = header('content-type');
  if (!(type in response.content)) return [...wrong, `Content-Type ${type} is not documented`];
  if (method === 'HEAD' || !type.startsWith('application/json')) return wrong;
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return [...wrong, `the body is not JSON: ${error.message}`];
  }
  return [...wrong, ...validate(response.content[type].schema, value)];
}

function check(request, answer) {
  const wrong = complaints(request, answer);
  if (wrong.length > 0) {
    throw new Error(`the answer ${answer.status} to ${request.method} ${request.target} is not as httpd/openapi/ says:\n${wrong.join('\n')}\n${answer.text.slice(0, 2000)}`);
  }
}

module.exports = { KEYWORDS, NOTES, SUBSCHEMAS, FORMATS, check, complaints, doc, operationOf, resolve, routes, validate };
