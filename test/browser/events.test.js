// Single events on the page: told apart in the list, found again, amended, and shown as what they are.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { escape, startStore, suite } = require('./lib.js');

let s;
let b;

const goTo = (page, hash) => page.evaluate((to) => { location.hash = to; }, hash);

function tests() {
  test('ids that begin alike are told apart, and copied whole', async () => {
    const ids = ['1', '2'].map((end) => `order-of-the-year-2026-number-${end}`);
    await s.send(...ids.map((id) => ({ event_id: id, code: 'alike', customer_id: 'ann', properties: {} })));
    const page = await b.open({ key: s.key, hash: '/events?code=alike' });
    const links = page.locator('table.events .cut');
    await links.first().waitFor();
    const texts = await links.allTextContents();
    assert.equal(new Set(texts).size, 2);
    for (const text of texts) assert.match(text, /^order-of-th….*number-[12]$/);
    assert.deepEqual((await links.evaluateAll((all) => all.map((one) => one.title))).sort(), ids);
    assert.ok(await links.evaluateAll((all) => all.every((one) => one.scrollWidth <= one.clientWidth)), 'their ends are in sight');
    await page.context().close();
    b.check();
  });

  test('the code of an event is amended; the row that counts is not called what was sent, the one before is', async () => {
    await s.send({ event_id: 'wrong', code: 'teas', customer_id: 'ann', properties: { n: 1 } });
    const page = await b.open({ key: s.key, hash: '/events/wrong' });
    await page.getByRole('button', { name: 'Amend' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Code').fill('tea');
    await dialog.getByLabel('Reason').fill('one tea');
    await dialog.getByRole('button', { name: 'Amend' }).click();
    await dialog.waitFor({ state: 'detached' });
    const section = (head) => page.locator('section').filter({ has: page.getByRole('heading', { name: head }) });
    await section('As it was amended').getByText('tea', { exact: true }).waitFor();
    await section('What was sent').getByText('teas', { exact: true }).waitFor();
    const { data } = await s.api('GET', '/api/v1/events?code=tea');
    assert.deepEqual(data.map((one) => one.properties), [{ n: 1 }]);
    await page.context().close();
    b.check();
  });

  test('an event whose id a browser takes out of addresses is shown all the same', async () => {
    await s.send({ event_id: '..', code: 'dots', customer_id: 'ann', properties: { note: 'here' } }, { event_id: 'a..b', code: 'dots', customer_id: 'ann', properties: {} });
    const page = await b.open({ key: s.key, hash: '/events?code=dots' });
    await page.getByRole('link', { name: '..', exact: true }).click();
    await page.getByText('"note": "here"').waitFor();
    await page.getByText('An id of dots alone').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Void' }).count(), 0);
    assert.equal(await page.getByText('What was sent').count(), 1);
    await page.context().close();
    b.check();
  });

  test('the way back from what a list shows leads to the list as it was left', async () => {
    await s.metric('back', { name: 'Backwards' });
    const page = await b.open({ key: s.key, hash: '/metrics?archived=all&new=1' });
    await escape(page);
    await page.getByRole('searchbox').fill('backw');
    await page.waitForFunction(() => location.hash.includes('search=backw'));
    await page.getByRole('link', { name: 'Backwards' }).click();
    await page.locator('main .over').getByRole('link', { name: 'Metrics' }).click();
    await page.getByRole('link', { name: 'Backwards' }).waitFor();
    assert.match(page.url(), /#\/metrics\?search=backw&archived=all$/);
    await goTo(page, '/events/none');
    await page.locator('main .over').getByRole('link', { name: 'Events' }).click();
    await page.getByRole('heading', { name: 'Events' }).waitFor();
    await page.context().close();
    b.check();
  });
}

suite('single events in a browser', startStore, async (store, browser) => { [s, b] = [store, browser]; }, tests);
