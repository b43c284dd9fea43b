// /docs in a browser: every route is shown with what it takes and answers, found by what is typed, and tried with the key of
// the page's session.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { accessibility, copied, settle, suite, until } = require('./lib.js');
const http = require('../http/lib.js');

let s;
let b;
let doc;
let operations;

const call = (method, target, body) => http.call(s.url, s.key, method, target, body);
const go = (page, hash) => page.evaluate((to) => { location.hash = to; }, hash);

function tests() {
  test('every route is shown, with its scope, parameters, body, answers and errors', async () => {
    const page = await b.open({ place: '/docs' });
    assert.equal(await page.locator('.routes li').count(), operations.length);
    for (const operation of operations) {
      await go(page, `/route/${operation.operationId}`);
      await page.locator('h1').getByText(operation.summary, { exact: true }).waitFor();
      assert.equal((await page.locator('.line').textContent()).trim(), `${operation.method} ${operation.path} ${operation['x-scope'] ? `scope ${operation['x-scope']}` : 'no key'}`);
      const told = await page.locator('.told').textContent();
      const resolved = (operation.parameters ?? []).map((one) => (one.$ref ? doc.components.parameters[one.$ref.split('/').pop()] : one));
      for (const { name } of resolved) assert.ok(told.includes(name), `${operation.operationId}: ${name}`);
      for (const type of Object.keys(operation.requestBody?.content ?? {})) assert.ok(told.includes(type), `${operation.operationId}: ${type}`);
      for (const status of Object.keys(operation.responses)) assert.ok(told.includes(status === 'default' ? 'others' : status), `${operation.operationId}: ${status}`);
      assert.equal(operation['x-scope'] !== undefined, operation.security === undefined, operation.operationId);
    }
    await go(page, '/schema/Usage');
    await page.getByText('Where it is').waitFor();
    await page.context().close();
    b.check();
  });

  test('what is typed narrows the list: by summary, path, parameter and field', async () => {
    const page = await b.open({ place: '/docs' });
    const box = page.getByRole('searchbox');
    const found = () => page.locator('.routes a').allTextContents();
    await until('the key is listened to', async () => { await page.keyboard.press('/'); return box.evaluate((one) => one === document.activeElement); });
    await box.fill('');
    await page.keyboard.type('time_zone');
    await page.getByText('parameter time_zone').waitFor();
    assert.ok((await found()).every((one) => one.includes('usage')), await found());
    await page.waitForURL(/search=time_zone/);
    await box.fill('converted_value customer');
    await page.getByText('field of the answer').first().waitFor();
    await page.getByRole('link', { name: 'StatementLines' }).waitFor();
    await box.fill('no such words');
    await page.getByText('Nothing is like that').waitFor();
    await box.fill('amend');
    await page.getByRole('link', { name: /events\/.*amend/ }).click();
    await page.getByText('In the path').waitFor();
    await page.goBack();
    await until('the search from before', async () => (await box.inputValue()) === 'amend');
    await page.context().close();
    b.check();
  });

  test('without a key it asks to sign in; then it sends GET usage, and shows the answer with every digit', async () => {
    const page = await b.open({ place: '/docs', hash: '/route/getMetricUsage' });
    await page.getByLabel('API key').fill(s.key);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('button', { name: 'Send GET' }).click();
    await page.getByText('id is needed').waitFor();
    const fill = (name, text) => page.getByLabel(name, { exact: true }).fill(text);
    await fill('id, needed', 'gpu');
    await fill('from, needed', '2026-02-01');
    await fill('to, needed', '2026-03-01');
    await fill('group_by', 'customer_id\nregion');
    await fill('filter', 'seconds=12345678901234567890.5');
    await page.getByRole('button', { name: 'Send GET' }).click();
    await page.locator('.answer-text').waitFor();
    const answer = JSON.parse(await page.locator('.answer-text').textContent());
    assert.equal(answer.total.value, '12345678901234567890.5');
    assert.equal(answer.usage[0].customer_id, 'ann');
    await page.getByText('x-request-id', { exact: true }).waitFor();
    const curl = await copied(page, page.locator('.curl').getByRole('button', { name: 'Copy' }));
    assert.match(curl, /^curl -s -H "Authorization: Bearer \$KEY" 'http.*\/api\/v1\/metrics\/gpu\/usage\?from=2026-02-01&to=2026-03-01&group_by=customer_id&group_by=region&filter%5Bseconds%5D=/);
    // The page has the same session.
    await page.goto(`${s.url}/`);
    await page.locator('aside .tenant').waitFor();
    await page.getByRole('link', { name: 'API', exact: true }).click();
    await page.locator('.routes').first().waitFor();
    await page.context().close();
    b.check();
  });

  test('a body is sent as it is written, an error is shown as it comes, and a key without the scope sends nothing', async () => {
    const page = await b.open({ key: s.key, place: '/docs', hash: '/route/ingestEvents' });
    await page.getByText('It is sent for real').waitFor();
    await page.getByLabel('Body').fill('{"events": [{"event_id": "2", "code": "gpu", "customer_id": "ann", "properties": {"seconds": 1.50}}]}');
    await page.getByRole('button', { name: 'Send POST' }).click();
    await page.locator('.answer-text').getByText('"accepted": 1').waitFor();
    await page.getByLabel('Body').fill('{"events": 7}');
    await page.getByRole('button', { name: 'Send POST' }).click();
    await page.locator('.answered .badge.bad').getByText('400').waitFor();
    await page.context().close();
    const { json: reader } = await call('POST', '/api/v1/keys', { name: 'reader', scopes: ['read'] });
    const other = await b.open({ key: reader.secret, place: '/docs', hash: '/route/ingestEvents' });
    await other.getByText('This key has no scope write').waitFor();
    assert.ok(await other.getByRole('button', { name: 'Send POST' }).isDisabled());
    await call('DELETE', `/api/v1/keys/${reader.id}`);
    await go(other, '/route/getProfile');
    await other.getByRole('button', { name: 'Send GET' }).click();
    await other.getByText('This key is not valid any more').waitFor();
    await other.context().close();
    b.check();
  });

  test('examples work as they stand, what is needed is marked, and a metric that there is not signs nobody out', async () => {
    const page = await b.open({ key: s.key, place: '/docs', hash: '/route/createMetric' });
    for (const [route, answer] of [['createMetric', '"slug"'], ['tryMetric', '"data"'], ['createProduct', '"catalog"']]) {
      await go(page, `/route/${route}`);
      await page.locator('.try .method, .try button.primary').first().waitFor();
      await page.getByRole('button', { name: 'Send POST' }).click();
      await page.locator('.answered .badge.good').waitFor();
      assert.ok((await page.locator('.answer-text').textContent()).length > 2, `${route}: ${answer}`);
    }
    for (const [route, names] of [['getMetricUsage', ['from', 'to']], ['getUsageSummary', ['start_date', 'end_date']]]) {
      await go(page, `/route/${route}`);
      for (const name of names) await page.getByLabel(`${name}, needed`, { exact: true }).waitFor();
    }
    await page.getByRole('button', { name: 'Send GET' }).click();
    await page.getByText('start_date is needed').waitFor();
    await go(page, `/route/${operations.find((one) => one.path === '/event/v1/{metric}' && one.method === 'POST').operationId}`);
    await page.getByLabel('metric, needed', { exact: true }).fill('mispelt');
    await page.getByRole('button', { name: 'Send POST' }).click();
    await page.locator('.answered .badge.bad').getByText('401').waitFor();
    await page.waitForTimeout(300);
    assert.equal(await page.evaluate(() => sessionStorage.length), 1);
    await page.context().close();
    b.check();
  });

  for (const [what, look] of Object.entries({ light: {}, dark: { dark: true }, '320 px wide': { width: 320, height: 640 } })) {
    test(`every view of it, ${what}`, async () => {
      const found = [];
      const page = await b.open({ key: s.key, place: '/docs', ...look });
      for (const hash of ['/', '/?search=usage', '/route/getMetricUsage', '/route/importEvents', '/route/createMetric', '/schema/MetricCreate', '/route/nothing']) {
        await go(page, hash);
        await settle(page);
        for (const one of await page.locator('summary').all()) await one.click();
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (wide > 0) found.push(`${hash}: ${wide} px too wide`);
        found.push(...(await accessibility(page)).map((one) => `${hash}: ${one}`));
      }
      await page.context().close();
      assert.deepEqual(found, []);
      b.check();
    });
  }
}

suite('the API\'s description in a browser', http.setUp, async (store, browser) => {
  [s, b] = [store, browser];
  doc = (await call('GET', '/openapi.json')).json;
  operations = Object.entries(doc.paths).flatMap(([path, item]) => Object.entries(item).map(([method, operation]) => ({ path, method: method.toUpperCase(), ...operation })));
  const { json: profile } = await call('GET', '/api/v1/profile');
  await call('POST', '/api/v1/metrics', { slug: 'gpu', name: 'GPU', code: 'gpu', aggregation_type: 'SUM', aggregation_key: 'seconds', product_family_id: profile.default_product_family_id });
  await call('POST', '/api/v1/events/ingest', { allow_backfilling: true, events: [{ event_id: '1', code: 'gpu', customer_id: 'ann', timestamp: '2026-02-01T10:00:00Z', properties: { seconds: '12345678901234567890.5' } }] });
}, tests);
