// A psql session that stays open: one statement at a time, its rows as JSON. A session whose server died is over; `Sessions`
// opens the next one.
'use strict';

const { spawn } = require('node:child_process');
const { sleep } = require('../http/lib.js');

const quote = (text) => (text === null || text === undefined ? 'NULL' : `'${String(text).replaceAll("'", "''")}'`);
const array = (list) => (list === null || list === undefined ? 'NULL::text[]' : `ARRAY[${list.map(quote).join(',')}]::text[]`);

class SqlError extends Error {
  constructor(state, message, statement) {
    super(`${state}: ${message}\n  in: ${statement.slice(0, 2000)}`);
    this.state = state;
  }
}

// What may befall any statement here: the server is stopped at any moment, sessions that share events may deadlock.
const LOST = new Set(['closed', '57P01', '57P02', '57P03', '08006', '08003', '40P01', '40001']);
const isLost = (error) => error instanceof SqlError && LOST.has(error.state);

class Session {
  constructor(cluster, name) {
    const command = ['psql', '-XqAt', '-h', cluster.dir, '-p', '5432', '-U', 'postgres', '-d', 'tally'];
    const bin = process.env.PG_BINDIR;
    command[0] = `${bin}/psql`;
    const whole = process.getuid() === 0 ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--init-groups', ...command] : command;
    this.child = spawn(whole[0], whole.slice(1), { cwd: '/', stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, PGAPPNAME: name } });
    this.name = name;
    this.out = '';
    this.err = '';
    this.child.stdout.setEncoding('utf8').on('data', (data) => { this.out += data; this.deliver(); });
    this.child.stderr.setEncoding('utf8').on('data', (data) => { this.err += data; });
    this.child.stdin.on('error', () => {});
    this.child.on('close', () => { this.closed = true; this.deliver(); });
  }

  deliver() {
    if (!this.waiting) return;
    const end = /^--end \|(.*)\|(.*(?:\n.*)*?)\|--\n/m.exec(this.out);
    if (!end && !this.closed) return;
    const { resolve, reject, statement } = this.waiting;
    this.waiting = null;
    if (!end) {
      reject(new SqlError('closed', this.err.trim(), statement));
      return;
    }
    const text = this.out.slice(0, end.index);
    this.out = this.out.slice(end.index + end[0].length);
    this.err = '';
    if (!/^[0-9A-Z]{5}$/.test(end[1])) {
      // The server went and came back, and psql with it: what the session had set is gone.
      this.closed = true;
      this.kill();
      reject(new SqlError('closed', end[2], statement));
    } else if (end[1] !== '00000') reject(new SqlError(end[1], end[2], statement));
    else resolve(text);
  }

  // The text that a statement prints.
  run(statement) {
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject, statement };
      if (this.closed) this.deliver();
      else this.child.stdin.write(`${statement};\n\\echo --end |:SQLSTATE|:LAST_ERROR_MESSAGE|--\n`);
    });
  }

  // The rows of a query, as objects.
  async rows(query) {
    const text = await this.run(`SELECT to_json(q) FROM (${query}) q`);
    return text.split('\n').filter(Boolean).map((line) => JSON.parse(line));
  }

  async row(query) { return (await this.rows(query))[0]; }

  end() {
    return new Promise((resolve) => {
      if (this.closed) { resolve(); return; }
      this.child.on('close', resolve);
      this.child.stdin.end('\\q\n');
    });
  }

  kill() { this.child.kill('SIGKILL'); }
}

// Runs work(session) again and again until stopped; after the server died with a new session. Anything but a lost session is an error.
class Sessions {
  constructor(cluster) {
    this.cluster = cluster;
    this.open = new Set();
    this.lost = {};
    this.failures = [];
    this.stopped = false;
  }

  connect(name) {
    const session = new Session(this.cluster, name);
    this.open.add(session);
    session.child.on('close', () => this.open.delete(session));
    return session;
  }

  async loop(name, work, begin = async () => {}) {
    let session = null;
    while (!this.stopped) {
      try {
        if (!session || session.closed) {
          session = this.connect(name);
          await session.run("SET tally.tenant = 'test'");
          await session.run("SET statement_timeout = '60s'");
          await begin(session);
        }
        await work(session);
      } catch (error) {
        if (!isLost(error)) {
          this.failures.push(error);
          this.stopped = true;
          break;
        }
        this.lost[error.state] = (this.lost[error.state] || 0) + 1;
        if (!session.closed) await session.run('ROLLBACK').catch(() => {});
        if (session.closed) await sleep(100);
      }
    }
    if (session && !session.closed) await session.end();
  }

  hanging() { return [...this.open].filter((one) => one.waiting).map((one) => `${one.name}: ${one.waiting.statement.slice(0, 300)}`).join('\n'); }

  killAll() { for (const session of this.open) session.kill(); }
}

module.exports = { Session, Sessions, SqlError, array, isLost, quote };
