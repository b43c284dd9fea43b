// Benchmark of ingest: tally.ingest, bodies over HTTP, files and single events, against COPY and pgbench's INSERTs of the same
// rows into a plain table with one unique key (tenant, event_id); A B A B in one run, medians. All on one durable server.
// usage: ingest.sh, which starts the server      (environment: BENCH_EVENTS, ROUNDS, BENCH_SECONDS, BENCH_BATCHES)
// What is stored has ids of its own in each pass. Before each row what was stored is packed and sealed, as tallyd would in time.
'use strict';

const path = require('node:path');
const { Psql, median } = require('./psql.js');
const { cpuOfAll } = require('./store/processes.js');
const { measureBodies, measureSingle } = require('./store/ingest_http.js');

const events = Number(process.env.BENCH_EVENTS || 1000000);
const rounds = Number(process.env.ROUNDS || 5);
const batches = Number(process.env.BENCH_BATCHES || 50); // of 1,000 events, in one pass
const folder = process.env.BENCH_ROWS;

const script = (name) => `\\i ${path.join(__dirname, 'store', name)}`;
const walAt = async (psql) => Number(await psql.run("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn;"));

// Runs one CALL on each session at once: {ms, cpu, wal, events} of all together.
async function together(store, calls) {
  const pids = store.pids.slice(0, calls.length);
  const before = { cpu: cpuOfAll(pids), wal: await walAt(store.psql), at: process.hrtime.bigint() };
  await Promise.all(calls.map((call, n) => store.sessions[n].run(call)));
  const ms = Number(process.hrtime.bigint() - before.at) / 1e6;
  return { ms, cpu: cpuOfAll(pids) - before.cpu, wal: (await walAt(store.psql)) - before.wal };
}

// The batches of one pass, shared among so many connections.
function ingestPass(store, connections, first, count) {
  return together(store, Array.from({ length: connections }, (_, n) => `CALL tally_bench.ingest(${first + n}, ${first + count - 1}, ${connections});`));
}
function copyPass(store, connections, first, count) {
  return together(store, Array.from({ length: connections }, (_, n) => `CALL tally_bench.copy('${folder}', ${first + n}, ${first + count - 1}, ${connections});`));
}

// Sides take turns over rounds; each side is a function of the first batch of its pass. The first round warms up.
async function alternate(store, sides, count, times = rounds) {
  await store.psql.run(`CALL tally_bench.prepare(${(times + 1) * count}, '${folder}'); CALL tally_bench.settle(); VACUUM; CHECKPOINT;`);
  const taken = sides.map(() => []);
  for (let round = 0; round <= times; round += 1) {
    for (const [n, side] of sides.entries()) {
      const pass = await side(round * count, count);
      if (round > 0) taken[n].push(pass);
    }
  }
  return taken.map((passes) => ({
    rate: median(passes.map((pass) => count * 1e6 / pass.ms)),
    cpu: median(passes.map((pass) => pass.cpu)) / count, // us an event
    wal: median(passes.map((pass) => pass.wal ?? 0)) / (count * 1000),
  }));
}

function head() {
  console.log(`\n${'ingest'.padEnd(52)} ${'ours/s'.padStart(9)} ${'theirs/s'.padStart(9)} ${'ratio'.padStart(7)} ${'by cpu'.padStart(7)}  us an event, ours and theirs`);
}

function line(name, ours, theirs, target) {
  const judged = target ? `   at least ${target}: ${ours.rate / theirs.rate < target ? 'MISSED' : 'met'}` : '';
  console.log(`${name.padEnd(52)} ${ours.rate.toFixed(0).padStart(9)} ${theirs.rate.toFixed(0).padStart(9)} ${(ours.rate / theirs.rate).toFixed(2).padStart(7)} ${
    (theirs.cpu / ours.cpu).toFixed(2).padStart(7)}  ${ours.cpu.toFixed(1)} ${theirs.cpu.toFixed(1)}${judged}`);
}

async function measureBatches(store) {
  const results = [];
  for (const connections of [1, 2]) {
    const [ours, theirs] = await alternate(store, [(first, count) => ingestPass(store, connections, first, count),
      (first, count) => copyPass(store, connections, first, count)], batches);
    line(`tally.ingest, 1,000 a call, ${connections} connection${connections > 1 ? 's' : ''} | COPY`, ours, theirs, store.filled ? 1.5 : 0.8);
    console.log(`${''.padEnd(52)} WAL bytes an event: ${ours.wal.toFixed(0)} and ${theirs.wal.toFixed(0)}`);
    if (store.filled) line('the same | itself in an empty store', ours, store.empty[connections - 1], 0.9);
    results.push(ours);
  }
  return results;
}

async function measureMetrics(store) {
  const as = (tenant) => async (first, count) => {
    await store.sessions[0].run(`SET tally.tenant = '${tenant}';`);
    return ingestPass(store, 1, first, count);
  };
  const [ours, theirs] = await alternate(store, [as('metered'), as('bench')], batches);
  line('with 20 metrics | without', ours, theirs, 0.95);
}

