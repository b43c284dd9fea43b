// Lanes to the database: what is slow delays nobody else; reads from a standby.
'use strict';

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');
const { Cluster, call, event, isErrorAnswer, setUp, startTallyd, until } = require('./lib.js');

let s;
let family;
before(async () => {
  s = await setUp();
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
    await until('the revocation', async () => (await call(tallyd.url, old, 'GET', '/api/v1/profile')).status === 401, 15000);
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
