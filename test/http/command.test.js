// The sub-commands: `tallyd import` and `tallyd tenant create`.
'use strict';

const assert = require('node:assert/strict');
const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { gzipSync } = require('node:zlib');
const { call, http, setUp, storedEvents, until } = require('./lib.js');

let s;
let dir;
before(async () => {
  s = await setUp();
  dir = fs.mkdtempSync(path.join(require('node:os').tmpdir(), 'tally-command-'));
  fs.writeFileSync(path.join(dir, 'key'), `${s.key}\n`, { mode: 0o600 });
});
after(async () => {
  if (dir) fs.rmSync(dir, { recursive: true, force: true });
  await s?.close();
});

function start(args, { env = {}, input } = {}) {
  const child = spawn(process.env.TALLYD, args, { env: { PATH: process.env.PATH, ...env }, stdio: ['pipe', 'pipe', 'pipe'], cwd: dir });
  const out = { child, stdout: '', stderr: '' };
  child.stdout.on('data', (data) => { out.stdout += data; });
  child.stderr.on('data', (data) => { out.stderr += data; });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  out.done = new Promise((resolve) => { child.on('close', (code, signal) => resolve({ ...out, stdout: out.stdout, stderr: out.stderr, code, signal })); });
  return out;
}
const run = (args, options) => start(args, options).done;
const load = (file, args = [], options = {}) => run(['import', file, '--url', s.url, '--key-file', 'key', ...args], options);
const write = (name, text) => fs.writeFileSync(path.join(dir, name), text);
const json = (n, more = {}) => `${JSON.stringify({ code: 'cmd', customer_id: 'c', timestamp: '2024-01-01T00:00:00Z', properties: { n: String(n) }, ...more })}\n`;
const events = () => Number(s.cluster.psql(`SELECT count(*) FROM ${storedEvents} WHERE code = 'cmd'`));

test('a CSV file of several pieces is one import, twice counts once', async () => {
  const rows = Array.from({ length: 12000 }, (_, n) => `cmd,c,2024-01-01T00:00:00Z,csv${n}\n`).join('');
  write('rows.csv', `event_code,customer_id,timestamp,n\n${rows}`);
  const first = await load('rows.csv');
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, /^imp_\w+: 12000 accepted, 0 duplicates, 0 failed in [\d.]+ s\n$/);
  const again = await load('rows.csv', ['--name', 'second time']);
  assert.match(again.stdout, /0 accepted, 12000 duplicates, 0 failed/);
  const imports = (await call(s.url, s.key, 'GET', '/api/v1/imports')).json.data;
  assert.deepEqual(imports.map((one) => [one.name, one.accepted]), [['second time', 0], ['rows.csv', 12000]]);
  assert.ok(!fs.existsSync(path.join(dir, 'rows.csv.tally-import')));
});

test('refused lines are named with their numbers, in CSV after a header of two lines too', async () => {
  write('bad.ndjson', `${json('ok')}nonsense\n${json('x', { customer_id: undefined })}`);
  const done = await load('bad.ndjson');
  assert.equal(done.code, 3);
  assert.match(done.stderr, /^bad\.ndjson:2: the line is not one JSON object$/m);
  assert.match(done.stderr, /^bad\.ndjson:3: .*\(customer_id\)$/m);
  assert.match(done.stdout, /1 accepted, 0 duplicates, 2 failed/);
  write('bad.csv', Buffer.concat([Buffer.from('event_code,customer_id,"a\nb"\ncmd,c,1\ncmd,c\n'), Buffer.from([0xff, 0x0a])]));
  const csv = await load('bad.csv');
  assert.match(csv.stderr, /^bad\.csv:4: /m);
  assert.match(csv.stderr, /^bad\.csv:5: .*UTF-8/m);
});

test('standard input, the key from the environment', async () => {
  const done = await run(['import', '-', '--format', 'ndjson', '--url', s.url], { env: { TALLYD_KEY: s.key }, input: json('stdin') });
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stdout, /1 accepted/);
});

