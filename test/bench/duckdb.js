// Benchmark of the aggregates against DuckDB: the same questions on the same rows, one thread each, A B A B, medians. The rows
// are made in PostgreSQL and copied to DuckDB as CSV into columns of the same types; answers must be equal before they count.
// usage: duckdb.sh, which installs DuckDB and runs this      (environment: ROWS, ROUNDS, libpq's)
// Times are each engine's own: PostgreSQL's from the server's clock, DuckDB's around a call inside this process.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { DuckDBInstance, version } = require('@duckdb/node-api');
const { Psql, median } = require('./psql.js');

const rows = Number(process.env.ROWS || 10000000);
const rounds = Number(process.env.ROUNDS || 5);

// Types of DuckDB's columns, as PostgreSQL's are. n: totals of the stored summaries that PostgreSQL merges.
const tables = {
  v: { x: 'DECIMAL(12,4)', ts: 'TIMESTAMPTZ' },
  t: { x: 'VARCHAR' },
  i: { x: 'BIGINT' },
  b: { x: 'BIGINT' },
  g: { customer: 'INTEGER', x: 'INTEGER' },
  n: { x: 'DECIMAL(18,2)' },
};

// Answers are text; what stands after | is DuckDB's double, and is compared as one. `target` is the least ratio.
const distinct = (table) => `SELECT tally.cardinality(tally.distinct_values(x))::text FROM ${table}`;
const questions = [
  { name: 'summarize(x, ts) | count, sum, min, max, avg',
    ours: `SELECT concat_ws(' ', tally.n(q), tally.total(q), tally.lowest(q), tally.highest(q)) || '|' || tally.mean(q)
             FROM (SELECT tally.summarize(x, ts) AS q FROM v) AS z`,
    theirs: "SELECT concat_ws(' ', count(x), sum(x), min(x), max(x)) || '|' || avg(x) FROM v" },
  { name: 'latest | arg_max(x, ts)', ours: 'SELECT tally.latest(tally.summarize(x, ts))::text FROM v',
    theirs: 'SELECT arg_max(x, ts)::VARCHAR FROM v' },
  { name: 'distinct text, 200,000', ours: distinct('t'), theirs: 'SELECT count(DISTINCT x)::VARCHAR FROM t', target: 0.5 },
  { name: 'distinct bigint, 200,000', ours: distinct('i'), theirs: 'SELECT count(DISTINCT x)::VARCHAR FROM i', target: 0.5 },
  { name: 'distinct bigint, all different', ours: distinct('b'), theirs: 'SELECT count(DISTINCT x)::VARCHAR FROM b', target: 0.5 },
  { name: 'distinct by 10,000 customers', target: 0.5,
    ours: 'SELECT sum(c)::text FROM (SELECT tally.cardinality(tally.distinct_values(x)) AS c FROM g GROUP BY customer) AS z',
    theirs: 'SELECT sum(c)::VARCHAR FROM (SELECT count(DISTINCT x) AS c FROM g GROUP BY customer) AS z' },
  { name: 'count(x) of the same bigint: the scan alone', ours: 'SELECT count(x)::text FROM i', theirs: 'SELECT count(x)::VARCHAR FROM i' },
  { name: 'merge of stored summaries | sum', ours: 'SELECT tally.total(tally.merge(x))::text FROM s',
    theirs: 'SELECT sum(x)::VARCHAR FROM n' },
];

async function askDuck(duck, sql) {
  const began = process.hrtime.bigint();
  const result = await duck.runAndReadAll(sql);
  const ms = Number(process.hrtime.bigint() - began) / 1e6;
  return { ms, answer: String(result.getRows()[0][0]) };
}

