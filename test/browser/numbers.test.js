// What a number on the page stands for: of which group it is, how it is explained, in which zone and range it is asked for, and
// how its chart tells series apart.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { copied, escape, startStore, suite, until } = require('./lib.js');

const march = 'range=own&from=2001-03-01&to=2001-04-01';
let s;
let b;

async function metric(code, more = {}) {
  return (await s.metric(code, more)).id;
}

const send = (code, events) => s.send(...events.map((one, n) => ({ event_id: `${code}-${n}`, code, customer_id: 'ann', timestamp: '2001-03-10T12:00:00Z', ...one })));

const names = (page) => page.locator('.legend li').allTextContents();
const groups = (page) => page.locator('tbody tr td:nth-child(2)').allTextContents();

function tests() {
  test('a time zone that there is not is told at its field, and the page goes on', async () => {
    const id = await metric('zones');
    await send('zones', [{ properties: { n: 1 } }]);
    const page = await b.open({ key: s.key, hash: `/metrics/${id}?${march}` });
    const zone = page.getByLabel('Time zone');
    await zone.fill('Foo');
    await zone.press('Tab');
    await page.getByText('This is no time zone: Europe/Berlin is taken.').waitFor();
    assert.equal(await zone.getAttribute('aria-invalid'), 'true');
    assert.equal(await zone.inputValue(), 'Foo');
    await page.locator('.figure .number[data-exact="1"]').waitFor();
    await page.reload();
    await page.getByText('This is no time zone').waitFor();
    await page.getByRole('link', { name: 'Keys and limits' }).click();
    await page.getByText('Months are those of UTC').waitFor();
    for (const hash of [`/metrics/${id}?range=99999999999d`, '/customers?range=99999999999d', '/customers/ann?range=99999999999d']) {
      await page.evaluate((to) => { location.hash = to; }, hash);
      await page.locator('main h1').waitFor();
    }
    await page.context().close();
    b.check();
  });

  test('a view that fails says so, and the next one is shown', async () => {
    const page = await b.open({ key: s.key, hash: '/keys' });
    // An answer of another shape than any server of ours gives.
    await page.route('**/api/v1/imports?**', (route) => route.fulfill({ contentType: 'application/json', body: '{"data": [{}], "pagination_meta": null}' }));
    await page.evaluate(() => { location.hash = '/imports'; });
    await page.getByText('This view failed').waitFor();
    await page.getByRole('link', { name: 'Keys and limits' }).click();
    await page.getByText('Months are those of UTC').waitFor();
    await page.context().close();
    b.problems = [];
  });

  test('events without a property are a group with a name, whose number is not explained by another', async () => {
    const id = await metric('none');
    await send('none', [{ properties: { n: 1, a: 'x' } }, { properties: { n: 2, b: 'x' } }, { properties: { n: 4, a: 'x', b: 'x' } }, { properties: { n: 8 } }]);
    const page = await b.open({ key: s.key, hash: `/metrics/${id}?${march}&window=month&by=a&by=b` });
    await page.locator('.legend').waitFor();
    const all = ['(no a) · (no b)', '(no a) · x', 'x · (no b)', 'x · x'];
    assert.deepEqual((await names(page)).sort(), all);
    assert.deepEqual((await groups(page)).sort(), all);
    // Only the row that has both can be asked for alone.
    assert.equal(await page.locator('tbody .why').count(), 1);
    await page.locator('tbody .why').click();
    await page.getByRole('dialog').locator('.steps [data-exact^="4"]').first().waitFor();
    await escape(page);
    const key = await page.evaluate(() => JSON.stringify([undefined, { a: null, b: 'x' }]));
    const start = await page.locator('tbody time').first().getAttribute('datetime');
    await page.evaluate((hash) => { location.hash = hash; }, `/metrics/${id}?${march}&window=month&by=a&by=b&explain=${encodeURIComponent(`${start}~${key}`)}`);
    await page.getByText('Events without a cannot be asked for alone').waitFor();
    await page.evaluate((hash) => { location.hash = hash; }, `/metrics/${id}?${march}&explain=gone`);
    await page.getByText('This row is there no more').waitFor();
    assert.equal(await page.locator('dialog .steps').count(), 0);
    await page.context().close();
    b.check();
  });

  test('the way to the newest event leads to it, in whatever zone', async () => {
    const id = await metric('evening');
    // In Berlin it is of April.
    await send('evening', [{ timestamp: '2001-03-31T22:27:00Z', properties: { n: 3 } }]);
    const page = await b.open({ key: s.key, hash: `/metrics/${id}` });
    await page.getByText('is of Sun, 1 Apr 2001').waitFor();
    await page.getByRole('link', { name: 'Show the 30 days up to it' }).click();
    await page.locator('.figure .number[data-exact="3"]').waitFor();
    assert.match(page.url(), /from=2001-03-03&to=2001-04-02/);
    await page.evaluate((to) => { location.hash = to; }, `/customers?metric=${id}`);
    await page.getByRole('button', { name: 'Show the 30 days up to its newest event' }).click();
    await page.getByRole('row', { name: /ann/ }).waitFor();
    await page.context().close();
    b.check();
  });

  test('twenty series have twenty colours, and what the tooltip leaves out it tells', async () => {
    const id = await metric('many');
    await send('many', Array.from({ length: 23 }, (_, n) => ({ properties: { n: n + 1, kind: `k${n}` } })));
    const page = await b.open({ key: s.key, hash: `/metrics/${id}?${march}&window=day&zone=UTC&by=kind` });
    await page.locator('.legend').waitFor();
    assert.equal((await names(page)).at(-1), '4 others');
    const colours = await page.locator('.legend i').evaluateAll((all) => all.map((one) => getComputedStyle(one).backgroundColor));
    assert.equal(new Set(colours).size, 20);
    // Every one of them is on the canvas: each series has a height of its own.
    await until('the tooltip', async () => {
      const box = await page.locator('.u-over').boundingBox();
      await page.mouse.move(box.x + (9.4 / 31) * box.width, box.y + 40);
      return page.locator('.tip').getByText('and 8 more').isVisible();
    });
    assert.equal(await page.locator('.tip div').count(), 13);
    // A newer answer draws it anew: it is still pointed at.
    await send('many-more', [{ properties: { n: 1 } }]);
    await s.send({ event_id: 'late', code: 'many', customer_id: 'ann', timestamp: '2001-03-10T13:00:00Z', properties: { n: 100, kind: 'k22' } });
    await page.locator('.tip').getByText('123').waitFor();
    await page.context().close();
    b.check();
  });

  test('the period before is in front of the bars, and named', async () => {
    const id = await metric('before');
    await send('before', [{ properties: { n: 100 } }, { timestamp: '2001-02-10T12:00:00Z', properties: { n: 50 } }]);
    const page = await b.open({ key: s.key, hash: `/metrics/${id}?${march}&window=day&zone=UTC&compare=1` });
    await page.locator('.legend').waitFor();
    assert.deepEqual((await names(page)).sort(), ['All', 'The period before']);
    // Of the bar of March 10 the middle is where the line goes through its point.
    const grey = () => page.evaluate(() => {
      const canvas = document.querySelector('canvas');
      const probe = document.createElement('i');
      probe.style.color = 'var(--faint)';
      document.body.append(probe);
      const [r, g, blue] = getComputedStyle(probe).color.match(/\d+/g).map(Number);
      const over = document.querySelector('.u-over').getBoundingClientRect();
      const outer = canvas.getBoundingClientRect();
      const scale = canvas.width / outer.width;
      const left = over.left - outer.left + (9 / 31) * over.width;
      const { data } = canvas.getContext('2d').getImageData((left + 3) * scale, (over.top - outer.top) * scale, (over.width / 31) * 0.5 * scale, (over.height - 6) * scale);
      let found = 0;
      for (let at = 0; at < data.length; at += 4) if (Math.abs(data[at] - r) + Math.abs(data[at + 1] - g) + Math.abs(data[at + 2] - blue) < 30) found++;
      return found;
    });
    await until('some pixels of the line on the bar', async () => await grey() > 3);
    await page.context().close();
    b.check();
  });

  test('SQL that is copied asks what the page asks, of several customers too, or there is none', async () => {
    const sum = await metric('several');
    const mean = await metric('mean', { code: 'several', aggregation_type: 'MEAN' });
    await send('several', [{ properties: { n: 1 } }, { customer_id: 'bob', properties: { n: 2 } }, { customer_id: 'cy', properties: { n: 4 } }]);
    const page = await b.open({ key: s.key, hash: `/metrics/${sum}?${march}&window=month&zone=UTC&customer=ann&customer=bob` });
    await page.locator('tbody td[data-exact="3"]').waitFor();
    const rows = s.cluster.psql(await copied(page, page.getByRole('button', { name: 'SQL', exact: true }))).split('\n').filter((line) => line.includes('|'));
    assert.deepEqual(rows.map((line) => line.split('|')[4]), ['3']);
    await page.evaluate((to) => { location.hash = to; }, `/metrics/${mean}?${march}&window=month&zone=UTC&customer=ann&customer=bob`);
    await page.locator('tbody td[data-exact="1.5"]').waitFor();
    assert.ok(await page.getByRole('button', { name: 'SQL', exact: true }).isDisabled());
    await page.context().close();
    b.check();
  });

  test('a number of usual length stays in one piece', async () => {
    const id = await metric('long');
    await send('long', [{ properties: { n: '123456789012.3456' } }]);
    for (const [width, height] of [[1280, 860], [320, 640]]) {
      const page = await b.open({ key: s.key, hash: `/metrics/${id}?${march}`, width, height });
      const total = page.locator('.figure .number').first();
      await total.waitFor();
      assert.equal(await total.evaluate((node) => node.getClientRects().length), 1, `${width} px: the total is in one line`);
      await page.route('**/metrics', (route) => route.fulfill({ contentType: 'text/plain', body: 'tallyd_events_total{verdict="accepted"} 123456789012\n' }));
      await page.evaluate(() => { location.hash = '/'; });
      await page.getByText('123,456,789,012').waitFor();
      const lines = await page.locator('dl.pairs dd').evaluateAll((all) => all.map((one) => {
        const range = document.createRange();
        range.selectNodeContents(one);
        return range.getClientRects().length;
      }));
      assert.deepEqual(lines, [1, 1, 1, 1], `${width} px: of the overview`);
      await page.context().close();
    }
    b.check();
  });

  test('an overview of old events leads to them', async () => {
    const page = await b.open({ key: s.key });
    await page.getByText('The newest event is of').waitFor();
    await page.getByRole('link', { name: /^The 30 days up to it in/ }).click();
    await until('a number', async () => (await page.locator('tbody .why').count()) > 0);
    await page.context().close();
    b.check();
  });
}

suite('numbers in a browser', startStore, async (store, browser) => { [s, b] = [store, browser]; }, tests);
