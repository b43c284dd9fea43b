// Helper of the HTTP tests: a private PostgreSQL cluster with the extension, a tallyd in front of it, and clients.
// environment: PG_BINDIR  programs of an installation that has the extension    TALLYD  the program to test
'use strict';

const { spawn, spawnSync } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const contract = require('./contract.js');

const BINDIR = process.env.PG_BINDIR;
const TALLYD = process.env.TALLYD;
if (!BINDIR || !TALLYD) throw new Error('set PG_BINDIR and TALLYD');

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Waits for a condition; the limit is only there to end a test that hangs.
async function until(what, condition, limit = 60000) {
  const end = Date.now() + limit;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`waited in vain for: ${what}`);
    await sleep(25);
  }
}

// PostgreSQL refuses to run as root: then the cluster is the user postgres's.
function asServerUser(command, args) {
  if (process.getuid() !== 0) return [command, args];
  return ['setpriv', ['--reuid=postgres', '--regid=postgres', '--init-groups', command, ...args]];
}

function run(command, args, options = {}) {
  const [program, list] = asServerUser(command, args);
  const done = spawnSync(program, list, { encoding: 'utf8', maxBuffer: 1 << 28, ...options });
  if (done.status !== 0) throw new Error(`${path.basename(command)}: ${done.stderr || done.error}`);
  return done.stdout;
}

class Cluster {
  // copyOf: another cluster, which this one follows as a standby.
  constructor({ copyOf } = {}) {
    this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tally-http-'));
    this.data = path.join(this.dir, 'data');
    this.clients = [];
    if (process.getuid() === 0) spawnSync('chown', ['postgres', this.dir]);
    if (copyOf) {
      run(path.join(BINDIR, 'pg_basebackup'), ['-D', this.data, '-h', copyOf.dir, '-p', '5432', '-U', 'postgres', '-R', '-c', 'fast', '--no-sync'], { cwd: '/' });
      this.start();
      return;
    }
    run(path.join(BINDIR, 'initdb'), ['-D', this.data, '-A', 'trust', '-U', 'postgres', '--no-sync', '-E', 'UTF8', '--locale=C'],
      { cwd: '/' });
    this.start();
    this.psql('CREATE DATABASE tally', 'postgres');
    // Where PUBLIC may execute nothing, as many databases are hardened: what tallyd's role needs it has by name.
    this.psql('ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC; ALTER DEFAULT PRIVILEGES REVOKE USAGE ON TYPES FROM PUBLIC');
    this.psql('CREATE EXTENSION pgtally; CREATE ROLE tallyd_login LOGIN IN ROLE tally_api');
    // Bodies of functions are read under the caller's settings: databases of old applications have this one.
    this.psql('ALTER ROLE tallyd_login SET standard_conforming_strings = off');
  }

  conninfo() {
    return `host=${this.dir} port=5432 dbname=tally user=tallyd_login`;
  }

  // settings: further ones, as name=value; the last of a name counts.
  start(settings = []) {
    run(path.join(BINDIR, 'pg_ctl'), ['-D', this.data, '-w', '-s', '-l', path.join(this.dir, 'log'), '-o',
      `-c listen_addresses='' -c port=5432 -c unix_socket_directories='${this.dir}' -c fsync=off -c max_connections=60 ${settings.map((one) => `-c ${one}`).join(' ')}`, 'start'],
    { cwd: '/', stdio: 'ignore' });
  }

  stop(mode = 'fast') {
    run(path.join(BINDIR, 'pg_ctl'), ['-D', this.data, '-w', '-s', '-m', mode, 'stop'], { cwd: '/' });
  }

  // As a power cut of the server process: nothing is shut down, the sockets just close.
  async kill9() {
    const pid = Number(fs.readFileSync(path.join(this.data, 'postmaster.pid'), 'utf8').split('\n')[0]);
    const children = spawnSync('ps', ['--ppid', String(pid), '-o', 'pid='], { encoding: 'utf8' }).stdout
      .split('\n').map(Number).filter(Boolean);
    for (const one of [pid, ...children]) {
      try {
        process.kill(one, 'SIGKILL');
      } catch { /* it was faster than we */ }
    }
    await until('the end of the server', () => [pid, ...children].every((one) => {
      const state = spawnSync('ps', ['-p', String(one), '-o', 'stat='], { encoding: 'utf8' }).stdout.trim();
      return state === '' || state.startsWith('Z');
    }));
    // Where nobody reaps orphans the dead server's number would still count as a running one.
    for (const file of [path.join(this.data, 'postmaster.pid'), path.join(this.dir, '.s.PGSQL.5432.lock')]) fs.rmSync(file, { force: true });
  }

