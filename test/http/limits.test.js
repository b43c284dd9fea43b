// Slow clients, full queues, a slow database: every limit answers, and afterwards all is as before.
'use strict';

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');
const { call, event, isErrorAnswer, net, parseAnswers, raw, setUp, sleep, startTallyd, until } = require('./lib.js');

let s;
before(async () => { s = await setUp(); });
after(() => s?.close());

// A tallyd of its own limits on the shared cluster.
function withTallyd(args, tests) {
  const ours = {};
  before(async () => {
    ours.tallyd = await startTallyd(s.cluster, args);
    await ours.tallyd.ready();
    ours.url = ours.tallyd.url;
  });
  after(() => ours.tallyd?.stop());
  tests(ours);
}

const number = async (url, line) => {
  const text = (await call(url, null, 'GET', '/metrics')).text;
  return Number((text.split('\n').find((one) => one.startsWith(`${line} `)) || '0').split(' ').pop());
};
const drip = (text) => text.split('');

describe('slow clients', () => withTallyd(['--head-timeout', '1', '--body-timeout', '1', '--keepalive-timeout', '1', '--send-timeout', '1'], (ours) => {
  test('a head that comes byte by byte is cut with 408', async () => {
    const stream = await raw(ours.tallyd.port, drip(`GET /healthz HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(2000)}`), { pause: 50 });
    isErrorAnswer(assert, parseAnswers(stream)[0], 408, 'REQUEST_TIMEOUT');
  });

  test('a request line that comes byte by byte is cut too', async () => {
    const stream = await raw(ours.tallyd.port, drip(`GET /${'a'.repeat(2000)}`), { pause: 50 });
    isErrorAnswer(assert, parseAnswers(stream)[0], 408, 'REQUEST_TIMEOUT');
  });

  test('a connection that never says anything is closed', async () => {
    await raw(ours.tallyd.port, []);
  });

  test('a body that comes byte by byte is cut with 408', async () => {
    const head = `POST /api/v1/events/ingest HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${s.key}\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n`;
    isErrorAnswer(assert, parseAnswers(await raw(ours.tallyd.port, [head, ...drip('x'.repeat(2000))], { pause: 50 }))[0], 408, 'REQUEST_TIMEOUT');
  });

  test('an idle connection is closed without a word after its answer', async () => {
    const answers = parseAnswers(await raw(ours.tallyd.port, 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'));
    assert.deepEqual(answers.map((answer) => answer.status), [200]);
  });

  test('a client that does not read its answers is cut', async () => {
    const socket = net.connect(ours.tallyd.port, '127.0.0.1');
    socket.pause();
    socket.on('error', () => {});
    const one = 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n';
    const before = await number(ours.url, 'tallyd_http_clients_cut_total');
    const feed = setInterval(() => socket.writable && socket.write(one.repeat(500)), 5);
    await until('the cut', async () => await number(ours.url, 'tallyd_http_clients_cut_total') > before);
    clearInterval(feed);
    socket.destroy();
  });

  test('two hundred slow clients do not keep a quick one waiting for ever, and all are gone in the end', async () => {
    const slow = Array.from({ length: 200 }, () => raw(ours.tallyd.port, drip('GET /api/v1/profile HTTP/1.1\r\nHost: x\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'), { pause: 100 }));
    for (let n = 0; n < 20; n += 1) assert.equal((await call(ours.url, s.key, 'GET', '/api/v1/profile')).status, 200);
    await Promise.all(slow);
    await until('all gone', async () => await number(ours.url, 'tallyd_http_connections') <= 3);
  });
}));

describe('a full queue', () => withTallyd(['--queue-requests', '5', '--readers', '1'], (ours) => {
  test('what does not fit is 503 with Retry-After at once, the rest is served', async () => {
    const lock = await s.cluster.session('BEGIN; LOCK TABLE tally.api_key IN ACCESS EXCLUSIVE MODE');
    let refused = 0;
    const pending = [];
    for (let n = 0; n < 40; n += 1) {
      const answer = n % 2 ? call(ours.url, s.key, 'POST', '/api/v1/events/ingest', { events: [event()] }) : call(ours.url, s.key, 'GET', '/api/v1/profile');
      pending.push(answer.then((one) => { refused += one.status === 503; return one; }));
    }
    await until('refusals', () => refused >= 20);
    isErrorAnswer(assert, await call(ours.url, null, 'GET', '/readyz'), 503, 'SERVICE_UNAVAILABLE');
    await lock.end();
    for (const answer of await Promise.all(pending)) {
      if (answer.status === 200) continue;
      isErrorAnswer(assert, answer, 503, 'SERVICE_UNAVAILABLE');
      assert.ok(Number(answer.headers.get('retry-after')) >= 1);
    }
    await until('readiness', async () => (await call(ours.url, null, 'GET', '/readyz')).status === 200);
  });
}));

describe('a slow database', () => withTallyd(['--queue-timeout', '0.5', '--statement-timeout', '1', '--readers', '1'], (ours) => {
  test('requests in the statement and in the queue get 503, and all is well afterwards', async () => {
    const lock = await s.cluster.session('BEGIN; LOCK TABLE tally.api_key IN ACCESS EXCLUSIVE MODE');
    const answers = await Promise.all(Array.from({ length: 12 }, (_, n) => (n % 2
      ? call(ours.url, s.key, 'POST', '/api/v1/events/ingest', { events: [event()] }) : call(ours.url, s.key, 'GET', '/api/v1/profile'))));
    for (const answer of answers) {
      isErrorAnswer(assert, answer, 503, 'SERVICE_UNAVAILABLE');
      assert.ok(Number(answer.headers.get('retry-after')) >= 1);
    }
    await lock.end();
    assert.equal((await call(ours.url, s.key, 'GET', '/api/v1/profile')).status, 200);
    assert.equal((await call(ours.url, s.key, 'POST', '/api/v1/events/ingest', { events: [event()] })).json.accepted, 1);
  });
}));

describe('memory for bodies', () => withTallyd(['--body-memory', '2MB', '--max-ingest-body', '2MB'], (ours) => {
  test('what exceeds it together is 503; it is given back', async () => {
    const head = `POST /api/v1/events/ingest HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${s.key}\r\nContent-Type: application/json\r\nContent-Length: 1500000\r\n\r\n`;
    const first = net.connect(ours.tallyd.port, '127.0.0.1');
    first.on('error', () => {});
    first.write(head + 'x'.repeat(1000));
    await until('the first body', async () => await number(ours.url, 'tallyd_body_bytes') > 0);
    const answer = parseAnswers(await raw(ours.tallyd.port, head));
    isErrorAnswer(assert, answer[0], 503, 'SERVICE_UNAVAILABLE');
    first.destroy();
    await until('memory given back', async () => await number(ours.url, 'tallyd_body_bytes') === 0);
    // The server ends the connection, after its answer: on a slow machine a client that did would be gone before it.
    const last = head.replace('Content-Length', 'Connection: close\r\nContent-Length');
    isErrorAnswer(assert, parseAnswers(await raw(ours.tallyd.port, [last, 'x'.repeat(1500000)]))[0], 400, 'BAD_REQUEST');
  });
}));

describe('connections', () => withTallyd(['--max-connections', '20', '--http-threads', '2'], (ours) => {
  test('beyond the limit clients wait for a place, and get it', async () => {
    const idle = Array.from({ length: 60 }, () => net.connect(ours.tallyd.port, '127.0.0.1'));
    for (const socket of idle) socket.on('error', () => {});
    await sleep(200);
    const waiting = call(ours.url, s.key, 'GET', '/api/v1/profile');
    for (const socket of idle) socket.destroy();
    assert.equal((await waiting).status, 200);
  });

  test('clients that vanish in the middle of everything leave nothing behind', async () => {
    const body = JSON.stringify({ events: [event()] });
    const bytes = `POST /api/v1/events/ingest HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${s.key}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    for (let n = 0; n < 200; n += 1) {
      const socket = net.connect(ours.tallyd.port, '127.0.0.1');
      socket.on('error', () => {});
      await new Promise((resolve) => { socket.once('connect', resolve); socket.once('close', resolve); });
      await new Promise((resolve) => { socket.write(bytes.slice(0, (n * 7) % bytes.length + 1), resolve); });
      if (n % 2) socket.resetAndDestroy(); else socket.destroy();
    }
    await until('rest', async () => await number(ours.url, 'tallyd_http_requests_in_flight') === 1 && await number(ours.url, 'tallyd_body_bytes') === 0);
    assert.equal((await call(ours.url, s.key, 'GET', '/api/v1/profile')).status, 200);
  });
}));