test('cut off in the middle it goes on where it was', async () => {
  write('long.ndjson', Array.from({ length: 20000 }, (_, n) => json(`long${n}`)).join(''));
  const before = events();
  // A proxy that lets three requests pass: the beginning and two pieces.
  let passed = 0;
  const proxy = http.createServer((request, response) => {
    passed += 1;
    if (passed > 3) { request.socket.destroy(); return; }
    const onward = http.request(s.url + request.url, { method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    request.pipe(onward);
  });
  await new Promise((resolve) => { proxy.listen(0, '127.0.0.1', resolve); });
  const command = ['import', 'long.ndjson', '--key-file', 'key', '--url', `http://127.0.0.1:${proxy.address().port}`];
  const cut = await run([...command, '--patience', '0.5']);
  assert.equal(cut.code, 1);
  assert.match(cut.stderr, /run the same command again/);
  const state = JSON.parse(fs.readFileSync(path.join(dir, 'long.ndjson.tally-import'), 'utf8'));
  assert.equal(state.line, 10001);
  assert.equal(events() - before, 10000);
  passed = -1000;
  const rest = await run(command);
  assert.equal(rest.code, 0, rest.stderr);
  assert.match(rest.stderr, /going on at line 10001/);
  assert.match(rest.stdout, new RegExp(`^${state.import_id}: 20000 accepted, 0 duplicates, 0 failed`));
  assert.equal(events() - before, 20000);
  assert.equal(passed, -997);  // whether the import still stands, and two pieces
  proxy.close();
  proxy.closeAllConnections();
});

// A tallyd whose answers get lost where lose(n) says so: n counts the requests.
async function unreliable(lose) {
  let n = 0;
  const proxy = http.createServer((request, response) => {
    n += 1;
    const lost = lose(n);
    const onward = http.request(s.url + request.url, { method: request.method, headers: request.headers }, (answer) => {
      if (lost) { answer.resume(); answer.on('end', () => request.socket.destroy()); return; }
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    request.pipe(onward);
  });
  await new Promise((resolve) => { proxy.listen(0, '127.0.0.1', resolve); });
  return { url: `http://127.0.0.1:${proxy.address().port}`, close: () => { proxy.close(); proxy.closeAllConnections(); } };
}
const importOf = async (stdout) => (await call(s.url, s.key, 'GET', `/api/v1/imports/${/imp_\w+/.exec(stdout)[0]}`)).json;

test('answers that get lost are asked for again, in this run or the next: every line counts once in the import too', async () => {
  write('lost.ndjson', Array.from({ length: 12000 }, (_, n) => (n % 1000 === 1 ? 'bad\n' : json(`lost${n % 8000}`))).join(''));
  for (const [more, runs] of [[[], 1], [['--patience', '0'], 3]]) {
    // Every second answer is lost; or two at a time, since libcurl itself asks once more where a connection had served before.
    const proxy = await unreliable((n) => (runs === 1 ? n % 2 === 0 : [2, 3, 6, 7].includes(n)));
    const command = ['import', 'lost.ndjson', '--key-file', 'key', '--url', proxy.url, ...more];
    const done = [];
    for (let n = 0; n < runs; n += 1) done.push(await run(command));
    proxy.close();
    assert.deepEqual(done.map((one) => one.code), [...Array(runs - 1).fill(1), 3], done.map((one) => one.stderr).join('\n'));
    const accepted = runs === 1 ? 7992 : 0;
    const { stdout } = done.at(-1);
    assert.match(stdout, new RegExp(`: ${accepted} accepted, ${11988 - accepted} duplicates, 12 failed in`));
    const one = await importOf(stdout);
    assert.deepEqual([one.accepted, one.duplicates, one.failures], [accepted, 11988 - accepted, 12]);
  }
});

test('lines that cannot be read are counted in the import too', async () => {
  write('raw.ndjson', Buffer.concat([Buffer.from(json('raw1')), Buffer.from([0x7b, 0xff, 0x0a]), Buffer.from(`"${'y'.repeat(1 << 20)}"\n`), Buffer.from(json('raw2'))]));
  const done = await load('raw.ndjson');
  assert.equal(done.code, 3);
  assert.match(done.stderr, /^raw\.ndjson:2: the line is not valid UTF-8\nraw\.ndjson:3: the line is too long$/m);
  assert.match(done.stdout, /2 accepted, 0 duplicates, 2 failed/);
  assert.equal((await importOf(done.stdout)).failures, 2);
});

test('at the limit of the month it ends with what to do, and goes on when there is room', async () => {
  const key = s.cluster.psql("SELECT tally.create_api_key(name => 'month', scopes => '{write}')");
  const limit = (events) => s.cluster.psql(`SELECT tally.set_limits(events_per_month => ${events}, key => '${key}')`);
  write('month.ndjson', Array.from({ length: 12000 }, (_, n) => (n === 5100 ? 'bad\n' : json(`month${n}`))).join(''));
  const command = ['import', 'month.ndjson', '--url', s.url, '--patience', '20'];
  for (const [most, events, last] of [[2000, 2000, 2001], [6400, 6400, 6402]]) {
    limit(most);
    const cut = await run(command, { env: { TALLYD_KEY: key } });
    assert.equal(cut.code, 1, cut.stderr);
    assert.match(cut.stderr, new RegExp(`429 the API key's limit of ${most} events per month is reached; the lines before line ${last} were taken; run the same command again to go on`));
    assert.doesNotMatch(cut.stderr, /trying again/);
    assert.ok(fs.existsSync(path.join(dir, 'month.ndjson.tally-import')));
    assert.equal(Number(s.cluster.psql(`SELECT sum(used) FROM tally.month_count c JOIN tally.api_key k USING (key_id) WHERE k.name = 'month'`)), events);
  }
  limit(20000);
  const rest = await run(command, { env: { TALLYD_KEY: key } });
  assert.equal(rest.code, 3, rest.stderr);
  assert.match(rest.stderr, /^month\.ndjson:5101: /m);
  assert.match(rest.stdout, /: 11999 accepted, 0 duplicates, 1 failed in/);
});

test('interrupted it says what was taken and how to go on; a second Ctrl-C ends it at once', async () => {
  write('stop.ndjson', Array.from({ length: 8000 }, (_, n) => json(`stop${n}`)).join(''));
  let held;
  const proxy = http.createServer((request, response) => {
    request.resume();
    if (held !== undefined && held < 2) { held += 1; return; }      // the second piece is never answered
    held = request.url.includes('line=1') ? 0 : undefined;
    const onward = http.request(s.url + request.url, { method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    request.pipe(onward);
  });
  await new Promise((resolve) => { proxy.listen(0, '127.0.0.1', resolve); });
  const command = ['import', 'stop.ndjson', '--key-file', 'key', '--url', `http://127.0.0.1:${proxy.address().port}`];
  const child = start(command);
  await until('a piece without an answer', () => held === 1);
  child.child.kill('SIGINT');
  const { code, stderr } = await child.done;
  assert.equal(code, 130);
  assert.match(stderr, /^tallyd import: interrupted: the lines before line 5001 were taken; run the same command again to go on from there$/m);
  proxy.close();
  proxy.closeAllConnections();
  const rest = await load('stop.ndjson', ['--restart']);
  assert.match(rest.stdout, /: 3000 accepted, 5000 duplicates, 0 failed/);
  // It waits for its input for ever.
  const waiting = spawn(process.env.TALLYD, ['import', '-', '--format', 'ndjson', '--url', s.url, '--key-file', 'key'], { cwd: dir, stdio: ['pipe', 'ignore', 'ignore'] });
  const ended = new Promise((resolve) => { waiting.on('close', (status, signal) => resolve(signal)); });
  const twice = setInterval(() => waiting.kill('SIGINT'), 100);
  assert.equal(await ended, 'SIGINT');
  clearInterval(twice);
});

test('an empty file is told so', async () => {
  write('empty.csv', '');
  const csv = await load('empty.csv');
  assert.equal(csv.code, 1);
  assert.match(csv.stderr, /empty\.csv is empty: CSV begins with a line that names its columns/);
  write('blank.csv', '\n\n');
  assert.match((await load('blank.csv')).stderr, /400 the header is missing: the first line of CSV names its columns/);
  assert.deepEqual((await call(s.url, s.key, 'GET', '/api/v1/imports')).json.data.filter((one) => /empty|blank/.test(one.name)), []);
});

// An import of a file that is killed when its first piece is stored, and the second one waits; answers how to start it once more.
async function killedInTheMiddle(file) {
  let asked = 0;
  let free = false;
  const proxy = http.createServer((request, response) => {
    asked += 1;
    if (asked > 2 && !free) { request.resume(); return; }
    const onward = http.request(s.url + request.url, { method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    request.pipe(onward);
  });
  await new Promise((resolve) => { proxy.listen(0, '127.0.0.1', resolve); });
  const args = ['import', file, '--url', `http://127.0.0.1:${proxy.address().port}`, '--key-file', 'key'];
  const child = start(args);
  await until('the second piece', () => asked > 2);
  child.child.kill('SIGKILL');
  await child.done;
  free = true;
  return async () => {
    const done = await run(args);
    proxy.close();
    proxy.closeAllConnections();
    return done;
  };
}

test('killed in the middle and the file changed: it begins anew and counts once', async () => {
  const text = Array.from({ length: 12000 }, (_, n) => json(`kill${n}`)).join('');
  write('kill.ndjson', text);
  const before = events();
  const again = await killedInTheMiddle('kill.ndjson');
  write('kill.ndjson', text + json('one more'));
  const done = await again();
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stderr, /beginning anew/);
  assert.equal(events() - before, 12001);
});

test('killed in the middle and taken back: it begins anew and counts again', async () => {
  write('back.ndjson', Array.from({ length: 12000 }, (_, n) => json(`back${n}`)).join(''));
  const again = await killedInTheMiddle('back.ndjson');
  const first = JSON.parse(fs.readFileSync(path.join(dir, 'back.ndjson.tally-import'), 'utf8')).import_id;
  assert.equal((await call(s.url, s.key, 'DELETE', `/api/v1/imports/${first}`)).status, 200);
  const done = await again();
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stderr, /has been taken back: beginning anew/);
  assert.match(done.stdout, /: 12000 accepted, 0 duplicates, 0 failed/);
  assert.ok(!done.stdout.startsWith(first));
});

test('a server that is not there is tried again for the patience given', async () => {
  write('one.ndjson', json('patience'));
  const done = await run(['import', 'one.ndjson', '--url', 'http://127.0.0.1:1', '--key-file', 'key', '--patience', '0.6']);
  assert.equal(done.code, 1);
  assert.match(done.stderr, /^tallyd import: http:\/\/127\.0\.0\.1:1: no connection: .* port 1 .*, trying again for \d+ s$/m);
});

const zstd = (bytes, ...args) => spawnSync('zstd', ['-qc', ...args], { input: bytes, maxBuffer: 1 << 28 }).stdout;

test('the format is known by the ending of a name in any case, and what cannot be read is called so', async () => {
  const csv = 'code,customer_id,timestamp,n\npadded,c,2024-01-15T00:00:00Z, 5\npadded,c,2024-01-16T00:00:00Z,"7 "\n';
  for (const name of ['UPPER.CSV', 'Mixed.Csv', 'UPPER.NDJSON', 'Lines.JsonL']) {
    write(name, /csv/i.test(name) ? csv : json(name));
    const done = await run(['import', name, '--url', s.url, '--key-file', 'key']);
    assert.equal(done.code, 0, `${name}: ${done.stderr}`);
  }
  write('told', csv);
  assert.equal((await run(['import', 'told', '--format', 'CSV', '--url', s.url, '--key-file', 'key'])).code, 0);
  for (const [name, code] of [['usage.csv.xz', 2], ['usage.zip', 2], ['hidden.csv', 1]]) {
    write(name, Buffer.from('PK\x03\x04 and more'));
    const done = await run(['import', name, '--url', s.url, '--key-file', 'key']);
    assert.equal(done.code, code, name);
    assert.match(done.stderr, /is compressed in a way.*unpack/, name);
  }
});

test('gzip and zstd are inflated, whatever the name says, and what is cut or damaged ends with 1', async () => {
  const csv = `code,customer_id,timestamp,n\n${Array.from({ length: 3000 }, (_, n) => `packed,c,2024-01-15T00:00:00Z,${n}\n`).join('')}`;
  const packed = { 'a.csv.gz': gzipSync(csv), 'b.CSV.GZ': gzipSync(csv), 'c.csv.zst': zstd(csv), 'd.csv': gzipSync(csv), 'e.csv.gz': csv, 'f.csv.gz': Buffer.concat([gzipSync(csv.slice(0, 999)), gzipSync(csv.slice(999))]) };
  for (const [n, [name, bytes]] of Object.entries(packed).entries()) {
    write(name, bytes);
    const done = await run(['import', name, '--url', s.url, '--key-file', 'key']);
    assert.equal(done.code, 0, `${name}: ${done.stderr}`);
    assert.match(done.stdout, n === 0 ? /: 3000 accepted, 0 duplicates, 0 failed/ : /: 0 accepted, 3000 duplicates, 0 failed/, name);
  }
  for (const bytes of [gzipSync(csv), zstd(csv)]) {
    const piped = await run(['import', '-', '--format', 'csv', '--url', s.url, '--key-file', 'key'], { input: bytes });
    assert.match(piped.stdout, /3000 duplicates/, piped.stderr);
  }
  const bad = { 'cut.csv.gz': [gzipSync(csv).subarray(0, -5), /cut\.csv\.gz ends too early/], 'cut.csv.zst': [zstd(csv).subarray(0, -5), /ends too early/],
    'damaged.csv.gz': [Buffer.concat([gzipSync(csv).subarray(0, -8), Buffer.alloc(8)]), /is no sound gzip: incorrect data check/], 'more.csv.gz': [Buffer.concat([gzipSync(csv), Buffer.from('more')]), /goes on after its end/] };
  for (const [name, [bytes, message]] of Object.entries(bad)) {
    write(name, bytes);
    const done = await run(['import', name, '--url', s.url, '--key-file', 'key']);
    assert.equal(done.code, 1, name);
    assert.match(done.stderr, message, name);
  }
});

test('a compressed file goes on after a cut where it was', async () => {
  const text = Array.from({ length: 12000 }, (_, n) => json(`compressed ${n}`)).join('');
  write('big.ndjson.gz', gzipSync(text));
  const key = s.cluster.psql("SELECT tally.create_api_key(name => 'cut', scopes => '{write}')");
  s.cluster.psql(`SELECT tally.set_limits(events_per_month => 5000, key => '${key}')`);
  const cut = await run(['import', 'big.ndjson.gz', '--url', s.url, '--patience', '0.1'], { env: { TALLYD_KEY: key } });
  assert.equal(cut.code, 1, cut.stderr);
  const state = JSON.parse(fs.readFileSync(path.join(dir, 'big.ndjson.gz.tally-import'), 'utf8'));
  assert.equal(state.line, 5001);
  s.cluster.psql(`SELECT tally.set_limits(key => '${key}')`);
  const rest = await run(['import', 'big.ndjson.gz', '--url', s.url], { env: { TALLYD_KEY: key } });
  assert.equal(rest.code, 0, rest.stderr);
  assert.match(rest.stderr, /going on at line 5001/);
  assert.match(rest.stdout, /12000 accepted, 0 duplicates, 0 failed/);
});

test('wrong usage is 2, a wrong key 1', async () => {
  const wrong = [[['import'], /FILE/], [['import', 'x.txt', '--key-file', 'key'], /format/], [['import', 'missing.csv', '--key-file', 'key'], /cannot read missing\.csv: No such file or directory/],
    [['import', '.', '--format', 'csv', '--key-file', 'key'], /cannot read \.: Is a directory/], [['import', 'missing.csv', '--key-file', 'none'], /cannot read a key from none: No such/],
    [['import', 'one.ndjson'], /TALLYD_KEY/], [['import', 'one.ndjson', '--key-file', 'key', '--url', 'ftp://x'], /https/],
    [['import', 'one.ndjson', '--key-file', 'key', '--url', 'nonsense'], /URL/], [['import', 'one.ndjson', '--key', 'k'], /--key/],
    [['tenant'], /subcommand/], [['tenant', 'create'], /NAME/]];
  for (const [args, message] of wrong) {
    const done = await run(args);
    assert.equal(done.code, 2, args.join(' '));
    assert.match(done.stderr, message);
  }
  const refused = await run(['import', 'one.ndjson', '--url', s.url], { env: { TALLYD_KEY: 'tally_live_nobody' } });
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /401/);
  for (const args of [['--help'], ['import', '--help'], ['tenant', 'create', '--help']]) assert.equal((await run(args)).code, 0);
});

test('a tenant is made with its first key, which works; the same name again is not', async () => {
  const admin = ['--database', s.cluster.conninfo().replace('tallyd_login', 'postgres')];
  const made = await run(['tenant', 'create', 'acme', '--mode', 'test', ...admin]);
  assert.equal(made.code, 0, made.stderr);
  const [, tenant, key] = /^tenant {2}(ten_\w+)\nkey {5}(tally_test_[\w-]+)\n$/.exec(made.stdout);
  const profile = (await call(s.url, key, 'GET', '/api/v1/profile')).json;
  assert.deepEqual([profile.id, profile.name, profile.mode], [tenant, 'acme', 'test']);
  assert.equal((await call(s.url, key, 'GET', '/api/v1/keys')).status, 200);
  const again = await run(['tenant', 'create', 'acme', ...admin]);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /acme/);
  const database = s.cluster.conninfo();
  for (const [conninfo, advice] of [[database, /permission denied .*tally_admin/], [`${database} dbname=postgres`, /CREATE EXTENSION pgtally/]]) {
    const refused = await run(['tenant', 'create', 'beta', '--database', conninfo]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, advice);
  }
});
