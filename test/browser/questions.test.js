// What is asked on the page: what is refused is told where it was typed, and no number of another question stands under it; what
// can be asked for is offered, compared fairly, and told on paper.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { escape, startStore, suite, until } = require('./lib.js');

const march = 'range=own&from=2001-03-01&to=2001-04-01';
let s;
let b;

const send = (code, events) => s.send(...events.map((one, n) => ({ event_id: `${code}-${n}`, code, customer_id: 'ann', timestamp: '2001-03-10T12:00:00Z', ...one })));
const goTo = (page, hash) => page.evaluate((to) => { location.hash = to; }, hash);
const total = (page, value) => page.locator(`.figure .number[data-exact="${value}"]`).first();

function tests() {
  test('a question that is refused is told at its field, without the numbers of another; one that was answered keeps its own', async () => {
    const { id } = await s.metric('refused');
    await send('refused', [{ properties: { n: 1 } }]);
    const page = await b.open({ key: s.key, hash: `/metrics/${id}?${march}` });
    await total(page, 1).waitFor();
    const cut = await page.getByLabel('Window').evaluate((select) => {
      const width = select.offsetWidth;
      select.style.width = 'max-content';
      return select.offsetWidth - width;
    });
    assert.ok(cut <= 0, `automatic (day) is cut by ${cut} px`);
    await page.getByLabel('Filter: property').fill('$.[');
    await page.getByLabel('Filter: value').fill('x');
    await page.getByRole('button', { name: 'Add filter' }).click();
    await page.locator('.chips [role=alert]').waitFor();
    assert.equal(await page.locator('.figure, main table, .failure').count(), 0);
    await page.getByRole('button', { name: 'Take the filter' }).click();
    await total(page, 1).waitFor();
    await page.route('**/usage?**', (route) => route.fulfill({ status: 500, contentType: 'application/json', body: '{"code": "X", "message": "it is ill"}' }));
    await page.getByText('it is ill').waitFor();
    assert.equal(await total(page, 1).count(), 1);
    await goTo(page, `/metrics/${id}?range=own&from=2001-03-02&to=2001-04-01`);
    await page.locator('.figure, main table').first().waitFor({ state: 'detached' });
    await page.getByText('it is ill').waitFor();
    assert.equal(await page.locator('.figure, main table').count(), 0);
    await page.unroute('**/usage?**');
    await goTo(page, '/events?code=refused');
    await page.getByRole('link', { name: 'refused-0' }).waitFor();
    await page.getByLabel('Before').fill('2001-03-10');
    await page.getByLabel('From').fill('2001-03-12');
    await page.getByLabel('Code').focus();
    await page.getByText('Before must lie after From').waitFor();
    assert.equal(await page.locator('main table, .failure').count(), 0);
    await page.context().close();
    b.problems = b.problems.filter((one) => !/status of 500/.test(one));
    b.check();
  });

  test('a range that is none is told at its field', async () => {
    const { id } = await s.metric('ranges');
    const page = await b.open({ key: s.key, hash: `/metrics/${id}?range=own&from=2001-02-31&to=2001-04-01` });
    for (const hash of [`/metrics/${id}?range=own&from=2001-02-31&to=2001-04-01`, `/customers/ann?range=own&from=2001-04-01&to=2001-03-01`, `/customers?metric=${id}&range=always`]) {
      await goTo(page, hash);
      await page.getByRole('alert').getByText('This is no range of days').waitFor();
      await goTo(page, `/metrics/${id}?${march}`);
      await page.getByText('This is no range of days').waitFor({ state: 'detached' });
    }
    await page.context().close();
    b.check();
  });

  test('usage is grouped by values within objects, by two at once, and paper tells what was asked', async () => {
    const { id } = await s.metric('nested');
    await send('nested', [{ properties: { n: 1, model: { name: 'x', size: { unit: 'kg' } }, tags: ['a'] } }, { properties: { n: 2, model: { name: 'y' } } }]);
    const page = await b.open({ key: s.key, hash: `/metrics/${id}?${march}&window=month&zone=UTC` });
    const first = page.getByLabel('Group by');
    await until('paths', async () => (await first.locator('option').allTextContents()).includes('model.name'));
    assert.deepEqual(await first.locator('option').allTextContents(), ['nothing', 'customer', 'model.name', 'model.size.unit', 'n']);
    await first.selectOption('model.name');
    await page.getByLabel('and by').first().selectOption('model.size.unit');
    await page.getByRole('cell', { name: 'x · kg' }).waitFor();
    assert.match(page.url(), /by=model.name&by=model.size.unit/);
    await page.reload();
    await page.getByRole('cell', { name: 'x · kg' }).waitFor();
    assert.deepEqual(await page.locator('.question select').evaluateAll((all) => all.map((one) => one.value)), ['own', 'month', 'model.name', 'model.size.unit', '']);
    const asked = page.getByText('1 Mar 2001 to 31 Mar 2001 · UTC · by month · grouped by model.name and model.size.unit');
    assert.equal(await asked.isVisible(), false);
    await page.emulateMedia({ media: 'print' });
    assert.equal(await asked.isVisible(), true);
    assert.equal(await page.locator('.question').isVisible(), false);
    await page.context().close();
    b.check();
  });

  test('what is explained of a group is told in true words, and the converted number is explained too', async () => {
    const { id } = await s.metric('group', { unit_conversion: { factor: 2, rounding: 'UP' } });
    await send('group', [{ properties: { n: 1, kind: 'a' } }, { properties: { n: 4, kind: 'b' } }]);
    const page = await b.open({ key: s.key, hash: `/metrics/${id}?${march}&window=month&by=kind` });
    await page.locator('.figure').filter({ hasText: 'Converted' }).getByRole('button').click();
    await page.getByRole('dialog').getByText('(up)').waitFor();
    await escape(page);
    await page.locator('tbody td:nth-child(4) .why').first().click();
    await page.getByRole('dialog').getByText('1 of another group').waitFor();
    assert.equal(await page.getByText('by the filter').count(), 0);
    await goTo(page, `/metrics/${id}?${march}&window=month&by=kind&filter=kind%3Da`);
    await page.locator('tbody .why').first().click();
    await page.getByRole('dialog').getByText('1 of another group, or kept out by the filter').waitFor();
    await page.context().close();
    b.check();
  });

  test('weeks are compared with as many days, and one that the range cuts is marked', async () => {
    const { id } = await s.metric('weeks');
    await send('weeks', [{ properties: { n: 1 } }, { timestamp: '2001-03-14T12:00:00Z', properties: { n: 2 } }]);
    const answers = [];
    const page = await b.open({ key: s.key, hash: '/keys' });
    page.on('response', (response) => { if (/usage\?/.test(response.url())) answers.push(response); });
    // From a Thursday on, and ten days.
    await goTo(page, `/metrics/${id}?range=own&from=2001-03-08&to=2001-03-18&window=week&zone=UTC&compare=1`);
    await page.locator('.legend').getByText('The period before').waitFor();
    const days = async (of) => (await (await answers.find((one) => of.test(one.url()))).json()).usage.map((row) => (Date.parse(row.end) - Date.parse(row.start)) / 86400000);
    assert.deepEqual(await days(/from=2001-02-26.*fill=true/), [4, 6]);
    assert.deepEqual(await days(/from=2001-03-08.*fill=true/), [4, 6]);
    assert.equal(await page.locator('tbody .badge').count(), 2);
    await goTo(page, `/metrics/${id}?range=own&from=2001-03-05&to=2001-03-19&window=week&zone=UTC`);
    await page.getByRole('row', { name: /12 Mar/ }).waitFor();
    assert.equal(await page.locator('tbody .badge').count(), 0);
    await goTo(page, `/metrics/${id}?${march.replace('04-01', '03-20')}&window=month&zone=UTC`);
    await page.getByRole('row', { name: /Mar 2001\s*part/ }).waitFor();
    await page.context().close();
    b.check();
  });

  test('top customers: all of them can be seen; of a grouped metric what adds up is one number, and the rest says what to choose', async () => {
    const { id } = await s.metric('top', { usage_group_key: 'region' });
    const { id: mean } = await s.metric('top', { name: 'top mean', usage_group_key: 'region', aggregation_type: 'MEAN' });
    const events = Array.from({ length: 1220 }, (_, n) => ({ customer_id: n < 220 ? `c-${n}` : 'c-7', properties: { n: '0.1', region: 'eu' } }));
    await send('top', [...events.slice(0, 900), { customer_id: 'c-7', properties: { n: '12345678901234567890.2', region: 'us' } }]);
    await s.send(...events.slice(900).map((one, n) => ({ event_id: `more-${n}`, code: 'top', timestamp: '2001-03-10T12:00:00Z', ...one })));
    const page = await b.open({ key: s.key, hash: `/customers?metric=${id}&${march}` });
    await page.getByText('220 customers, by top').waitFor();
    assert.equal(await page.locator('tbody tr').count(), 200);
    await page.getByRole('button', { name: 'Show all 220 customers' }).click();
    await until('all', async () => (await page.locator('tbody tr').count()) === 220);
    const row = page.locator('tbody tr').filter({ has: page.getByRole('link', { name: 'c-7', exact: true }) });
    assert.equal(await row.locator('[data-exact]').getAttribute('data-exact'), '12345678901234567990.3');
    await row.getByText('1,002').waitFor();
    await goTo(page, `/customers?metric=${mean}&${march}`);
    await page.getByRole('link', { name: '2 groups' }).click();
    await until('rows', async () => (await page.locator('tbody tr').count()) === 2);
    assert.match(page.url(), /by=region&customer=c-7/);
    await page.context().close();
    b.check();
  });
}

suite('questions in a browser', startStore, async (store, browser) => { [s, b] = [store, browser]; }, tests);
