// What the benchmarks that node drives share: a psql that is kept open, and medians.
'use strict';

const { spawn } = require('node:child_process');

// A psql that is kept open: each statement is answered with what it prints.
class Psql {
  constructor(args) {
    this.child = spawn('psql', ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.text = '';
    this.child.stdout.setEncoding('utf8').on('data', (data) => { this.text += data; this.deliver(); });
    this.child.on('error', (error) => this.end(error));
    this.child.on('close', () => this.end(new Error('psql ended: see its message above')));
    this.child.stdin.on('error', () => {}); // the close says it
  }

  end(error) {
    this.ended = this.ended || error;
    if (this.waiting) this.waiting.reject(this.ended);
  }

  deliver() {
    const end = this.text.indexOf('--answered--\n');
    if (end < 0 || !this.waiting) return;
    const answer = this.text.slice(0, end).trim();
    this.text = this.text.slice(end + '--answered--\n'.length);
    const { resolve } = this.waiting;
    this.waiting = null;
    resolve(answer);
  }

  run(statement) {
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      if (this.ended) return this.end();
      return this.child.stdin.write(`${statement}\n\\echo --answered--\n`);
    });
  }

  async ask(sql) {
    const answer = await this.run(`SELECT ms, answer FROM tally_bench.ask($ask$${sql}$ask$);`);
    const bar = answer.indexOf('|');
    return { ms: Number(answer.slice(0, bar)), answer: answer.slice(bar + 1) };
  }

  close() { this.child.stdin.end(); }
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

module.exports = { Psql, median };
