// The promise of the design, as one test: usage equals what an independent oracle computes from the accepted events, to the last
// digit, at any moment. Sessions of every kind write, metrics are made and changed, packers pack, server and tallyd are killed;
// meanwhile random questions are put to pgtally and to the oracle in one snapshot.
// environment: PG_BINDIR, TALLYD as of test/http   PROPERTY_SECONDS (45)   PROPERTY_SEED (random; printed)
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { Cluster, sleep, startTallyd } = require('../http/lib.js');
const { Closings } = require('./closings.js');
const { Cuts } = require('./cuts.js');
const faces = require('./faces.js');
const { Random } = require('./random.js');
const { Sessions, isLost, quote } = require('./session.js');
const traffic = require('./traffic.js');
const { fittingWindows, instantText } = require('./windows.js');
const world = require('./world.js');

const seconds = Number(process.env.PROPERTY_SECONDS || 45);
const seed = Number(process.env.PROPERTY_SEED || Date.now() % 1e9);
const t = { stats: {}, random: new Random(seed), pause: 40, hold: 400, kinds: {}, rest: {}, doing: {} };
let cluster;
let tallyd;
let sessions;
const closings = new Closings();
const cuts = new Cuts();

before(async () => {
  console.log(`# seed ${seed}: PROPERTY_SEED=${seed} makes the same events and questions again`);
  cluster = new Cluster();
  cluster.psql("SELECT tally.create_tenant('test')");
  t.rest.key = cluster.psql("SELECT tally.create_api_key(name => 'test', scopes => '{read,write,admin}')");
  cluster.psql(fs.readFileSync(path.join(__dirname, 'oracle.sql'), 'utf8'));
  for (const [kind, code] of [['dual', 'value'], ['base', 'paid']]) {
    const definition = { code, kind, name: kind, aggregation_type: 'SUM', aggregation_key: 'n' };
    t.kinds[kind] = { code, id: cluster.psql(`SELECT oracle.create_metric(${quote(JSON.stringify(definition))})`) };
  }
  tallyd = await startTallyd(cluster);
  t.rest.url = tallyd.url;
  await tallyd.ready();
  sessions = new Sessions(cluster);
});
after(async () => {
  sessions?.killAll();
  await tallyd?.stop('SIGKILL');
  cluster?.remove();
});

// One REST client at a time goes through this gate; while it is closed no request is on its way.
const gate = { closed: null, inside: 0 };
async function quiet(work) {
  let open;
  gate.closed = new Promise((resolve) => { open = resolve; });
  try {
    for (let waited = 0; gate.inside > 0; waited += 1) {
      if (waited > 20000) throw new Error(`seed ${seed}: a request hangs: ${Object.entries(t.doing).map(([name, what]) => `${name}: ${what}`)}`);
      await sleep(2);
    }
    return await work();
  } finally {
    gate.closed = null;
    open();
  }
}

async function clientLoop(client) {
  while (!sessions.stopped) {
    while (gate.closed) await gate.closed;
    gate.inside += 1;
    try {
      await client.work();
    } catch (error) {
      sessions.failures.push(error);
      sessions.stopped = true;
    } finally {
      gate.inside -= 1;
    }
  }
}

// What REST clients tell the oracle, one after the other, and again until it is told.
let telling = Promise.resolve();
let teller = null;
t.tell = (statement) => {
  telling = telling.then(async () => {
    for (;;) {
      try {
        if (!teller || teller.closed) teller = sessions.connect('teller');
        return await teller.run(statement);
      } catch (error) {
        if (!isLost(error)) throw error;
        await sleep(100);
      }
    }
  });
  return telling;
};

function report(metric, question, lines, snapshot) {
  const shown = lines.slice(0, 12).concat(lines.length > 12 ? [`  ... and ${lines.length - 12} more`] : []).join('\n');
  throw new assert.AssertionError({
    message: `seed ${seed}: pgtally and the oracle differ\n  metric ${JSON.stringify(metric)}\n  question ${JSON.stringify(question)}\n  snapshot ${snapshot}\n${shown}`,
  });
}

