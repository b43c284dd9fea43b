// The questions of usage.js while 20,000 events a second arrive and packing runs, against the same on an idle store: p99.
'use strict';

const { Psql } = require('../psql.js');

const seconds = Number(process.env.BENCH_SECONDS || 10);
const at = (list, share) => [...list].sort((a, b) => a - b)[Math.floor((list.length - 1) * share)];

// What arrives: batches of 1,000 events, made beforehand, one each 50 ms, by two sessions.
async function prepare(psql, batches) {
  await psql.run('CREATE UNLOGGED TABLE tally_bench.coming (n integer, body text); ALTER TABLE tally_bench.coming ALTER body SET STORAGE EXTERNAL;');
  await psql.run(`UPDATE tally_bench.feed SET event_id = gen_random_uuid() WHERE n < ${batches * 1000};
    INSERT INTO tally_bench.coming SELECT b, tally_bench.batch(b * 1000, 1000) FROM generate_series(0, ${batches} - 1) b; CREATE INDEX ON tally_bench.coming (n);
    CREATE PROCEDURE tally_bench.arrive(first integer, step integer, lasting interval) LANGUAGE plpgsql AS $$
    DECLARE
        began timestamptz := clock_timestamp();
        at integer := first;
        x text;
    BEGIN
        WHILE clock_timestamp() < began + lasting LOOP
            SELECT body INTO x FROM tally_bench.coming c WHERE c.n = at;
            EXIT WHEN x IS NULL;
            PERFORM count(*) FROM tally.ingest(x, true);
            COMMIT;
            at := at + step;
            PERFORM pg_sleep(greatest(0, 0.05 * (at - first) - extract(epoch FROM clock_timestamp() - began)));
        END LOOP;
    END $$;`);
}

async function measureBusy(psql, questions, pack, times, show) {
  const batches = seconds * 20 + 40;
  await prepare(psql, batches);
  const idle = new Map();
  for (const question of questions) idle.set(question, at(await times(psql, question.ours, question.times * 10), 0.99));
  const others = [0, 1, 2].map(() => new Psql([]));
  for (const other of others) await other.run("SET tally.tenant = 'bench';");
  const stored = Number(await psql.run('SELECT coalesce(max(last_value), 0) FROM tally.event_seq;'));
  const began = Date.now();
  const running = others.slice(0, 2).map((other, n) => other.run(`CALL tally_bench.arrive(${n}, 2, '${seconds} s');`));
  let arriving = true;
  // In rounds with a rest between them, as tallyd packs.
  const packing = (async () => {
    while (arriving && pack) {
      await others[2].run(`CALL tally.${pack}();`);
      await new Promise((resolve) => { setTimeout(resolve, 2000); });
    }
  })();
  const taken = new Map(questions.map((question) => [question, []]));
  while (Date.now() - began < (seconds - 1) * 1000) {
    for (const question of questions) taken.get(question).push(...await times(psql, question.ours, Math.min(question.times, 5)));
  }
  await Promise.all(running);
  const rate = (Number(await psql.run('SELECT max(last_value) FROM tally.event_seq;')) - stored) / ((Date.now() - began) / 1000);
  arriving = false;
  await packing;
  for (const other of others) other.close();
  console.log(`\np99 in ms while ${rate.toFixed(0)} events/s arrive${pack ? ' and packing runs' : ''}, and idle; at most 3 times as long:`);
  for (const question of questions) {
    const busy = at(taken.get(question), 0.99);
    console.log(`${question.name.padEnd(56)} ${show(busy).padStart(10)} ${show(idle.get(question)).padStart(10)} ${(busy / idle.get(question)).toFixed(2).padStart(9)}`);
  }
}

module.exports = { measureBusy };
