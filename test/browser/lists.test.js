// Lists that grow while somebody looks: events, files that are sent for minutes, adjustments of a statement.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { startStore, suite, until } = require('./lib.js');

let s;
let b;

const ids = (page) => page.locator('table.events a[href*="/events/"]').evaluateAll((all) => [...new Set(all.map((one) => one.textContent))]);

// A file of so many lines, some pieces long.
function fileOf(name, lines, first = 0) {
  const file = path.join(s.cluster.dir, name);
  fs.writeFileSync(file, `code,customer_id,timestamp,note,event_id\n${Array.from({ length: lines }, (_, n) => `step,ann,2024-03-01T00:00:00Z,${'x'.repeat(60)},${name}-${first + n}`).join('\n')}\n`);
  return file;
}

function tests() {
  test('a key that may only read is not told to do what it may not where nothing has come yet', async () => {
    const { secret } = await s.api('POST', '/api/v1/keys', { name: 'looker', scopes: ['read'] });
    const page = await b.open({ key: secret });
    await page.getByText('This key may only read').waitFor();
    assert.equal(await page.getByText('Create a metric').or(page.getByText('Send an event')).count(), 0);
    await page.context().close();
    b.check();
  });

  test('of many keys the newest are first, every one can be seen, and revoked from an address', async () => {
    const old = await s.api('POST', '/api/v1/keys', { name: 'the oldest', scopes: ['read'] });
    for (let n = 0; n < 110; n++) await s.api('POST', '/api/v1/keys', { name: `key ${n}`, scopes: ['read'] });
    const page = await b.open({ key: s.key, hash: '/keys' });
    await page.getByRole('row', { name: /^key 109/ }).waitFor();
    await page.getByText('Page 1 of 6').waitFor();
    await page.evaluate((hash) => { location.hash = hash; }, '/keys?page=5');
    await page.getByRole('row', { name: /^the oldest/ }).waitFor();
    await page.evaluate((hash) => { location.hash = hash; }, `/keys?revoke=${old.id}`);
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    assert.ok((await s.api('GET', '/api/v1/keys?per_page=100')).data.find((key) => key.id === old.id).revoked_at);
    await page.context().close();
    b.check();
  });

  test('which lines an import refused is told whenever it is looked at', async () => {
    const lines = Array.from({ length: 130 }, (_, n) => `step,ann,${n === 2 ? '2024-03-01T00:00:00Z' : 'never'},l-${n}`);
    const { import_id: id } = await (await fetch(`${s.url}/api/v1/events/import?name=bad.csv`, { method: 'POST', headers: { authorization: `Bearer ${s.key}`, 'content-type': 'text/csv' }, body: `code,customer_id,timestamp,event_id\n${lines.join('\n')}\n` })).json();
    const page = await b.open({ key: s.key, hash: `/imports?import=${id}` });
    const dialog = page.getByRole('dialog');
    await dialog.getByText('129 lines').waitFor();
    await dialog.getByText('and 29 more').waitFor();
    assert.deepEqual((await dialog.locator('.failures .line').allTextContents()).slice(0, 3), ['line 2', 'line 3', 'line 5']);
    assert.match(await dialog.locator('.failures li').first().textContent(), /timestamp/);
    await page.context().close();
    b.check();
  });

  test('a page past the last one of a list leads to the last', async () => {
    await s.metric('page');
    await fetch(`${s.url}/api/v1/events/import?name=one.csv`, { method: 'POST', headers: { authorization: `Bearer ${s.key}`, 'content-type': 'text/csv' }, body: 'code,customer_id\npage,ann\n' });
    await s.api('POST', '/api/v1/statements', { from: '2020-01-01', to: '2020-02-01' });
    const page = await b.open({ key: s.key, hash: '/' });
    for (const [hash, row] of [['metrics', 'page'], ['imports', 'one.csv'], ['statements', '1 Jan 2020'], ['keys', 'looker']]) {
      await page.evaluate((to) => { location.hash = to; }, `/${hash}?page=7`);
      await page.getByRole('row', { name: new RegExp(row) }).waitFor();
      assert.doesNotMatch(page.url(), /page=7/);
    }
    await page.context().close();
    b.check();
  });

  test('the overview tells what every metric skipped, and of which that is not known', async () => {
    for (let n = 0; n < 21; n++) await s.metric('skips', { name: `a ${String(n).padStart(2, '0')}`, aggregation_type: 'COUNT', aggregation_key: null });
    const last = await s.metric('skips', { name: 'zz last', aggregation_key: 'there is none' });
    await s.send({ event_id: 's-1', code: 'skips', customer_id: 'ann', properties: {} });
    const page = await b.open({ key: s.key });
    await page.getByText(/for want of a value that the metric can use: .*zz last 1/).waitFor();
    await page.route(`**/metrics/${last.id}/usage?**`, (route) => route.fulfill({ status: 404, contentType: 'application/json', body: '{"code": "X", "message": "gone"}' }));
    await page.reload();
    await page.getByText('Not known of zz last').waitFor();
    await page.context().close();
    b.check();
  });

  test('older events are read without a gap while new ones come, and live shows those', async () => {
    const send = (from, count) => s.send(...Array.from({ length: count }, (_, n) => ({ event_id: `n-${from + n}`, code: 'tick', customer_id: 'ann', timestamp: new Date(Date.UTC(2026, 0, 1) + (from + n) * 60000).toISOString() })));
    await send(0, 200);
    const page = await b.open({ key: s.key, hash: '/events?code=tick' });
    await page.getByText('n-199', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Older events' }).click();
    await until('older ones', async () => (await ids(page)).length === 100);
    await send(200, 120);
    await page.waitForTimeout(2500);
    await page.getByRole('button', { name: 'Older events' }).click();
    await until('older ones', async () => (await ids(page)).length >= 150);
    const seen = (await ids(page)).map((id) => Number(id.slice(2)));
    assert.deepEqual(seen, Array.from({ length: seen.length }, (_, n) => seen[0] - n));
    await page.getByRole('button', { name: 'Paused' }).click();
    await page.getByText('n-319', { exact: true }).waitFor();
    assert.equal((await ids(page)).length, 50);
    await page.context().close();
    b.check();
  });

  test('days of the filters are those of the times beside them', async () => {
    const event = (id, timestamp) => ({ event_id: id, code: 'edge', customer_id: 'ann', timestamp });
    // In Berlin both are of January 2, the third is of January 3.
    await s.send(event('a', '2026-01-01T23:30:00Z'), event('b', '2026-01-02T22:30:00Z'), event('c', '2026-01-02T23:30:00Z'));
    const page = await b.open({ key: s.key, hash: '/events?code=edge&from=2026-01-02&to=2026-01-03' });
    await page.getByText('2 Jan 2026').first().waitFor();
    assert.deepEqual(await ids(page), ['b', 'a']);
    await page.context().close();
    b.check();
  });

  test('an upload goes on in other views, is not left by accident, and its half is no whole', async () => {
    const page = await b.open({ key: s.key, hash: '/imports' });
    await page.getByText('Lines that are wholly alike count once').waitFor();
    let held;
    await page.route('**/api/v1/events/import?import_id=**', (route) => { held ??= route; });
    await page.locator('input[type=file]').setInputFiles(fileOf('long.csv', 6000));
    await until('the second piece', () => Boolean(held));
    await page.getByRole('row', { name: /long\.csv.*is being sent/ }).waitFor();
    await page.getByRole('link', { name: 'Keys and limits' }).click();
    await page.getByText('Months are those of UTC').waitFor();
    await page.getByRole('link', { name: 'Imports' }).click();
    await page.locator('.upload [role=progressbar]').waitFor();
    const asked = new Promise((resolve) => page.once('dialog', (dialog) => { resolve(dialog.type()); void dialog.accept(); }));
    const reloaded = page.reload();
    assert.equal(await asked, 'beforeunload');
    await reloaded;
    await page.unroute('**/api/v1/events/import?import_id=**');
    await page.getByRole('row', { name: /long\.csv.*a part of its file/ }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('API key').waitFor();
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
    await page.context().close();
    b.problems = b.problems.filter((one) => !/ERR_/.test(one));
    b.check();
  });

  test('a piece that fails is sent again; what fails for longer, or is stopped, can go on', async () => {
    const page = await b.open({ key: s.key, hash: '/imports' });
    let fails = 1;
    // The first answer is lost when everything is stored, then the server is away.
    await page.route('**/api/v1/events/import?name=**', async (route) => {
      if (fails-- <= 0) return route.fallback();
      await route.fetch();
      return route.abort();
    });
    let away = 1;
    await page.route('**/api/v1/events/import?import_id=**', (route) => (away-- > 0 ? route.fulfill({ status: 503, contentType: 'application/json', body: '{"code": "X", "message": "away"}' }) : route.fallback()));
    const input = page.locator('input[type=file]');
    await input.setInputFiles(fileOf('again.csv', 6000));
    await page.getByText('trying again').waitFor();
    await page.getByText('· done').waitFor({ timeout: 60000 });
    await page.getByText('6,000 events stored').waitFor();
    await page.getByText('0 duplicates').waitFor();
    assert.equal((await s.api('GET', '/api/v1/imports')).data.filter((one) => one.name === 'again.csv').length, 1);
    await page.getByRole('row', { name: /again\.csv.*counts/ }).waitFor();
    await page.unroute('**/api/v1/events/import?import_id=**');
    let refused = 1;
    await page.route('**/api/v1/events/import?import_id=**', (route) => (refused-- > 0 ? route.fulfill({ status: 429, contentType: 'application/json', body: '{"code": "X", "message": "the month is full"}' }) : route.fallback()));
    await input.setInputFiles(fileOf('full.csv', 6000));
    await page.getByText('the month is full').waitFor();
    await page.getByText('sending the whole file again is safe too').waitFor();
    await page.getByRole('row', { name: /full\.csv.*a part of its file/ }).waitFor();
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByText('· done').waitFor({ timeout: 60000 });
    await page.getByText('6,000 events stored').waitFor();
    await page.getByRole('row', { name: /full\.csv.*counts/ }).waitFor();
    await page.context().close();
    b.problems = b.problems.filter((one) => !/ERR_FAILED|status of 503/.test(one));
    b.check();
  });

  test('adjustments of all customers are told of what adds up, and a period that is not over is closed with a warning', async () => {
    await s.metric('herb', { name: 'Herbs' });
    await s.metric('herb', { name: 'Middle', aggregation_type: 'MEAN' });
    const send = (...all) => s.send(...all.map(([id, customer, n]) => ({ event_id: id, code: 'herb', customer_id: customer, timestamp: '2025-06-10T00:00:00Z', properties: { n } })));
    await send(['h-1', 'ann', 10], ['h-2', 'bob', 20]);
    const { id } = await s.api('POST', '/api/v1/statements', { from: '2025-06-01', to: '2025-07-01' });
    await send(['h-3', 'ann', 40], ['h-4', 'bob', 60]);
    const page = await b.open({ key: s.key, hash: `/statements/${id}?view=adjustments` });
    await page.getByRole('row', { name: 'All Herbs 100' }).waitFor();
    assert.equal(await page.locator('tfoot tr').count(), 1);
    await page.getByText('Only counts and sums').waitFor();
    await page.evaluate(() => { location.hash = '/statements?new=1'; });
    const before = page.getByLabel('Before');
    await before.waitFor();
    assert.equal(await page.getByText('This period is not over').count(), 0);
    await before.fill(new Date(Date.now() + 2 * 86400000).toISOString().slice(0, 10));
    await page.getByText('This period is not over').waitFor();
    await page.context().close();
    b.check();
  });
}

suite('lists in a browser', startStore, async (store, browser) => { [s, b] = [store, browser]; }, tests);
