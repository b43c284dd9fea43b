// Helper of bad_input.test.js: values that are bad in a place of which a JSON Schema says what is good.
// Texts in a query string or a path stand here as they go over the wire, values of a body as JSON text. U+F700 to U+F7FF
// stand for bytes that are no UTF-8: bytesOf() makes them what they are.
'use strict';

const contract = require('./contract.js');

const { resolve, validate } = contract;

// What no place of a request target takes: it does not decode to UTF-8 without NUL.
const UNDECODABLE = {
  'an escaped NUL': 'a%00b', 'an escaped NUL alone': '%00', 'a raw NUL': 'a\0b', 'no UTF-8': '%ff', 'raw bytes that are no UTF-8': 'a\uf7ffb', 'a cut sequence': '%c3%28',
  'an overlong sequence': '%c0%af', 'a surrogate': '%ed%a0%80', 'beyond Unicode': '%f4%90%80%80', 'no escape': '%zz', 'a cut escape': 'a%2', 'a lone percent sign': '%',
};

// Texts of every kind; where a parameter takes any text they are good ones.
const TEXTS = {
  'a word': 'nonsense', 'a number': '7', 'a negative number': '-1', 'a fraction': '1.5', 'an exponent': '1e3', 'a huge exponent': '1e999999999', 'a huge number': '9'.repeat(400),
  'one beyond 64 bits': '18446744073709551616', 'a hexadecimal number': '0x10', 'digits of another script': '%D9%A1', 'a number with a blank': '%201', 'not a number': 'NaN',
  'a long text': 'x'.repeat(4000), 'a long text of four bytes each': '%F0%9F%98%80'.repeat(400), 'deep nesting': '['.repeat(1000), 'a JSON object': '%7B%22a%22%3A1%7D', 'a quote': '%27%3B--',
  'control characters': '%01%1f%7f', 'a line break': 'a%0D%0Ab', blanks: '%20%20', 'a day that is none': '2024-02-30', 'a month that is none': '2024-13-01',
  'a year of five digits': '20245-01-01', 'a word for a time': 'infinity', 'a word for today': 'now', 'a time without a zone': '2024-01-01T00:00:00', 'upper case': 'TRUE',
};

// Numbers that are well formed and past every limit.
const EXTREME_NUMBERS = {
  'a number of 2000 digits': '9'.repeat(2000), 'a huge exponent': '1e999999999', 'a huge negative number': '-1e999999999', 'a tiny number': '1e-999999999',
  'an exponent that is huge itself': '1e99999999999999999999', 'a fraction of 2000 digits': `0.${'1'.repeat(2000)}`,
};

// Texts that are no JSON value, or one that must never be taken.
const MALFORMED = {
  'a lone high surrogate': '"\\ud800"', 'a lone low surrogate': '"\\udc00x"', 'surrogates in the wrong order': '"\\udc00\\ud800"', 'a raw NUL': '"a\0b"',
  'raw bytes that are no UTF-8': '"\uf7ff\uf7fe"', 'a cut sequence': '"\uf7c3"', 'a raw line break': '"a\nb"', 'an unknown escape': '"\\x41"', 'deep nesting of arrays': `${'['.repeat(100)}${']'.repeat(100)}`,
  'deep nesting of objects': `${'{"a":'.repeat(100)}1${'}'.repeat(100)}`, 'nesting without an end': '['.repeat(8000), 'a bare word': 'nonsense', 'not a number': 'NaN', infinity: '-Infinity',
  'a leading zero': '01', 'a number with a plus': '+1', 'a number that ends with its point': '1.', 'a comma too many': '[1,]', nothing: '', 'a single quote': "'a'",
};

const SAMPLES = [null, true, false, 0, 7, -1, 1.5, '', 'nonsense', ' ', '7', 'infinity', '2024-02-30T00:00:00Z', [], [null], [7], ['x'], {}, { nope: 1 }, { nope: { nope: {} } }];

// What the document calls a text because JSON knows no times.
const NO_TIMES = ['nonsense', 'infinity', 'now', '2024-02-30T00:00:00Z', '2024-01-01', '2024-01-01T00:00:00', '1731000000', '20245-01-01T00:00:00Z', 'x'.repeat(5000)];
const TIMES = ['timestamp', 'expires_at'];

function bytesOf(text) {
  return Buffer.concat(text.split(/([\uf700-\uf7ff])/).map((part) => (/^[\uf700-\uf7ff]$/.test(part) ? Buffer.from([part.charCodeAt(0) - 0xf700]) : Buffer.from(part))));
}

const union = (schema) => {
  const whole = resolve(schema);
  return [whole, ...[...(whole.anyOf ?? []), ...(whole.oneOf ?? [])].flatMap(union)];
};
const limitOf = (schema, keyword) => Math.max(...union(schema).map((part) => part[keyword] ?? -1));
const takes = (schema, type) => union(schema).some((part) => [].concat(part.type).includes(type));

