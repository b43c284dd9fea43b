// Bad input for every operation of the served document, so that no route escapes: each is refused with a 4xx in the form of every
// error, naming what is wrong; afterwards process, connections and store are as before.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { BadRequests } = require('./bad_requests.js');
const { MISSING, resolve, validate } = require('./contract.js');
const { Examples, FIRST, parametersOf, successOf } = require('./examples.js');
const { call, isErrorAnswer, parseAnswers, raw, setUp, until } = require('./lib.js');

if (MISSING) {     // nothing says which values are bad
  test('bad input for every operation', { skip: MISSING }, () => {});
  return;
}

const LIMITS = { body: 65536, ingest: 131072 };
const AT_ONCE = 64;

// Parameters that are texts to the document; what they may be stands in its words, and none of the samples is it.
const RULED = ['from', 'to', 'start_date', 'end_date', 'window', 'bucket', 'time_zone', 'cursor'];

// What looks bad and is not. statuses: what may be answered instead of a 4xx; none: it would store something, so it is not sent.
const IN_TRUTH_VALID = [
  { when: ({ kind, schema }) => ['left out', 'empty', 'without a value'].includes(kind) && schema && !schema.required,
    statuses: [200], why: 'an optional parameter without a value is one that was not given' },
  { when: ({ kind, parameter, schema }) => kind === 'repeated' && (schema?.type === 'array' || parameter === 'filter'), statuses: [200], why: 'a list is given by repeating it' },
  { when: (request) => fits(request), statuses: [200], why: 'the document allows it: a filter, a name or an id may be any text, a page any number' },
  { when: ({ parameter, kind }) => parameter === 'If-None-Match' && kind !== 'a raw NUL', statuses: [200], why: 'RFC 9110: what is no tag of ours matches nothing' },
  { when: ({ kind }) => kind === 'an unknown coding of transfer', statuses: [501], why: 'RFC 9112, 6.1: that is the answer to a transfer coding that is not understood' },
  { when: ({ kind, operation }) => kind === 'too large' && operation.operationId === 'importEvents', why: 'a file may have any length' },
  { when: ({ kind, operation }) => /^a gzip that is/.test(kind) && operation.operationId === 'importEvents', why: 'a file is stored as it streams: what came before the fault may stay' },
  { when: ({ kind, operation }) => kind === 'a chunk that is without its end' && operation.operationId === 'importEvents', why: 'a file is stored as it streams: whole lines before a break may stay' },
];

function fits({ parameter, kind, schema, value }) {
  if (!schema || value === undefined || RULED.includes(parameter)) return false;
  const { required, ...whole } = schema;     // that one is the parameter's
  const one = schema.items ? resolve(schema.items) : schema.additionalProperties ? resolve(schema.additionalProperties) : whole;
  return kind !== 'repeated' && validate(one, one.type === 'integer' && /^\d+$/.test(value) ? Number(value) : value).length === 0;
}

let s;
let bad;
let examples;
let atFirst;
const got = new Set();     // of which operation what was sent

const number = async (line) => {
  const { text } = await call(s.url, null, 'GET', '/metrics');
  return Number((text.split('\n').find((one) => one.startsWith(`${line} `)) ?? 'none').split(' ').pop());
};

// All that is stored but for the time at which a key was last used and what packing notes, by table.
function stored() {
  const tables = s.cluster.psql("SELECT oid::regclass FROM pg_class WHERE relnamespace = 'tally'::regnamespace AND relkind = 'r' AND relname NOT IN ('key_use', 'watermark') ORDER BY 1").split('\n');
  return s.cluster.psql(tables.map((table) => `SELECT '${table}', count(*), md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM ${table} t;`).join('\n'));
}
const ours = (what, condition = 'true') => s.cluster.psql(`SELECT ${what} FROM pg_stat_activity WHERE usename = 'tallyd_login' AND ${condition}`);
const sessions = () => ours("string_agg(pid::text, ',' ORDER BY pid)");

before(async () => {
  // Neither packs nor tells its health: those sessions have something to do now and then, whatever is asked.
  s = await setUp(['--pack', '0', '--health', '0', '--max-body', String(LIMITS.body), '--max-ingest-body', String(LIMITS.ingest), '--head-timeout', '4', '--body-timeout', '4']);
  const { json: doc } = await call(s.url, null, 'GET', '/openapi.json');
  examples = new Examples(s, doc);
  await examples.prepare();
  for (const operationId of FIRST) assert.ok((await examples.send(operationId)).status < 300, operationId);
  bad = new BadRequests(examples, s.key, LIMITS);
  s.cluster.psql('SELECT tally.cut_daily()');
  // What was logged until it was ready is not of these requests: /readyz says 503 while the lanes still connect.
  atFirst = { pid: s.tallyd.child.pid, sessions: sessions(), stored: stored(), logged: s.tallyd.log().length };
});
after(() => s?.close());

// With what the document says about the parameter, and its value as the server has to understand it.
function described(request) {
  const found = parametersOf(request.operation).find((one) => one.name === request.parameter && one.in !== 'header');
  return found ? { ...request, schema: { ...resolve(found.schema), required: found.required === true } } : request;
}

