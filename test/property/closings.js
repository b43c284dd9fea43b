// Closings: periods are closed at random moments while sessions write, correct and pack, and the server is killed. A statement says
// what the oracle computes in the snapshot that closes, and stays as it is; its adjustments are what the oracle computes later by the
// definitions of then, less that. What is closed already is refused unless it is superseded.
'use strict';

const { sleep } = require('../http/lib.js');
const oracle = require('./oracle.js');
const { quote } = require('./session.js');
const { instantText } = require('./windows.js');
const world = require('./world.js');

const MOST_METRICS = 6;     // of a statement are asked of the oracle
const ids = (list) => list.map(quote).join(', ');

// customer -> [value, converted value, events, skipped] of a metric in a period.
async function usageByCustomer(session, metric, period) {
  const customers = period.customer === null ? null : [period.customer];
  const answer = await oracle.ask(session, metric, { from: period.from, to: period.to, window: null, zone: 'UTC', groups: ['customer_id'], merged: true, customers, fill: false, filter: null });
  return new Map([...answer.rows].map(([place, cells]) => [JSON.parse(place)[2], cells]));
}

class Closings {
  constructor() {
    this.kept = new Map();     // id of a statement -> what it says, and of some metrics what the oracle said
    this.refused = 0;
    this.checked = 0;
    this.adjusted = 0;
  }

  // A new period, or one that is closed already.
  period(random) {
    const closed = [...this.kept.values()].filter((one) => !one.isSuperseded);
    if (closed.length > 0 && random.chance(0.4)) {
      const { from, to, customer } = random.pick(closed).period;
      return { from, to, customer };
    }
    return { ...world.range(random), customer: random.chance(0.3) ? null : random.pick(world.CUSTOMERS) };
  }

  async close(session, { from, to, customer }, supersedes) {
    const instead = Array.isArray(supersedes) ? `ARRAY[${ids(supersedes)}]` : quote(supersedes);
    return (await session.run(`SELECT tally.close_period(${quote(instantText(from))}, ${quote(instantText(to))}, ${quote(customer)}, ${instead})`)).trim();
  }

  async refuse(session, period, state = 'TL409', supersedes = null) {
    await session.run('SAVEPOINT twice');
    let made = null;
    try {
      made = await this.close(session, period, supersedes);
    } catch (error) {
      if (error.state !== state) throw error;
    }
    if (made) throw new Error(`${JSON.stringify(period)} was closed twice: ${made}`);
    await session.run('ROLLBACK TO twice');
    this.refused += 1;
  }

  async make(session, random) {
    const period = this.period(random);
    await session.run('BEGIN ISOLATION LEVEL REPEATABLE READ');
    const closed = await session.rows(`SELECT s.statement AS id, s."from" >= ${quote(instantText(period.from))} AND s."to" <= ${quote(instantText(period.to))}
        AND (${quote(period.customer)} IS NULL OR s.customer_id = ${quote(period.customer)}) IS TRUE AS "isCovered" FROM tally.statements() s WHERE s.superseded_by IS NULL AND s."from" < ${quote(instantText(period.to))}
      AND s."to" > ${quote(instantText(period.from))} AND (s.customer_id IS NULL OR ${quote(period.customer)} IS NULL OR s.customer_id = ${quote(period.customer)})`);
    if (closed.length > 0) await this.refuse(session, period);
    if (closed.some((one) => !one.isCovered)) await this.refuse(session, period, '22023', closed.map((one) => one.id));
    if (closed.length > 1 || closed.some((one) => !one.isCovered)) {
      await session.run('ROLLBACK');
      return;
    }
    const supersedes = closed[0]?.id ?? null;
    const id = await this.close(session, period, supersedes);
    const metrics = random.some(await session.rows(`SELECT id, definition FROM oracle.metric WHERE definition ->> 'code' IN (${ids(world.SQL_CODES)}) ORDER BY id`), MOST_METRICS)
      .map((metric) => ({ ...metric.definition, id: metric.id }));
    const then = new Map();
    for (const metric of metrics) then.set(metric.id, await usageByCustomer(session, metric, period));
    const kept = { period, metrics, then, supersedes, ...await this.said(session, id) };
    const lines = await this.differences(session, id, metrics, then);
    await session.run('COMMIT');
    if (lines.length > 0) throw new Error(`closing ${JSON.stringify(period)} as ${id}\n${lines.join('\n')}`);
    this.kept.set(id, kept);
    if (this.kept.has(supersedes)) this.kept.get(supersedes).isSuperseded = true;
  }

