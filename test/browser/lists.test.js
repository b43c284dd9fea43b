// Lists that grow while somebody looks: events, files that are sent for minutes, adjustments of a statement.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { Browser, missing, startStore, until } = require('./lib.js');

const skip = missing();
let s;
let b;

if (skip) {
  test('lists in a browser', { skip }, () => {});
} else {
  before(async () => {
    s = await startStore();
    b = await Browser.start(s.url);
  });
  after(async () => {
    await b?.stop();
    await s?.close();
  });
  tests();
}

const ids = (page) => page.locator('table.events a[href*="/events/"]').evaluateAll((all) => [...new Set(all.map((one) => one.textContent))]);

// A file of so many lines, some pieces long.
function fileOf(name, lines, first = 0) {
  const file = path.join(s.cluster.dir, name);
  fs.writeFileSync(file, `code,customer_id,timestamp,note,event_id\n${Array.from({ length: lines }, (_, n) => `step,ann,2024-03-01T00:00:00Z,${'x'.repeat(60)},${name}-${first + n}`).join('\n')}\n`);
  return file;
}

function tests() {
  test('older events are read without a gap while new ones come, and live shows those', async () => {
    const send = (from, count) => s.api('POST', '/api/v1/events/ingest', {
      allow_backfilling: true, events: Array.from({ length: count }, (_, n) => ({ event_id: `n-${from + n}`, code: 'tick', customer_id: 'ann', timestamp: new Date(Date.UTC(2026, 0, 1) + (from + n) * 60000).toISOString() })),
    });
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
    await s.api('POST', '/api/v1/events/ingest', { allow_backfilling: true, events: [event('a', '2026-01-01T23:30:00Z'), event('b', '2026-01-02T22:30:00Z'), event('c', '2026-01-02T23:30:00Z')] });
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
    const family = (await s.api('GET', '/api/v1/profile')).default_product_family_id;
    const metric = (name, type) => s.api('POST', '/api/v1/metrics', { name, code: 'herb', aggregation_type: type, aggregation_key: 'n', product_family_id: family });
    await metric('Herbs', 'SUM');
    await metric('Middle', 'MEAN');
    const send = (...all) => s.api('POST', '/api/v1/events/ingest', { allow_backfilling: true, events: all.map(([id, customer, n]) => ({ event_id: id, code: 'herb', customer_id: customer, timestamp: '2025-06-10T00:00:00Z', properties: { n } })) });
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
    await before.fill(new Date(Date.now() + 86400000).toISOString().slice(0, 10));
    await page.getByText('This period is not over').waitFor();
    await page.context().close();
    b.check();
  });
}
