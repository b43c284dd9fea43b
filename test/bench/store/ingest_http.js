// Ingest over HTTP: bodies of 1,000 events and files against COPY, single events against pgbench's prepared INSERTs. Part of ingest.js.
'use strict';

const { execFile, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { promisify } = require('node:util');
const { median } = require('../psql.js');
const { Connection, request, tallydOf } = require('./http.js');
const { cpuOfAll, watchMemory } = require('./processes.js');

const execute = promisify(execFile);
const seconds = Number(process.env.BENCH_SECONDS || 5);
const INSERT = `\\set c random(1, 10000)
\\set n random(0, 19)
\\set u random(0, 199999)
INSERT INTO tally_bench.single (tenant, customer, code, ts, event_id, properties) VALUES (1, 'customer-' || :c, 'code-' || :n, now(), gen_random_uuid()::text,
  ('{"value":' || :c || '.25,"region":"region-' || :n || '","model":"model-' || :n || '","user_id":"user-' || :u || '"}')::jsonb);
`;

// Processor time in ms of the server's backends that have ended, in ticks of 10 ms.
async function cpuOfEnded(store) {
  const [postmaster] = (await store.psql.run("SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1);")).split('\n');
  const fields = fs.readFileSync(`/proc/${postmaster}/stat`, 'latin1').split(') ')[1].split(' ');
  return (Number(fields[13]) + Number(fields[14])) * 10;
}

const bodyOf = (store, n) => store.psql.run(`SELECT body FROM tally_bench.coming WHERE n = ${n};`);

// tallyd with its backends, once it has them all.
async function processesOf(store, tallyd) {
  const backends = (await store.psql.run("SELECT string_agg(pid::text, ' ') FROM pg_stat_activity WHERE usename = 'tallyd_bench';")).split(' ').map(Number);
  return [tallyd.pid, ...backends];
}

// Sends requests, made beforehand, over so many connections at once: {ms, cpu}.
async function send(store, tallyd, requests, connections) {
  const open = Array.from({ length: connections }, () => new Connection(tallyd.port));
  const pids = await processesOf(store, tallyd);
  const before = cpuOfAll(pids);
  const began = process.hrtime.bigint();
  await Promise.all(open.map(async (connection, n) => {
    for (let i = n; i < requests.length; i += connections) {
      const answer = await connection.ask(requests[i]);
      if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.text.slice(0, 200)}`);
    }
  }));
  const ms = Number(process.hrtime.bigint() - began) / 1e6;
  const cpu = cpuOfAll(pids) - before;
  for (const connection of open) connection.end();
  return { ms, cpu };
}

async function bodies(store, first, count) {
  const made = [];
  for (let n = first; n < first + count; n += 1)
    made.push(`{"events":${await bodyOf(store, n)},"allow_backfilling":true}`);
  return made;
}

async function files(store, first, count, streams) {
  const made = Array.from({ length: streams }, () => []);
  for (let n = first; n < first + count; n += 1)
    made[n % streams].push(JSON.parse(await bodyOf(store, n)).map((event) => JSON.stringify(event)).join('\n'));
  return made.map((parts) => `${parts.join('\n')}\n`);
}

// The memory is the most that one process has had for itself.
async function measureBodies(store) {
  const tallyd = await tallydOf(store.psql);
  try {
    let watched = [];
    const watch = watchMemory(() => watched);
    const post = (target, made, type) => made.map((body) => request(tallyd.key, 'POST', target, body, type));
    const sides = [
      async (first, count) => send(store, tallyd, post('/api/v1/events/ingest', await bodies(store, first, count)), 4),
      (first, count) => store.copyPass(store, 2, first, count),
    ];
    watched = await processesOf(store, tallyd);
    const [body, copy] = await store.alternate(store, sides, store.batches);
    store.line('JSON bodies of 1,000, 4 connections | COPY on 2', body, copy, 0.7);
    sides[0] = async (first, count) => send(store, tallyd, post('/api/v1/events/import', await files(store, first, count, 2), 'application/x-ndjson'), 2);
    watched = await processesOf(store, tallyd);
    const [file, same] = await store.alternate(store, sides, store.batches * 2);
    store.line('NDJSON import, 2 streams | COPY on 2', file, same, 0.8);
    watched = await processesOf(store, tallyd);
    console.log(`${''.padEnd(52)} memory of a process, at most 200 MB: ${watch.stop().toFixed(0)} MB`);
  } finally {
    await tallyd.stop();
  }
}

// pgbench with so many clients: {rate, mean, p99, cpu}: events a second, ms, and us of the server's processor time an event.
async function inserts(store, clients) {
  const folder = fs.mkdtempSync(path.join(store.folder, 'log-'));
  const script = path.join(folder, 'insert.sql');
  fs.writeFileSync(script, INSERT);
  const before = await cpuOfEnded(store);
  await execute('pgbench', ['-n', '-M', 'prepared', '-c', String(clients), '-j', String(Math.min(clients, 2)), '-T', String(seconds), '-f', script, '-l', '--log-prefix', path.join(folder, 'times')]);
  const cpu = (await cpuOfEnded(store)) - before;
  const taken = [];
  for (const file of fs.readdirSync(folder).filter((name) => name.startsWith('times')))
    for (const row of fs.readFileSync(path.join(folder, file), 'latin1').split('\n')) if (row) taken.push(Number(row.split(' ')[2]) / 1000);
  taken.sort((a, b) => a - b);
  fs.rmSync(folder, { recursive: true });
  if (taken.length === 0) throw new Error('pgbench inserted nothing: this machine is too busy');
  return { cpu: cpu * 1000 / taken.length, rate: taken.length / seconds, mean: taken.reduce((a, b) => a + b, 0) / taken.length, p99: taken[Math.floor((taken.length - 1) * 0.99)], failed: 0 };
}

async function posts(store, tallyd, clients) {
  const pids = await processesOf(store, tallyd);
  const before = cpuOfAll(pids);
  const { stdout } = await execute(process.env.POST_CLIENTS, [String(tallyd.port), tallyd.key, String(clients), String(seconds)]);
  const [rate, mean, , p99, failed] = stdout.split(' ').map(Number);
  return { rate, mean, p99, failed, cpu: (cpuOfAll(pids) - before) * 1000 / (rate * seconds) };
}

async function pairs(store, clients, tallyd, others) {
  await store.psql.run('CALL tally_bench.settle(); TRUNCATE tally_bench.single; CHECKPOINT;');
  const taken = [];
  for (let round = 0; round <= Math.min(store.rounds, 3); round += 1) {
    const pair = [await posts(store, tallyd, clients), await inserts(store, others)];
    if (round > 0) taken.push(pair);
  }
  const side = (n) => Object.fromEntries(['rate', 'mean', 'p99', 'failed', 'cpu'].map((what) => [what, median(taken.map((pair) => pair[n][what]))]));
  return [side(0), side(1)];
}

async function measureSingle(store) {
  const limit = Number(spawnSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).stdout);
  const tallyd = await tallydOf(store.psql);
  const row = (name, ours, theirs, ratio, target) => console.log(`${name.padEnd(52)} ${ours.toFixed(1).padStart(9)} ${theirs.toFixed(1).padStart(9)} ${
    ratio.toFixed(2).padStart(7)}${target ? `   at least ${target.toFixed(2)}: ${ratio < target ? 'MISSED' : 'met'}` : ''}`);
  try {
    console.log('\nsingle events: requests a second');
    const [many, insert] = await pairs(store, 64, tallyd, 64);
    row('POSTs, 64 connections | INSERTs, 64 clients', many.rate, insert.rate, many.rate / insert.rate, 1.5);
    console.log(`${''.padEnd(52)} p99 ${many.p99.toFixed(1)} ms, at most 20 (INSERTs ${insert.p99.toFixed(1)}); ${many.failed} failed; processor time of the server ${many.cpu.toFixed(0)} us an event, INSERTs ${insert.cpu.toFixed(0)}: ${(insert.cpu / many.cpu).toFixed(2)}`);
    if (limit > 2100) {
      const [crowd, again] = await pairs(store, 1000, tallyd, 64);
      row('POSTs, 1,000 connections | INSERTs, 64 clients', crowd.rate, again.rate, crowd.rate / again.rate, 1.5 * 0.9);
      row('the same | POSTs, 64 connections', crowd.rate, many.rate, crowd.rate / many.rate, 0.9);
      console.log(`${''.padEnd(52)} p99 ${crowd.p99.toFixed(1)} ms; ${crowd.failed} failed; processor time ${crowd.cpu.toFixed(0)} us an event`);
    } else console.log(`1,000 connections are not measured: ulimit -n is ${limit}`);
    const [lone, one] = await pairs(store, 1, tallyd, 1);
    row('one lone client, latency in ms | one INSERT', lone.mean, one.mean, one.mean / lone.mean, 1 / 1.5);
  } finally {
    await tallyd.stop();
  }
}

module.exports = { measureBodies, measureSingle };
