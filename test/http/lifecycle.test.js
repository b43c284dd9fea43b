// Start and stop, also under load; the database going away in every way; wrong configuration.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { Tallyd, call, event, http, isErrorAnswer, setUp, sleep, startTallyd, storedEvents, until } = require('./lib.js');

let s;
before(async () => { s = await setUp(); });
after(() => s?.close());

const ends = async (args, env) => {
  const tallyd = new Tallyd(args, env);
  await until('the end', () => tallyd.done);
  return tallyd;
};
const stored = () => new Set(s.cluster.psql(`SELECT event_id FROM ${storedEvents}`).split('\n'));

// Clients that post one event after the other; each event is kept with the status that it got.
function load(url, key, clients) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: clients });
  const results = [];
  let running = true;
  const post = (body) => new Promise((resolve) => {
    const request = http.request(`${url}/api/v1/events/ingest`, { method: 'POST', agent, headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' } }, (response) => {
      let text = '';
      response.on('data', (data) => { text += data; });
      response.on('end', () => resolve({ status: response.statusCode, text, headers: response.headers }));
      response.on('error', () => resolve({ status: 0 }));
    });
    request.on('error', () => resolve({ status: 0 }));
    request.end(body);
  });
  const client = async () => {
    while (running) {
      const one = event();
      results.push({ one, ...await post(JSON.stringify({ events: [one] })) });
      if (results.at(-1).status !== 200) await sleep(5);
    }
  };
  const all = Promise.all(Array.from({ length: clients }, client));
  return { results, stop: async () => { running = false; await all; agent.destroy(); return results; } };
}

test('help and version', async () => {
  const help = await ends(['--help']);
  assert.equal(help.code, 0);
  assert.match(help.stdout, /--database/);
  assert.match(help.stdout, /serve/);
  const version = await ends(['--version']);
  assert.equal(version.code, 0);
  assert.match(version.stdout, /^tallyd \d+\.\d+\.\d+\n$/);
});

test('a wrong configuration ends with 2 and names what is wrong', async () => {
  const cases = [[[], /--database/], [['--database', 'x', '--port', '70000'], /port|70000/], [['--database', 'x', '--port', 'abc'], /--port/],
    [['--nonsense'], /nonsense/], [['--database', 'x', '--listen', 'example.org'], /--listen/], [['--database', 'x', '--readers', '0'], /--readers/],
    [['--database', 'x', '--max-body', '5 parsecs'], /--max-body/], [['--database', 'x', '--log-level', 'loud'], /--log-level/],
    [['--database', 'x', '--config', '/nonexistent'], /nonexistent/], [['--database', 'x', '--body-memory', '2MB'], /--body-memory/]];
  for (const [args, reason] of cases) {
    const tallyd = await ends(args);
    assert.equal(tallyd.code, 2, `${args}: ${tallyd.stderr}`);
    assert.match(tallyd.stderr, reason);
  }
  const wrong = await ends([], { TALLYD_DATABASE: 'x', TALLYD_PORT: 'none' });
  assert.equal(wrong.code, 2);
});

test('plain HTTP beyond loopback is refused unless a proxy is announced', async () => {
  for (const address of ['0.0.0.0', '::', '192.0.2.1', '128.0.0.1']) {
    const tallyd = await ends(['--database', 'x', '--listen', address]);
    assert.equal(tallyd.code, 2);
    assert.match(tallyd.stderr, /--behind-proxy/);
  }
  const allowed = await startTallyd(s.cluster, ['--listen', '0.0.0.0', '--behind-proxy']);
  await allowed.ready();
  await allowed.stop();
  const six = await startTallyd(s.cluster, ['--listen', '::1']).catch((error) => error);
  if (six instanceof Error) assert.match(six.message, /cannot/); // a machine without IPv6
  else await six.stop();
});