  psql(sql, database = 'tally') {
    return run(path.join(BINDIR, 'psql'), ['-XqAt', '-v', 'ON_ERROR_STOP=1', '-h', this.dir, '-p', '5432', '-U', 'postgres', '-d',
      database, '-f', '-'], { input: sql, cwd: '/' }).trim();
  }

  // A session that stays open, to hold locks. Resolves when the statement has run.
  async session(sql) {
    const [program, list] = asServerUser(path.join(BINDIR, 'psql'), ['-XqAt', '-v', 'ON_ERROR_STOP=1', '-h', this.dir, '-p', '5432', '-U', 'postgres', '-d', 'tally']);
    const child = spawn(program, list, { cwd: '/', stdio: ['pipe', 'pipe', 'inherit'] });
    this.clients.push(child);
    let out = '';
    let ended = false;
    const exit = new Promise((resolve) => { child.on('exit', () => { ended = true; resolve(); }); });
    child.stdout.on('data', (data) => { out += data; });
    child.stdin.on('error', () => {});
    child.stdin.write(`${sql};\n\\echo ran\n`);
    await until('a session', () => {
      if (ended) throw new Error(`a session failed, its error stands above: ${sql}`);
      return out.includes('ran');
    });
    return { end: () => { child.stdin.end('\\q\n'); return exit; } };
  }

  remove() {
    for (const child of this.clients) child.kill('SIGKILL');
    try {
      this.stop('immediate');
    } catch { /* it was not running */ }
    fs.rmSync(this.dir, { recursive: true, force: true });
  }
}

class Tallyd {
  constructor(args, env = {}) {
    this.stdout = '';
    this.stderr = '';
    this.child = spawn(TALLYD, args, { env: { PATH: process.env.PATH, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout.on('data', (data) => { this.stdout += data; });
    this.child.stderr.on('data', (data) => { this.stderr += data; });
    this.exited = new Promise((resolve) => {
      this.child.on('close', (code, signal) => { this.code = code; this.signal = signal; this.done = true; resolve({ code, signal }); });
    });
  }

  // Resolves with the address, or with nothing when the process ended instead.
  async listening() {
    await until('tallyd to listen or end', () => /listening on \S+\n/.test(this.stdout) || this.done);
    this.url = (/listening on (\S+)/.exec(this.stdout) || [])[1];
    if (this.url) this.port = Number(new URL(this.url).port);
    return this.url;
  }

  async ready() {
    await until('tallyd to be ready', async () => {
      if (this.done) throw new Error(`tallyd ended: ${this.stderr}`);
      const answer = await call(this.url, null, 'GET', '/readyz').catch((error) => { if (error.cause === undefined) throw error; return {}; });
      return answer.status === 200;
    });
  }

  log() {
    return this.stderr.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  }

  async stop(signal = 'SIGTERM') {
    if (!this.done) this.child.kill(signal);
    return this.exited;
  }
}

async function startTallyd(cluster, args = [], env = {}) {
  const tallyd = new Tallyd(['--database', cluster.conninfo(), '--port', '0', '--drain-timeout', '10', ...args], env);
  cluster.clients?.push(tallyd.child); // what a test that fails leaves running ends with the cluster, and lets node end
  if (!await tallyd.listening()) throw new Error(`tallyd did not start: ${tallyd.stderr}`);
  return tallyd;
}

// One cluster with a tenant and a key that may do all, and a ready tallyd.
async function setUp(args = [], env = {}) {
  const cluster = new Cluster();
  try {
    const tenant = cluster.psql("SELECT tally.create_tenant('test')");
    const key = cluster.psql("SELECT tally.create_api_key(name => 'test', scopes => '{read,write,admin}')");
    const tallyd = await startTallyd(cluster, args, env);
    await tallyd.ready();
    return {
      cluster, tallyd, tenant, key, url: tallyd.url,
      close: async () => {
        await tallyd.stop();
        cluster.remove();
      },
    };
  } catch (error) {
    cluster.remove();
    throw error;
  }
}

// One call with a key, its answer checked against the document; the body, when it is no text, becomes JSON. Answers {status, headers, text, json}.
async function call(base, key, method, target, body, headers = {}) {
  const all = { ...headers };
  if (key) all.authorization = `Bearer ${key}`;
  if (body !== undefined && !('content-type' in all)) all['content-type'] = 'application/json';
  const response = await fetch(base + target, {
    method, headers: all, body: body === undefined || typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
  });
  const text = await response.text();
  contract.check({ method, target }, { status: response.status, header: (name) => response.headers.get(name), text });
  let json;
  try {
    json = JSON.parse(text);
  } catch { /* not JSON: the test will say so */ }
  return { status: response.status, headers: response.headers, text, json };
}

// The requests in a byte stream to the server, as far as they can be told: [{method, target}].
function sentRequests(bytes) {
  const requests = [];
  let rest = bytes;
  for (let line; (line = /^([^ \r\n]+) ([^ \r\n]+) HTTP\/1\.[01]\r\n/.exec(rest));) {
    requests.push({ method: line[1], target: line[2] });
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) break;
    const head = rest.slice(0, end);
    rest = rest.slice(end + 4);
    if (/\r\ntransfer-encoding:/i.test(head)) rest = rest.includes('0\r\n\r\n') ? rest.slice(rest.indexOf('0\r\n\r\n') + 5) : '';
    else rest = rest.slice(Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0));
  }
  return requests;
}

function checkStream(pieces, stream) {
  const requests = sentRequests([].concat(pieces).map((piece) => Buffer.from(piece).toString('latin1')).join(''));
  parseAnswers(stream).filter((answer) => answer.status >= 200).forEach((answer, n) => {
    if (answer.text.length < Number(answer.headers['content-length'])) return;     // cut short: the test's affair
    const text = Buffer.from(answer.text, 'latin1').toString();
    contract.check(requests[n] ?? {}, { status: answer.status, header: (name) => answer.headers[name.toLowerCase()], text });
  });
}

// node:http, its answers checked too.
const checkedHttp = {
  ...http,
  request: (url, options, listener) => http.request(url, options, (response) => {
    listener?.(response);
    let text = '';
    response.on('data', (data) => { text += data; });
    response.on('end', () => contract.check({ method: options.method ?? 'GET', target: new URL(url).pathname },
      { status: response.statusCode, header: (name) => response.headers[name.toLowerCase()], text }));
  }),
};

// fetch, its answer checked too: for code samples that others wrote.
async function checkedFetch(url, options = {}) {
  const response = await fetch(url, options);
  contract.check({ method: options.method ?? 'GET', target: new URL(url).pathname },
    { status: response.status, header: (name) => response.headers.get(name), text: await response.clone().text() });
  return response;
}

// Bytes as they are on a socket of our own. Resolves with everything that came back until the server closed.
function raw(port, pieces, { pause = 20, end = false, limit = 60000 } = {}) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1');
    const chunks = [];
    const timer = setTimeout(() => { socket.destroy(); reject(new Error(`no end after: ${Buffer.concat(chunks)}`)); }, limit);
    const finish = () => {
      clearTimeout(timer);
      const stream = Buffer.concat(chunks).toString('latin1');
      try {
        checkStream(pieces, stream);
        resolve(stream);
      } catch (error) {
        reject(error);
      }
    };
    socket.on('data', (data) => chunks.push(data));
    socket.on('close', finish);
    socket.on('error', () => {});
    socket.on('connect', async () => {
      for (const piece of [].concat(pieces)) {
        if (!socket.writable) return;
        socket.write(piece);
        await sleep(pause);
      }
      if (end) socket.end();
    });
  });
}

