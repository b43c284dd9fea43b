// Lanes to the database: what is slow delays nobody else; reads from a standby.
'use strict';

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');
const { Cluster, call, event, isErrorAnswer, setUp, startTallyd, until } = require('./lib.js');

let s;
let family;
before(async () => {
  // Who looks at all tables now and then would meet whoever locks several: a deadlock.
  s = await setUp(['--health', '0', '--pack', '0']);
  family = (await call(s.url, s.key, 'GET', '/api/v1/profile')).json.default_product_family_id;
});
after(() => s?.close());

const metric = (name) => ({ name, code: name, product_family_id: family, aggregation_type: 'COUNT' });
const usage = (url, id, key = s.key) => call(url, key, 'GET', `/api/v1/metrics/${id}/usage?from=2024-01-01T00:00:00Z&to=2024-02-01T00:00:00Z`);

test('lists and searches that hang delay no quick read, no change and no ingest', async () => {
  const { json } = await call(s.url, s.key, 'POST', '/api/v1/metrics', metric('before'));
  const lock = await s.cluster.session('BEGIN; LOCK TABLE tally.import_batch IN ACCESS EXCLUSIVE MODE');
  const slow = Array.from({ length: 40 }, () => call(s.url, s.key, 'GET', '/api/v1/imports'));
  let answered = 0;
  for (const one of slow) one.then(() => { answered += 1; });
  await until('a queue', async () => /tallyd_queue_requests\{lane="\w+"\} [1-9]/.test((await call(s.url, null, 'GET', '/metrics')).text));
  assert.equal((await call(s.url, s.key, 'POST', '/api/v1/metrics', metric('beside'))).status, 201);
  assert.equal((await usage(s.url, json.id)).status, 200);
  assert.equal((await call(s.url, s.key, 'POST', '/api/v1/events/ingest', { events: [event()] })).json.accepted, 1);
  assert.equal((await call(s.url, null, 'GET', '/readyz')).status, 200);
  assert.equal(answered, 0, 'the lists still wait');
  await lock.end();
  for (const one of await Promise.all(slow)) assert.equal(one.status, 200, one.text);
});

test('explanations, groups and filters over all customers and rows as CSV that hang delay neither: the document says that they are slow', async () => {
  const { json } = await call(s.url, s.key, 'POST', '/api/v1/metrics', metric('explained'));
  const signature = s.cluster.psql("SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'tally_rest'::regnamespace AND proname = 'metric_usage'");
  // What only the lane of slow reads has to come to: the question itself waits where it is one of these.
  s.cluster.psql(`ALTER FUNCTION ${signature} RENAME TO _metric_usage_at_once; CREATE FUNCTION tally_rest.metric_usage(tenant_id integer, path jsonb, query jsonb, body text) RETURNS json LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ BEGIN IF query ? 'fill' THEN PERFORM pg_advisory_xact_lock_shared(77); END IF; RETURN tally_rest._metric_usage_at_once(tenant_id, path, query, body); END $$;
    GRANT EXECUTE ON FUNCTION tally_rest.metric_usage(integer, jsonb, jsonb, text) TO PUBLIC`);
  const range = `/api/v1/metrics/${json.id}/usage?from=2024-01-01&to=2024-02-01`;
  for (const [query, accept] of [['explain=true', '*/*'], ['group_by=region', '*/*'], ['filter[region]=eu', '*/*'], ['window=day', 'text/csv']]) {
    const lock = await s.cluster.session('SELECT pg_advisory_lock(77)');
    const slow = Array.from({ length: 20 }, () => call(s.url, s.key, 'GET', `${range}&fill=true&${query}`, undefined, { accept }));
    let answered = 0;
    for (const one of slow) one.then(() => { answered += 1; });
    await until(`a queue of ${query}`, async () => /tallyd_queue_requests\{lane="slow_read"\} [1-9]/.test((await call(s.url, null, 'GET', '/metrics')).text));
    assert.equal((await call(s.url, s.key, 'POST', '/api/v1/metrics', metric(`beside ${query}`))).status, 201);
    assert.equal((await call(s.url, s.key, 'GET', range)).status, 200);
    assert.equal((await call(s.url, s.key, 'GET', `${range}&group_by=region&filter[region]=eu&customer_id=c`)).status, 200);
    assert.equal(answered, 0, `those with ${query} still wait`);
    await lock.end();
    for (const one of await Promise.all(slow)) assert.equal(one.status, 200, one.text);
  }
  s.cluster.psql(`DROP FUNCTION tally_rest.metric_usage(integer, jsonb, jsonb, text); ALTER FUNCTION tally_rest._metric_usage_at_once(integer, jsonb, jsonb, text) RENAME TO metric_usage`);
});

