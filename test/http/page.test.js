// The page at / and the API's description at /docs: how they are served, that they can be switched off, and signing in by a code that can be used once. What it shows
// is test/browser's affair.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, test } = require('node:test');
const zlib = require('node:zlib');
const { Tallyd, net, parseAnswers, setUp, startTallyd } = require('./lib.js');

let s;
let file;
const code = crypto.randomBytes(16).toString('hex');
before(async () => {
  s = await setUp();
  file = path.join(s.cluster.dir, 'sign-in');
  fs.writeFileSync(file, `${code}\n${s.key}\n`, { mode: 0o600 });
});
after(() => s.close());

// Where npm could not be had when tallyd was built there is no page, and that is what must be told then.
async function isBuilt() {
  const answer = await get(s.tallyd.port, '/');
  if (answer.status === 200) return true;
  assert.equal(answer.status, 404);
  assert.match(JSON.parse(answer.body).message, /built without/);
  for (const target of ['/docs', '/page/app.js', '/page/app.css']) assert.equal((await get(s.tallyd.port, target)).status, 404, target);
  return false;
}

// The answer as it is on the wire: fetch would unpack it.
function get(port, target, headers = {}, method = 'GET', body = '') {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1');
    const chunks = [];
    const lines = Object.entries({ host: 'x', connection: 'close', ...(body ? { 'content-length': body.length } : {}), ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.on('data', (data) => chunks.push(data));
    socket.on('error', reject);
    socket.on('close', () => {
      const bytes = Buffer.concat(chunks);
      const cut = bytes.indexOf('\r\n\r\n') + 4;
      const head = parseAnswers(bytes.subarray(0, cut).toString('latin1'))[0];
      resolve({ status: head.status, headers: head.headers, body: bytes.subarray(cut) });
    });
    socket.write(`${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
  });
}

function isSafe(headers) {
  const policy = headers['content-security-policy'];
  for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"]) {
    assert.ok(policy.split('; ').includes(part), `${part} in ${policy}`);
  }
  assert.doesNotMatch(policy, /unsafe|\*|https?:/);
  assert.equal(headers['x-content-type-options'], 'nosniff');
  assert.equal(headers['referrer-policy'], 'no-referrer');
}

test('each of both is a few files, each packed for who takes it so, kept until it changes, and safe', async () => {
  if (!await isBuilt()) return;
  const types = {
    '/': 'text/html', '/page/app.js': 'text/javascript', '/page/app.css': 'text/css', '/page/icon.svg': 'image/svg+xml',
    '/docs': 'text/html', '/page/docs.js': 'text/javascript', '/page/docs.css': 'text/css',
  };
  const total = { page: 0, docs: 0 };
  for (const [target, type] of Object.entries(types)) {
    const plain = await get(s.tallyd.port, target);
    assert.equal(plain.status, 200, target);
    assert.ok(plain.headers['content-type'].startsWith(type), plain.headers['content-type']);
    assert.equal(plain.headers['content-encoding'], undefined);
    assert.equal(plain.headers.vary, 'Accept-Encoding');
    isSafe(plain.headers);
    const packed = await get(s.tallyd.port, target, { 'accept-encoding': 'br, gzip' });
    assert.equal(packed.headers['content-encoding'], 'gzip');
    assert.deepEqual(zlib.gunzipSync(packed.body), plain.body);
    total[target.includes('docs') ? 'docs' : 'page'] += packed.body.length;
    const refused = await get(s.tallyd.port, target, { 'accept-encoding': 'gzip;q=0, br' });
    assert.equal(refused.headers['content-encoding'], undefined);
    const known = await get(s.tallyd.port, target, { 'if-none-match': `"x", ${plain.headers.etag}` });
    assert.equal(known.status, 304);
    assert.equal(known.body.length, 0);
    isSafe(known.headers);
    assert.equal((await get(s.tallyd.port, target, { 'if-none-match': '"x"' })).status, 200);
    const head = await get(s.tallyd.port, target, {}, 'HEAD');
    assert.equal(head.status, 200);
    assert.equal(Number(head.headers['content-length']), plain.body.length);
    assert.equal(head.body.length, 0);
  }
  assert.ok(total.page < 60000 && total.docs < 60000, `${JSON.stringify(total)} bytes, gzipped`);
  for (const target of ['/?x=1', '/docs?x=1']) {
    // Nothing in line: the policy would not run it, and nothing of other hosts.
    const html = (await get(s.tallyd.port, target)).body.toString();
    assert.doesNotMatch(html, /<script>|style=|\son\w+=|https?:/);
  }
});

test('what the page has not, and methods that it does not know', async () => {
  if (!await isBuilt()) return;
  for (const target of ['/page/nothing.js', '/page/', '/page/../etc/passwd', '/page/%61pp.js']) {
    const answer = await get(s.tallyd.port, target);
    assert.equal(answer.status, 404, target);
    isSafe(answer.headers);
  }
  const posted = await get(s.tallyd.port, '/', {}, 'POST', '{}');
  assert.equal(posted.status, 405);
  assert.equal(posted.headers.allow, 'GET, HEAD');
  const read = await get(s.tallyd.port, '/page/sign-in');
  assert.equal(read.status, 405);
  assert.equal(read.headers.allow, 'POST');
  assert.equal((await get(s.tallyd.port, '/pages')).status, 404);
  // It is counted by itself.
  const figures = (await get(s.tallyd.port, '/metrics')).body.toString();
  assert.match(figures, /^tallyd_http_requests_total\{method="GET",route="page",status="200"\} [1-9]/m);
});

const exchange = (tallyd, body, headers = { 'content-type': 'application/json' }) => get(tallyd.port, '/page/sign-in', headers, 'POST', body);

test('a code signs in once, and nobody else', async (t) => {
  if (!await isBuilt()) return;
  const tallyd = await startTallyd(s.cluster, ['--page-sign-in', file]);
  t.after(() => tallyd.stop());
  const wrong = await exchange(tallyd, JSON.stringify({ code: code.replace(/^./, (c) => (c === 'a' ? 'b' : 'a')) }));
  assert.equal(wrong.status, 404);
  assert.equal(JSON.parse(wrong.body).details.field, 'code');
  assert.equal((await exchange(tallyd, '{}')).status, 400);
  assert.equal((await exchange(tallyd, 'no JSON')).status, 400);
  assert.equal((await exchange(tallyd, JSON.stringify({ code }), { 'content-type': 'text/plain' })).status, 415);
  assert.equal((await exchange(tallyd, JSON.stringify({ code: 'a'.repeat(2000) }))).status, 413);
  const good = await exchange(tallyd, JSON.stringify({ code }));
  assert.equal(good.status, 200, good.body.toString());
  assert.deepEqual(JSON.parse(good.body), { key: s.key });
  assert.equal(good.headers['cache-control'], 'no-store');
  isSafe(good.headers);
  assert.equal((await exchange(tallyd, JSON.stringify({ code }))).status, 404);
  await tallyd.stop();
  assert.ok(!tallyd.stderr.includes(code) && !tallyd.stderr.includes(s.key), 'neither code nor key is logged');
});

test('without such a file no code is good, and the file must be its owner\'s', async () => {
  if (!await isBuilt()) return;
  assert.equal((await exchange(s.tallyd, JSON.stringify({ code }))).status, 404);
  assert.equal((await exchange(s.tallyd, JSON.stringify({ code: '' }))).status, 404);
  const bad = async (words, ...args) => {
    const tallyd = new Tallyd(['--database', s.cluster.conninfo(), '--port', '0', ...args]);
    const { code: status } = await tallyd.exited;
    assert.notEqual(status, 0);
    assert.match(tallyd.stderr, words);
  };
  const open = path.join(s.cluster.dir, 'open');
  fs.writeFileSync(open, `${code}\n${s.key}\n`);
  fs.chmodSync(open, 0o644);
  await bad(/may be read by others/, '--page-sign-in', open);
  fs.writeFileSync(file, `short\n${s.key}\n`);
  await bad(/must hold a code/, '--page-sign-in', file);
  await bad(/loopback/, '--page-sign-in', file, '--listen', '0.0.0.0', '--behind-proxy');
  await bad(/--page/, '--page', 'maybe');
});

test('--page off leaves nothing at / and /docs', async (t) => {
  if (!await isBuilt()) return;
  const tallyd = await startTallyd(s.cluster, ['--page', 'off']);
  t.after(() => tallyd.stop());
  for (const [method, target] of [['GET', '/'], ['GET', '/docs'], ['GET', '/page/app.js'], ['POST', '/page/sign-in']]) {
    const answer = await get(tallyd.port, target, {}, method);
    assert.equal(answer.status, 404, target);
    assert.match(JSON.parse(answer.body).message, /--page off/);
  }
});