// Packing is measured by processor time: how many events a second of it packs, and how many it ingests.
async function measurePacking(store) {
  const count = batches * 4;
  let packed = [];
  const step = (call) => () => together(store, [call]);
  const [ingest, pack, seal] = await alternate(store, [(first) => ingestPass(store, 1, first, count),
    async () => { const pass = await step("CALL tally.pack(1000, '1 hour');")(); packed.push(pass); return pass; },
    step('CALL tally_bench.settle();')], count, 3);
  packed = packed.map((pass) => pass.ms.toFixed(0));
  console.log(`${'packing | ingest on one connection, processor time'.padEnd(52)} ${(1e6 / pack.cpu).toFixed(0).padStart(9)} ${(1e6 / ingest.cpu).toFixed(0).padStart(9)} ${
    (ingest.cpu / pack.cpu).toFixed(2).padStart(7)}          ${pack.cpu.toFixed(1)} ${ingest.cpu.toFixed(1)}   at least 3: ${ingest.cpu / pack.cpu < 3 ? 'MISSED' : 'met'}`);
  console.log(`${''.padEnd(52)} the rest of packing (leavings, merges) and sealing: ${seal.cpu.toFixed(1)} us an event`);
}

async function fill(store) {
  const began = Date.now();
  for (let first = 0; first < events; first += 1000000)
    await store.sessions[0].run(`CALL tally_bench.load(${first}, 10000, ${Math.min(events, first + 1000000)}); CALL tally.pack(1000, '1 hour');`);
  await store.sessions[0].run('CALL tally_bench.settle();');
  const ours = Date.now() - began;
  await store.psql.run('TRUNCATE tally_bench.plain; CALL tally_bench.fill_plain(); VACUUM ANALYZE;');
  console.log(`\n${events} events stored in both (ours in ${(ours / 1000).toFixed(0)} s, the plain table in ${((Date.now() - began - ours) / 1000).toFixed(0)} s)`);
  store.filled = true;
}

// Bytes of an identity, sealed and recent: ours are packed and sealed, then some come.
async function measureIdentities(store) {
  const bytes = (table) => store.psql.run(`SELECT pg_total_relation_size('tally.${table}');`);
  await store.psql.run(`CALL tally_bench.prepare(200, '${folder}'); CALL tally_bench.settle(); VACUUM FULL tally.recent_identity;`);
  const entries = Number(await store.psql.run("SELECT coalesce(sum(entries), 0) FROM tally.identity_run WHERE state <> 'obsolete';"));
  const blocks = Number(await store.psql.run("SELECT coalesce(sum(pg_column_size(data)), 0) FROM tally.sealed_identity WHERE run_id IN (SELECT run_id FROM tally.identity_run WHERE state <> 'obsolete');"));
  console.log(`\nbytes of a sealed identity (at most 32): ${(blocks / entries).toFixed(1)} in blocks, ${(Number(await bytes('sealed_identity')) / entries).toFixed(1)} with the free room of its table`);
  await ingestPass(store, 1, 0, 200);
  const recent = Number(await store.psql.run('SELECT count(*) FROM tally.recent_identity;'));
  if (recent > 0) console.log(`bytes of a recent identity (at most 130): ${(Number(await bytes('recent_identity')) / recent).toFixed(1)}`);
}

async function makeStore() {
  const store = { psql: new Psql([]), sessions: [new Psql([]), new Psql([])], filled: false, folder, rounds, batches, alternate, copyPass, line };
  await store.psql.run(`SET client_min_messages = warning;\n\\set events ${Math.max(events, batches * 16000, (rounds + 1) * batches * 2000)}\n\\set days 90\n${script('events.sql')}\n${script('arrival.sql')}`);
  await store.psql.run("SELECT tally.create_tenant('metered'); SET tally.tenant = 'metered';");
  for (let n = 0; n < 20; n += 1) await store.psql.run(`SELECT tally.create_metric('code-${n}', 'SUM', aggregation_key => 'value', name => 'sum ${n}');`);
  await store.psql.run("SELECT tally.create_tenant('bench'); SET tally.tenant = 'bench';");
  store.pids = [];
  for (const session of store.sessions) store.pids.push(Number(await session.run("SET tally.tenant = 'bench'; SET client_min_messages = warning; SELECT pg_backend_pid();")));
  return store;
}

async function main() {
  const store = await makeStore();
  const chosen = (process.env.BENCH_PARTS || 'batches metrics packing bodies single large identities').split(' ');
  try {
    head();
    if (chosen.includes('batches')) store.empty = await measureBatches(store);
    if (chosen.includes('metrics')) await measureMetrics(store);
    await store.sessions[0].run("SET tally.tenant = 'bench';");
    if (chosen.includes('packing')) await measurePacking(store);
    if (chosen.includes('bodies')) await measureBodies(store);
    if (chosen.includes('single')) await measureSingle(store);
    if (chosen.includes('large')) {
      await fill(store);
      head();
      await measureBatches(store);
    }
    if (chosen.includes('identities')) await measureIdentities(store);
  } finally {
    for (const one of [store.psql, ...store.sessions]) one.close();
  }
}

main().catch((error) => { console.error(`ingest: ${error.message}`); process.exitCode = 1; }).finally(() => process.exit());
