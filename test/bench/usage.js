// Benchmark of usage: the same questions to tally.usage, to a plain table with the best btree, and to DuckDB on one thread, A B A B
// in one run, medians. What is answered must be equal before it counts.
// usage: usage.sh      (environment: BENCH_EVENTS, ROUNDS, BENCH_GROW, libpq's)
// BENCH_GROW=5: afterwards five times as many events are stored, in other months, and the questions of a month asked again.
// BENCH_KEEP=folder: the events stay in the server, DuckDB's in the folder, and are taken as they are by the next run.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { DuckDBInstance, version } = require('@duckdb/node-api');
const { Psql, median } = require('./psql.js');
const { cpuOf } = require('./store/processes.js');
const { measureBusy } = require('./store/busy.js');
const { measureStatements } = require('./store/statements.js');
const { measureRest } = require('./store/rest.js');

const events = Number(process.env.BENCH_EVENTS || 1000000);
const rounds = Number(process.env.ROUNDS || 5);
const grow = Number(process.env.BENCH_GROW || 0);
const keep = process.env.BENCH_KEEP;
const days = 90;

const quote = (text) => `'${text.replaceAll("'", "''")}'`;
const show = (ms) => (ms < 10 ? ms.toFixed(3) : ms.toFixed(1));

// The procedure that packs, where the store has one.
const packer = (psql) => psql.run("SELECT max(proname) FROM pg_proc WHERE pronamespace = 'tally'::regnamespace AND proname IN ('pack', '_pack') AND prokind = 'p';");

const isMade = (psql) => psql.run(`SELECT coalesce((SELECT reltuples FROM pg_class WHERE oid = to_regclass('tally_bench.plain')) BETWEEN ${events} * 0.9 AND ${events} * 1.1, false);`);

// The feed's events, packed as they come, as tallyd does; how long both took in ms, and the processor time of ingest.
async function storeFeed(psql) {
  const pack = await packer(psql);
  const pid = Number(await psql.run('SELECT pg_backend_pid();'));
  let [loading, packing, cpu] = [0, 0, 0];
  const part = Math.min(1000000, events / 2);
  for (let first = 0; first < events; first += part) {
    if (first <= events / 2 && first + part > events / 2) await psql.run("SELECT coalesce((SELECT 0 FROM tally.cut WHERE name = 'half'), length(tally.cut('half')));");
    const began = Date.now();
    const before = cpuOf(pid);
    await psql.run(`CALL tally_bench.load(${first}, 10000, ${Math.min(events, first + part)});`);
    cpu += cpuOf(pid) - before;
    const loaded = Date.now();
    if (pack) await psql.run(`CALL tally.${pack}(1000, '1 hour');`);
    loading += loaded - began;
    packing += Date.now() - loaded;
  }
  const began = Date.now();
  if (pack) await psql.run(`CALL tally.${pack}(1, '0 seconds', true);`);
  packing += Date.now() - began;
  return { loading, packing, cpu };
}

async function makeStore(psql) {
  if (keep && (await isMade(psql)) === 't') {
    await psql.run("SET tally.tenant = 'bench';");
    return;
  }
  await psql.run(`\\set events ${events}\n\\set days ${days}\n\\i ${path.join(__dirname, 'store/events.sql')}`);
  await psql.run("SELECT tally.create_tenant('bench') IS NOT NULL; SET tally.tenant = 'bench';");
  await psql.run(`CREATE TABLE tally_bench.plain AS SELECT tenant, customer, code, ts, value::numeric AS value,
      jsonb_build_object('value', value, 'region', region, 'model', model, 'user_id', user_id) AS properties FROM tally_bench.feed ORDER BY n;
    CREATE INDEX ON tally_bench.plain (tenant, customer, code, ts);
    CREATE TABLE tally_bench.one (id bigint PRIMARY KEY, x text); INSERT INTO tally_bench.one SELECT n, n::text FROM generate_series(1, 100000) n;`);
  const { loading, packing, cpu } = await storeFeed(psql);
  console.log(`${events} events stored in ${(loading / 1000).toFixed(1)} s (${(1000 * cpu / events).toFixed(1)} us of processor time each, making them included), packed in ${(packing / 1000).toFixed(1)} s`);
  await psql.run('VACUUM ANALYZE;');
}

async function copyToDuck(psql, duck, folder) {
  if ((await duck.runAndReadAll("SELECT 1 FROM duckdb_tables() WHERE table_name = 'e'")).getRows().length > 0) return;
  const file = path.join(folder, 'events.csv');
  await psql.run(`\\copy (SELECT tenant, customer, code, ts, value, region, model, user_id FROM tally_bench.feed ORDER BY n) TO '${file}' (FORMAT csv)`);
  await duck.run(`CREATE TABLE e (tenant INTEGER, customer VARCHAR, code VARCHAR, ts TIMESTAMPTZ, value DECIMAL(12,2), region VARCHAR, model VARCHAR, user_id VARCHAR);
    COPY e FROM '${file}' (FORMAT csv, HEADER false); CHECKPOINT`);
  fs.unlinkSync(file);
}