// The field is named where there is one to name: as details.field, in a failure of a batch, or in the message.
function namesField(answer, { names, name }) {
  const { details = {}, failures = [], message } = answer;
  const said = [details.field, message, ...failures.flatMap((one) => [one.field, one.reason])].join(' ');
  assert.ok(names.some((one) => said.includes(one)), `${name}: none of ${names} is named in ${JSON.stringify(answer).slice(0, 500)}`);
}

async function refuses(given) {
  const request = described(given);
  const valid = IN_TRUTH_VALID.find((one) => one.when(request));
  if (valid && (!valid.statuses || !(request.operation.method === 'GET' || valid.statuses.every((status) => status >= 400)))) return false;
  const stream = await raw(s.tallyd.port, request.pieces, { pause: 0 });
  const answers = parseAnswers(stream);
  assert.equal(answers.length, 1, `${request.name}: ${stream.slice(0, 500)}`);
  const [answer] = answers;
  if (valid?.statuses.includes(answer.status)) return true;
  assert.ok(answer.status >= 400 && answer.status < 500, `${request.name}: ${answer.status} ${answer.text.slice(0, 500)}`);
  const body = isErrorAnswer(assert, answer, answer.status);
  assert.ok(answer.text.length < 2000, `${request.name}: an answer of ${answer.text.length} bytes`);
  if (answer.status === 400 && request.names) namesField(body, request);
  if (request.kind === 'too large') assert.equal(answer.status, 413, request.name);
  if (request.kind === 'slow') assert.equal(answer.status, 408, request.name);
  if (request.kind === 'method') assert.equal(answer.status, 405, request.name);
  if (request.kind === 'key') assert.equal(answer.status, request.name.endsWith('NUL') ? 400 : 401, request.name);
  return true;
}

async function allAreRefused(block, atOnce) {
  const rest = [...bad[block]()];
  const wrong = [];
  let sent = 0;
  const client = async () => {
    for (let one; (one = rest.pop());) {
      try {
        const did = await refuses(one);
        if (!did) continue;
        sent += 1;
        for (const place of [block, ...(one.at ?? '').split('.')]) got.add(`${one.operation.operationId} ${place}`);
      } catch (error) {
        wrong.push(`${one.name}: ${error.message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, client));
  assert.deepEqual(wrong.slice(0, 20), [], `${wrong.length} of ${sent}`);
  return sent;
}

async function allIsAsBefore() {
  assert.equal(s.tallyd.done, undefined, s.tallyd.stderr.slice(-2000));
  assert.equal(s.tallyd.child.pid, atFirst.pid);
  assert.equal((await call(s.url, null, 'GET', '/readyz')).status, 200);
  await until('rest', async () => await number('tallyd_http_requests_in_flight') === 1 && await number('tallyd_body_bytes') === 0);
  assert.equal(ours('count(*)', "state <> 'idle'"), '0');
  assert.equal(sessions(), atFirst.sessions);
  assert.deepEqual(s.tallyd.log().slice(atFirst.logged).filter((line) => line.level === 'error' || (line.status >= 500 && line.status !== 501)), []);
  for (const operation of bad.operations.filter(({ method }) => method === 'GET')) {
    const answer = await examples.send(operation.operationId);
    assert.equal(answer.status, successOf(operation), `${operation.operationId}: ${answer.text}`);
  }
  assert.equal(stored(), atFirst.stored);
  assert.deepEqual((await examples.send('ingestEvents')).json, { accepted: 0, duplicates: 3 });
  atFirst.stored = stored(); // they are counted (tally.resend_count)
}

const BLOCKS = {
  'parameters of the path and the query': ['parameters', 3000],
  'fields of bodies, and bodies that are no object': ['bodies', 2000],
  'framing, length and type of bodies': ['framing', 400],
  'methods, headers and keys': ['heads', 800],
  'heads and bodies that do not end': ['slow', 50],
};

for (const [what, [block, atLeast]] of Object.entries(BLOCKS)) {
  test(`bad ${what} are refused, and change nothing`, async () => {
    const sent = await allAreRefused(block, block === 'slow' ? 200 : AT_ONCE);
    assert.ok(sent >= atLeast, `${sent} requests only`);
    await allIsAsBefore();
  });
}

test('every operation and every field of a body got some of it', () => {
  for (const operation of bad.operations) {
    for (const [kind] of Object.values(BLOCKS).filter(([one]) => one !== 'bodies')) assert.ok(got.has(`${operation.operationId} ${kind}`), `${operation.operationId}: ${kind}`);
    const fields = Object.keys(resolve(operation.requestBody?.content['application/json']?.schema)?.properties ?? {});
    for (const field of fields) assert.ok(got.has(`${operation.operationId} ${field}`), `${operation.operationId}: ${field}`);
  }
});

test('afterwards every operation still does what its example says', async () => {
  for (const operationId of examples.order.filter((one) => !FIRST.includes(one))) {
    const answer = await examples.send(operationId);
    assert.equal(answer.status, successOf(examples.byId.get(operationId)), `${operationId}: ${answer.text}`);
  }
});
