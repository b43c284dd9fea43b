// What the oracle answers to a question about usage: plain SQL over oracle.event, and the README's rules of windows, groups,
// fill and conversion on top of it. And how two answers are compared: to the last digit, zeros at the end included where a value
// has a scale of its own.
'use strict';

const { convert, trimmed } = require('./decimal.js');
const { array, quote } = require('./session.js');
const { instantText, windowStarts } = require('./windows.js');

const dimension = (key) => `oracle.dimension(e.properties, ${quote(key)})`;
const oneOf = (key, values) => (values.length === 0 ? 'false' : `${dimension(key)} IN (${values.map(quote).join(', ')})`);

function matrixDimensions(matrix) {
  if (!matrix) return [];
  switch (matrix.type) {
    case 'SINGLE': return [matrix.key];
    case 'DOUBLE': return [matrix.dimension1.key, matrix.dimension2.key];
    default: return [matrix.dimension1_key, matrix.dimension2_key];
  }
}

function matrixCondition(matrix) {
  if (!matrix) return 'true';
  if (matrix.type === 'SINGLE') return oneOf(matrix.key, matrix.values);
  if (matrix.type === 'DOUBLE') return `${oneOf(matrix.dimension1.key, matrix.dimension1.values)} AND ${oneOf(matrix.dimension2.key, matrix.dimension2.values)}`;
  return Object.entries(matrix.values).map(([first, seconds]) => `(${oneOf(matrix.dimension1_key, [first])}${
    seconds.length === 0 ? '' : ` AND ${oneOf(matrix.dimension2_key, seconds)}`})`).join(' OR ');
}

const unique = (list) => [...new Set(list)];

function dimensionsOf(metric, groups) {
  const own = [...matrixDimensions(metric.segmentation_matrix), ...(metric.usage_group_key ? [metric.usage_group_key] : [])];
  return unique([...own, ...groups.filter((key) => key !== 'customer_id')]);
}

// corrected: also events that are void or were amended.
function conditions(metric, q, corrected = false) {
  const all = [`e.code = ${quote(metric.code)}`, ...(corrected ? [] : ['NOT e.voided', 'NOT e.is_void']), `(${matrixCondition(metric.segmentation_matrix)})`];
  if (q.from !== null) all.push(`e.ts >= ${quote(instantText(q.from))}`, `e.ts < ${quote(instantText(q.to))}`);
  if (q.customers) all.push(`e.customer_id IN (${q.customers.map(quote).join(', ')})`);
  for (const [key, values] of Object.entries(q.filter || {})) all.push(oneOf(key, values));
  return all.join(' AND ');
}

const VALUES = {
  COUNT: 'count(*)::numeric', SUM: 'coalesce(sum(n), 0)', MEAN: 'trim_scale(avg(n))', MIN: '(array_agg(n ORDER BY n, scale(n) DESC) FILTER (WHERE n IS NOT NULL))[1]',
  MAX: '(array_agg(n ORDER BY n DESC, scale(n) DESC) FILTER (WHERE n IS NOT NULL))[1]',
  LATEST: '(array_agg(n ORDER BY ts DESC, ord DESC) FILTER (WHERE n IS NOT NULL))[1]',
  COUNT_DISTINCT: 'count(DISTINCT t)::numeric',
};

// The query for the rows of windows and groups, and one more for the total.
function query(metric, q, starts, keys) {
  const type = metric.aggregation_type;
  const byCustomer = q.groups.includes('customer_id');
  const used = { COUNT: 'count(*)', COUNT_DISTINCT: 'count(t)' }[type] || 'count(n)';
  const factor = metric.unit_conversion ? `${metric.unit_conversion.factor}::numeric` : 'NULL::numeric';
  const quotient = type === 'MEAN' ? `trim_scale(sum(n) / (nullif(count(n), 0) * ${factor}))` : `trim_scale(${VALUES[type]} / ${factor})`;
  return `SELECT GROUPING(slot) AS is_total, slot, customer, dimensions, (${VALUES[type]})::text AS value, (${quotient})::text AS quotient,
                 sum(n)::text AS sum, count(n) AS numbers, ${used} AS events, count(*) - ${used} AS skipped
          FROM (SELECT width_bucket(e.ts, ARRAY[${starts.map((at) => quote(instantText(at))).join(',')}]::timestamptz[]) - 1 AS slot,
                       ${byCustomer ? 'e.customer_id' : 'NULL::text'} AS customer, ARRAY[${keys.map(dimension).join(', ')}]::text[] AS dimensions,
                       oracle.number(e.properties, ${quote(metric.aggregation_key || '')}) AS n,
                       oracle.dimension(e.properties, ${quote(metric.aggregation_key || '')}) AS t, e.ts, e.ord
                FROM oracle.event e WHERE ${conditions(metric, q)} OFFSET 0) m
          GROUP BY GROUPING SETS ((slot, customer, dimensions), ())`;
}