// JSON texts that are bad where the schema stands: [{kind, text, parsed}]; parsed: it is one JSON value, so the answer can name the field.
function badJson(schema) {
  const bad = [];
  const longest = limitOf(schema, 'maxLength');
  const most = limitOf(schema, 'maxItems');
  const widest = limitOf(schema, 'maxProperties');
  const samples = [...SAMPLES, ...(longest > 0 ? ['x'.repeat(longest + 1), '\u{1F600}'.repeat(longest + 1)] : ['x'.repeat(5000)]),
    ...(most > 0 ? [Array(most + 1).fill({})] : []), ...(widest > 0 ? [Object.fromEntries(Array.from({ length: widest + 1 }, (_, n) => [`p${n}`, 'x']))] : []),
    ...union(schema).flatMap((part) => (part.enum ?? []).filter((one) => typeof one === 'string').flatMap((one) => [one.toLowerCase(), `${one} `]))];
  for (const sample of samples) {
    if (validate(schema, sample).length === 0) continue;
    const text = JSON.stringify(sample);
    bad.push({ kind: text.length > 60 ? `${text.slice(0, 20)}... of ${text.length} characters` : text, text, parsed: true });
  }
  const plain = !takes(schema, 'number');
  for (const [kind, text] of Object.entries(EXTREME_NUMBERS)) bad.push({ kind, text, parsed: plain });
  bad.push({ kind: 'an escaped NUL', text: '"a\\u0000b"', parsed: true });
  for (const [kind, text] of Object.entries(MALFORMED)) bad.push({ kind, text, parsed: false });
  return bad;
}

// The schema that holds for a value where several are possible.
function branchFor(schema, value) {
  const whole = resolve(schema);
  const parts = [...(whole.anyOf ?? []), ...(whole.oneOf ?? [])];
  return parts.length === 0 ? whole : branchFor(parts.find((part) => validate(part, value).length === 0), value);
}

// A value of a schema with as little in it as can be.
function leastOf(schema) {
  const { type, const: only, properties, required = [], minItems = 0, items, minProperties = 0, additionalProperties } = resolve(schema);
  if (only !== undefined) return only;
  if (type === 'array') return Array(Math.max(minItems, 1)).fill(leastOf(items));
  if (type !== 'object') return 'x';
  const more = minProperties > 0 ? { x: leastOf(additionalProperties) } : {};
  return { ...more, ...Object.fromEntries(required.map((name) => [name, leastOf(properties[name])])) };
}

// Bad bodies made of a good one: [{kind, at, text, parsed}]. at: names from the outermost to the place at fault.
function badBodies(schema, value, { at = [], wrap = (text) => text } = {}) {
  const bad = [];
  const branch = branchFor(schema, value);
  const put = (kind, text, parsed) => bad.push({ kind, at, text: wrap(text), parsed });
  if (at.length > 0) for (const { kind, text, parsed } of badJson(schema)) put(kind, text, parsed);
  if (TIMES.includes(at.at(-1))) for (const one of NO_TIMES) put(one.slice(0, 30), JSON.stringify(one), true);
  if (Array.isArray(value) && branch.items) {
    const rest = value.slice(1).map((one) => JSON.stringify(one));
    bad.push(...badBodies(branch.items, value[0], { at: [...at, 0], wrap: (text) => wrap(`[${[text, ...rest].join(',')}]`) }));
  }
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) bad.push(...badMembers(branch, value, { at, wrap }));
  for (const other of union(schema).filter((one) => one.type === 'object' && one !== branch && one.title)) bad.push(...badMembers(other, leastOf(other), { at, wrap }));
  return bad;
}

// Bad objects made of a good one of a schema that lists its members.
function badMembers(schema, value, { at, wrap }) {
  const bad = [];
  const put = (kind, name, text, parsed) => bad.push({ kind, at: [...at, name], text: wrap(text), parsed });
  const names = Object.keys(schema.properties ?? {});
  const member = (name, text) => `${JSON.stringify(name)}:${text}`;
  const without = (name) => Object.entries(value).filter(([one]) => one !== name).map(([one, other]) => member(one, JSON.stringify(other)));
  for (const name of schema.required ?? []) put('left out', name, `{${without(name)}}`, true);
  if (names.length > 0) put('unknown', 'nope', `{${[...without('nope'), member('nope', 1)]}}`, schema.additionalProperties === false);
  for (const [name, one] of Object.entries(value)) {
    put('given twice', name, `{${[member(name, JSON.stringify(one)), ...without(name), member(name, JSON.stringify(one))]}}`, false);
  }
  for (const name of names.length > 0 ? names : Object.keys(value).slice(0, 1)) {
    const inner = schema.properties?.[name] ?? schema.additionalProperties;
    bad.push(...badBodies(inner, value[name] ?? null, { at: [...at, name], wrap: (text) => wrap(`{${[...without(name), member(name, text)]}}`) }));
  }
  return bad;
}

module.exports = { MALFORMED, TEXTS, UNDECODABLE, badBodies, bytesOf };