// Moves a bound of a range to an event, or just behind it: there counting is most easily wrong.
async function sharpen(session, random, code, question) {
  for (const bound of ['from', 'to']) {
    if (!random.chance(0.8)) continue;
    const near = random.chance(0.3) ? question[bound] : Date.UTC(2024, 0, 1) * 1000 + random.below(600 * 86400) * 1e6;
    // A long run of one customer is searched for its bounds, shorter ones are walked through; and few runs are long.
    const seeksLong = random.chance(0.4);
    const long = `(customer_id, date_trunc('month', ts, 'UTC')) = (SELECT customer_id, date_trunc('month', ts, 'UTC') FROM oracle.event
      WHERE code = ${quote(code)} GROUP BY 1, 2 HAVING count(*) >= 300 ORDER BY hashtextextended(customer_id || min(ts), ${random.below(1e6)}) LIMIT 1)`;
    const found = await session.row(`SELECT (extract(epoch FROM ts) * 1000000)::bigint AS at, customer_id FROM oracle.event
      WHERE code = ${quote(code)} AND ${seeksLong ? `${long} ORDER BY hashtextextended(event_id, ${random.below(1e6)})` : `ts >= ${quote(instantText(near))} ORDER BY ts`} LIMIT 1`);
    if (!found) continue;
    question[bound] = found.at + random.pick([0, 0, 1]);
    if (random.chance(seeksLong ? 0.8 : 0.5)) question.customers = [found.customer_id];
  }
  if (question.from >= question.to) question.to = question.from + random.pick([1, 8, 1e6, 86400e6, 31 * 86400e6]);
  if (question.window && !fittingWindows(question.from, question.to, question.fill ? 12 : 400).includes(question.window)) question.window = null;
}

// Some questions in one snapshot, which other sessions leave behind meanwhile.
async function askSome(session, random, codes, most) {
  await session.run(`BEGIN ISOLATION LEVEL ${random.chance(0.9) ? 'REPEATABLE READ' : 'SERIALIZABLE'} READ ONLY`);
  const snapshot = (await session.run('SELECT pg_current_snapshot()')).trim();
  const metrics = await session.rows(`SELECT id, definition FROM oracle.metric WHERE definition ->> 'code' IN (${codes.map(quote).join(', ')}) ORDER BY id`);
  for (let n = random.between(1, most); n > 0 && metrics.length > 0; n -= 1) {
    const { id, definition } = random.pick(metrics);
    const metric = { ...definition, id };
    const what = random.next();
    let question = world.question(random);
    let lines;
    await sharpen(session, random, metric.code, question);
    if (what < 0.7) {
      lines = await faces.check(session, random, metric, question);
    } else if (what < 0.8) {
      question = { ...question, customers: question.customers?.slice(0, 1) ?? null, window: null, groups: [], fill: false };
      lines = await faces.checkExplanation(session, metric, question);
    } else if (what < 0.9) {
      question = 'the whole life';
      lines = await faces.checkLife(session, metric);
    } else {
      question = { code: random.pick(codes), ...(random.chance(0.5) ? world.range(random) : {}) };
      if (random.chance(0.5)) question.customer_id = random.pick(world.CUSTOMERS);
      if (random.chance(0.2)) question.source = random.pick(['', 's1']);
      lines = await faces.checkEvents(session, question, random.between(1, 200));
    }
    traffic.count(t.stats, 'questions');
    if (lines.length > 0) report(metric, question, lines, snapshot);
    if (random.chance(0.3)) await sleep(random.below(100));
  }
  await session.run('COMMIT');
}

async function askRest(session, random) {
  const { id, definition } = random.pick(await session.rows('SELECT id, definition FROM oracle.metric ORDER BY id'));
  const question = world.question(random);
  const lines = await faces.checkRest(session, id, question, t.rest);
  traffic.count(t.stats, 'questions over REST');
  if (lines.length > 0) report({ ...definition, id }, question, lines, 'its own');
}

async function restart(random) {
  const what = random.next();
  if (what < 0.3) {
    await tallyd.stop('SIGKILL');
    traffic.count(t.stats, 'kills of tallyd');
    tallyd = await startTallyd(cluster);
    t.rest.url = tallyd.url;
    return;
  }
  if (what < 0.8) cluster.stop('immediate');
  else await cluster.kill9();
  traffic.count(t.stats, 'kills of the server');
  cluster.start();
}

