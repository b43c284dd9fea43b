// Benchmark of ingest over HTTP: requests per second, one event each, and ratios measured in one run.
// usage: PG_BINDIR=... TALLYD=... node test/bench/http_ingest.js [seconds per measurement]
// fsync is on here, unlike in the tests: sharing a commit is the point.
'use strict';

const net = require('node:net');
const { call, event, setUp, startTallyd } = require('../http/lib.js');

const seconds = Number(process.argv[2] || 5);

// One keep-alive client on a socket of its own: the client must cost less than the server.
function client(port, key, state) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.setNoDelay(true);
    let sent = 0n;
    const post = () => {
      const body = JSON.stringify({ events: [event({ timestamp: state.now })] });
      sent = process.hrtime.bigint();
      socket.write(`POST /api/v1/events/ingest HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    };
    socket.on('connect', post);
    socket.on('data', (data) => {
      if (!data.includes('"accepted":1') && !data.includes('"accepted" : 1')) state.failed += 1;
      state.times.push(Number(process.hrtime.bigint() - sent) / 1e6);
      if (Date.now() < state.end) post();
      else socket.end();
    });
    socket.on('close', resolve);
    socket.on('error', () => { state.failed += 1; });
  });
}

async function measure(name, tallyd, key, clients) {
  const state = { times: [], failed: 0, now: new Date().toISOString(), end: Date.now() + seconds * 1000 };
  const begun = Date.now();
  await Promise.all(Array.from({ length: clients }, () => client(tallyd.port, key, state)));
  const rate = state.times.length / ((Date.now() - begun) / 1000);
  state.times.sort((a, b) => a - b);
  const at = (share) => state.times[Math.floor((state.times.length - 1) * share)].toFixed(1);
  console.log(`${name.padEnd(40)} ${rate.toFixed(0).padStart(7)} requests/s   p50 ${at(0.5)} ms   p99 ${at(0.99)} ms${state.failed ? `   ${state.failed} FAILED` : ''}`);
  return rate;
}

(async () => {
  const s = await setUp(['--log-level', 'warn']);
  const single = await startTallyd(s.cluster, ['--batch-max', '1', '--log-level', 'warn']);
  try {
    s.cluster.stop();
    s.cluster.start(['fsync=on']);
    await s.tallyd.ready();
    await single.ready();
    await measure('(warm-up)', s.tallyd, s.key, 16);
    const one = await measure('1 client', s.tallyd, s.key, 1);
    const many = await measure('64 clients', s.tallyd, s.key, 64);
    const alone = await measure('64 clients, --batch-max 1', single, s.key, 64);
    const crowd = await measure('256 clients', s.tallyd, s.key, 256);
    const size = /tallyd_ingest_batch_requests_sum (\S+)\n.*_count (\S+)/.exec((await call(s.url, null, 'GET', '/metrics')).text);
    console.log(`http ingest: 64 clients / 1 client            ${(many / one).toFixed(2)}`);
    console.log(`http ingest: coalesced / one by one, 64 clients ${(many / alone).toFixed(2)}`);
    console.log(`http ingest: 256 clients / 64 clients         ${(crowd / many).toFixed(2)}`);
    if (size) console.log(`http ingest: requests per statement, mean     ${(Number(size[1]) / Number(size[2])).toFixed(1)}`);
  } finally {
    await single.stop();
    await s.close();
  }
})().catch((error) => { console.error(error); process.exitCode = 1; });
