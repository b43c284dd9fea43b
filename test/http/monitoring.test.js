// Monitoring: /metrics tells how the store is; the dashboards and alert rules of httpd/monitoring name what there is, and Debian's
// prometheus (environment: PROMETHEUS, the folder with its two programs) takes all of it.
'use strict';

const assert = require('node:assert/strict');
const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { call, event, setUp, until } = require('./lib.js');

const FOLDER = path.join(__dirname, '../../httpd/monitoring');
const PROGRAMS = process.env.PROMETHEUS || path.join(__dirname, '../../.build/prometheus');
const lacking = fs.existsSync(path.join(PROGRAMS, 'promtool')) ? false : 'prometheus is not installed';

const read = (name) => fs.readFileSync(path.join(FOLDER, name), 'utf8');
const dashboard = (name) => JSON.parse(read(name));
const scrape = async (url) => (await call(url, null, 'GET', '/metrics')).text;
const value = (text, line) => { const found = text.split('\n').find((one) => one.startsWith(`${line} `)); return found && Number(found.slice(line.length + 1)); };
const promtool = (args, input) => spawnSync(path.join(PROGRAMS, 'promtool'), args, { encoding: 'utf8', input });

let s;
let work;
before(async () => {
  s = await setUp(['--health', '0.1']);
  work = fs.mkdtempSync(path.join(os.tmpdir(), 'tally-monitoring-'));
});
after(async () => {
  await s?.close();
  if (work) fs.rmSync(work, { recursive: true, force: true });
});

test('/metrics tells how the store is, some moments later', async () => {
  await call(s.url, s.key, 'POST', '/api/v1/events/ingest', { events: [event(), event(), event()] });
  s.cluster.psql("SELECT count(*) FROM tally.verify(); SELECT tally.set_limits(events_per_month => 3)");
  const text = await until('what was done', async () => {
    const now = await scrape(s.url);
    return value(now, 'tallyd_store_recent_events') + value(now, 'tallyd_store_packed_events') === 3 && value(now, 'tallyd_store_limits_reached') === 1 && now;
  });
  assert.equal(value(text, 'tallyd_store_up'), 1);
  assert.equal(value(text, 'tallyd_store_tenants'), 1);
  assert.equal(value(text, 'tallyd_store_events_last_day'), 3);
  assert.equal(value(text, 'tallyd_store_problems'), 0);
  assert.equal(value(text, 'tallyd_store_limits_near'), 1);
  assert.ok(Math.abs(value(text, 'tallyd_store_newest_event_timestamp_seconds') - Date.now() / 1000) < 600);
  assert.ok(value(text, 'tallyd_store_size_bytes{kind="recent"}') > 0);
  assert.ok(value(text, 'tallyd_store_health_duration_seconds') < 5);
  s.cluster.psql('SELECT tally.set_limits()');
});

test('where the store cannot be asked no old figure is shown, and all is back by itself', async () => {
  s.cluster.psql('ALTER FUNCTION tally_rest.health() RENAME TO unhealthy');
  const text = await until('the failure', async () => { const now = await scrape(s.url); return value(now, 'tallyd_store_up') === 0 && now; });
  assert.equal(value(text, 'tallyd_store_tenants'), undefined);
  assert.equal((await call(s.url, null, 'GET', '/readyz')).status, 200);
  await until('the log', () => s.tallyd.log().some((line) => JSON.stringify(line).includes('health_unknown')));
  s.cluster.psql('ALTER FUNCTION tally_rest.unhealthy() RENAME TO health');
  await until('the store', async () => value(await scrape(s.url), 'tallyd_store_up') === 1);
});

test('/metrics does not wait for the store', async () => {
  const holder = await s.cluster.session('BEGIN; LOCK TABLE tally.tenant IN ACCESS EXCLUSIVE MODE');
  try {
    const begin = Date.now();
    for (let n = 0; n < 20; n += 1) await scrape(s.url);
    assert.ok(Date.now() - begin < 5000);
  } finally {
    await holder.end();
  }
});

// Every name that an expression of PromQL reads.
const names = (expression) => [...expression.matchAll(/\btallyd_[a-z_]+/g)].map((found) => found[0]);

test('every metric that the dashboard and the rules name is there, and all of them have panels or rules of their own room', async () => {
  const text = await scrape(s.url);
  const there = new Set([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name, type]) => type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name]));
  const panels = dashboard('grafana-prometheus.json').panels.flatMap((panel) => panel.targets.map((target) => target.expr));
  const rules = read('alerts.yml').split('\n').filter((line) => /tallyd_/.test(line) && !/description:|summary:/.test(line));
  assert.ok(panels.length > 10 && rules.length > 8);
  for (const expression of [...panels, ...rules]) for (const name of names(expression)) assert.ok(there.has(name), `${name} is not in /metrics: ${expression}`);
});

