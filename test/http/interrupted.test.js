// What the database breaks off in the middle of a request: a statement or its connection ended by an administrator, a commit of which
// nobody knows, a question on a standby whose rows vacuum takes away. What reads is asked again, what changes only where it surely
// was not done.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { Cluster, call, isErrorAnswer, setUp, startTallyd, until } = require('./lib.js');

let s;
let family;
before(async () => {
  // Neither packs nor tells its health: those sessions would wait for the same locks, and be counted and ended with the others.
  s = await setUp(['--lock-timeout', '60', '--statement-timeout', '120', '--queue-timeout', '60', '--database-grace', '60', '--pack', '0', '--health', '0']);
  family = (await call(s.url, s.key, 'GET', '/api/v1/profile')).json.default_product_family_id;
});
after(() => s?.close());

const make = (name, headers) => call(s.url, s.key, 'POST', '/api/v1/metrics', { name, code: name, product_family_id: family, aggregation_type: 'COUNT' }, headers);
const made = (name) => s.cluster.psql(`SELECT count(*) FROM tally.metric WHERE code = '${name}'`);
const list = () => call(s.url, s.key, 'GET', '/api/v1/metrics');
const ofTallyd = (waiting) => `FROM pg_stat_activity WHERE usename = 'tallyd_login' AND ${waiting}`;
const waits = (waiting, count) => until(`${count} of tallyd's sessions to wait`, () => s.cluster.psql(`SELECT count(*) ${ofTallyd(waiting)}`) === String(count));
// Until a commit waits for a standby: the checkpointer tells the sessions of it, some moments after it was asked to. Those that tried.
async function commitsWait() {
  const sessions = [];
  const waiting = () => s.cluster.psql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'postgres' AND wait_event = 'SyncRep'") === '1';
  for (let done = 0, waits = false; !waits;) {
    sessions.push(s.cluster.session("SELECT pg_logical_emit_message(true, 'test', 'a commit')").then((one) => { done += 1; return one; }));
    await until('a commit to wait or to end', () => (waits = waiting()) || done === sessions.length);
  }
  return sessions;
}
const lockIt = () => s.cluster.session('BEGIN; LOCK TABLE tally.metric IN ACCESS EXCLUSIVE MODE');

test('a connection that is ended under a statement: a read and a change are done again, once', async () => {
  const lock = await lockIt();
  const answers = [list(), make('ended')];
  await waits("wait_event_type = 'Lock'", 2);
  s.cluster.psql(`SELECT pg_terminate_backend(pid) ${ofTallyd("wait_event_type = 'Lock'")}`);
  await waits("wait_event_type = 'Lock'", 2);
  await lock.end();
  assert.deepEqual((await Promise.all(answers)).map((answer) => answer.status), [200, 201]);
  assert.equal(made('ended'), '1');
});

test('a statement that is cancelled is not asked again: 503, and nothing is done', async () => {
  const lock = await lockIt();
  const answers = [list(), make('cancelled')];
  await waits("wait_event_type = 'Lock'", 2);
  s.cluster.psql(`SELECT pg_cancel_backend(pid) ${ofTallyd("wait_event_type = 'Lock'")}`);
  for (const answer of await Promise.all(answers)) {
    isErrorAnswer(assert, answer, 503, 'SERVICE_UNAVAILABLE');
    assert.ok(Number(answer.headers.get('retry-after')) >= 1);
  }
  await lock.end();
  assert.equal(made('cancelled'), '0');
  assert.equal((await make('cancelled')).status, 201, 'the client may do so');
});

test('a commit of which nobody knows is not tried a second time, unless the request has a key for that', async () => {
  // A commit waits for a standby that never comes; what it has done is there by then.
  s.cluster.psql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
  s.cluster.psql('SELECT pg_reload_conf()');
  const tried = await commitsWait();
  const answers = [make('unknown'), make('known', { 'idempotency-key': 'k1' })];
  await waits("wait_event = 'SyncRep'", 2);
  s.cluster.psql(`SELECT pg_terminate_backend(pid) ${ofTallyd("wait_event = 'SyncRep'")}`);
  s.cluster.psql('ALTER SYSTEM RESET synchronous_standby_names');
  s.cluster.psql('SELECT pg_reload_conf()');
  for (const one of await Promise.all(tried)) await one.end();
  isErrorAnswer(assert, await answers[0], 503, 'SERVICE_UNAVAILABLE');
  assert.match((await answers[0]).text, /unknown whether/);
  assert.equal((await answers[1]).status, 201, (await answers[1]).text);
  assert.equal(made('unknown'), '1');
  assert.equal(made('known'), '1');
});

test('a crash of the database under statements: a read is asked again, a change is not', async () => {
  await s.tallyd.ready();
  const lock = await lockIt();
  const answers = [list(), make('crashed')];
  await waits("wait_event_type = 'Lock'", 2);
  await s.cluster.kill9();
  s.cluster.start();
  assert.equal((await answers[0]).status, 200, (await answers[0]).text);
  isErrorAnswer(assert, await answers[1], 503, 'SERVICE_UNAVAILABLE');
  assert.match((await answers[1]).text, /unknown whether/);
  assert.equal(made('crashed'), '0');
  await lock.end();
});

test('a question on a standby that vacuum breaks off is asked again', async () => {
  const { id } = (await make('asked')).json;
  // A question that is never done as long as its snapshot shows a row, which is deleted and vacuumed meanwhile.
  s.cluster.psql(`CREATE TABLE public.held AS SELECT 1 AS one;
    ALTER FUNCTION tally_rest.metric_usage(integer, jsonb, jsonb, text) RENAME TO _metric_usage_at_once;
    CREATE FUNCTION tally_rest.metric_usage(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json LANGUAGE plpgsql STABLE
      SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ BEGIN
        WHILE EXISTS (SELECT FROM public.held) LOOP PERFORM pg_sleep(0.02); END LOOP;
        RETURN tally_rest._metric_usage_at_once(tenant_id, path, query, body); END $$;
    GRANT EXECUTE ON FUNCTION tally_rest.metric_usage(integer, jsonb, jsonb, text) TO PUBLIC`);
  const standby = new Cluster({ copyOf: s.cluster });
  let tallyd;
  try {
    standby.psql("ALTER SYSTEM SET max_standby_streaming_delay = '0'");
    standby.psql('SELECT pg_reload_conf()');
    tallyd = await startTallyd(s.cluster, ['--statement-timeout', '120', '--read-database', standby.conninfo()]);
    await tallyd.ready();
    const answer = call(tallyd.url, s.key, 'GET', `/api/v1/metrics/${id}/usage?from=2024-01-01&to=2024-02-01`);
    await until('the question', () => standby.psql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'tallyd_login' AND wait_event = 'PgSleep'") === '1');
    s.cluster.psql('DELETE FROM public.held');
    // More than once, where somebody on the primary still has a snapshot in which the row is there.
    await until('the standby to tell of it', () => {
      s.cluster.psql('VACUUM public.held');
      return Number(standby.psql("SELECT confl_snapshot FROM pg_stat_database_conflicts WHERE datname = 'tally'")) >= 1;
    });
    assert.equal((await answer).status, 200, (await answer).text);
    // Once at least: whatever else the primary clears away meanwhile breaks it off as well.
    assert.match((await call(tallyd.url, null, 'GET', '/metrics')).text, /^tallyd_statements_retried_total [1-9][0-9]*$/m);
  } finally {
    await tallyd?.stop();
    standby.remove();
  }
});