  // All that a statement says, and whether its digest is one of that.
  async said(session, id) {
    return session.row(`SELECT s.digest, s."from"::text || s."to"::text || coalesce(s.customer_id, 'all') || s.created_at || coalesce(array_to_string(s.supersedes, ','), '') AS head,
        (SELECT md5(coalesce(string_agg(l::text, ',' ORDER BY l.customer_id, l.metric_id), '')) FROM tally.statement_lines(s.statement) l) AS lines,
        (SELECT tally._statement_digest(x) = x.digest FROM tally.statement x WHERE x.statement_id = tally._decode_id('stm_', s.statement)) AS "isOfIt"
      FROM tally.statements() s WHERE s.statement = ${quote(id)}`);
  }

  // Where the lines of a statement are not what the oracle said when it was closed.
  async differences(session, id, metrics, then) {
    const rows = await session.rows(`SELECT metric_id, customer_id, value::text, converted_value::text, events, skipped FROM tally.statement_lines(${quote(id)})`);
    const lines = [];
    for (const metric of metrics) {
      const given = new Map(rows.filter((row) => row.metric_id === metric.id).map((row) => [row.customer_id, oracle.cells(row.value, row.converted_value, row.events, row.skipped)]));
      lines.push(...oracle.differences({ rows: then.get(metric.id) }, { rows: given }).map((line) => `  ${JSON.stringify(metric)}${line}`));
    }
    return lines;
  }

  // Where the adjustments are not what the oracle says now less what it said then, or no event is told that made one.
  async wrongAdjustments(session, id, kept) {
    const cells = [];
    for (const metric of kept.metrics) {
      const then = kept.then.get(metric.id);
      const now = await usageByCustomer(session, metric, kept.period);
      const side = (map, customer) => (map.has(customer) ? JSON.parse(map.get(customer)) : [null, null, null, null]);
      for (const customer of new Set([...then.keys(), ...now.keys()])) cells.push([metric.id, customer, ...side(then, customer), ...side(now, customer)]);
    }
    if (cells.length === 0) return [];
    const values = cells.map(([metric, customer, ...numbers]) => `(${quote(metric)}, ${quote(customer)}, ${numbers.map((one) => (one === null ? 'NULL' : `${quote(one)}::numeric`)).join(', ')})`);
    const rows = await session.rows(`WITH o(metric_id, customer_id, v0, c0, e0, s0, v1, c1, e1, s1) AS (VALUES (''::text, ''::text, ${'NULL::numeric, '.repeat(7)}NULL::numeric), ${values.join(', ')}),
      a AS MATERIALIZED (SELECT * FROM tally.adjustments(${quote(id)}) WHERE metric_id IN (${ids(kept.metrics.map((one) => one.id))})),
      expected AS (SELECT metric_id, customer_id, coalesce(v1, 0) - coalesce(v0, 0), coalesce(c1, 0) - coalesce(c0, 0), coalesce(e1, 0) - coalesce(e0, 0), coalesce(s1, 0) - coalesce(s0, 0), v0, v1
                   FROM o WHERE (v0, c0, e0, s0) IS DISTINCT FROM (v1, c1, e1, s1)),
      given AS (SELECT metric_id, customer_id, value, converted_value, events::numeric, skipped::numeric, value_then, value_now FROM a)
      SELECT 'oracle' AS who, x::text AS says FROM (SELECT * FROM expected EXCEPT ALL SELECT * FROM given) x
      UNION ALL SELECT 'pgtally', x::text FROM (SELECT * FROM given EXCEPT ALL SELECT * FROM expected) x
      UNION ALL SELECT 'no event behind', a::text FROM a WHERE NOT EXISTS (SELECT FROM tally.adjusting_events(${quote(id)}) e WHERE e.code = a.code AND e.customer_id = a.customer_id)
      UNION ALL SELECT NULL, count(*)::text FROM a`);
    this.adjusted += Number(rows.find((row) => row.who === null).says);
    return rows.filter((row) => row.who !== null).map((row) => `  ${row.who}: ${row.says}`);
  }

  // In one snapshot: the statement is what it was, and its adjustments are right.
  async check(session, id) {
    const kept = this.kept.get(id);
    await session.run('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const now = await this.said(session, id);
    const lines = await this.wrongAdjustments(session, id, kept);
    await session.run('COMMIT');
    for (const what of ['digest', 'head', 'lines']) if (now?.[what] !== kept[what]) lines.push(`  ${what}: then ${kept[what]}, now ${now?.[what]}`);
    if (!now?.isOfIt) lines.push('  its digest is not one of what it says');
    this.checked += 1;
    return lines.length > 0 ? [`  statement ${id} of ${JSON.stringify(kept.period)}`, ...lines.slice(0, 12)] : [];
  }

  // One turn of a session's loop: closes a period, or looks at one that was closed.
  async work(session, random) {
    if (this.kept.size < 2 || random.chance(0.4)) {
      await this.make(session, random);
    } else {
      const lines = await this.check(session, random.pick([...this.kept.keys()]));
      if (lines.length > 0) throw new Error(lines.join('\n'));
    }
    await sleep(random.below(600));
  }
}

module.exports = { Closings };