test('file, environment and flags: the later comes before the earlier', async () => {
  const file = path.join(s.cluster.dir, 'tallyd.conf');
  fs.writeFileSync(file, `database = "${s.cluster.conninfo()}"\nport = 1\nreaders = 2\n`);
  const tallyd = new Tallyd(['serve', '--config', file, '--port', '0'], { TALLYD_WRITERS: '2' });
  assert.ok(await tallyd.listening(), tallyd.stderr);
  await tallyd.ready();
  await until('all connections', async () => {
    const { text } = await call(tallyd.url, null, 'GET', '/metrics');
    return text.includes('tallyd_database_connections{lane="ingest"} 2') && text.includes('tallyd_database_connections{lane="read"} 2');
  });
  await tallyd.stop();
  assert.equal(tallyd.code, 0);
});

test('the environment comes before the file, which is not blamed for it', async () => {
  const file = path.join(s.cluster.dir, 'tallyd.conf');
  fs.writeFileSync(file, `database = "${s.cluster.conninfo()}"\nport = 1\ncors-origin = ["https://a.example", 'none'] # both\n`);
  const tallyd = new Tallyd(['--config', file], { TALLYD_PORT: '0' });
  assert.ok(await tallyd.listening(), tallyd.stderr);
  await tallyd.stop();
  const wrong = await ends(['--config', file], { TALLYD_PORT: 'none' });
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /^tallyd: --port: /);
});