// Who is asked about: the busiest customer, and one with some 300 events of a code in the month.
async function choose(psql) {
  const month = (await psql.run(`SELECT m::timestamptz::text || '|' || (m + interval '1 month')::timestamptz::text
    FROM date_trunc('month', date_trunc('day', now()) - interval '45 days') m;`)).split('|');
  const inMonth = `ts >= '${month[0]}' AND ts < '${month[1]}'`;
  const ordinary = (await psql.run(`SELECT customer || '|' || count(*) FROM tally_bench.plain WHERE code = 'code-0' AND ${inMonth} GROUP BY customer
    ORDER BY abs(count(*) - 300), customer LIMIT 1;`)).split('|');
  const busy = await psql.run(`SELECT count(*) FROM tally_bench.plain WHERE code = 'code-0' AND customer = 'customer-1' AND ${inMonth};`);
  const metrics = [];
  for (let n = 0; n < 20; n += 1) metrics.push(await psql.run(`SELECT coalesce((SELECT tally._encode_id('bm_', metric_id) FROM tally.metric WHERE name = 'sum ${n}'), tally.create_metric('code-${n}', 'SUM', aggregation_key => 'value', name => 'sum ${n}'));`));
  const distinct = await psql.run("SELECT coalesce((SELECT tally._encode_id('bm_', metric_id) FROM tally.metric WHERE name = 'users'), tally.create_metric('code-0', 'COUNT_DISTINCT', aggregation_key => 'user_id', name => 'users'));");
  return { month, inMonth, ordinary, busy, metrics, distinct };
}

function questionsOf({ month, inMonth, ordinary, busy, metrics, distinct }) {
  const [from, to] = month.map(quote);
  const of = (customer) => `tenant = 1 AND customer = '${customer}' AND code = 'code-0' AND ${inMonth}`;
  const usage = (metric, rest) => `SELECT * FROM tally.usage('${metric}', ${from}, ${to}${rest})`;
  const all = (f, t) => `SELECT u.* FROM unnest(ARRAY[${metrics.map(quote).join(',')}]) m, LATERAL tally.usage(m, ${f}, ${t}, group_by => '{customer_id}') u`;
  const day = "date_trunc('day', ts)";
  return [
    { name: `busy customer (${busy} events), month, SUM`, times: 20, monthly: true, ours: usage(metrics[0], ", customer => 'customer-1'"),
      plain: `SELECT sum(value) AS value FROM tally_bench.plain WHERE ${of('customer-1')}`, plainTarget: 40, duck: `SELECT sum(value) AS value FROM e WHERE ${of('customer-1')}`, duckTarget: 40 },
    { name: 'the same, COUNT_DISTINCT of users', times: 20, monthly: true, ours: usage(distinct, ", customer => 'customer-1'"),
      plain: `SELECT count(DISTINCT properties ->> 'user_id') AS value FROM tally_bench.plain WHERE ${of('customer-1')}`, plainTarget: 25,
      duck: `SELECT count(DISTINCT user_id) AS value FROM e WHERE ${of('customer-1')}`, duckTarget: 25 },
    { name: 'the same, day x region, filter on model', times: 20, monthly: true,
      ours: usage(metrics[0], `, customer => 'customer-1', "window" => 'day', group_by => '{region}', filter => '{"model": ["model-1", "model-2"]}'`),
      plain: `SELECT ${day}, properties ->> 'region', sum(value) AS value FROM tally_bench.plain WHERE ${of('customer-1')} AND properties ->> 'model' IN ('model-1', 'model-2') GROUP BY 1, 2`,
      plainTarget: 40, duck: `SELECT ${day}, region, sum(value) AS value FROM e WHERE ${of('customer-1')} AND model IN ('model-1', 'model-2') GROUP BY 1, 2`, duckTarget: 25 },
    { name: `ordinary customer (${ordinary[1]} events), month`, times: 100, monthly: true, ours: usage(metrics[0], `, customer => '${ordinary[0]}'`),
      plain: `SELECT sum(value) AS value FROM tally_bench.plain WHERE ${of(ordinary[0])}`, plainTarget: 1 },
    { name: 'the same | one row by primary key, both prepared', times: 100, prepare: usage(metrics[0], `, customer => '${ordinary[0]}'`), ours: 'EXECUTE ours', plain: 'EXECUTE one(4711)', plainTarget: 1 / 8 },
    { name: 'all customers, one metric, month', times: 3, monthly: true, parallel: true, ours: usage(metrics[0], ", group_by => '{customer_id}'"),
      plain: `SELECT customer, sum(value) AS value FROM tally_bench.plain WHERE tenant = 1 AND code = 'code-0' AND ${inMonth} GROUP BY 1`, plainTarget: 20,
      duck: `SELECT customer, sum(value) AS value FROM e WHERE tenant = 1 AND code = 'code-0' AND ${inMonth} GROUP BY 1`, duckTarget: 3 },
    { name: 'invoice run: all customers x 20 metrics, month', times: 1, ours: all(from, to),
      plain: `SELECT customer, code, sum(value) AS value FROM tally_bench.plain WHERE tenant = 1 AND ${inMonth} GROUP BY 1, 2`, plainTarget: 10,
      duck: `SELECT customer, code, sum(value) AS value FROM e WHERE tenant = 1 AND ${inMonth} GROUP BY 1, 2`, duckTarget: 2 },
    { name: '20 metrics over the whole life of all events', times: 1,
      ours: `SELECT u.value FROM unnest(ARRAY[${metrics.map(quote).join(',')}]) m, LATERAL tally.usage_total(m, '2000-01-01', '2100-01-01') u`,
      duck: 'SELECT code, sum(value) AS value FROM e WHERE tenant = 1 GROUP BY 1', duckTarget: 5 },
  ];
}