function converted(metric, row) {
  if (row.value === null || !metric.unit_conversion) return row.value;
  const { factor, rounding } = metric.unit_conversion;
  const exact = metric.aggregation_type === 'MEAN' ? convert(row.sum, BigInt(factor) * BigInt(row.numbers), rounding) : convert(row.value, factor, rounding);
  return exact === undefined ? row.quotient : exact;
}

const nothing = (metric) => ({ value: ['COUNT', 'SUM', 'COUNT_DISTINCT'].includes(metric.aggregation_type) ? '0' : null, events: 0, skipped: 0, sum: null, numbers: 0, quotient: '0' });

// {rows: {place -> cells}, total}: the answer to a question about a metric, in one form for all faces of usage.
async function ask(session, metric, q) {
  const starts = q.from === null ? [0] : windowStarts(q.from, q.to, q.window, q.zone);
  const keys = q.merged ? [] : dimensionsOf(metric, q.groups);      // merged: over all dimensions
  const byCustomer = q.groups.includes('customer_id');
  const named = q.customers ? unique(q.customers) : [];
  const found = await session.rows(query(metric, q, starts, keys));
  const rows = new Map();
  const groups = new Map();
  const put = (slot, customer, dimensions, row) => {
    const shown = byCustomer ? customer : named.length === 1 ? named[0] : null;
    const place = placeText(starts[slot], starts[slot + 1] ?? q.to, shown, Object.fromEntries(keys.map((key, n) => [key, dimensions[n]]).filter(([, value]) => value !== null)));
    rows.set(place, cells(row.value, converted(metric, row), row.events, row.skipped));
  };
  const single = keys.length === 0;
  if (single && !byCustomer) groups.set('', [null, []]);
  if (single && byCustomer) for (const customer of named) groups.set(JSON.stringify([customer, []]), [customer, []]);
  for (const row of found) if (!row.is_total) groups.set(single && !byCustomer ? '' : JSON.stringify([row.customer, row.dimensions]), [row.customer, row.dimensions]);
  if (q.fill || (!q.window && single && !byCustomer)) {
    for (const [customer, dimensions] of groups.values()) for (let slot = 0; slot < starts.length; slot += 1) put(slot, customer, dimensions, nothing(metric));
  }
  for (const row of found) if (!row.is_total) put(row.slot, row.customer, row.dimensions, row);
  const all = found.find((row) => row.is_total) || nothing(metric);
  return { rows, total: cells(all.value, converted(metric, all), all.events, all.skipped) };
}

function placeText(start, end, customer, dimensions) {
  return JSON.stringify([start, end].map(instantText).concat(customer, Object.entries(dimensions).sort(([a], [b]) => (a < b ? -1 : 1))));
}

// Two values are compared digit by digit; of what a conversion rounds, zeros at the end say nothing.
function cells(value, convertedValue, events, skipped) {
  return JSON.stringify([value ?? null, trimmed(convertedValue ?? null), Number(events), Number(skipped)]);
}

// The differences between two answers, as lines; none where they agree.
function differences(right, given) {
  const lines = [];
  const line = (place, a, b) => lines.push(`  ${place}: oracle ${a ?? 'no row'}, pgtally ${b ?? 'no row'}`);
  for (const [place, value] of right.rows) if (given.rows.get(place) !== value) line(place, value, given.rows.get(place));
  for (const [place, value] of given.rows) if (!right.rows.has(place)) line(place, undefined, value);
  if (given.total !== undefined && given.total !== right.total) line('total', right.total, given.total);
  if (given.count !== undefined && given.count !== given.rows.size) lines.push(`  pgtally has ${given.count} rows for ${given.rows.size} places`);
  return lines;
}

module.exports = { ask, array, cells, conditions, differences, placeText };
