// The faces of pgtally that answer questions: tally.usage, tally.usage_total, the functions behind the REST routes, and the routes
// themselves. Each answer comes in the form of oracle.js, beside the oracle's own for the same question.
'use strict';

const { call } = require('../http/lib.js');
const oracle = require('./oracle.js');
const { array, quote } = require('./session.js');
const { instantText } = require('./windows.js');

function instantOfText(text) {
  const [, seconds, fraction = '', zone] = /^(.{19})(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(text);
  return Date.parse(seconds + zone) * 1000 + Number(fraction.padEnd(6, '0'));
}

function answerOf(rows, start, end) {
  const answer = { rows: new Map(), count: rows.length };
  for (const row of rows) {
    const place = oracle.placeText(instantOfText(row[start]), instantOfText(row[end]), row.customer_id ?? null, row.dimensions);
    answer.rows.set(place, oracle.cells(row.value, row.converted_value, row.events, row.skipped));
  }
  return answer;
}

const bounds = (q) => `${quote(instantText(q.from))}, ${quote(instantText(q.to))}`;
const asJson = (value) => (value ? quote(JSON.stringify(value)) : 'NULL');

async function usage(session, metric, q) {
  const rows = await session.rows(`SELECT window_start, window_end, customer_id, dimensions, value::text, converted_value::text, events, skipped
    FROM tally.usage(${quote(metric.id)}, ${bounds(q)}, customer => ${quote(q.customers?.[0])}, "window" => ${quote(q.window)},
      time_zone => ${quote(q.zone)}, group_by => ${array(q.groups)}, filter => ${asJson(q.filter)}, fill => ${q.fill})`);
  return answerOf(rows, 'window_start', 'window_end');
}

async function total(session, metric, q) {
  const row = await session.row(`SELECT value::text, converted_value::text, events, skipped
    FROM tally.usage_total(${quote(metric.id)}, ${bounds(q)}, customer => ${quote(q.customers?.[0])}, filter => ${asJson(q.filter)})`);
  return { rows: new Map([['total', oracle.cells(row.value, row.converted_value, row.events, row.skipped)]]) };
}

function parameters(q) {
  const all = [['from', instantText(q.from)], ['to', instantText(q.to)], ['time_zone', q.zone]];
  if (q.window) all.push(['window', q.window]);
  if (q.fill) all.push(['fill', 'true']);
  for (const customer of q.customers || []) all.push(['customer_id', customer]);
  for (const group of q.groups) all.push(['group_by', group]);
  for (const [key, values] of Object.entries(q.filter || {})) for (const value of values) all.push([`filter[${key}]`, value]);
  return all;
}

function restAnswer(json) {
  return { ...answerOf(json.usage, 'start', 'end'), total: oracle.cells(json.total.value, json.total.converted_value, json.total.events, json.total.skipped) };
}

async function behindRest(session, metric, q) {
  const lists = {};
  for (const [name, value] of parameters(q)) (lists[name] ??= []).push(value);
  const row = await session.row(`SELECT tally_rest.metric_usage(t.tenant_id, ${asJson({ id: metric.id })}, ${asJson(lists)}, NULL) AS answer FROM tally.tenant t`);
  return restAnswer(row.answer);
}

// Over REST, whose snapshot is its own: between two answers of the oracle that are the same, this one must be the same too.
// Others commit meanwhile, so that may take some tries.
async function checkRest(session, id, q, rest) {
  let lines = [];
  const definition = async () => ({ ...(await session.row(`SELECT definition FROM oracle.metric WHERE id = ${quote(id)}`)).definition, id });
  let metric = await definition();
  let before = await oracle.ask(session, metric, q);
  for (let tries = 0; tries < 5; tries += 1) {
    const answer = await call(rest.url, rest.key, 'GET', `/api/v1/metrics/${id}/usage?${new URLSearchParams(parameters(q))}`);
    if (answer.status !== 200) return [`  GET usage  ${answer.status} ${answer.text}`];
    lines = oracle.differences(before, restAnswer(answer.json)).map((line) => `  GET usage${line}`);
    metric = await definition();
    const right = await oracle.ask(session, metric, q);
    if (oracle.differences(before, right).length === 0) return lines;
    before = right;
  }
  return [];
}

// The differences between the oracle and each face that can be asked this question.
async function check(session, random, metric, question) {
  const wrong = [];
  const compare = (face, right, given) => wrong.push(...oracle.differences(right, given).map((line) => `  ${face}${line}`));
  const q = { ...question };
  if (random.chance(0.25)) {
    if (q.customers) q.customers = q.customers.slice(0, 1);
    const right = await oracle.ask(session, metric, { ...q, window: null, groups: [], fill: false });
    compare('usage_total', { rows: new Map([['total', right.total]]) }, await total(session, metric, q));
    return wrong;
  }
  const several = q.customers && q.customers.length > 1;
  const right = await oracle.ask(session, metric, q);
  if (!several) compare('tally.usage', right, await usage(session, metric, q));
  if (several || random.chance(0.4)) compare('tally_rest.metric_usage', right, await behindRest(session, metric, q));
  return wrong;
}

// Why a total is what it is: by_outcome tells all events of the code, the range and the customers, corrected ones too, and the last
// step comes to what is sold.
async function checkExplanation(session, metric, q) {
  const { answer } = await session.row(`SELECT tally.explain_usage(${quote(metric.id)}, ${bounds(q)}, customer => ${quote(q.customers?.[0])}, filter => ${asJson(q.filter)}) AS answer`);
  const right = await oracle.ask(session, metric, q);
  const everything = { code: metric.code, segmentation_matrix: null };
  const all = await session.row(`SELECT count(*) FILTER (WHERE voided AND import IS NULL) AS amended, count(*) FILTER (WHERE is_void OR voided AND import IS NOT NULL) AS voided,
      count(*) AS events FROM oracle.event e WHERE ${oracle.conditions(everything, { ...q, filter: null }, true)}`);
  const told = (...names) => names.reduce((sum, name) => sum + answer.by_outcome[name].events, 0);
  const skipped = told('missing', 'empty', 'not_a_number', 'not_a_value');
  const lines = oracle.differences({ rows: new Map(), total: right.total },
    { rows: new Map(), total: oracle.cells(answer.value, answer.converted_value, told('counted'), skipped) });
  const compare = (what, expected, given) => { if (expected !== given) lines.push(`  ${what}: oracle ${expected}, pgtally ${given}`); };
  compare('events', Number(all.events), answer.events);
  compare('voided', Number(all.voided), told('voided'));
  compare('amended', Number(all.amended), told('amended'));
  compare('all outcomes', Number(all.events), told(...Object.keys(answer.by_outcome)));
  compare('where they lie', told('counted') + skipped, answer.places.recent_events + answer.places.segment_events);
  compare('the last step', answer.converted_value, answer.steps.at(-1).result);
  for (const [name, { events, examples }] of Object.entries(answer.by_outcome)) compare(`examples of ${name}`, Math.min(events, 10), examples.length);
  return lines.map((line) => `  explain_usage${line}`);
}

// All events of a place in the event list, newest first, page by page.
async function checkEvents(session, q, limit) {
  const conditions = ['true'];
  const lists = { limit: [String(limit)] };
  for (const [name, column] of [['code', 'code'], ['customer_id', 'customer_id'], ['source', 'source']]) {
    if (q[name] === undefined) continue;
    lists[name] = [q[name]];
    conditions.push(`e.${column} = ${quote(q[name])}`);
  }
  if (q.from !== undefined) {
    lists.from = [instantText(q.from)];
    lists.to = [instantText(q.to)];
    conditions.push(`e.ts >= ${quote(lists.from[0])}`, `e.ts < ${quote(lists.to[0])}`);
  }
  const shown = (source) => `jsonb_build_object('id', ${source}->>'event_id', 'code', ${source}->>'code', 'customer', ${source}->>'customer_id',
    'source', coalesce(${source}->>'source', ''), 'at', (${source}->>'timestamp')::timestamptz, 'properties', ${source}->'properties', 'void', (${source}->'voided') IS NOT NULL)::text`;
  const right = await session.rows(`SELECT jsonb_build_object('id', event_id, 'code', code, 'customer', customer_id, 'source', source, 'at', ts,
      'properties', properties, 'void', voided OR is_void)::text AS event FROM oracle.event e WHERE ${conditions.join(' AND ')} ORDER BY ts DESC, ord DESC LIMIT ${limit * 2}`);
  const given = [];
  for (let page = 0; page < 2; page += 1) {
    // As jsonb on the server: a number must not pass through a double here.
    const { data, next } = await session.row(`SELECT coalesce((SELECT json_agg(${shown('d')} ORDER BY n) FROM jsonb_array_elements(a.answer -> 'data') WITH ORDINALITY x(d, n)), '[]') AS data,
        a.answer ->> 'next_cursor' AS next
      FROM (SELECT tally_rest.list_events(t.tenant_id, '{}', ${asJson(lists)}, NULL)::jsonb AS answer FROM tally.tenant t) a`);
    given.push(...data.map((event) => ({ event })));
    if (!next) break;
    lists.cursor = [next];
  }
  for (let n = 0; n < Math.max(right.length, given.length); n += 1) {
    if (right[n]?.event !== given[n]?.event) return [`  event ${n} of the list: oracle ${right[n]?.event ?? 'none'}, pgtally ${given[n]?.event ?? 'none'}`];
  }
  return [];
}

// A metric over its whole life, as value updates and GET .../value answer it.
async function checkLife(session, metric) {
  if (metric.aggregation_type === 'LATEST' && metric.aggregation_key === null) return [];
  const { answer } = await session.row(`SELECT tally_rest.metric_value(t.tenant_id, ${asJson({ id: metric.id })}, '{}', NULL) AS answer FROM tally.tenant t`);
  const right = await oracle.ask(session, metric, { from: null, to: 0, window: null, groups: [], customers: null, fill: false, filter: null });
  const lines = oracle.differences({ rows: new Map(), total: JSON.stringify(pickCells(JSON.parse(right.total))) },
    { rows: new Map(), total: JSON.stringify(pickCells([answer.value, null, answer.count, answer.skipped])) });
  const sides = await session.row(`SELECT coalesce(sum(n), 0)::text AS total, coalesce(sum(n) FILTER (WHERE n > 0), 0)::text AS positive,
      coalesce(-sum(n) FILTER (WHERE n < 0), 0)::text AS negative
    FROM (SELECT oracle.number(e.properties, ${quote(metric.aggregation_key || '')}) AS n FROM oracle.event e
          WHERE ${oracle.conditions(metric, { from: null, customers: null, filter: null })}) v`);
  if (!metric.aggregation_type.startsWith('COUNT') && answer.total !== sides.total) lines.push(`  total of its life: oracle ${sides.total}, pgtally ${answer.total}`);
  if (metric.kind === 'dual' && (answer.positive !== sides.positive || answer.negative !== sides.negative)) {
    lines.push(`  both sides: oracle ${sides.positive} and ${sides.negative}, pgtally ${answer.positive} and ${answer.negative}`);
  }
  return lines.map((line) => `  metric_value${line}`);
}
const pickCells = ([value, , events, skipped]) => [value, events, skipped];

module.exports = { check, checkEvents, checkExplanation, checkLife, checkRest };