test('closings, corrections in bulk, voided imports and forgotten customers that hang delay no other change', async () => {
  const tallyd = await startTallyd(s.cluster, ['--lock-timeout', '60', '--health', '0', '--pack', '0']);
  await tallyd.ready();
  const lock = await s.cluster.session('BEGIN; LOCK TABLE tally.statement, tally.correction_batch, tally.import_batch, tally.erasure IN ACCESS EXCLUSIVE MODE');
  const post = (path, body) => call(tallyd.url, s.key, 'POST', path, body);
  const first = post('/api/v1/statements', { from: '2024-01-01', to: '2024-02-01' });
  await until('the first closing', () => Number(s.cluster.psql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%create_statement%'")) === 1);
  const slow = [first, ...[
    () => post('/api/v1/statements', { from: '2024-01-01', to: '2024-02-01' }),
    () => post('/api/v1/corrections', { reason: 'wrong', code: 'before' }),
    () => post('/api/v1/corrections/cor_0000000000000000000000/restore', { reason: 'right' }),
    () => call(tallyd.url, s.key, 'DELETE', '/api/v1/imports/imp_0000000000000000000000'),
    () => post('/api/v1/customers/c/forget', { properties: ['name'], reason: 'asked' }),
  ].flatMap((send) => Array.from({ length: 4 }, send))];
  let answered = 0;
  for (const one of slow) one.then(() => { answered += 1; });
  await until('a queue', async () => /tallyd_queue_requests\{lane="slow_write"\} 20/.test((await call(tallyd.url, null, 'GET', '/metrics')).text));
  assert.equal((await post('/api/v1/metrics', metric('beside closings'))).status, 201);
  assert.equal((await post('/api/v1/events/ingest', { events: [event()] })).json.accepted, 1);
  assert.equal(answered, 0, 'they still wait');
  await lock.end();
  for (const one of await Promise.all(slow)) assert.ok(one.status < 500, one.text);
  await tallyd.stop();
});

test('changes that wait for a transaction give way soon: those of others are made', async () => {
  const one = event();
  await call(s.url, s.key, 'POST', '/api/v1/events/ingest', { events: [one] });
  const lock = await s.cluster.session(`BEGIN; SET tally.tenant = 'test'; SELECT tally.void_event('${one.event_id}', 'x')`);
  const voids = Array.from({ length: 4 }, () => call(s.url, s.key, 'POST', `/api/v1/events/${one.event_id}/void`, { reason: 'y' }));
  await until('waiting ones', () => Number(s.cluster.psql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")) >= 2);
  assert.equal((await call(s.url, s.key, 'POST', '/api/v1/metrics', metric('meanwhile'))).status, 201);
  for (const answer of await Promise.all(voids)) {
    isErrorAnswer(assert, answer, 503, 'SERVICE_UNAVAILABLE');
    assert.match(answer.text, /another transaction/);
  }
  await lock.end();
  assert.ok((await call(s.url, s.key, 'POST', `/api/v1/events/${one.event_id}/void`, { reason: 'y' })).status < 300);
});

describe('a standby for reading', () => {
  let standby, tallyd;
  before(async () => {
    standby = new Cluster({ copyOf: s.cluster });
    tallyd = await startTallyd(s.cluster, ['--read-database', standby.conninfo()]);
    await tallyd.ready();
  });
  after(async () => {
    await tallyd?.stop();
    standby?.remove();
  });
  const caughtUp = () => until('the standby', () => standby.psql(`SELECT pg_last_wal_replay_lsn() >= '${s.cluster.psql('SELECT pg_current_wal_lsn()')}'`) === 't');
  const isFromStandby = (answer) => {
    assert.equal(answer.status, 200, answer.text);
    assert.match(answer.headers.get('x-replica-lag'), /^\d+(\.\d+)?$|^unknown$/);
  };

  test('answers what reads and says how far behind it may be; what changes goes to the primary', async () => {
    const made = await call(tallyd.url, s.key, 'POST', '/api/v1/metrics', metric('followed'));
    assert.equal(made.status, 201, made.text);
    assert.equal(made.headers.get('x-replica-lag'), null);
    await caughtUp();
    isFromStandby(await usage(tallyd.url, made.json.id));
    isFromStandby(await call(tallyd.url, s.key, 'GET', '/api/v1/events'));
    assert.equal((await call(tallyd.url, s.key, 'POST', '/api/v1/events/ingest', { events: [event()] })).json.accepted, 1);
    assert.equal((await usage(s.url, made.json.id)).headers.get('x-replica-lag'), null, 'without a standby nothing is said');
  });

  test('keys are those of the primary, however far behind the standby is', async () => {
    const old = s.cluster.psql("SELECT tally.create_api_key(name => 'old', scopes => '{read}')");
    await caughtUp();
    standby.psql('SELECT pg_wal_replay_pause()');
    await until('the pause', () => standby.psql('SELECT pg_get_wal_replay_pause_state()') === 'paused');
    isFromStandby(await call(tallyd.url, old, 'GET', '/api/v1/profile'));
    const fresh = s.cluster.psql("SELECT tally.create_api_key(name => 'fresh', scopes => '{read}')");
    assert.equal((await call(tallyd.url, fresh, 'GET', '/api/v1/profile')).status, 200);
    s.cluster.psql(`SELECT tally.revoke_api_key('${old}')`);
    await until('the revocation', async () => (await call(tallyd.url, old, 'GET', '/api/v1/profile')).status === 401);
    isErrorAnswer(assert, await call(tallyd.url, old, 'GET', '/api/v1/profile'), 401, 'UNAUTHORIZED');
    standby.psql('SELECT pg_wal_replay_resume()');
  });

  test('when it is gone reads are 503 and the rest goes on', async () => {
    standby.stop('immediate');
    await until('refusals', async () => (await call(tallyd.url, s.key, 'GET', '/api/v1/profile')).status === 503);
    assert.equal((await call(tallyd.url, null, 'GET', '/readyz')).status, 200);
    assert.equal((await call(tallyd.url, s.key, 'POST', '/api/v1/events/ingest', { events: [event()] })).json.accepted, 1);
  });
});