const times = async (psql, sql, n) => (await psql.run(`SELECT tally_bench.times(${quote(sql)}, ${n});`)).slice(1, -1).split(',').map(Number);

async function duckTimes(duck, sql, n) {
  const taken = [];
  for (let i = 0; i < n; i += 1) {
    const began = process.hrtime.bigint();
    (await duck.runAndReadAll(sql)).getRows();
    taken.push(Number(process.hrtime.bigint() - began) / 1e6);
  }
  return taken;
}

const ownCpu = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };

// The same with the processor time of one answer: {taken, cpu}, both in ms.
async function withCpu(clock, n, ask) {
  const before = clock();
  const taken = await ask();
  return { ms: median(taken), cpu: (clock() - before) / n };
}

async function requireEqual(psql, duck, question) {
  const sum = (sql) => psql.run(`SELECT coalesce(trim_scale(sum(value))::text, '0') FROM (${sql}) q;`);
  const ours = await sum(question.ours);
  const others = [];
  if (question.plain) others.push(await sum(question.plain));
  if (question.duck) others.push(String((await duck.runAndReadAll(`SELECT sum(value)::VARCHAR FROM (${question.duck}) q`)).getRows()[0][0]).replace(/\.?0+$/, (zeros) => (zeros.includes('.') ? '' : zeros)));
  for (const other of others) if (Number(other) !== Number(ours)) throw new Error(`${question.name}: ours is ${ours}, theirs ${other}`);
}

// byCpu: how many times theirs takes of processor time, where it was measured; what a clock says on a busy machine is noise.
function line(name, ours, theirs, against, target, byCpu) {
  const judged = target ? `   at least ${target < 1 ? target.toFixed(3) : target}: ${theirs / ours < target ? 'MISSED' : 'met'}` : '';
  console.log(`${name.padEnd(48)} ${against.padEnd(7)} ${show(ours).padStart(10)} ${show(theirs).padStart(10)} ${(theirs / ours).toFixed(2).padStart(9)} ${
    (byCpu ? byCpu.toFixed(2) : '').padStart(9)}${judged}`);
}

async function measure(psql, pid, duck, question) {
  if (question.prepare) await psql.run(`PREPARE ours AS ${question.prepare};`);
  else await requireEqual(psql, duck, question);
  const taken = { ours: [], plain: [], duck: [] };
  const server = () => cpuOf(pid);
  await psql.run(`SET max_parallel_workers_per_gather = ${question.parallel ? 2 : 0};`);
  for (let round = 0; round <= rounds; round += 1) {
    const [few, fewer] = [question.prepare ? question.times : Math.min(question.times, 10), Math.min(question.times, 3)];
    const ours = await withCpu(server, question.times, () => times(psql, question.ours, question.times));
    const plain = question.plain && await withCpu(server, few, () => times(psql, question.plain, few));
    const theirs = question.duck && await withCpu(ownCpu, fewer, () => duckTimes(duck, question.duck, fewer));
    if (round === 0) continue; // the first fills the caches
    taken.ours.push(ours);
    taken.plain.push(plain);
    taken.duck.push(theirs);
  }
  const of = (side, what) => median(taken[side].map((one) => one[what]));
  const print = (side, against, target) => line(question.name, of('ours', 'ms'), of(side, 'ms'), against, target,
    side === 'plain' && question.parallel ? 0 : of(side, 'cpu') / of('ours', 'cpu'));
  if (question.plain) print('plain', 'plain', question.plainTarget);
  if (question.duck) print('duck', 'DuckDB', question.duckTarget);
  return { ms: of('ours', 'ms'), cpu: of('ours', 'cpu') };
}