test('dashboards can be imported: ids, places, variables', () => {
  for (const name of ['grafana-postgresql.json', 'grafana-prometheus.json']) {
    const board = dashboard(name);
    assert.match(board.uid, /^pgtally-/);
    assert.ok(board.title && board.schemaVersion > 30);
    assert.equal(new Set(board.panels.map((panel) => panel.id)).size, board.panels.length, name);
    const variables = new Set(board.templating.list.map((one) => one.name));
    const used = [...JSON.stringify(board.panels).matchAll(/\$\{?([a-z]\w*)/g)].map((found) => found[1]);
    for (const one of used) assert.ok(variables.has(one), `${name}: variable ${one}`);
    for (const panel of board.panels) {
      assert.ok(panel.title && panel.targets.length, name);
      const { x, y, w, h } = panel.gridPos;
      assert.ok(x >= 0 && x + w <= 24 && h > 0);
      for (const other of board.panels) {
        const o = other.gridPos;
        assert.ok(other === panel || x + w <= o.x || o.x + o.w <= x || y + h <= o.y || o.y + o.h <= y, `${name}: ${panel.title} lies over ${other.title}`);
      }
    }
  }
});

// What Grafana makes of a query before it sends it.
function filled(sql, variables) {
  const quoted = (text) => `'${text.replaceAll("'", "''")}'`;
  const text = sql.replace(/\$__timeFrom\(\)/g, "'2026-01-01T00:00:00Z'").replace(/\$__timeTo\(\)/g, "'2026-02-01T00:00:00Z'")
    .replace(/\$\{(\w+):sqlstring\}/g, (whole, name) => { assert.ok(name in variables, whole); return quoted(variables[name]); });
  assert.ok(!text.includes('$'), text);
  return text;
}

test('every query of the dashboard over PostgreSQL answers a member of tally_read, and shows what is there', async () => {
  const tenant = "SET tally.tenant = 'shown';";
  s.cluster.psql("CREATE ROLE grafana LOGIN IN ROLE tally_read; SELECT tally.create_tenant('shown'); SELECT tally.grant_read('grafana', 'shown')");
  const metric = s.cluster.psql(`${tenant} SELECT tally.create_metric('call', 'SUM', aggregation_key => 'n', name => 'it''s')`).split('\n').at(-1);
  s.cluster.psql(`${tenant} SELECT count(*) FROM tally.ingest((SELECT jsonb_agg(jsonb_build_object('event_id', 'e' || n, 'code', 'call', 'customer_id', 'o''c' || n % 3,
    'timestamp', to_char(timestamp '2026-01-05' + n * interval '1 hour', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'properties', jsonb_build_object('n', n))) FROM generate_series(1, 100) n), true)`);
  const board = dashboard('grafana-postgresql.json');
  const asReader = (sql) => s.cluster.psql(`SET ROLE grafana;\n${sql}`).split('\n');
  const variables = { window: 'day', customer: '', metric };
  for (const one of board.templating.list.filter((each) => each.type === 'query')) {
    const rows = asReader(filled(one.query, variables));
    assert.ok(rows.length >= 1 && rows[0].includes('|'), one.query);
    if (one.name === 'metric') assert.deepEqual(rows, [`it's|${metric}`]);
    if (one.name === 'customer') assert.deepEqual(rows.map((row) => row.split('|')[1]), ['', "o'c1", "o'c0", "o'c2"]);
  }
  for (const customer of ['', "o'c1"]) {
    for (const panel of board.panels) {
      const rows = asReader(filled(panel.targets[0].rawSql, { ...variables, customer }));
      if (panel.title === 'Usage') assert.deepEqual(rows, [customer ? '1717' : '5050']);
      if (panel.title === 'Usage by window') assert.equal(rows.length, 31);
      if (panel.title === 'Top customers') assert.equal(rows.length, 3);
      if (panel.title === 'Newest events') assert.equal(rows.length, customer ? 34 : 50);
      if (panel.title === 'Health') assert.match(rows.join(), /^shown\|/);
      assert.ok(rows.length >= 1 && rows[0] !== '' || panel.title === "Month's limit" || panel.title === 'Newest event', panel.title);
    }
  }
});

test('promtool finds nothing to say about /metrics and the rules, and the rules fire when they should', { skip: lacking }, async () => {
  const lint = promtool(['check', 'metrics'], await scrape(s.url));
  assert.equal(lint.stderr + lint.stdout, '');
  assert.equal(lint.status, 0);
  fs.copyFileSync(path.join(FOLDER, 'alerts.yml'), path.join(work, 'alerts.yml'));
  fs.copyFileSync(path.join(__dirname, '../monitoring/alerts.test.yml'), path.join(work, 'alerts.test.yml'));
  const rules = promtool(['check', 'rules', path.join(work, 'alerts.yml')]);
  assert.equal(rules.status, 0, rules.stdout + rules.stderr);
  const fired = promtool(['test', 'rules', path.join(work, 'alerts.test.yml')]);
  assert.equal(fired.status, 0, fired.stdout + fired.stderr);
  const tested = fs.readFileSync(path.join(work, 'alerts.test.yml'), 'utf8');
  for (const [, name] of read('alerts.yml').matchAll(/- alert: (\w+)/g)) {
    assert.ok(new RegExp(`alertname: ${name}\\n +exp_alerts:\\n +- exp_labels`).test(tested), `${name} has no case in which it fires`);
    assert.ok(new RegExp(`alertname: ${name}[ ,}]`).test(tested), `${name} has no case in which it does not`);
  }
});

// A port that nobody had a moment ago: prometheus does not say which it takes by itself.
const freePort = () => new Promise((resolve) => {
  const server = net.createServer().listen(0, '127.0.0.1', () => { const { port } = server.address(); server.close(() => resolve(port)); });
});

// Once more where somebody else took the port meanwhile.
async function startPrometheus() {
  for (let tries = 1; ; tries += 1) {
    const port = await freePort();
    const child = spawn(path.join(PROGRAMS, 'prometheus'), [`--config.file=${work}/prometheus.yml`, `--storage.tsdb.path=${work}/data`, `--web.listen-address=127.0.0.1:${port}`, '--log.level=info'],
      { stdio: ['ignore', 'ignore', 'pipe'] });
    let log = '';
    child.stderr.on('data', (data) => { log += data; });
    const ended = new Promise((resolve) => { child.on('exit', resolve); });
    await until('prometheus', () => child.exitCode !== null || /Server is ready/.test(log)).catch((error) => { child.kill('SIGKILL'); throw error; });
    if (child.exitCode === null) return { child, port, ended };
    if (tries === 3 || !/address already in use/.test(log)) throw new Error(log);
  }
}

const json = (url) => new Promise((resolve) => {
  http.get(url, (answer) => {
    let text = '';
    answer.on('data', (data) => { text += data; });
    answer.on('end', () => { try { resolve(JSON.parse(text)); } catch { resolve({}); } });
  }).on('error', () => resolve({}));
});

test('prometheus scrapes tallyd, keeps what it says, and evaluates the rules', { skip: lacking }, async () => {
  fs.writeFileSync(path.join(work, 'prometheus.yml'), `global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [${path.join(FOLDER, 'alerts.yml')}]
scrape_configs:
  - { job_name: pgtally, static_configs: [{ targets: ['${new URL(s.url).host}'] }] }
`);
  const { child, port, ended } = await startPrometheus();
  try {
    const base = `http://127.0.0.1:${port}/api/v1`;
    const asked = async (query) => (await json(`${base}/query?query=${encodeURIComponent(query)}`)).data?.result ?? [];
    await until('a scrape', async () => (await asked('tallyd_store_up{job="pgtally"}'))[0]?.value[1] === '1');
    assert.ok(Number((await until('tenants', async () => (await asked('tallyd_store_tenants'))[0])).value[1]) >= 1);
    // A scrape has a second: on a slow machine one may fail.
    let targets;
    await until('a target that is up', async () => {
      targets = (await json(`${base}/targets`)).data?.activeTargets.map((one) => [one.health, one.lastError]);
      return JSON.stringify(targets) === '[["up",""]]';
    }).catch(() => assert.deepEqual(targets, [['up', '']]));
    const rules = await until('the rules', async () => {
      const all = ((await json(`${base}/rules`)).data?.groups ?? []).flatMap((group) => group.rules);
      return all.length > 0 && all.every((rule) => rule.health === 'ok') && all;
    });
    assert.equal(rules.length, [...read('alerts.yml').matchAll(/- alert:/g)].length);
    assert.deepEqual(rules.filter((rule) => rule.state === 'firing').map((rule) => rule.name), []);
    // Each panel's expression is PromQL, with what Grafana puts in.
    for (const panel of dashboard('grafana-prometheus.json').panels) {
      for (const { expr } of panel.targets) {
        const answer = await json(`${base}/query?query=${encodeURIComponent(expr.replaceAll('$job', 'pgtally').replaceAll('$__rate_interval', '1m'))}`);
        assert.equal(answer.status, 'success', `${panel.title}: ${JSON.stringify(answer)}`);
      }
    }
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
});
