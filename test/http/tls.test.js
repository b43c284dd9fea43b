// HTTPS: everything that plain HTTP can, a certificate that is exchanged while clients are connected, and bad handshakes.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const https = require('node:https');
const path = require('node:path');
const tls = require('node:tls');
const { after, before, test } = require('node:test');
const { makeCertificate } = require('./certificates.js');
const contract = require('./contract.js');
const { Tallyd, event, isErrorAnswer, net, parseAnswers, raw, setUp, sleep, startTallyd, until } = require('./lib.js');

let s;
let one;
let two;
let files;
let args;
let tallyd;

const install = (pair) => { fs.copyFileSync(pair.cert, files.cert); fs.copyFileSync(pair.key, files.key); };
const options = () => ({ host: '127.0.0.1', port: tallyd.port, ca: [fs.readFileSync(one.cert), fs.readFileSync(two.cert)] });

function request(method, target, { key = s.key, body, headers = {}, agent = false, to = options() } = {}) {
  return new Promise((resolve, reject) => {
    const all = { ...headers };
    if (key) all.authorization = `Bearer ${key}`;
    const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    if (text !== undefined) { all['content-type'] = 'application/json'; all['content-length'] = Buffer.byteLength(text); }
    const sent = https.request({ ...to, method, path: target, headers: all, agent }, (response) => {
      let got = '';
      const name = (response.socket.getPeerCertificate().subject || {}).CN;
      response.on('data', (data) => { got += data; });
      response.on('end', () => {
        try {
          contract.check({ method, target }, { status: response.statusCode, header: (field) => response.headers[field.toLowerCase()], text: got });
          resolve({ status: response.statusCode, headers: response.headers, text: got, name });
        } catch (error) {
          reject(error);
        }
      });
    });
    sent.on('error', reject);
    sent.end(text);
  });
}

// Bytes over TLS; resolves with what came until the end.
function rawTls(pieces, { pause = 20, end = false, more = {} } = {}) {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ ...options(), allowHalfOpen: true, ...more });
    let got = '';
    const timer = setTimeout(() => { socket.destroy(); reject(new Error(`no end after: ${got}`)); }, 60000);
    socket.on('data', (data) => { got += data.toString('latin1'); });
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
    socket.on('close', () => { clearTimeout(timer); resolve(got); });
    socket.on('secureConnect', async () => {
      for (const piece of [].concat(pieces)) {
        if (!socket.writable) return;
        socket.write(piece);
        await sleep(pause);
      }
      if (end) socket.end();
    });
  });
}

before(async () => {
  s = await setUp();
  one = makeCertificate(s.cluster.dir, 'one');
  two = makeCertificate(s.cluster.dir, 'two');
  files = { cert: path.join(s.cluster.dir, 'live.crt'), key: path.join(s.cluster.dir, 'live.key') };
  install(one);
  args = ['--tls-cert', files.cert, '--tls-key', files.key];
  tallyd = await startTallyd(s.cluster, [...args, '--head-timeout', '1', '--body-timeout', '2', '--max-body', '4096']);
  await until('readiness', async () => (await request('GET', '/readyz', { key: null })).status === 200);
});
after(async () => {
  await tallyd?.stop();
  await s?.close();
});

test('it says https, and serves health, calls and ingest', async () => {
  assert.match(tallyd.url, /^https:\/\/127\.0\.0\.1:\d+$/);
  assert.equal((await request('GET', '/healthz', { key: null })).status, 200);
  assert.equal((await request('GET', '/api/v1/profile')).status, 200);
  const body = { events: Array.from({ length: 500 }, () => event()) };
  assert.equal(JSON.parse((await request('POST', '/api/v1/events/ingest', { body })).text).accepted, 500);
  isErrorAnswer(assert, await request('GET', '/api/v1/profile', { key: null }), 401, 'UNAUTHORIZED');
});

test('many clients at once, connections kept', async () => {
  const agent = new https.Agent({ keepAlive: true, maxSockets: 16 });
  const answers = await Promise.all(Array.from({ length: 400 }, (_, n) => (n % 2 ? request('GET', '/api/v1/profile', { agent })
    : request('POST', '/api/v1/events/ingest', { agent, body: { events: [event()] } }))));
  agent.destroy();
  assert.deepEqual([...new Set(answers.map((answer) => answer.status))], [200]);
});

test('TLS 1.2 and 1.3 are spoken, 1.1 is not', async () => {
  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    assert.equal((await request('GET', '/healthz', { to: { ...options(), minVersion: version, maxVersion: version } })).status, 200);
  }
  const old = { ...options(), minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
  await assert.rejects(request('GET', '/healthz', { to: old }));
});

test('plain HTTP on the port of HTTPS is cut, and bytes that are no handshake too', async () => {
  for (const bytes of ['GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n', '\x16\x03\x01\xff\xff', 'x'.repeat(100000)]) {
    assert.ok(!(await raw(tallyd.port, bytes)).includes('HTTP/1.1'));
  }
  assert.equal((await request('GET', '/healthz')).status, 200);
});

test('handshakes that are slow or never begin are ended, and keep nobody waiting', async () => {
  const hello = Buffer.from('16030100c8010000c40303', 'hex');
  const began = Date.now();
  const slow = Array.from({ length: 100 }, (_, n) => raw(tallyd.port, n % 2 ? [] : Array.from(hello, (byte) => Buffer.from([byte])), { pause: 200 }));
  for (let n = 0; n < 10; n += 1) assert.equal((await request('GET', '/api/v1/profile')).status, 200);
  for (const stream of await Promise.all(slow)) assert.ok(!stream.includes('HTTP/1.1'));
  assert.ok(Date.now() - began < 30000);
});

