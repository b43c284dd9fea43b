// Helper of the HTTP tests: stands between tallyd and PostgreSQL, and loses an answer on demand.
'use strict';

const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');

const READY = Buffer.from('5a0000000549', 'hex');     // ReadyForQuery, idle: the transaction has ended

// {conninfo, lose(text), lost(), close()}. lose(): the next statement with this text in its parameters runs to its end, and then,
// in place of the answer, tallyd sees its connection close.
function proxy(cluster) {
  const dir = fs.mkdtempSync(path.join(cluster.dir, 'proxy-'));
  const sockets = new Set();
  let wanted, losses = 0;
  const server = net.createServer((client) => {
    const database = net.connect(path.join(cluster.dir, '.s.PGSQL.5432'));
    let losing = false;
    let tail = Buffer.alloc(0);
    for (const socket of [client, database]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => { sockets.delete(socket); client.destroy(); database.destroy(); });
    }
    client.on('data', (data) => {
      if (wanted && data.includes(wanted)) {
        losing = true;
        wanted = undefined;
        tail = Buffer.alloc(0);
      }
      database.write(data);
    });
    database.on('data', (data) => {
      if (!losing) {
        client.write(data);
        return;
      }
      tail = Buffer.concat([tail, data]);
      if (!tail.subarray(-READY.length).equals(READY)) return;
      losses += 1;
      client.destroy();
    });
  });
  server.listen(path.join(dir, '.s.PGSQL.5432'));
  return {
    conninfo: cluster.conninfo().replace(/host=\S+/, `host=${dir}`),
    lose: (text) => { wanted = text; },
    lost: () => losses,
    close: () => { server.close(); for (const socket of sockets) socket.destroy(); },
  };
}

module.exports = { proxy };
