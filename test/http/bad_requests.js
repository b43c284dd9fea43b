// Helper of bad_input.test.js: bad requests to every operation of a document, each an operation's own example with one thing
// wrong. A request is {name, operation, method, target, pieces, kind, parameter?, value?, names?}; value: a parameter's, as the server
// has to understand it; names: a refusal with 400 must say one of these words.
'use strict';

const { gzipSync } = require('node:zlib');
const { resolve } = require('./contract.js');
const { parametersOf } = require('./examples.js');
const { MALFORMED, TEXTS, UNDECODABLE, badBodies, bytesOf } = require('./bad_values.js');

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'CONNECT', 'BREW', 'get', 'GE\0T', 'X'.repeat(300)];

class BadRequests {
  // examples: an Examples whose makers have run. key: one that may do all. limits: {body, ingest} in bytes.
  constructor(examples, key, limits) {
    Object.assign(this, { examples, key, limits });
    this.operations = examples.operations;
    this.made = new Map();
  }

  // The bytes of a request. headers: [[name, value]]; body: text or bytes, its length is announced unless a header says it.
  request(operation, name, { method = operation.method, target = this.good(operation).target, headers = this.good(operation).headers, body, announced, names, ...more }) {
    const lines = [...headers];
    if (body !== undefined && !lines.some(([one]) => /^(content-length|transfer-encoding)$/i.test(one))) {
      lines.push(['Content-Length', announced ?? Buffer.byteLength(typeof body === 'string' ? bytesOf(body) : body)]);
    }
    const head = `${method} ${target} HTTP/1.1\r\n${lines.map((line) => `${line.join(': ')}\r\n`).join('')}\r\n`;
    return { name: `${operation.operationId}: ${name}`, operation, method, target, names, pieces: [Buffer.concat([bytesOf(head), typeof body === 'string' ? bytesOf(body) : body ?? Buffer.alloc(0)])], ...more };
  }

  // The operation's example: {target, headers, body}, the body as text.
  good(operation) {
    if (!this.made.has(operation)) this.made.set(operation, this.makeGood(operation));
    return this.made.get(operation);
  }