// The answers in a byte stream of a socket: [{status, headers, text}].
function parseAnswers(stream) {
  const answers = [];
  let rest = stream;
  while (rest.startsWith('HTTP/1.1 ')) {
    const cut = rest.indexOf('\r\n\r\n');
    if (cut < 0) break;
    const lines = rest.slice(0, cut).split('\r\n');
    const headers = Object.fromEntries(lines.slice(1).map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
    const status = Number(lines[0].split(' ')[1]);
    const length = Number(headers['content-length'] ?? 0);
    answers.push({ status, headers, text: rest.slice(cut + 4, cut + 4 + length) });
    rest = rest.slice(cut + 4 + length);
  }
  return answers;
}

function event(overrides = {}) {
  return { event_id: crypto.randomUUID(), code: 'call', customer_id: 'c1', timestamp: new Date().toISOString(), properties: { n: '1' }, ...overrides };
}

// Every error must look like this, whatever went wrong.
function isErrorAnswer(assert, answer, status, code) {
  assert.equal(answer.status, status, answer.text);
  const header = (name) => (answer.headers.get ? answer.headers.get(name) : answer.headers[name]);
  assert.equal(header('content-type'), 'application/json');
  assert.ok(header('x-request-id'), 'X-Request-Id');
  const body = JSON.parse(answer.text);
  if (code) assert.equal(body.code, code);
  assert.equal(typeof body.message, 'string');
  assert.ok(body.message.length > 0);
  for (const name of Object.keys(body)) assert.ok(['code', 'message', 'details', 'failures'].includes(name), name);
  return body;
}

// For a FROM clause: the rows of all events, recent and packed, of every tenant.
const storedEvents = "(SELECT e.* FROM tally.tenant t, tally._find_events(t.tenant_id, NULL, NULL, NULL, '-infinity', 'infinity', NULL, NULL, NULL, NULL) e) stored";

module.exports = {
  storedEvents,
  Cluster, Tallyd, call, event, fetch: checkedFetch, http: checkedHttp, isErrorAnswer, net, parseAnswers, raw, setUp, sleep, startTallyd, until,
};
