// Requests that arrive in one moment: as many as the HTTP library takes at a time, some less, some more. Each is answered at once,
// though nothing comes after them.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const net = require('node:net');
const { after, before, test } = require('node:test');
const { once } = require('node:events');
const { setUp, until } = require('./lib.js');

let s;
before(async () => { s = await setUp(['--http-threads', '1']); });
after(() => s?.close());

// Every thread: a stop takes its time, and what comes before it would be served.
const areStopped = () => fs.readdirSync(`/proc/${s.tallyd.child.pid}/task`).every((task) => /^State:\tT/m.test(fs.readFileSync(`/proc/${s.tallyd.child.pid}/task/${task}/status`, 'utf8')));

test('128 requests in one moment are answered like any other number', async () => {
  for (const count of [126, 127, 128, 129, 256]) {
    const sockets = Array.from({ length: count }, () => net.connect(s.tallyd.port, '127.0.0.1'));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    let answered = 0;
    for (const socket of sockets) socket.on('data', (data) => { answered += String(data).split('HTTP/1.1 200').length - 1; });
    const ask = () => { for (const socket of sockets) socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'); };
    ask(); // so that all are known to the library
    await until(`${count} answers`, () => answered === count);
    s.tallyd.child.kill('SIGSTOP');
    await until('the stop', areStopped);
    ask();
    await new Promise((resolve) => { setTimeout(resolve, 200); });
    s.tallyd.child.kill('SIGCONT');
    await until(`${count} answers to what came in one moment`, () => answered === 2 * count);
    for (const socket of sockets) socket.destroy();
    assert.equal(answered, 2 * count);
  }
});
