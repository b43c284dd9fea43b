// READMEs as programs: reads the fenced blocks of a page, runs its examples, and tells whether their answers are those of the page.
//
//   ```sql    run by one psql session for the page, in a database that has the extension and the tenant `demo`
//   ```sh     run by one bash for the page; `.run/api-key`, the socket in `.run` and http://127.0.0.1:8080 are those of a private store
//   ```       straight after an example: its answer. The page may shorten it: `...` stands for anything
//   ```text, ```csv, ```ini, ```nginx    shown and not run (see `shown`); a block without an example before it is a mistake
// An example without an answer must end without an error. Answers are compared without what differs each time: see `normal`.
'use strict';

const { spawn } = require('node:child_process');

// Languages of blocks that are not examples, and what they are for.
const shown = {
  text: 'what a command prints that takes minutes, or that draws on a terminal',
  csv: 'files that an example reads',
  ini: 'configuration of systemd, PostgreSQL and tallyd',
  nginx: 'configuration of a proxy',
};

// Commands that a test does not run, and why. A block of ```sh that begins a line with one of them is not run as a whole.
const notRun = {
  'apt-get': 'installs packages into the system',
  make: 'builds for minutes; `make run` and `make check` are tried by themselves',
  systemctl: 'needs a systemd that runs',
  docker: 'needs a docker that runs',
  chgrp: 'changes files of the system',
  'pg_upgrade': 'needs two versions of PostgreSQL',
  BENCH: 'benchmarks take minutes',
  PROPERTY_SECONDS: 'the property test is a suite of its own',
  'node': 'tests that run tests',
};

// The fenced blocks of a page: [{line, language, text, answer}], an answer joined to its example.
function blocks(page) {
  const found = [];
  const lines = page.split('\n');
  let open = null;
  let between = true;      // only blank lines since the last example
  lines.forEach((text, index) => {
    const fence = /^```(\S*)$/.exec(text);
    if (open && fence) {
      if (open.language) found.push(open);
      else if (found.length && between && found.at(-1).answer === undefined && !(found.at(-1).language in shown)) found.at(-1).answer = open.text;
      else throw new Error(`line ${open.line}: a block without a language follows no example: whose answer is it?`);
      between = true;
      open = null;
    } else if (open) open.text += `${text}\n`;
    else if (fence) open = { line: index + 1, language: fence[1], text: '' };
    else if (text.trim() !== '') between = false;
  });
  if (open) throw new Error(`line ${open.line}: the block is not closed`);
  return found;
}

// Extensions that a server may lack: a block of ```sql with such a word is not run where it does.
const needs = { 'cron.schedule': 'pg_cron', pgtally_hll: 'hll', pgtally_tdigest: 'tdigest' };

// Why a block is not run; nothing: it is. `there`: extensions that this server has.
function whyNotRun(block, there = []) {
  if (block.language in shown) return shown[block.language];
  if (block.language !== 'sh') {
    const lacking = Object.keys(needs).find((word) => block.text.includes(word) && !there.includes(needs[word]));
    return lacking && `this server has no ${needs[lacking]}`;
  }
  const word = block.text.split('\n').map((line) => line.split(/[ =]/)[0]).find((first) => first in notRun);
  return word && notRun[word];
}

// Without what differs each time: made ids, UUIDs, moments of today or with fractions of a second; and without layout.
function normal(text, isData, now = Date.now()) {
  const moment = /\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d(?::?\d\d)?)?/g;
  const same = text
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UUID')
    .replace(/\b(bm|pf|prd|ten|tkn|imp)_[0-9A-Za-z]{20,22}\b/g, '$1_ID')
    .replace(moment, (at) => (/\.\d*[1-9]/.test(at) || Math.abs(new Date(at.replace(' ', 'T').replace(/\+00$/, 'Z')) - now) < 2 * 86400e3 ? 'MOMENT' : at));
  if (isData) return same.replace(/\s+/g, '');        // JSON may be wrapped anywhere
  return same.split('\n').map((line) => line.replace(/-{3,}/g, '---').replace(/\s+/g, ' ').trim())
    .filter((line) => line !== '' && !/^\(\d+ rows?\)$/.test(line)).join('\n');
}

// Whether a page's answer is this one.
function agrees(written, given) {
  const isData = written.startsWith('{');
  const pieces = written.split('...').map((piece) => normal(piece, isData).replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${pieces.join('[^]*?')}$`).test(normal(given, isData));
}

// A psql or a bash that is told one block after the other.
class Session {
  constructor(program, args, options, mark) {
    this.mark = mark;
    this.out = '';
    this.child = spawn('sh', ['-c', 'exec "$0" "$@" 2>&1', program, ...args], { ...options, stdio: ['pipe', 'pipe', 'inherit'] });
    this.child.stdin.on('error', () => {});
    this.child.stdout.setEncoding('utf8');
    this.child.stdout.on('data', (data) => { this.out += data; this.wake?.(); });
    this.child.on('close', () => { this.ended = true; this.wake?.(); });
  }

  async run(text, limit = 120000) {
    const end = Date.now() + limit;
    this.out = '';
    this.child.stdin.write(this.mark(text));
    while (!this.out.includes('END OF BLOCK\n')) {
      if (this.ended) throw new Error(`the session ended: ${this.out}`);
      if (Date.now() > end) throw new Error(`no end after: ${this.out}`);
      await new Promise((resolve) => { this.wake = resolve; setTimeout(resolve, 1000); });
    }
    return this.out.slice(0, this.out.indexOf('END OF BLOCK\n')).replace(/^\n+/, '').trimEnd();
  }

  async close() {
    this.child.stdin.end();
    while (!this.ended) await new Promise((resolve) => { this.wake = resolve; setTimeout(resolve, 1000); });
  }
}

const psqlMark = (text) => `${text}\n\\echo 'END OF BLOCK'\n`;
const bashMark = (text) => `{ :\n${text}\n} </dev/null\necho; echo 'END OF BLOCK'\n`;

module.exports = { Session, agrees, bashMark, blocks, needs, notRun, psqlMark, shown, whyNotRun };
