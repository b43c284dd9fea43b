// A small HTTP client for benchmarks: keep-alive connections on sockets of their own, so that it costs less than the server.
'use strict';

const net = require('node:net');
const { startTallyd } = require('../../http/lib.js');

function request(key, method, target, body = '', type = 'application/json') {
  return `${method} ${target} HTTP/1.1\r\nHost: x\r\n${key ? `Authorization: Bearer ${key}\r\n` : ''}${
    body ? `Content-Type: ${type}\r\n` : ''}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

// One connection: ask(text of a request) -> {status, text}, one after the other.
class Connection {
  constructor(port) {
    this.socket = net.connect(port, '127.0.0.1');
    this.socket.setNoDelay(true);
    this.socket.on('error', (error) => this.waiting?.reject(error));
    this.socket.on('close', () => this.waiting?.reject(new Error('the connection was closed')));
    this.buffers = [];
    this.socket.on('data', (data) => { this.buffers.push(data); this.deliver(); });
  }

  deliver() {
    let all = this.buffers.length === 1 ? this.buffers[0] : Buffer.concat(this.buffers);
    this.buffers = [all];
    const end = all.indexOf('\r\n\r\n');
    if (end < 0 || !this.waiting) return;
    const head = all.toString('latin1', 0, end);
    if (head.startsWith('HTTP/1.1 100')) {
      this.buffers = [all.subarray(end + 4)];
      this.deliver();
      return;
    }
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    if (all.length < end + 4 + length) return;
    const text = all.toString('utf8', end + 4, end + 4 + length);
    all = all.subarray(end + 4 + length);
    this.buffers = all.length > 0 ? [all] : [];
    const { resolve } = this.waiting;
    this.waiting = null;
    resolve({ status: Number(head.split(' ')[1]), text });
  }

  ask(text) {
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      this.socket.write(text);
    });
  }

  end() { this.waiting = null; this.socket.destroy(); }
}

// A tallyd in front of the benchmark's database: {port, key, pid, stop}.
async function tallydOf(psql) {
  await psql.run(`DO $$ BEGIN CREATE ROLE tallyd_bench LOGIN IN ROLE tally_api; EXCEPTION WHEN duplicate_object THEN NULL; END $$;`);
  const key = await psql.run("SELECT tally.create_api_key(name => 'bench', scopes => '{read,write,admin}');");
  const conninfo = () => `host=${process.env.PGHOST} port=${process.env.PGPORT || 5432} dbname=${process.env.PGDATABASE || 'tally'} user=tallyd_bench`;
  const tallyd = await startTallyd({ conninfo }, ['--log-level', 'warn']);
  await tallyd.ready();
  return { port: tallyd.port, key, pid: tallyd.child.pid, stop: () => tallyd.stop() };
}

module.exports = { Connection, request, tallydOf };
