// `tallyd import` over https: to a tallyd that has a certificate, behind a proxy, and to servers that are not to be trusted.
'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const https = require('node:https');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { makeCertificate, makeExpiredCertificate } = require('./certificates.js');
const { http, setUp, startTallyd, storedEvents } = require('./lib.js');

let s;
let dir;
let good;
let other;
let tallyd;

before(async () => {
  s = await setUp();
  dir = s.cluster.dir;
  good = makeCertificate(dir, 'good');
  other = makeCertificate(dir, 'other');
  tallyd = await startTallyd(s.cluster, ['--tls-cert', good.cert, '--tls-key', good.key]);
  fs.writeFileSync(path.join(dir, 'key'), s.key);
});
after(async () => {
  await tallyd?.stop();
  await s?.close();
});

const events = () => Number(s.cluster.psql(`SELECT count(*) FROM ${storedEvents} WHERE code = 'tls'`));

// Imports one new event; answers {code, stdout, stderr}.
function load(url, args = [], env = {}) {
  const line = JSON.stringify({ code: 'tls', customer_id: 'c', timestamp: '2024-01-01T00:00:00Z', properties: { n: `${url} ${args} ${Math.random()}` } });
  const child = spawn(process.env.TALLYD, ['import', '-', '--format', 'ndjson', '--key-file', path.join(dir, 'key'), '--patience', '0.3', '--url', url, ...args],
    { env: { PATH: process.env.PATH, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  const out = { stdout: '', stderr: '' };
  child.stdout.on('data', (data) => { out.stdout += data; });
  child.stderr.on('data', (data) => { out.stderr += data; });
  child.stdin.on('error', () => {});
  child.stdin.end(`${line}\n`);
  return new Promise((resolve) => { child.on('close', (code) => resolve({ ...out, code })); });
}

// A server of node's, up for one piece of a test.
async function withServer(server, work) {
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  try {
    await work(server.address().port);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

// Refused at once, whatever the patience; nothing was sent.
async function isRefused(answer, ...reasons) {
  const { code, stderr } = await answer;
  assert.equal(code, 1, stderr);
  for (const reason of reasons) assert.match(stderr, reason);
  assert.doesNotMatch(stderr, /trying again/);
}

test('a certificate that --ca-file trusts is accepted, from the environment too', async () => {
  const before = events();
  const done = await load(tallyd.url, ['--ca-file', good.cert]);
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stdout, /1 accepted, 0 duplicates, 0 failed/);
  assert.equal((await load(tallyd.url, [], { TALLYD_CA_FILE: good.cert })).code, 0);
  assert.equal(events() - before, 2);
});

test('one that nobody trusts is not, and it is said what helps', async () => {
  const before = events();
  await isRefused(load(tallyd.url), /certificate is not accepted/, /issuer is unknown|self-signed/i, /--ca-file/);
  await isRefused(load(tallyd.url, ['--ca-file', other.cert]), /certificate is not accepted/, /issuer is unknown|self-signed/i, /other\.crt/);
  assert.equal(events(), before);
});

test('nor is one of another name', async () => {
  await isRefused(load(tallyd.url.replace('127.0.0.1', 'localhost'), ['--ca-file', good.cert]), /certificate is not accepted/, /localhost/, /--url must have a name/);
});

test('nor is one that has expired', async () => {
  const old = makeExpiredCertificate(dir, 'old');
  assert.ok(old, 'openssl is needed to make one: make deps installs it');
  const server = https.createServer({ cert: fs.readFileSync(old.cert), key: fs.readFileSync(old.key) }, () => assert.fail('a request came'));
  return withServer(server, (port) => isRefused(load(`https://127.0.0.1:${port}`, ['--ca-file', old.cert]), /certificate is not accepted/, /expired/i, /needs another one/));
});

test('a file of authorities that cannot be read, or holds none, is named', async () => {
  const missing = await load(tallyd.url, ['--ca-file', '/nonexistent/ca.pem']);
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /--ca-file: cannot read \/nonexistent\/ca\.pem/);
  await isRefused(load(tallyd.url, ['--ca-file', path.join(dir, 'key')]), /no PEM certificate can be read from .*\/key \(--ca-file\)|certificate is not accepted/);
});

test('http to https and the other way round fail with a hint', async () => {
  const plain = await load(tallyd.url.replace('https', 'http'));
  assert.equal(plain.code, 1);
  assert.match(plain.stderr, /https/);
  const secure = await load(s.url.replace('http', 'https'), ['--ca-file', good.cert]);
  assert.equal(secure.code, 1);
  assert.match(secure.stderr, /no TLS .*does it speak https/);
});

test('behind a proxy with a path of its own, which speaks https', async () => {
  const asked = [];
  const proxy = https.createServer({ cert: fs.readFileSync(other.cert), key: fs.readFileSync(other.key) }, (request, response) => {
    asked.push(request.url);
    const onward = http.request(s.url + request.url.replace('/tally/behind', ''), { method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    request.pipe(onward);
  });
  await withServer(proxy, async (port) => {
    const done = await load(`https://127.0.0.1:${port}/tally/behind/`, ['--ca-file', other.cert]);
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stdout, /1 accepted/);
    assert.equal(asked.length, 2);
    for (const target of asked) assert.match(target, /^\/tally\/behind\/api\/v1\/events\/import\?/);
  });
});

test('a key is not carried to where a redirect points: the address is named', async () => {
  const server = require('node:http').createServer((request, response) => {
    response.writeHead(301, { location: `${tallyd.url}${request.url}` }).end();
  });
  await withServer(server, (port) => isRefused(load(`http://127.0.0.1:${port}`), /another address, https:\/\/127\.0\.0\.1:\d+\/api/, /--url/));
});