test('a mistake in the file is told with its line', async () => {
  const file = path.join(s.cluster.dir, 'wrong.conf');
  const cases = [['databas = "x"', 1, '"databas" is no option'], ['# ok\n\nport = abc', 3, '--port: Value abc'], ['port', 1, 'no option = value'],
    ['[serve]\nport = 1', 1, 'sections are not known'], ['config = "x"', 1, '"config" is no option'], ['port = 1\nport = 2', 2, 'set in line 1 already'],
    ['port = 1 2', 1, 'more follows'], ['database = dbname=tally', 1, 'double quotes'], ['database = "dbname=tally', 1, 'closing " is missing'],
    ['database = "a\\b"', 1, 'backslash'], ['port = ', 1, 'value is missing'], ['port = [1, 2]', 1, 'no list'], ['cors-origin = ["none"', 1, 'ends with ]'],
    ['cors-origin = []', 1, '--cors-origin'], ['database = "x"\nbehind-proxy = perhaps', 2, '--behind-proxy'], ['database = "x"\nlisten = "192.0.2.1"', 0, 'refusing'],
    ['database = "x"\ntls-cert = "c.pem"', 2, '--tls-cert needs --tls-key'], ['max-body = "1QB"', 1, '--max-body'], ['port = 1', 0, '--database is required']];
  for (const [text, line, reason] of cases) {
    fs.writeFileSync(file, `${text}\n`);
    const tallyd = await ends(['--config', file]);
    assert.equal(tallyd.code, 2, `${text}: ${tallyd.stderr}`);
    assert.ok(tallyd.stderr.startsWith(line ? `tallyd: ${file}:${line}: ` : 'tallyd: ') && tallyd.stderr.includes(reason), `${text}: ${tallyd.stderr}`);
  }
  const example = fs.readFileSync(path.join(__dirname, '../../httpd/package/tallyd.conf'), 'utf8').replace(/^#([a-z-]+ = )/gm, '$1')
    .replace(/^tls-.*$/gm, '').replace('port = 8080', 'port = 70000');
  fs.writeFileSync(file, example);
  const last = await ends(['--config', file]);
  const at = 1 + example.split('\n').findIndex((text) => text.startsWith('port'));
  assert.ok(last.stderr.startsWith(`tallyd: ${file}:${at}: --port`), `every line of the example is understood: ${last.stderr}`);
});

test('a port in use is said so', async () => {
  const tallyd = await ends(['--database', s.cluster.conninfo(), '--port', String(s.tallyd.port)]);
  assert.equal(tallyd.code, 1);
  assert.match(tallyd.stderr, new RegExp(`127\\.0\\.0\\.1:${s.tallyd.port}.*in use`));
});

test('without a database it listens, answers 503, and recovers by itself', async () => {
  s.cluster.stop();
  const tallyd = await startTallyd(s.cluster, ['--database-grace', '0.5', '--reconnect-max', '0.5']);
  assert.equal((await call(tallyd.url, null, 'GET', '/healthz')).status, 200);
  const body = isErrorAnswer(assert, await call(tallyd.url, null, 'GET', '/readyz'), 503, 'SERVICE_UNAVAILABLE');
  assert.ok(body.details.reasons.length > 0);
  for (const [method, target, sent] of [['GET', '/api/v1/profile'], ['POST', '/api/v1/events/ingest', { events: [event()] }], ['POST', '/api/v1/metrics', { code: 'x' }]]) {
    const answer = await call(tallyd.url, s.key, method, target, sent);
    isErrorAnswer(assert, answer, 503, 'SERVICE_UNAVAILABLE');
    assert.ok(Number(answer.headers.get('retry-after')) >= 1);
  }
  isErrorAnswer(assert, await call(tallyd.url, null, 'GET', '/api/v1/profile'), 401, 'UNAUTHORIZED');
  s.cluster.start();
  await tallyd.ready();
  assert.equal((await call(tallyd.url, s.key, 'GET', '/api/v1/profile')).status, 200);
  await tallyd.stop();
  await s.tallyd.ready();
});

test('a restart of the database between requests is not seen by clients', async () => {
  for (const mode of ['fast', 'immediate']) {
    s.cluster.stop(mode);
    s.cluster.start();
    const answers = await Promise.all([call(s.url, s.key, 'GET', '/api/v1/profile'), call(s.url, s.key, 'GET', '/api/v1/metrics'),
      call(s.url, s.key, 'POST', '/api/v1/events/ingest', { events: [event()] })]);
    assert.deepEqual(answers.map((answer) => answer.status), [200, 200, 200], answers.map((answer) => answer.text).join());
  }
  await s.tallyd.ready();
  s.cluster.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tallyd_login'");
  const family = (await call(s.url, s.key, 'GET', '/api/v1/profile')).json.default_product_family_id;
  s.cluster.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tallyd_login'");
  const made = await call(s.url, s.key, 'POST', '/api/v1/metrics', { name: 'once', code: 'once', aggregation_type: 'COUNT', product_family_id: family });
  assert.equal(made.status, 201, made.text);
  assert.equal(s.cluster.psql("SELECT count(*) FROM tally.metric WHERE code = 'once'"), '1');
});

test('kill -9 of the database under load: every request is answered, what was accepted is stored, a retry counts once', async () => {
  await s.tallyd.ready();
  const running = load(s.url, s.key, 32);
  for (let round = 0; round < 2; round += 1) {
    const at = running.results.length;
    await until('load', () => running.results.length > at + 200);
    await s.cluster.kill9();
    await sleep(300);
    s.cluster.start();
    await s.tallyd.ready();
    const back = running.results.length;
    await until('work after the crash', () => running.results.slice(back).some((result) => result.status === 200));
  }
  const results = await running.stop();
  const all = stored();
  for (const result of results) {
    assert.ok([200, 503].includes(result.status), `${result.status} ${result.text}`);
    if (result.status === 200) assert.ok(all.has(result.one.event_id), 'an accepted event is missing');
  }
  const failed = results.filter((result) => result.status !== 200).map((result) => result.one);
  const again = failed.length === 0 ? [] : (await call(s.url, s.key, 'POST', '/api/v1/events/ingest', { events: failed })).json;
  if (failed.length > 0) assert.equal(again.accepted + again.duplicates, failed.length);
  assert.equal(s.cluster.psql(`SELECT count(*) - count(DISTINCT event_id) FROM ${storedEvents}`), '0');
});

test('SIGTERM under load: what is accepted is answered, nothing is answered that is not stored', async () => {
  const tallyd = await startTallyd(s.cluster);
  await tallyd.ready();
  const running = load(tallyd.url, s.key, 32);
  await until('load', () => running.results.length > 300);
  const { code } = await tallyd.stop();
  assert.equal(code, 0, tallyd.stderr.slice(-500));
  const results = await running.stop();
  const all = stored();
  const answered = results.filter((result) => result.status !== 0);
  for (const result of answered) {
    assert.ok([200, 503].includes(result.status), result.text);
    if (result.status === 200) assert.ok(all.has(result.one.event_id));
  }
  // A request that was in a connection when it closed may be unanswered, but is then not half stored either: it is one event.
  assert.ok(answered.length > 300);
});

test('SIGTERM with a statement that does not end: 503 to the client, then the end', async () => {
  const tallyd = await startTallyd(s.cluster, ['--drain-timeout', '0.5']);
  await tallyd.ready();
  const lock = await s.cluster.session('BEGIN; LOCK TABLE tally.api_key IN ACCESS EXCLUSIVE MODE');
  const pending = Promise.all([call(tallyd.url, s.key, 'GET', '/api/v1/profile'), call(tallyd.url, s.key, 'POST', '/api/v1/events/ingest', { events: [event()] })]);
  await until('two requests', async () => (await call(tallyd.url, null, 'GET', '/metrics')).text.includes('tallyd_http_requests_in_flight 3'));
  const stopped = tallyd.stop();
  for (const answer of await pending) isErrorAnswer(assert, answer, 503, 'SERVICE_UNAVAILABLE');
  assert.equal((await stopped).code, 0);
  await lock.end();
});

test('a second signal ends the drain at once', async () => {
  const tallyd = await startTallyd(s.cluster, ['--drain-timeout', '600']);
  await tallyd.ready();
  const lock = await s.cluster.session('BEGIN; LOCK TABLE tally.api_key IN ACCESS EXCLUSIVE MODE');
  const pending = call(tallyd.url, s.key, 'GET', '/api/v1/profile').catch(() => null);
  await until('a request', async () => (await call(tallyd.url, null, 'GET', '/metrics')).text.includes('tallyd_http_requests_in_flight 2'));
  tallyd.child.kill('SIGTERM');
  await until('the drain', () => tallyd.stderr.includes('draining'));
  tallyd.child.kill('SIGINT');
  assert.equal((await tallyd.exited).code, 0);
  await pending;
  await lock.end();
});

test('a database without the extension: not ready and 503, until it is created', async () => {
  s.cluster.psql('CREATE DATABASE bare', 'postgres');
  const bare = new Tallyd(['--database', s.cluster.conninfo().replace('dbname=tally', 'dbname=bare'), '--port', '0']);
  assert.ok(await bare.listening());
  await until('a reason', async () => /not ready in this database: run CREATE EXTENSION pgtally there/.test((await call(bare.url, null, 'GET', '/readyz')).text));
  assert.ok(bare.log().some((line) => line.event === 'extension_not_ready' && /CREATE EXTENSION/.test(line.reason)), bare.stderr);
  isErrorAnswer(assert, await call(bare.url, s.key, 'GET', '/api/v1/profile'), 503, 'SERVICE_UNAVAILABLE');
  isErrorAnswer(assert, await call(bare.url, s.key, 'POST', '/api/v1/events/ingest', { events: [event()] }), 503, 'SERVICE_UNAVAILABLE');
  s.cluster.psql('CREATE EXTENSION pgtally; REVOKE USAGE ON SCHEMA tally_rest FROM tally_api', 'bare');
  await until('another reason', async () => /GRANT tally_api/.test((await call(bare.url, null, 'GET', '/readyz')).text));
  s.cluster.psql('GRANT USAGE ON SCHEMA tally_rest TO tally_api', 'bare');
  await bare.ready();
  isErrorAnswer(assert, await call(bare.url, s.key, 'GET', '/api/v1/profile'), 401, 'UNAUTHORIZED');
  assert.equal((await bare.stop()).code, 0);
});
