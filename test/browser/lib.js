// Helper of the browser tests: a store with the sample, a tallyd, and a browser whose every page is watched: what it logs as an
// error, what it asks of other hosts, and scripts that fail, make a test red.
// environment: as test/http/lib.js; CHROMIUM  the browser, where it is not Debian's
'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');
const http = require('../http/lib.js');

const root = path.join(__dirname, '../..');
const executable = process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((one) => fs.existsSync(one));

// Why nothing can be tested here; false: it can.
function missing() {
  if (!executable) return 'chromium is not installed';
  try {
    require.resolve('playwright-core');
    require.resolve('axe-core');
    return false;
  } catch {
    return 'playwright-core is not installed: see test/lib/npm.sh';
  }
}

class Browser {
  static async start(url) {
    const { chromium } = require('playwright-core');
    const one = new Browser();
    one.url = url;
    one.home = fs.mkdtempSync(path.join(os.tmpdir(), 'tally-browser-'));
    one.browser = await chromium.launch({ executablePath: executable, chromiumSandbox: false, env: { ...process.env, HOME: one.home, XDG_CONFIG_HOME: one.home, XDG_CACHE_HOME: one.home } });
    one.problems = [];
    return one;
  }

  // A page of its own session. key: signed in with it, as by pasting; hash: where to, without its #;
  // place: another page than /.
  async open({ key, hash = '/', place = '/', width = 1280, height = 860, dark = false } = {}) {
    const context = await this.browser.newContext({
      viewport: { width, height }, colorScheme: dark ? 'dark' : 'light', locale: 'en-GB', timezoneId: 'Europe/Berlin', permissions: ['clipboard-read', 'clipboard-write'],
      reducedMotion: 'reduce',
    });
    const page = await context.newPage();
    page.setDefaultTimeout(60000);     // only there to end a test that hangs
    this.watch(page);
    if (key) {
      await page.goto(`${this.url}/page/icon.svg`);
      await page.evaluate((one) => sessionStorage.setItem('pgtally-key', one), key);
    }
    await page.goto(`${this.url}${place}#${hash}`);
    await page.locator(place !== '/' ? 'main h1' : key ? 'aside .tenant' : 'body').first().waitFor();
    return page;
  }

  watch(page) {
    page.on('pageerror', (error) => this.problems.push(`a script failed: ${error.stack}`));
    // An answer that refuses something is no fault of the page.
    page.on('console', (message) => {
      if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) this.problems.push(`the console says: ${message.text()}`);
    });
    page.on('request', (request) => {
      const target = new URL(request.url());
      if (target.origin !== this.url && target.protocol !== 'data:') this.problems.push(`it asked another host: ${request.url()}`);
      if (/tally_(live|test)_/.test(request.url())) this.problems.push('a key is in an address');
    });
  }

  // Fails for what was noticed since the last time.
  check() {
    assert.deepEqual(this.problems.splice(0), []);
  }

  async stop() {
    await this.browser.close();
    fs.rmSync(this.home, { recursive: true, force: true });
  }
}

// What axe finds that is serious or worse.
async function accessibility(page) {
  const { source } = require('axe-core');
  // The policy of the page forbids scripts of others: this one comes over the debugger.
  await page.evaluate(source);
  const result = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  return result.violations.filter((one) => ['serious', 'critical'].includes(one.impact))
    .map((one) => `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => `${node.target} ${node.any[0]?.message ?? ''}`).join('; ')}`);
}

// A suite of tests: its store and browser stand while they run, and given gets both first. Where there is no browser that is said.
function suite(name, start, given, tests) {
  const skip = missing();
  if (skip) {
    test(name, { skip }, () => {});
    return;
  }
  let s;
  let b;
  before(async () => {
    s = await start();
    b = await Browser.start(s.url);
    await given(s, b);
  });
  after(async () => {
    await b?.stop();
    await s?.close();
  });
  tests();
}

// A store without events, and tallyd in front of it; api: calls it, and fails where it does not succeed; metric: makes one of a
// code, a sum of n where nothing else is said; send: events, old ones too.
async function startStore() {
  const s = await http.setUp();
  s.api = async (method, target, body) => {
    const answer = await http.call(s.url, s.key, method, target, body);
    assert.ok(answer.status < 300, answer.text);
    return answer.json;
  };
  const family = (await s.api('GET', '/api/v1/profile')).default_product_family_id;
  s.metric = (code, more) => s.api('POST', '/api/v1/metrics', { name: code, code, aggregation_type: 'SUM', aggregation_key: 'n', product_family_id: family, ...more });
  s.send = (...events) => s.api('POST', '/api/v1/events/ingest', { events, allow_backfilling: true });
  return s;
}

// One with the flights of the sample.
async function setUp() {
  const s = await startStore();
  const file = path.join(s.cluster.dir, 'key');
  fs.writeFileSync(file, `${s.key}\n`, { mode: 0o600 });
  const loaded = spawnSync('perl', [path.join(root, 'test/sample/load.pl'), s.url, file], { encoding: 'utf8' });
  if (loaded.status !== 0) throw new Error(`the sample could not be loaded: ${loaded.stderr}`);
  return s;
}

// Until nothing loads and neither the address, which waits for typing, nor what is shown changes any more. The time runs in the page:
// what it is about to do comes first, however slow the machine is.
async function settle(page) {
  const shown = () => page.evaluate(() => new Promise((resolve) => {
    setTimeout(() => resolve(`${location.href} ${document.querySelectorAll('.skeleton').length} ${document.body.innerHTML.length}`), 350);
  }));
  let before = '';
  await http.until('a page that does not change any more', async () => {
    const now = await shown();
    const quiet = now === before && now.includes(' 0 ');
    before = now;
    return quiet;
  });
}

// What a button copies, once it has: the page writes it some moments after the click, and what was copied before would be read.
async function copied(page, button) {
  await page.evaluate(() => navigator.clipboard.writeText(''));
  await button.click();
  return http.until('what was copied', () => page.evaluate(() => navigator.clipboard.readText()));
}

// Closes the dialog by its key, and waits until the address tells of it: an address that is set before would lose what it says.
async function escape(page) {
  await page.keyboard.press('Escape');
  await page.locator('dialog').waitFor({ state: 'detached' });
}

// A tallyd in front of the store that a code signs in at once, and a browser before it.
async function withCode(s, run) {
  const code = crypto.randomBytes(16).toString('hex');
  const file = path.join(s.cluster.dir, 'code');
  fs.writeFileSync(file, `${code}\n${s.key}\n`, { mode: 0o600 });
  const tallyd = await http.startTallyd(s.cluster, ['--page-sign-in', file]);
  await tallyd.ready();
  const other = await Browser.start(tallyd.url);
  try {
    await run(other, code);
    other.check();
  } finally {
    await other.stop();
    await tallyd.stop();
  }
}

module.exports = { Browser, accessibility, copied, escape, missing, settle, setUp, startStore, suite, until: http.until, withCode };