// Bytes of an event where it lies now, of its identity, and of the plain table's row with its index.
async function sizes(psql) {
  const bytes = async (tables, rows) => Number(await psql.run(`SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::numeric / greatest((${rows}), 1) FROM pg_class c
    WHERE c.relkind IN ('r', 'm') AND c.oid IN (${tables});`));
  const has = async (table) => (await psql.run(`SELECT to_regclass('${table}') IS NOT NULL;`)) === 't';
  if (await has('tally.segment')) {
    const packed = await psql.run('SELECT coalesce(sum(events), 0) FROM tally.segment;');
    const stored = await psql.run("SELECT sum(bytes) / sum(events) FROM tally.storage WHERE segments > 0;");
    const files = await bytes("SELECT inhrelid FROM pg_inherits WHERE inhparent = 'tally.segment'::regclass", packed);
    if (packed !== '0') console.log(`bytes of a packed event (at most 40): ${Number(stored).toFixed(1)}; of its files, with what merging has left for later ones: ${files.toFixed(1)}`);
  }
  console.log(`bytes of a row of the plain table: ${(await bytes("'tally_bench.plain'::regclass", events)).toFixed(1)}`);
}

// On a machine that does other things too, processor time is what tells.
async function askAgain(psql, pid, questions, before) {
  const began = Date.now();
  let last;
  for (let n = 1; n < grow; n += 1) {
    await psql.run(`UPDATE tally_bench.feed SET ts = ts - interval '${days} days', event_id = gen_random_uuid(); VACUUM tally_bench.feed;`);
    last = await storeFeed(psql);
  }
  await psql.run('VACUUM ANALYZE;');
  console.log(`${grow} times as many events, in ${((Date.now() - began) / 1000).toFixed(0)} s, the last ${events} of them with ${(1000 * last.cpu / events).toFixed(1)} us of processor time each; a question's time then and before, at most 1.3 times as long:`);
  console.log(`${''.padEnd(48)}            ms     before     times     by cpu`);
  for (const question of questions.filter((one) => one.monthly)) {
    const asked = [];
    for (let round = 0; round <= rounds; round += 1) asked.push(await withCpu(() => cpuOf(pid), question.times, () => times(psql, question.ours, question.times)));
    const of = (what) => median(asked.slice(1).map((one) => one[what]));
    const was = before.get(question.name);
    console.log(`${question.name.padEnd(48)} ${show(of('ms')).padStart(13)} ${show(was.ms).padStart(10)} ${(of('ms') / was.ms).toFixed(2).padStart(9)} ${(of('cpu') / was.cpu).toFixed(2).padStart(10)}`);
  }
}

async function main(folder) {
  const psql = new Psql([]);
  const instance = await DuckDBInstance.create(path.join(keep || folder, 'events.duckdb'), { threads: '1' });
  const duck = await instance.connect();
  try {
    await duck.run("SET TimeZone = 'UTC'");
    await psql.run("SET timezone = 'UTC'; SET work_mem = '256MB'; SET client_min_messages = warning;");
    await makeStore(psql);
    await copyToDuck(psql, duck, folder);
    await psql.run('PREPARE one(bigint) AS SELECT x FROM tally_bench.one WHERE id = $1;');
    const chosen = await choose(psql);
    const questions = questionsOf(chosen);
    console.log(`\n${'question through tally.usage'.padEnd(48)} against    ours ms  theirs ms     ratio    by cpu   (DuckDB ${version()}, one thread)`);
    const before = new Map();
    const pid = Number(await psql.run('SELECT pg_backend_pid();'));
    for (const question of questions) before.set(question.name, await measure(psql, pid, duck, question));
    await measureStatements(psql, chosen, questions, times, rounds, line);
    if (process.env.TALLYD) await measureRest(psql, duckTimes, duck, chosen, rounds, line);
    await sizes(psql);
    await measureBusy(psql, questions.filter((one) => one.monthly).slice(0, 5), await packer(psql), times, show);
    if (grow > 1) await askAgain(psql, pid, questions, before);
  } finally {
    if (!keep) await psql.run('DROP SCHEMA tally_bench CASCADE;').catch(() => {});
    psql.close();
    duck.closeSync();
    instance.closeSync();
  }
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'pgtally-usage.'));
const removeFolder = () => fs.rmSync(folder, { recursive: true, force: true });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => { removeFolder(); process.exit(1); });
main(folder).catch((error) => { console.error(`usage: ${error.message}`); process.exitCode = 1; }).finally(() => { removeFolder(); process.exit(); });