async function copyRows(psql, duck, folder) {
  for (const [table, columns] of Object.entries(tables)) {
    const file = path.join(folder, `${table}.csv`);
    const names = Object.keys(columns).join(', ');
    await psql.run(`\\copy (SELECT ${names} FROM tally_bench.${table}) TO '${file}' (FORMAT csv)`);
    const shape = Object.entries(columns).map(([name, type]) => `${name} ${type}`).join(', ');
    await duck.run(`CREATE TABLE ${table} (${shape}); COPY ${table} FROM '${file}' (FORMAT csv, HEADER false)`);
    fs.unlinkSync(file);
    const copied = (await duck.runAndReadAll(`SELECT count(*)::VARCHAR FROM ${table}`)).getRows()[0][0];
    const held = await psql.run(`SELECT count(*) FROM tally_bench.${table};`);
    if (copied !== held) throw new Error(`table ${table}: ${held} rows in PostgreSQL, ${copied} in DuckDB`);
  }
  await duck.run('CHECKPOINT');
}

function requireEqual(name, ours, theirs) {
  const [exact, mean] = ours.split('|');
  const [theirExact, theirMean] = theirs.split('|');
  if (exact !== theirExact) throw new Error(`${name}: ours is ${exact}, DuckDB's is ${theirExact}`);
  if (mean !== undefined && !(Math.abs(mean - theirMean) <= 1e-9 * Math.abs(mean)))
    throw new Error(`${name}: our mean is ${mean}, DuckDB's is ${theirMean}`);
}

// Processor time in ms: of the backend, where it is a process of this machine; of this process, which is DuckDB's.
function backendTime(pid) {
  if (!pid || !fs.existsSync(`/proc/${pid}/stat`)) return NaN;
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10; // in hundredths of a second
}
function ownTime() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function measure(psql, pid, duck, question) {
  const ours = { ms: [], cpu: 0 };
  const theirs = { ms: [], cpu: 0 };
  for (let round = 0; round <= rounds; round += 1) {
    const before = backendTime(pid);
    const a = await psql.ask(question.ours);
    const between = [backendTime(pid), ownTime()];
    const b = await askDuck(duck, question.theirs);
    requireEqual(question.name, a.answer, b.answer);
    if (round === 0) continue; // the first fills the caches
    ours.ms.push(a.ms);
    theirs.ms.push(b.ms);
    ours.cpu += between[0] - before;
    theirs.cpu += ownTime() - between[1];
  }
  const a = median(ours.ms);
  const b = median(theirs.ms);
  const cpu = ours.cpu > 0 ? (theirs.cpu / ours.cpu).toFixed(2) : '';
  const judged = question.target ? [question.target.toFixed(2), b / a < question.target ? 'missed' : 'met'] : ['', ''];
  console.log(line(question.name, a.toFixed(0), b.toFixed(0), (b / a).toFixed(2), cpu, ...judged));
}

function line(name, ours, theirs, ratio, cpu, target, judged) {
  return name.padEnd(46) + [ours, theirs, ratio, cpu, target].map((text) => text.padStart(11)).join('') + (judged && `   ${judged}`);
}

async function main(folder) {
  const psql = new Psql(['-v', `rows=${rows}`]);
  const instance = await DuckDBInstance.create(path.join(folder, 'rows.duckdb'), { threads: '1' });
  const duck = await instance.connect();
  try {
    console.log(await psql.run(`\\i ${path.join(__dirname, 'aggregates/tables.sql').replace(/ /g, '\\ ')}`));
    await psql.run('SET max_parallel_workers_per_gather = 0;');
    await copyRows(psql, duck, folder);
    const local = (process.env.PGHOST || '/').startsWith('/');
    const pid = local && await psql.run('SELECT pg_backend_pid();');
    console.log(`\n${line(`ours | DuckDB's (${version()}, one thread)`, 'ours ms', 'theirs ms', 'ratio', 'cpu ratio', 'at least', 'target')}`);
    for (const question of questions) await measure(psql, pid, duck, question);
  } finally {
    await psql.run('DROP SCHEMA tally_bench CASCADE;').catch(() => {});
    psql.close();
    duck.closeSync();
    instance.closeSync();
  }
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'pgtally-duckdb.'));
const removeFolder = () => fs.rmSync(folder, { recursive: true, force: true });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => { removeFolder(); process.exit(1); });
main(folder).catch((error) => { console.error(`duckdb: ${error.message}`); process.exitCode = 1; }).finally(removeFolder);
