// What leads to an invoice on the page: a metric is defined and tried on events, and a period is closed.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { accessibility, escape, startStore, suite, until } = require('./lib.js');

let s;
let b;

function tests() {
  test('a definition with a filter, a linked matrix, a kind and a product is tried, made, and changed', async () => {
    const family = (await s.api('GET', '/api/v1/profile')).default_product_family_id;
    await s.api('POST', '/api/v1/products', { name: 'Coffee', product_family_id: family });
    const event = (id, properties) => ({ event_id: id, code: 'cups', customer_id: 'ann', properties });
    await s.send(
      event('c-1', { cups: '1.25', country: 'it', city: 'rome, old town', paid: true }), event('c-2', { cups: 2, country: 'it', city: 'milan', paid: true }),
      event('c-3', { cups: 4, country: 'fr', city: 'nice', paid: true }), event('c-4', { cups: 8, country: 'it', city: 'milan', paid: false }),
    );
    const page = await b.open({ key: s.key, hash: '/metrics?new=1' });
    const set = (name, text) => page.locator(`[name="${name}"]`).fill(text);
    await set('code', 'cups');
    await set('aggregation_key', 'cups');
    await page.getByText('Which events count', { exact: true }).click();
    await page.getByRole('button', { name: 'Add a filter' }).click();
    await set('filters.0.property', 'paid');
    await set('filters.0.values', 'true');
    await page.getByLabel('Matrix of').selectOption('LINKED');
    await set('segmentation_matrix.dimension1_key', 'country');
    await set('segmentation_matrix.dimension2_key', 'city');
    await set('segmentation_matrix.values', 'it');
    await set('links-0', 'rome, old town\nmilan');
    await page.getByLabel('Values it takes').selectOption('base');
    await page.getByRole('button', { name: 'Try on the newest events' }).click();
    await page.getByText('of the newest 4 events would be counted').waitFor();
    const tried = await page.locator('.tried tbody tr').allTextContents();
    assert.match(tried.find((one) => one.startsWith('c-1')), /it · rome, old town1\.25$/);
    assert.match(tried.find((one) => one.startsWith('c-2')), /it · milan2$/);
    assert.equal(tried.filter((one) => /^c-[34]/.test(one) && !/[48]$/.test(one)).length, 2);
    assert.deepEqual(await accessibility(page), []);
    await set('name', 'Cups of coffee');
    await page.getByText('Groups, conversion, product').click();
    await page.getByLabel('Product', { exact: true }).selectOption({ label: 'Coffee' });
    await page.getByRole('button', { name: 'Create', exact: true }).click();
    await page.getByRole('button', { name: 'Change' }).click();
    const [made] = (await s.api('GET', '/api/v1/metrics?search=coffee')).data;
    const metric = () => s.api('GET', `/api/v1/metrics/${made.id}`);
    const matrix = { type: 'LINKED', dimension1_key: 'country', dimension2_key: 'city', values: { it: ['rome, old town', 'milan'] } };
    let now = await metric();
    assert.deepEqual([now.segmentation_matrix, now.filters, now.kind], [matrix, [{ property: 'paid', op: 'EQUAL', values: ['true'] }], 'base']);
    assert.ok(now.product_id);
    await page.getByRole('button', { name: 'Add a value' }).click();
    await set('link-1', 'fr');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    now = await metric();
    assert.deepEqual(now.segmentation_matrix, { ...matrix, values: { ...matrix.values, fr: [] } });
    await page.context().close();
    b.check();
  });

  test('a period is closed, what changes later is an adjustment with its events, and it is closed anew', async () => {
    const event = (id, cups) => ({ event_id: id, code: 'herbs', customer_id: 'ann', timestamp: '2025-06-10T00:00:00Z', properties: { cups } });
    await s.metric('herbs', { name: 'Herbs', aggregation_key: 'cups' });
    await s.send(event('t-1', '1.5'));
    const page = await b.open({ key: s.key, hash: '/statements' });
    await page.getByText('No period is closed yet').waitFor();
    const close = async (from, to) => {
      await page.getByRole('button', { name: 'Close a period' }).click();
      await page.getByLabel('From').fill(from);
      await page.getByLabel('Before').fill(to);
      await page.getByRole('button', { name: 'Close it' }).click();
    };
    await close('2025-07-01', '2025-06-01');
    await page.locator('.field.wrong [name=to]').waitFor();
    await escape(page);
    await close('2025-06-01', '2025-07-01');
    await page.getByRole('heading', { name: '1 Jun 2025 to 30 Jun 2025' }).waitFor();
    await page.getByRole('row', { name: 'ann Herbs 1.5' }).waitFor();
    await s.send(event('t-2', 2));
    await page.getByRole('button', { name: 'Adjustments' }).click();
    await page.getByRole('row', { name: 'ann Herbs 1.5 3.5 2' }).waitFor();
    await page.getByRole('link', { name: 't-2' }).waitFor();
    assert.deepEqual(await accessibility(page), []);
    assert.match(page.url(), /view=adjustments/);
    await page.reload();
    await page.getByRole('row', { name: 'ann Herbs 1.5 3.5 2' }).waitFor();
    await page.getByRole('link', { name: 'Statements' }).first().click();
    await close('2025-06-15', '2025-06-20');
    await page.getByRole('dialog').locator('[role=alert]').first().waitFor();
    await escape(page);
    await page.getByRole('link', { name: '1 Jun 2025' }).click();
    await page.getByRole('button', { name: 'Close anew' }).click();
    await page.getByRole('button', { name: 'Close it' }).click();
    await page.getByText('Instead of').waitFor();
    await page.getByRole('row', { name: 'ann Herbs 3.5' }).waitFor();
    await page.getByRole('link', { name: 'Statements' }).first().click();
    await page.getByText('superseded').waitFor();
    await until('who closed it, by name', async () => !/tkn_/.test(await page.locator('main').textContent()));
    await page.context().close();
    b.check();
  });

  test('a period that was closed for some customers is closed as a whole in place of their statements', async () => {
    await s.metric('whole', { name: 'Whole' });
    const event = (customer) => ({ event_id: 'w', code: 'whole', customer_id: customer, timestamp: '2024-03-10T00:00:00Z', properties: { n: 1 } });
    await s.send(event('ann'), event('bob'));
    const period = { from: '2024-03-01', to: '2024-04-01' };
    const parts = [];
    for (const customer of ['ann', 'bob']) parts.push((await s.api('POST', '/api/v1/statements', { ...period, customer_id: customer })).id);
    const page = await b.open({ key: s.key, hash: '/statements?new=1' });
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('From').fill(period.from);
    await dialog.getByLabel('Before').fill(period.to);
    await dialog.getByRole('button', { name: 'Close it' }).click();
    await dialog.getByText('2 statements stand in the way').waitFor();
    assert.deepEqual((await dialog.getByRole('link').evaluateAll((all) => all.map((one) => one.hash))).sort(), parts.map((id) => `#/statements/${id}`).sort());
    assert.deepEqual(await accessibility(page), []);
    // A shorter period would leave days of theirs that no statement holds.
    await dialog.getByLabel('Before').fill('2024-03-20');
    await dialog.getByRole('button', { name: 'Close it', exact: true }).click();
    await until('no way', async () => dialog.getByRole('button', { name: 'Close it in place of them' }).isDisabled());
    await dialog.getByLabel('Before').fill(period.to);
    await dialog.getByRole('button', { name: 'Close it', exact: true }).click();
    await dialog.getByRole('button', { name: 'Close it in place of them' }).click();
    await page.getByText('Instead of').waitFor();
    assert.equal(await page.locator('tbody tr').count(), 2);
    await page.context().close();
    b.check();
  });

  test('adjustments: what counts nothing now is 0, and what came out the same is left out', async () => {
    await s.metric('gone', { name: 'Gone' });
    await s.metric('gone', { name: 'Greatest', aggregation_type: 'MAX' });
    const file = (id) => fetch(`${s.url}/api/v1/events/import`, { method: 'POST', headers: { authorization: `Bearer ${s.key}`, 'content-type': 'text/csv' }, body: `code,customer_id,timestamp,n,event_id\ngone,${id},2023-05-10T00:00:00Z,3,${id}\n` }).then((answer) => answer.json());
    const { import_id: id } = await file('ann');
    await file('bob');
    const statement = await s.api('POST', '/api/v1/statements', { from: '2023-05-01', to: '2023-06-01' });
    await s.api('DELETE', `/api/v1/imports/${id}`);
    await s.send({ event_id: 'more', code: 'gone', customer_id: 'bob', timestamp: '2023-05-10T00:00:00Z', properties: { n: 2 } });
    const page = await b.open({ key: s.key, hash: `/statements/${statement.id}?view=adjustments` });
    await page.getByRole('row', { name: 'ann Gone 3 0 -3' }).waitFor();
    await page.getByRole('row', { name: /^ann Greatest 3 –/ }).waitFor();
    await page.getByRole('row', { name: 'bob Gone 3 5 2' }).waitFor();
    await page.getByText('1 value came out the same, and is left out').waitFor();
    assert.equal(await page.locator('tbody tr').count(), 3);
    await page.context().close();
    b.check();
  });
}

suite('definitions and statements in a browser', startStore, async (store, browser) => { [s, b] = [store, browser]; }, tests);
