// `make run DEMO=live`: test/sample/trickle.pl sends flights of this moment, outlives a tallyd that is away, and ends when it is told to.
'use strict';

const assert = require('node:assert/strict');
const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { call, setUp, until } = require('./lib.js');

const PROGRAM = path.join(__dirname, '../sample/trickle.pl');

let s;
let child;
before(async () => { s = await setUp(); });
after(async () => {
  child?.kill('SIGKILL');
  await s?.close();
});

test('flights come, of now, each counted once, until SIGTERM', async () => {
  const key = path.join(s.cluster.dir, 'key');
  fs.writeFileSync(key, `${s.key}\n`);
  const family = (await call(s.url, s.key, 'GET', '/api/v1/profile')).json.product_families[0].id;
  const metric = (await call(s.url, s.key, 'POST', '/api/v1/metrics', { code: 'flight', name: 'flights', slug: 'flights', aggregation_type: 'COUNT', product_family_id: family })).json;
  child = spawn(PROGRAM, [s.url, key, '200'], { stdio: ['ignore', 'ignore', 'pipe'] });
  let complaints = '';
  child.stderr.on('data', (data) => { complaints += data; });
  const ended = new Promise((resolve) => { child.on('exit', (code, signal) => resolve(signal)); });
  const since = new Date(Date.now() - 3600e3).toISOString();
  const sum = async () => Number((await call(s.url, s.key, 'GET', `/api/v1/metrics/${metric.id}/usage?from=${since}&to=2100-01-01`)).json.total?.value ?? 0);
  await until('a hundred flights', async () => await sum() >= 100);
  const newest = (await call(s.url, s.key, 'GET', '/api/v1/events?limit=1')).json.data[0];
  assert.ok(Math.abs(Date.parse(newest.timestamp) - Date.now()) < 60e3);
  assert.match(newest.customer_id, /^[A-Z]{3}$/);
  // Some are sent twice on purpose.
  await until('duplicates', async () => /tallyd_events_total\{verdict="duplicate"\} [1-9]/.test((await call(s.url, null, 'GET', '/metrics')).text));
  assert.equal(complaints, '');
  child.kill('SIGTERM');
  assert.equal(await ended, 'SIGTERM');
});

test('a wrong rate is told', () => {
  const done = spawnSync(PROGRAM, ['http://127.0.0.1:1', '/dev/null', 'many'], { encoding: 'utf8' });
  assert.notEqual(done.status, 0);
  assert.match(done.stderr, /events per second must be a number/);
});