test('slow heads and bodies are cut without an answer in plain text', async () => {
  assert.equal(await rawTls('GET /healthz HTTP/1.1\r\nHost: x\r\nX: '.split(''), { pause: 60 }), '');
  const head = `POST /api/v1/events/ingest HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${s.key}\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n`;
  assert.equal(await rawTls([head, ...'x'.repeat(100)], { pause: 50 }), '');
});

test('refusals are JSON here too', async () => {
  const post = `POST /api/v1/metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${s.key}\r\nContent-Type: application/json\r\n`;
  const chunk = `800\r\n${'x'.repeat(2048)}\r\n`;
  const cases = [['GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n', 505], [`GET /healthz HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(200000)}\r\n\r\n`, 431],
    [`${post}Content-Length: abc\r\n\r\n`, 400], [`${post}Content-Length: 5000\r\n\r\n${'x'.repeat(5000)}`, 413],
    [[`${post}Transfer-Encoding: chunked\r\n\r\n`, ...Array(40).fill(chunk)], 413], [`${post}Content-Length: 6000000\r\n\r\n${'x'.repeat(6000000)}`, 413]];
  for (const [bytes, status] of cases) {
    const stream = await rawTls(bytes, { pause: 5 });
    const answers = parseAnswers(stream);
    assert.equal(answers.length, 1, `${status}: ${stream.slice(0, 300)}`);
    isErrorAnswer(assert, answers[0], status);
  }
});

test('a client that closes its half early harms nobody', async () => {
  const get = `GET /api/v1/profile HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${s.key}\r\nConnection: close\r\n\r\n`;
  for (let n = 0; n < 20; n += 1) {
    for (const answer of parseAnswers(await rawTls(get, { end: true, pause: 0 }))) assert.equal(answer.status, 200);
  }
  for (let n = 0; n < 20; n += 1) {
    const socket = tls.connect(options());
    socket.on('error', () => {});
    await new Promise((resolve) => { socket.once('secureConnect', resolve); });
    await new Promise((resolve) => { socket.write(get.slice(0, n * 5 + 1), resolve); });
    socket.destroy();
  }
  assert.equal((await request('GET', '/api/v1/profile')).status, 200);
});

test('SIGHUP: new connections see the new certificate, old ones live on; a bad file changes nothing', async () => {
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
  const said = (words) => until(words, () => tallyd.stderr.split(words).length > seen);
  let seen = 1;
  assert.equal((await request('GET', '/healthz', { agent })).name, 'one');
  install(two);
  tallyd.child.kill('SIGHUP');
  await said('the certificate was read anew');
  assert.equal((await request('GET', '/healthz')).name, 'two');
  assert.equal((await request('GET', '/healthz', { agent })).name, 'one');
  const broken = [() => fs.writeFileSync(files.cert, 'nonsense'), () => fs.copyFileSync(one.cert, files.cert), () => fs.rmSync(files.key),
    () => fs.writeFileSync(files.key, '')];
  for (const harm of broken) {
    harm();
    tallyd.child.kill('SIGHUP');
    await said('the old certificate stays');
    seen += 1;
    assert.equal((await request('GET', '/healthz')).name, 'two');
  }
  assert.equal((await request('GET', '/healthz', { agent })).name, 'one');
  install(one);
  tallyd.child.kill('SIGHUP');
  await until('the second reading', () => tallyd.stderr.split('the certificate was read anew').length > 2);
  assert.equal((await request('GET', '/healthz')).name, 'one');
  agent.destroy();
});

test('files that cannot serve are refused at the start, by name', async () => {
  const empty = path.join(s.cluster.dir, 'empty.pem');
  fs.writeFileSync(empty, '');
  const cases = [[['--tls-cert', '/nonexistent/a.pem', '--tls-key', one.key], 1, /\/nonexistent\/a\.pem: No such file/], [['--tls-cert', one.key, '--tls-key', one.key], 1, /no PEM certificate/],
    [['--tls-cert', one.cert, '--tls-key', one.cert], 1, /no unencrypted PEM private key/], [['--tls-cert', one.cert, '--tls-key', two.key], 1, /not that of the certificate/],
    [['--tls-cert', empty, '--tls-key', one.key], 1, /no PEM certificate/], [['--tls-cert', one.cert], 2, /--tls-key/], [['--tls-key', one.key], 2, /--tls-cert/]];
  for (const [given, code, reason] of cases) {
    const wrong = new Tallyd(['--database', 'x', '--port', '0', ...given]);
    assert.equal((await wrong.exited).code, code, wrong.stderr);
    assert.match(wrong.stderr, reason);
  }
});

test('with a certificate it may listen beyond loopback; without one SIGHUP is harmless', async () => {
  const open = await startTallyd(s.cluster, [...args, '--listen', '0.0.0.0']);
  assert.match(open.url, /^https:\/\/0\.0\.0\.0:/);
  await open.stop();
  s.tallyd.child.kill('SIGHUP');
  await until('a line of the log', () => s.tallyd.stderr.includes('no certificate'));
  assert.equal((await fetch(`${s.url}/healthz`)).status, 200);
  const socket = net.connect(s.tallyd.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.destroy();
});

test('SIGTERM ends it as without TLS', async () => {
  const other = await startTallyd(s.cluster, args);
  const to = { ...options(), port: other.port };
  await until('readiness', async () => (await request('GET', '/readyz', { key: null, to })).status === 200);
  const idle = tls.connect(to);
  idle.on('error', () => {});
  await new Promise((resolve) => { idle.once('secureConnect', resolve); });
  assert.equal((await request('GET', '/api/v1/profile', { to })).status, 200);
  assert.equal((await other.stop()).code, 0);
});
