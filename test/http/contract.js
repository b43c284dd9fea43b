// Checks answers of tallyd against the document of httpd/openapi/: is the status documented, is the body what the schema says, are the
// headers there? Schemas are ajv's affair (schemas.js); where it is missing, all else is checked still.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { MISSING, Schemas } = require('./schemas.js');

// What the build made of httpd/openapi/ stands beside the program.
const built = (name) => fs.readFileSync(path.join(path.dirname(process.env.TALLYD), name), 'utf8');
const doc = JSON.parse(built('openapi.json'));
const schemas = new Schemas(doc);

// The rows of the route table, as the build makes them: [{method, pattern, kind, lane, scope, status, body, once}].
function routes() {
  const lines = built('routes.inc').split('\n').filter((line) => line !== '' && !line.startsWith('//'));
  return lines.map((line) => {
    const row = /^\{"([A-Z]+)", "([^"]+)", RouteKind::(\w+), LaneId::(\w+), (?:"(\w+)"|nullptr), (?:"\w+"|nullptr), (\d+), BodyKind::(\w+), (true|false), (?:"[\w,]+"|nullptr), (?:true|false), \d+, \{.*\}\},$/.exec(line);
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

const validate = (schema, value, options) => schemas.validate(schema, value, options);

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
  return MISSING ? wrong : [...wrong, ...validate(response.content[type].schema, value)];
}

function check(request, answer) {
  const wrong = complaints(request, answer);
  if (wrong.length > 0) {
    throw new Error(`the answer ${answer.status} to ${request.method} ${request.target} is not as httpd/openapi/ says:\n${wrong.join('\n')}\n${answer.text.slice(0, 2000)}`);
  }
}

module.exports = { MISSING, check, complaints, doc, operationOf, resolve, routes, validate };
