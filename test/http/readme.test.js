// The READMEs are true: every example in them is run and its answer compared, every link leads somewhere, and every function
// and option that they name exists. How blocks are told apart: readme.js.
'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { setUp } = require('./lib.js');
const { Session, agrees, bashMark, blocks, needs, notRun, psqlMark, shown, whyNotRun } = require('./readme.js');

const root = path.join(__dirname, '..', '..');
const pages = ['README.md', 'extension/README.md', 'sql/README.md', 'httpd/README.md', 'test/README.md'];
const others = ['test/bench/README.md', 'test/sample/README.md'];
const read = (page) => fs.readFileSync(path.join(root, page), 'utf8');
const withoutBlocks = (text) => text.replace(/^```[^]*?^```$/gm, (block) => block.replace(/[^\n]/g, ''));

// A store as `make run` leaves it, in a folder of its own, for one page. tallyd does not pack: an example that does finds all
// events that wait, where tallyd would just hold some of them now and then.
async function store() {
  const it = await setUp(['--pack', '0']);
  const { cluster } = it;
  const folder = path.join(cluster.dir, 'page');
  fs.mkdirSync(path.join(folder, '.run'), { recursive: true });
  cluster.psql("ALTER DATABASE tally SET tally.tenant = 'demo'; UPDATE tally.tenant SET name = 'demo'");
  fs.writeFileSync(path.join(folder, '.run/api-key'), it.key);
  fs.symlinkSync(path.join(cluster.dir, '.s.PGSQL.5432'), path.join(folder, '.run/.s.PGSQL.5432'));
  fs.chmodSync(cluster.dir, 0o755);
  const env = {
    ...process.env, PATH: `${process.env.PG_BINDIR}:${path.dirname(process.env.TALLYD)}:${process.env.PATH}`, TZ: 'UTC', PGTZ: 'UTC', LC_ALL: 'C.UTF-8',
    PGHOST: cluster.dir, PGPORT: '5432', PGUSER: 'postgres', PGDATABASE: 'tally', PGCLIENTENCODING: 'UTF8', TALLYD_URL: it.url,
  };
  const options = { cwd: folder, env };
  const sessions = {
    sql: new Session('psql', ['-X', '-q'], options, psqlMark),
    sh: new Session('bash', [], options, (text) => bashMark(text.replaceAll('http://127.0.0.1:8080', it.url))),
  };
  // Of those that have to be preloaded, which none here is, a page only shows the use.
  const there = cluster.psql("SELECT name FROM pg_available_extensions WHERE name <> 'pg_cron'").split('\n');
  // Files that a page shows before they are used.
  const write = (name, text) => fs.writeFileSync(path.join(folder, name), text);
  return { sessions, there, write, close: async () => { await sessions.sql.close(); await sessions.sh.close(); await it.close(); } };
}

for (const page of pages) {
  test(`${page}: every example gives the answer that it shows`, async (t) => {
    const found = blocks(read(page));
    for (const block of found) assert.ok(block.language in { sql: 1, sh: 1, ...shown }, `${page}:${block.line}: language ${block.language}`);
    const it = await store();
    try {
      for (const block of found) {
        const why = whyNotRun(block, it.there);
        if (why) t.diagnostic(`${page}:${block.line}: not run: ${why}`);
        const name = block.language === 'csv' && /^# (\S+)\n/.exec(block.text);
        if (name) it.write(name[1], block.text.replace(/^.*\n/, ''));
        if (why) continue;
        const given = await it.sessions[block.language].run(block.text);
        const where = `${page}:${block.line}`;
        if (block.answer === undefined) assert.doesNotMatch(given, /^(.*: )?(ERROR|FATAL|psql):|"code":"[A-Z_]+","message"|command not found/m, where);
        else assert.ok(agrees(block.answer, given), `${where}: the page says\n${block.answer}\nand the answer is\n${given}`);
      }
    } finally {
      await it.close();
    }
  });
}