  makeGood(operation) {
    const { target, headers, body } = this.examples.requestOf(operation);
    // With the key that the example was made with every other body would be a conflict.
    const kept = Object.entries(headers).filter(([name]) => name !== 'idempotency-key');
    const lines = [['Host', 'x'], ['Connection', 'close'], ...kept];
    if (operation.security?.length !== 0) lines.push(['Authorization', `Bearer ${this.key}`]);
    if (body !== undefined && !headers['content-type']) lines.push(['Content-Type', 'application/json']);
    return { target, headers: lines, body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body) };
  }

  targetOf(operation, { path, query }) {
    const target = operation.path.replace(/\{(\w+)\}/g, (_, name) => path[name]);
    return query.length > 0 ? `${target}?${query.map((pair) => pair.join('=')).join('&')}` : target;
  }

  // One parameter of the path or the query is wrong. kind: as in bad_values.js, 'left out', 'empty' or 'repeated'.
  * parameters() {
    for (const operation of this.operations) {
      const parts = this.examples.partsOf(operation);
      const path = Object.fromEntries(Object.entries(parts.path).map(([name, value]) => [name, encodeURIComponent(value)]));
      const query = parts.query.map((pair) => pair.map(encodeURIComponent));
      const { body } = this.good(operation);
      const make = (parameter, kind, change, more) => this.request(operation, `${parameter} is ${kind}`,
        { target: this.targetOf(operation, { path, query, ...change }), body, parameter, kind, ...more });
      for (const { name, in: place, schema } of parametersOf(operation)) {
        const wire = resolve(schema).type === 'object' ? `${name}[region]` : name;
        const rest = query.filter(([one]) => one !== encodeURIComponent(wire));
        for (const [kind, text] of Object.entries({ ...UNDECODABLE, ...TEXTS })) {
          const value = kind in TEXTS ? decodeURIComponent(text) : undefined;
          if (place === 'path') yield make(name, kind, { path: { ...path, [name]: text } }, { value });
          if (place === 'query') yield make(name, kind, { query: [...rest, [wire, text]] }, { value, names: kind in TEXTS ? [name] : undefined });
        }
        if (place !== 'query') continue;
        const given = query.find(([one]) => one === encodeURIComponent(wire))?.[1] ?? 'x';
        yield make(name, 'left out', { query: rest }, { names: [name] });
        yield make(name, 'empty', { query: [...rest, [wire, '']] }, { names: [name] });
        yield make(name, 'without a value', { query: [...rest, [wire]] }, { names: [name] });
        yield make(name, 'repeated', { query: [...rest, [wire, given], [wire, given]] }, { names: [name] });
        if (schema.maxItems) yield make(name, 'given too often', { query: [...rest, ...Array(schema.maxItems + 1).fill([wire, 'x'])] }, { names: [name] });
        yield make(name, 'in another case', { query: [...rest, [wire.toUpperCase(), given]] }, { names: [wire.toUpperCase()] });
      }
      yield make('nope', 'unknown', { query: [...query, ['nope', '1']] }, { names: ['nope'] });
      for (const [kind, text] of Object.entries(UNDECODABLE)) yield make('a name', kind, { query: [...query, [text, '1']] });
      yield make('the target', 'too long', { query: [...query, ['nope', 'x'.repeat(9000)]] });
      yield make('the target', 'far too long', { query: [...query, ['nope', 'x'.repeat(200000)]] });
    }
  }

  // Something in a JSON body is wrong.
  * bodies() {
    for (const operation of this.operations) {
      const schema = operation.requestBody?.content['application/json']?.schema;
      if (!schema) continue;
      const value = JSON.parse(this.good(operation).body);
      for (const { kind, at, text, parsed } of badBodies(schema, value)) {
        const names = parsed ? at.filter((one) => typeof one === 'string') : undefined;
        yield this.request(operation, `${at.join('.')} is ${kind}`, { body: text, kind, at: at.join('.'), names });
      }
      const whole = { ...MALFORMED, 'an array': '[]', 'a number': '7', 'null': 'null', 'a text': '"x"', 'true': 'true', 'an empty text': ' \n', 'an array of bodies': `[${JSON.stringify(value)}]` };
      for (const [kind, text] of Object.entries(whole)) yield this.request(operation, `the body is ${kind}`, { body: text, kind, at: '' });
    }
  }

  // The body is not what was announced, is no body that the operation takes, or its framing is broken.
  * framing() {
    for (const operation of this.operations) {
      const { body, headers } = this.good(operation);
      const without = (name) => headers.filter(([one]) => one.toLowerCase() !== name);
      const make = (kind, change) => this.request(operation, kind, { kind, ...change });
      if (body === undefined) {
        yield make('a body where none is taken', { headers: [...headers, ['Content-Type', 'application/json']], body: '{"nope":1}' });
        yield make('a body of no type where none is taken', { body: 'nonsense' });
        yield make('a chunked body where none is taken', { headers: [...headers, ['Transfer-Encoding', 'chunked']], body: '3\r\nabc\r\n0\r\n\r\n' });
        continue;
      }
      const bytes = Buffer.from(body);
      for (const type of ['text/plain', 'application/xml', 'multipart/form-data; boundary=x', 'application/jsonx', 'json', '', ';', '\uf7ff']) {
        yield make(`the type ${type}`, { headers: [...without('content-type'), ['Content-Type', type]], body });
      }
      yield make('no type', { headers: without('content-type'), body });
      for (const coding of ['gzip', 'zstd', 'br', 'deflate', 'gzip, gzip', '']) yield make(`a body that is not coded as "${coding}" says`, { headers: [...headers, ['Content-Encoding', coding]], body });
      yield make('two codings', { headers: [...headers, ['Content-Encoding', 'gzip'], ['Content-Encoding', 'gzip']], body });
      for (const [kind, packed] of [['cut', gzipSync(body).subarray(0, -3)], ['damaged', Buffer.concat([gzipSync(body).subarray(0, -8), Buffer.alloc(8)])], ['followed by more', Buffer.concat([gzipSync(body), Buffer.from('more')])]]) {
        yield make(`a gzip that is ${kind}`, { headers: [...headers, ['Content-Encoding', 'gzip']], body: packed });
      }
      for (const length of ['abc', '-1', '+5', '0x10', '5 5', '5, 5', '1e3', '9'.repeat(30), '']) {
        yield make(`the length ${length}`, { headers: [...headers, ['Content-Length', length]], body });
      }
      yield make('two lengths', { headers: [...headers, ['Content-Length', bytes.length], ['Content-Length', bytes.length + 1]], body });
      yield make('a length and chunks', { headers: [...headers, ['Content-Length', bytes.length], ['Transfer-Encoding', 'chunked']], body: `${bytes.length.toString(16)}\r\n${body}\r\n0\r\n\r\n` });
      yield make('an unknown coding of transfer', { headers: [...headers, ['Transfer-Encoding', 'gzip']], body });
      for (const [kind, chunk] of [['no number', 'zz\r\n'], ['negative', '-1\r\nx\r\n'], ['huge', 'ffffffffffffffffffff\r\nx\r\n'], ['without its end', `${bytes.length.toString(16)}\r\n${body}XX`],
        ['empty', '\r\n\r\n']]) {
        yield make(`a chunk that is ${kind}`, { headers: [...headers, ['Transfer-Encoding', 'chunked']], body: chunk });
      }
      const limit = this.limits[operation.operationId === 'ingestEvents' || operation.operationId === 'importEvents' ? 'ingest' : 'body'];
      const big = Buffer.alloc(limit + 1000, 'x');
      yield make('too large, announced', { body: big, kind: 'too large' });
      yield make('too large, announced only', { body: '', announced: limit + 1, kind: 'too large' });
      yield make('too large, in chunks', { headers: [...headers, ['Transfer-Encoding', 'chunked']],
        body: Buffer.concat([Buffer.from(`${big.length.toString(16)}\r\n`), big, Buffer.from('\r\n0\r\n\r\n')]), kind: 'too large' });
      if (operation.requestBody.content['application/json']) {
        for (const part of [0, 0.2, 0.4, 0.6, 0.8, 0.95]) yield make(`cut at ${part}`, { body: bytes.subarray(0, Math.floor(bytes.length * part)) });
        yield make('cut before its end', { body: bytes.subarray(0, -1) });
        yield make('followed by another', { body: `${body}${body}` });
        yield make('a form', { headers: [...without('content-type'), ['Content-Type', 'application/x-www-form-urlencoded']], body: 'nope=1&%ff=2' });
      } else {
        yield make('empty', { body: '' });
      }
    }
  }

  // Methods that a path does not know, and heads that are no head.
  * heads() {
    for (const operation of this.operations) {
      const { headers, body } = this.good(operation);
      const fits = (path) => new RegExp(`^${path.replace(/\{[^}]*\}/g, '[^/]+')}$`).test(operation.path);     // an id may be called as another route is
      const known = this.operations.filter((other) => fits(other.path)).map((other) => other.method);
      for (const method of METHODS.filter((one) => !known.includes(one))) yield this.request(operation, `the method ${method.slice(0, 20)}`, { method, kind: 'method' });
      const more = (kind, line, change = {}) => this.request(operation, kind, { headers: [...headers, line], body, kind, ...change });
      yield more('a header too large', ['X-Nope', 'x'.repeat(40000)]);
      yield more('a header far too large', ['X-Nope', 'x'.repeat(200000)]);
      yield this.request(operation, 'too many headers', { headers: [...headers, ...Array(300).fill(['X-Nope', 'x'])], body, kind: 'headers' });
      yield more('a header that goes on in a further line', ['X-Nope', 'a\r\n b']);
      yield more('a header with a NUL in its name', ['X-No\0pe', 'a']);
      yield more('a header with a NUL in its value', ['X-Nope', 'a\0b']);
      yield more('an unknown expectation', ['Expect', 'the-unexpected']);
      yield this.request(operation, 'no host', { headers: headers.filter(([name]) => name !== 'Host'), body, kind: 'no host' });
      yield this.request(operation, 'a header without a colon', { headers: [...headers, ['nonsense']], body, kind: 'header' });
      for (const { name, in: place } of parametersOf(operation)) {
        if (place !== 'header') continue;
        const others = headers.filter(([one]) => one.toLowerCase() !== name.toLowerCase());
        for (const [kind, value] of [['empty', ''], ['too long', 'x'.repeat(256)], ['no UTF-8', 'a\uf7ffb'], ['not ASCII', 'ä'], ['a raw NUL', 'a\0b'], ['a control character', 'a\x01b'], ['a tab', 'a\tb']]) {
          yield this.request(operation, `${name} is ${kind}`, { headers: [...others, [name, value]], body, kind, names: kind === 'a raw NUL' ? undefined : [name], parameter: name });
        }
        yield this.request(operation, `${name} is given twice`, { headers: [...others, [name, 'a'], [name, 'b']], body, kind: 'repeated', names: [name], parameter: name });
      }
      if (operation.security?.length === 0) continue;
      const keyless = headers.filter(([name]) => name !== 'Authorization');
      for (const [kind, value] of [['missing', undefined], ['empty', ''], ['of no scheme', 'nonsense'], ['of another scheme', 'Digest x'], ['no UTF-8', 'Bearer \uf7ff'], ['a raw NUL', `Bearer ${this.key}\0x`],
        ['too long', `Bearer ${'x'.repeat(10000)}`], ['no Base64', 'Basic ***'], ['unknown', 'Bearer tally_live_nobody']]) {
        yield this.request(operation, `the key is ${kind}`, { headers: value === undefined ? keyless : [...keyless, ['Authorization', value]], body, kind: 'key' });
      }
    }
  }

  // Heads and bodies that never end; the last piece is held back.
  * slow() {
    for (const operation of this.operations) {
      const { body, headers } = this.good(operation);
      const head = this.request(operation, 'a head that does not end', { kind: 'slow' });
      yield { ...head, pieces: [head.pieces[0].subarray(0, -2)] };
      if (body === undefined) continue;
      yield this.request(operation, 'a body that does not end', { body: body.slice(0, 10), announced: Buffer.byteLength(body), kind: 'slow' });
      yield this.request(operation, 'a chunk that does not end', { headers: [...headers, ['Transfer-Encoding', 'chunked']], body: `ff\r\n${body.slice(0, 10)}`, kind: 'slow' });
    }
  }
}

module.exports = { BadRequests };
