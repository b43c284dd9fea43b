// The examples of clients (test/examples), each against a tallyd that loses its first answer and then says 503 once: every
// event counts once all the same. A language that is not here is skipped.
'use strict';

const assert = require('node:assert/strict');
const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const httpModule = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { call, setUp } = require('./lib.js');

const folder = path.join(__dirname, '../examples');
let s;
before(async () => {
  s = await setUp();
});
after(() => s.close());

// Passes requests on to tallyd, badly at first; tells what it did.
async function flaky() {
  const seen = { lost: 0, busy: 0, waited: 0 };
  let refusedAt;
  const server = httpModule.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    if (request.method === 'POST' && seen.lost === 1 && seen.busy === 0) {
      seen.busy = 1;
      refusedAt = Date.now();
      response.writeHead(503, { 'Retry-After': '1', 'Content-Type': 'application/json' }).end('{"code":"SERVICE_UNAVAILABLE","message":"busy"}');
      return;
    }
    if (seen.busy === 1 && seen.waited === 0) seen.waited = Date.now() - refusedAt;
    const answer = await fetch(s.url + request.url, { method: request.method, headers: { authorization: request.headers.authorization, 'content-type': 'application/json' }, body: chunks.length ? Buffer.concat(chunks) : undefined });
    const text = await answer.text();
    if (request.method === 'POST' && seen.lost === 0) {
      seen.lost = 1;
      request.socket.destroy();
      return;
    }
    response.writeHead(answer.status, { 'Content-Type': 'application/json' }).end(text);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { seen, url: `http://127.0.0.1:${server.address().port}`, stop: () => new Promise((resolve) => server.close(resolve)) };
}

function run(command, environment, home) {
  return new Promise((resolve) => {
    const child = spawn(command[0], command.slice(1), { cwd: folder, env: { ...process.env, HOME: home, GOCACHE: path.join(home, 'go'), GOFLAGS: '-mod=mod', GO111MODULE: 'off', ...environment } });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => { text += data; });
    child.on('close', (status) => resolve({ status, text }));
  });
}

const clients = {
  JavaScript: { prefix: 'js', version: [process.execPath, '--version'], command: [process.execPath, 'meter.js'] },
  Python: { prefix: 'py', version: ['python3', '--version'], command: ['python3', 'meter.py'] },
  Go: { prefix: 'go', version: ['go', 'version'], command: ['go', 'run', 'meter.go'] },
};

for (const [language, { version, command, prefix }] of Object.entries(clients)) {
  const here = spawnSync(version[0], version.slice(1)).status === 0;
  test(`${language}: what is sent again counts once`, { skip: here ? false : `${version[0]} is not installed` }, async (t) => {
    const { json: tenant } = await call(s.url, s.key, 'GET', '/api/v1/profile');
    const made = await call(s.url, s.key, 'POST', '/api/v1/metrics', { slug: 'gpu-seconds', name: 'GPU seconds', code: 'gpu', aggregation_type: 'SUM', aggregation_key: 'seconds', product_family_id: tenant.default_product_family_id });
    assert.ok([201, 409].includes(made.status), made.text);
    const home = fs.mkdtempSync(path.join(os.tmpdir(), 'tally-client-'));
    const proxy = await flaky();
    t.after(() => fs.rmSync(home, { recursive: true, force: true }));
    const before = await total();
    try {
      const { status, text } = await run(command, { PGTALLY_URL: proxy.url, PGTALLY_KEY: s.key }, home);
      assert.equal(status, 0, text);
      assert.match(text, /^accepted 1500, duplicates 1000$/m, 'the batch whose answer was lost was stored');
      assert.equal(await total(), before + 250, text);
      assert.match(text, new RegExp(`^total ${before + 250}(\\.0)?$`, 'm'));
      assert.deepEqual([proxy.seen.lost, proxy.seen.busy], [1, 1]);
      assert.ok(proxy.seen.waited >= 990, `it waited ${proxy.seen.waited} ms where Retry-After said a second`);
      const refused = await run(command, { PGTALLY_URL: proxy.url, PGTALLY_KEY: 'nobody' }, home);
      assert.equal(refused.status, 1, refused.text);
      assert.match(refused.text, /401: .*the API key is not valid/, `${prefix}: what cannot be mended is told at once`);
    } finally {
      await proxy.stop();
    }
  });
}

const total = async () => Number((await call(s.url, s.key, 'GET', '/api/v1/metrics/gpu-seconds/usage?from=2026-03-01&to=2026-04-01')).json.total.value ?? 0);