test('the first page is short, and the others begin with their contents', () => {
  assert.ok(read('README.md').split('\n').length <= 200, 'README.md has 200 lines at most: the rest belongs into the rooms');
  for (const page of pages.slice(1)) {
    const chapters = [...withoutBlocks(read(page)).matchAll(/^## (.*)$/gm)].map((match) => match[1]);
    const listed = [...read(page).split(/^## /m)[0].matchAll(/\[([^\]]+)\]\(#[^)]*\)/g)].map((match) => match[1]);
    assert.deepEqual(listed, chapters, `${page}: its contents are its chapters`);
  }
});

const anchor = (heading) => heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-');

test('every link leads somewhere', () => {
  for (const page of [...pages, ...others]) {
    for (const [, target] of withoutBlocks(read(page)).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [file, place] = target.split('#');
      const to = file ? path.join(path.dirname(page), file) : page;
      assert.ok(fs.existsSync(path.join(root, to)), `${page}: ${target}`);
      if (place) assert.ok([...withoutBlocks(read(to)).matchAll(/^#+ (.*)$/gm)].some((match) => anchor(match[1]) === place), `${page}: ${target}`);
    }
  }
});

test('what the pages name is there: functions, tables, views, options, tasks, files', async () => {
  const it = await setUp();
  try {
    const names = new Set(it.cluster.psql(`SELECT n.nspname || '.' || o.name FROM pg_namespace n JOIN (
        SELECT pronamespace AS n, proname::text AS name FROM pg_proc UNION SELECT relnamespace, relname::text FROM pg_class
        UNION SELECT typnamespace, typname::text FROM pg_type) o ON o.n = n.oid WHERE n.nspname LIKE 'tally%'`).split('\n'));
    const tables = it.cluster.psql("SELECT 'tally.' || relname FROM pg_class WHERE relnamespace = 'tally'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition").split('\n');
    for (const table of tables) assert.ok(read('sql/README.md').includes(`\`${table}\``), `sql/README.md, "Where events lie", does not name ${table}`);
    const help = [['--help'], ['import', '--help'], ['tenant', 'create', '--help']].map((args) => spawnSync(process.env.TALLYD, args, { encoding: 'utf8' }).stdout).join('');
    const tasks = fs.readFileSync(path.join(root, 'Makefile'), 'utf8');
    const settings = new Set(['tally.tenant', 'tally.authenticated_tenant', 'tally.allow_drop']);
    const bridges = new Set(['approximate_distinct', 'percentiles', 'percentile', 'percentile_of'].map((name) => `tally.${name}`));
    for (const page of [...pages, ...others]) {
      const text = read(page);
      for (const [name] of text.matchAll(/\btally(?:_rest|_gated)?\.[a-z_]+\b(?![./])/g)) {
        assert.ok(names.has(name) || settings.has(name) || bridges.has(name), `${page} names ${name}`);
      }
      for (const [, option] of text.matchAll(/`(--[a-z-]+)[^`]*`/g)) {
        if (page === 'httpd/README.md') assert.ok(help.includes(option), `${page} names ${option}`);
      }
      for (const [, task] of text.matchAll(/\bmake (check-[a-z]+|[a-z]+)`/g)) {
        assert.ok(new RegExp(`(check-)?\\b${task.replace('check-', '')}\\b`).test(tasks) || task === 'install', `${page} names make ${task}`);
      }
      // In capitals: a name to be chosen.
      for (const [, file] of text.matchAll(/`((?:extension|sql|httpd|test)\/(?!\S*[A-Z]{3})[\w/.-]+\.\w+)`/g)) {
        assert.ok(fs.existsSync(path.join(root, file)), `${page} names ${file}`);
      }
    }
  } finally {
    await it.close();
  }
});

test('the test would notice', () => {
  const [good, bad] = ['```sql\nSELECT 1 AS one;\n```\n\n```\n one\n-----\n   1\n```\n', '```sql\nSELECT 1;\n```\nText.\n```\n1\n```\n'];
  assert.deepEqual(blocks(good).map((block) => block.answer), [' one\n-----\n   1\n']);
  assert.throws(() => blocks(bad), /whose answer/);
  assert.ok(agrees(blocks(good)[0].answer, ' one \n-----\n   1\n(1 row)'));
  assert.ok(!agrees(blocks(good)[0].answer, ' one \n-----\n   2\n(1 row)'));
  assert.ok(agrees('{"id": "bm_4JSk9cHfRKp3SRvfZyjbAS",\n "n": 1, ...}', '{"id":"bm_6JSk9cHfRKp3SRvfZyjbAX","n":1,"m":2}'));
  assert.ok(!agrees('{"n": 1}', '{"n":1,"m":2}'));
  assert.ok(!agrees('{"from":"2026-01-01T00:00:00Z"}', '{"from":"2027-01-01T00:00:00Z"}'), 'a moment that was asked for is compared');
  assert.ok(agrees('{"at":"2026-01-01T00:00:00.123Z"}', '{"at":"2027-01-01T00:00:00.5Z"}'), 'a moment with a fraction is one that was made');
  for (const word of Object.keys(notRun)) assert.ok(whyNotRun({ language: 'sh', text: `${word} x\n` }), word);
  for (const [word, extension] of Object.entries(needs)) {
    assert.ok(whyNotRun({ language: 'sql', text: `SELECT ${word}` }, ['plpgsql']), word);
    assert.equal(whyNotRun({ language: 'sql', text: `SELECT ${word}` }, [extension]), undefined, word);
  }
});