test('usage is what the oracle computes, at every moment', { timeout: (seconds + 180) * 1000 }, async () => {
  const end = Date.now() + seconds * 1000;
  const writers = [0, 1, 2].map((place) => new traffic.Writer(t, `w${place}`, place));
  const clients = [3, 4, 5].map((place) => new traffic.Client(t, `r${place}`, place));
  const definer = new traffic.Definer(t);
  const loops = [
    ...writers.map((writer) => sessions.loop(writer.maker.name, (session) => writer.work(session))),
    ...clients.map(clientLoop),
    sessions.loop('definer', (session) => definer.work(session)),
    ...['pack1', 'pack2'].map((name) => { const random = t.random.fork(name); return sessions.loop(name, (session) => traffic.pack(t, random, session)); }),
    ...Object.entries({ cuts, closings }).map(([name, what]) => { const random = t.random.fork(name); return sessions.loop(name, (session) => what.work(session, random)); }),
    ...['ask1', 'ask2'].map((name) => { const random = t.random.fork(name); return sessions.loop(name, (session) => askSome(session, random, world.SQL_CODES, 6)); }),
  ];
  const random = t.random.fork('main');
  const asker = t.random.fork('ask-rest');
  let nextKill = Date.now() + random.between(5000, 9000);
  try {
    // What the oracle adds up at the end grows with the events, and a fast machine sends many.
    while (Date.now() < end && !sessions.stopped && (t.stats.events ?? 0) < 2500 * seconds) {
      await sleep(random.between(300, 900));
      if (Date.now() > nextKill) {
        await restart(random);
        nextKill = Date.now() + random.between(6000, 12000);
      } else {
        await quiet(() => once('quiet', async (session) => {
          await askSome(session, asker, [...world.SQL_CODES, ...world.MIXED_CODES], 5);
          await askRest(session, asker);
        }));
      }
    }
  } catch (error) {
    sessions.failures.push(error);
  }
  sessions.stopped = true;
  await Promise.race([Promise.all(loops), new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`seed ${seed}: sessions hang: ${sessions.hanging()}`)), 60000).unref();
  })]);
  console.log(`# ${JSON.stringify({ ...t.stats, cuts: cuts.kept.size, 'answers as of a cut': cuts.asked, statements: closings.kept.size, 'refused to close twice': closings.refused, 'statements looked at': closings.checked, adjustments: closings.adjusted, lost: sessions.lost })}`);
  if (sessions.failures.length > 0) throw sessions.failures[0];
  assert.ok(t.stats.questions > seconds / 2, `only ${t.stats.questions} questions were asked`);
});

async function once(name, work) {
  await tallyd.ready();
  const session = sessions.connect(name);
  await session.run("SET tally.tenant = 'test'");
  await work(session);
  await session.end();
}

test('at the end every metric and every event is as the oracle has it', { timeout: (seconds + 600) * 1000 }, async () => {
  assert.equal(sessions.failures.length, 0, 'the store is not compared at the end: the test before failed');
  await once('end', async (session) => {
    const metrics = await session.rows('SELECT id, definition FROM oracle.metric ORDER BY id');
    const codes = [...world.SQL_CODES, ...world.MIXED_CODES];
    const random = t.random.fork('end');
    for (const { id, definition } of metrics) {
      const metric = { ...definition, id };
      const question = { ...world.question(random), from: 0, to: Date.UTC(2040, 0, 1) * 1000, window: random.pick(['year', '10 years', null]), groups: random.pick([[], ['customer_id']]), fill: false };
      for (const lines of [await faces.check(session, random, metric, question), await faces.checkRest(session, id, question, t.rest), await faces.checkLife(session, metric)]) {
        if (lines.length > 0) report(metric, question, lines, 'the last');
      }
    }
    assert.ok(cuts.kept.size > 2, `only ${cuts.kept.size} cuts were made`);
    for (const name of cuts.kept.keys()) assert.deepEqual(await cuts.differences(session, name), [], `seed ${seed}`);
    assert.ok(closings.kept.size > 1, `only ${closings.kept.size} periods were closed`);
    for (const id of [...closings.kept.keys()].slice(-8)) assert.deepEqual(await closings.check(session, id), [], `seed ${seed}`);
    // A slow machine closes few periods, and most are of customers with few events.
    if (closings.kept.size > 20) assert.ok(closings.refused > 0 && closings.adjusted > 0, `${closings.refused} were refused, ${closings.adjusted} lines adjusted`);
    for (const code of codes) {
      const lines = await faces.checkEvents(session, { code }, 200);
      if (lines.length > 0) report(null, { code }, lines, 'the last');
    }
    // Each event in one place, each identity an event's, and what is carried what the events come to.
    assert.equal(cluster.psql('SELECT * FROM tally.verify()').trim(), '', `seed ${seed}`);
  });
});
