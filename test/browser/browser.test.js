// The page in a browser: signing in, every view on the sample's flights, and what can be done there.
'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { Browser, accessibility, copied, setUp, suite, withCode } = require('./lib.js');

// The flights are of 2001.
const then = 'range=own&from=2001-01-01&to=2001-04-01';
let s;
let b;
let metrics;

const idOf = (name) => metrics.find((metric) => metric.name === name).id;

function tests() {
  test('a key is pasted; a bad one is refused in words; tenant and mode are in sight; the key is in no address', async () => {
    const page = await b.open();
    await page.getByLabel('API key').fill('tally_live_wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('the API key is not valid').waitFor();
    await page.getByLabel('API key').fill(s.key);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('aside .tenant').waitFor();
    assert.equal(await page.locator('aside .name').textContent(), 'test');
    assert.equal(await page.locator('aside .badge').textContent(), 'live');
    assert.ok(!page.url().includes(s.key));
    assert.deepEqual(await page.evaluate(() => [localStorage.length, document.cookie]), [0, '']);
    await page.reload();
    await page.locator('aside .tenant').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('API key').waitFor();
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
    await page.context().close();
    b.check();
  });

  test('the address of make run signs in once, and its code leaves the address', () => withCode(s, async (other, code) => {
    const page = await other.open({ hash: `code=${code}` });
    await page.locator('aside .tenant').waitFor();
    assert.ok(!page.url().includes(code), page.url());
    const again = await other.open({ hash: `code=${code}` });
    await again.getByText('signs in once').waitFor();
  }));

  test('the address of make run signs in a tab that shows the page already', () => withCode(s, async (other, code) => {
    const page = await other.open();
    await page.getByLabel('API key').waitFor();
    await page.evaluate((hash) => { location.hash = hash; }, `code=${code}`);
    await page.locator('aside .tenant').waitFor();
    assert.ok(!page.url().includes(code), page.url());
    // Once more, in vain: who is signed in stays so.
    await page.evaluate((hash) => { location.hash = hash; }, `code=${code}`);
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
  }));

  // Each view, with something that it must show.
  const views = () => [
    ['overview', '/', 'Events an hour'],
    ['metrics', '/metrics', 'Last event'],
    ['metric, grouped', `/metrics/${idOf('miles')}?${then}&window=week&by=customer_id&compare=1`, 'Made of'],
    ['metric, level', `/metrics/${idOf('worst delay')}?${then}`, 'Made of'],
    ['form of a metric', '/metrics?new=1', 'Create a metric'],
    ['events', '/events?customer=DFW', 'Counted by'],
    ['event', '/events/flight-7', 'What was sent'],
    ['send an event', '/events?send=1&live=0', 'Properties'],
    ['customers', `/customers?${then}`, 'Top customers'],
    ['customer', `/customers/DFW?${then}`, 'Newest events'],
    ['imports', '/imports', 'Drop a file of events here'],
    ['statements', '/statements', 'never changes'],
    ['close a period', '/statements?new=1', 'The first day that is not in it'],
    ['keys', '/keys', 'Last used'],
  ];

  for (const [what, look] of Object.entries({ light: {}, dark: { dark: true }, '320 px wide': { width: 320, height: 640 } })) {
    test(`every view on the sample, ${what}`, async (t) => {
      const found = [];
      const page = await b.open({ key: s.key, hash: '/keys', ...look });
      for (const [name, hash, text] of views()) {
        await page.evaluate((to) => { performance.clearMeasures(); location.hash = to; }, hash);
        await page.locator('main').getByText(text).or(page.locator('dialog').getByText(text)).first().waitFor();
        await page.locator('.skeleton').first().waitFor({ state: 'detached' });
        for (const failure of await page.locator('.failure').allTextContents()) found.push(`${name}: ${failure}`);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (wide > 0) found.push(`${name}: ${wide} px too wide`);
        if (!look.width) found.push(...(await accessibility(page)).map((one) => `${name}: ${one}`));
        const charts = await page.evaluate(() => performance.getEntriesByName('chart').map((entry) => entry.duration));
        if (charts.length && what === 'light') t.diagnostic(`${name}: a chart after its answer ${Math.max(...charts).toFixed()} ms`);
      }
      await page.context().close();
      assert.deepEqual(found, []);
      b.check();
    });
  }

  test('how soon the overview is there', async (t) => {
    const times = [];
    for (let n = 0; n < 5; n++) {
      const page = await b.open({ key: s.key });
      await page.locator('.figure').first().waitFor();
      await page.waitForFunction(() => ['first-contentful-paint', 'overview'].every((name) => performance.getEntriesByName(name).length > 0));
      times.push(await page.evaluate(() => ['first-contentful-paint', 'overview'].map((name) => {
        const entry = performance.getEntriesByName(name)[0];
        return entry.startTime + entry.duration;
      })));
      await page.context().close();
    }
    const middle = (at) => times.map((one) => one[at]).sort((x, y) => x - y)[2].toFixed();
    t.diagnostic(`overview: first paint ${middle(0)} ms, its figures ${middle(1)} ms, of 5 the middle one`);
    b.check();
  });

  test('a view is wholly in its address, exact numbers are in the table and in what is copied', async () => {
    const hash = `/metrics/${idOf('miles')}?${then}&window=month&zone=UTC&filter=destination%3DLAX`;
    const page = await b.open({ key: s.key, hash });
    const usage = await s.api('GET', `/api/v1/metrics/${idOf('miles')}/usage?from=2001-01-01&to=2001-04-01&filter%5Bdestination%5D=LAX`);
    const total = page.locator('.figure .number').first();
    await total.waitFor();
    assert.equal(await total.getAttribute('data-exact'), usage.total.value);
    await page.locator('.chip').getByText('destination = LAX').waitFor();
    assert.equal(await page.locator('tbody tr').count(), 3);
    const csv = await copied(page, page.getByRole('button', { name: 'CSV' }));
    assert.equal(csv.split('\r\n').slice(1, 4).reduce((sum, line) => sum + Number(line.split(',')[2]), 0), Number(usage.total.value));
    await page.getByLabel('Group by').selectOption('customer_id');
    await page.waitForFunction(() => location.hash.includes('by=customer_id'));
    await page.goBack();
    await page.waitForFunction(() => !location.hash.includes('by=customer_id'));
    await page.context().close();
    b.check();
  });

  test('what is copied can be pasted: curl, SQL and CSV give the numbers of the table', async () => {
    const questions = [
      `${then}&window=month&zone=UTC&filter=destination%3DLAX`,
      `${then}&window=week&zone=Asia/Tokyo&by=customer_id&customer=DFW&customer=ATL&filter=destination%3DLAX&filter=destination%3DORD`,
      `${then}&window=day&zone=America/Chicago&by=destination&customer=DFW`,
    ];
    for (const question of questions) {
      const page = await b.open({ key: s.key, hash: `/metrics/${idOf('miles')}?${question}` });
      await page.locator('tbody td.number[data-exact]').first().waitFor();
      const more = page.getByRole('button', { name: /^Show all/ });
      if (await more.count()) await more.click();
      const told = async (name) => {
        const text = await copied(page, page.getByRole('button', { name, exact: true }));
        assert.doesNotMatch(text, /tally_live_/);
        return text;
      };
      const seen = await page.locator('tbody tr').evaluateAll((rows) => rows.map((row) => row.querySelector('td.number').dataset.exact));
      assert.ok(seen.length > 2);
      const curl = spawnSync('bash', ['-c', await told('Copy as curl')], { encoding: 'utf8', env: { ...process.env, KEY: s.key } });
      assert.deepEqual(JSON.parse(curl.stdout).usage.map((row) => row.value), seen);
      // psql separates columns by |; the fifth is the value.
      const rows = s.cluster.psql(await told('SQL')).split('\n').filter((line) => line.includes('|'));
      assert.deepEqual(rows.map((line) => line.split('|')[4]), seen);
      const [head, ...lines] = (await told('CSV')).trim().split('\r\n').map((line) => line.split(','));
      assert.deepEqual(lines.map((line) => line[head.indexOf('value')]), seen);
      await page.context().close();
    }
    b.check();
  });

  test('a metric is made, an event is sent, and it is counted without a reload', async () => {
    const page = await b.open({ key: s.key, hash: '/metrics' });
    await page.getByRole('button', { name: 'Create a metric' }).click();
    await page.getByLabel('Name', { exact: true }).fill('Tea');
    await page.getByLabel('Event code').fill('tea');
    await page.getByLabel('Property', { exact: true }).fill('cups');
    await page.getByRole('button', { name: 'Create', exact: true }).click();
    await page.getByRole('heading', { name: 'Tea' }).waitFor();
    await page.getByText('No event in this range').waitFor();
    const events = await page.context().newPage();
    b.watch(events);
    await events.goto(`${s.url}/page/icon.svg`);
    await events.evaluate((key) => sessionStorage.setItem('pgtally-key', key), s.key);
    await events.goto(`${s.url}/#/events?send=1&code=tea`);
    const form = events.getByRole('dialog');
    await form.getByLabel('Customer').fill('ann');
    await form.getByLabel('Properties').fill('{"cups": 12345678901234567890.5, "sort": "green"}');
    await form.getByRole('button', { name: 'Send' }).click();
    await form.getByText('is stored').waitFor();
    await form.getByRole('button', { name: 'Close' }).last().click();
    // Every digit, in the list of events too.
    await events.getByText('12345678901234567890.5').first().waitFor();
    const total = page.locator('.figure .number').first();
    await page.locator('[data-exact="12345678901234567890.5"]').first().waitFor();
    assert.equal(await total.textContent(), '12,345,678,901,234,567,890.5');
    await page.context().close();
    b.check();
  });

  test('a number says how it is made; an event is amended, voided and restored, and its history tells', async () => {
    await s.metric('juice', { name: 'Juice', aggregation_key: 'cups' });
    await s.send({ event_id: 'j1', code: 'juice', customer_id: 'ann', properties: { cups: 2, tags: ['a', { b: 1 }] } }, { event_id: 'j2', code: 'juice', customer_id: 'ann', properties: { cups: 'many' } });
    const page = await b.open({ key: s.key, hash: '/events/j1?customer=ann' });
    await page.getByText('"tags": ["a", {"b": 1}]').waitFor();
    await page.getByRole('button', { name: 'Amend' }).click();
    await page.getByLabel('Properties').fill('{"cups": 2.50}');
    await page.getByLabel('Reason').fill('half a cup was lost');
    await page.getByRole('dialog').getByRole('button', { name: 'Amend' }).click();
    await page.getByText('half a cup was lost').first().waitFor();
    await page.getByText('"cups": 2.50').waitFor();
    for (const act of ['Void', 'Restore']) {
      await page.getByRole('button', { name: act, exact: true }).click();
      await page.getByLabel('Reason').fill(`to ${act}`);
      await page.getByRole('dialog').getByRole('button', { name: act, exact: true }).click();
      await page.getByRole('listitem').filter({ hasText: `to ${act}` }).waitFor();
    }
    await page.getByRole('link', { name: 'Juice' }).first().click();
    await page.locator('.figure .why').first().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('skipped: the value is no number').waitFor();
    await dialog.getByText('amended: another row counts').waitFor();
    await dialog.locator('[data-exact^="2.5"]').waitFor();
    assert.deepEqual(await accessibility(page), []);
    await page.reload();
    await dialog.getByText('skipped: the value is no number').waitFor();
    await page.context().close();
    b.check();
  });

  test('what the API refuses is told at its field', async () => {
    const page = await b.open({ key: s.key, hash: '/metrics?new=1' });
    await page.getByLabel('Name', { exact: true }).fill('Juice');
    await page.getByLabel('Event code').fill('juice');
    await page.getByRole('button', { name: 'Create', exact: true }).click();
    await page.locator('.field.wrong').waitFor();
    const field = page.getByLabel('Property', { exact: true });
    assert.equal(await field.getAttribute('aria-invalid'), 'true');
    assert.ok(await field.evaluate((node) => node === document.activeElement), 'it has the focus');
    assert.match(await page.locator('.field.wrong .hint').textContent(), /^Property is missing/);
    await field.fill('cups');
    await page.getByText('Groups, conversion').click();
    await page.getByLabel('Divide by').fill('a dozen');
    await page.getByRole('button', { name: 'Create', exact: true }).click();
    await page.locator('.field.wrong input[name="unit_conversion.factor"]').waitFor();
    await page.getByLabel('Divide by').fill('');
    await page.getByText('Which events count', { exact: true }).click();
    await page.getByRole('button', { name: 'Add a filter' }).click();
    await page.locator('[name="filters.0.property"]').fill('$.[');
    await page.locator('[name="filters.0.values"]').fill('x');
    await page.getByRole('button', { name: 'Create', exact: true }).click();
    await page.locator('.field.wrong [name="filters.0.property"]').waitFor();
    await page.locator('[name="filters.0.property"]').fill('kind');
    await page.getByLabel('Matrix of').selectOption('DOUBLE');
    await page.locator('[name="segmentation_matrix.dimension1.key"]').fill('a');
    await page.locator('[name="segmentation_matrix.dimension1.values"]').fill('1');
    await page.locator('[name="segmentation_matrix.dimension2.key"]').fill('b');
    await page.getByRole('button', { name: 'Try on the newest events' }).click();
    await page.locator('.field.wrong [name="segmentation_matrix.dimension2.values"]').waitFor();
    await page.context().close();
    b.check();
  });

  test('a key that may only read is offered nothing else; a revoked one ends the session in words', async () => {
    const made = await s.api('POST', '/api/v1/keys', { name: 'looker', scopes: ['read'] });
    const page = await b.open({ key: made.secret, hash: '/metrics' });
    await page.getByRole('link', { name: 'miles' }).waitFor();
    assert.equal(await page.getByRole('button', { name: /^(Create a metric|Archive)$/ }).count(), 0);
    await page.getByRole('link', { name: 'Keys and limits' }).click();
    await page.getByText('that takes the scope admin').waitFor();
    await page.getByRole('link', { name: 'Imports' }).click();
    await page.getByText('that takes the scope write').waitFor();
    assert.equal(await page.locator('.drop').count(), 0);
    await page.getByRole('link', { name: 'Statements' }).click();
    await page.getByText('never changes').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Close a period' }).count(), 0);

    const admin = await b.open({ key: s.key, hash: '/keys' });
    await admin.getByRole('row', { name: /looker/ }).getByRole('button', { name: 'Revoke' }).click();
    await admin.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await admin.getByRole('row', { name: /looker.*revoked/ }).waitFor();
    await page.getByRole('link', { name: 'Events' }).click();
    await page.getByText('This key is not valid any more').waitFor();
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
    await page.context().close();
    await admin.context().close();
    b.check();
  });

  test('a key is made, its secret is shown once, and it signs in', async () => {
    const page = await b.open({ key: s.key, hash: '/keys' });
    await page.getByRole('button', { name: 'Make a key' }).click();
    await page.getByLabel('Name', { exact: true }).fill('new one');
    await page.getByRole('button', { name: 'Make it' }).click();
    const secret = await page.locator('.secret').textContent();
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('row', { name: /new one/ }).waitFor();
    assert.ok(!(await page.content()).includes(secret));
    await (await b.open({ key: secret })).context().close();
    await page.context().close();
    b.check();
  });

  test('20,000 lines are imported with a bar that moves, failures by line, and taken back', async () => {
    const lines = Array.from({ length: 20000 }, (_, n) => `step,walker-${n % 7},2024-03-01T00:00:00Z,"${n},""x""\n${n % 3}",s${n}`);
    lines[12345] = 'step,walker-1,yesterday,1,bad';
    const file = path.join(s.cluster.dir, 'steps.csv');
    fs.writeFileSync(file, `code,customer_id,timestamp,note,event_id\n${lines.join('\n')}\n`);
    const page = await b.open({ key: s.key, hash: '/imports' });
    const seen = new Set();
    await page.exposeFunction('seenBar', (value) => seen.add(Number(value)));
    await page.evaluate(() => new MutationObserver(() => {
      const bar = document.querySelector('.upload [role=progressbar]');
      if (bar) globalThis.seenBar(bar.getAttribute('aria-valuenow'));
    }).observe(document.body, { subtree: true, childList: true, attributes: true }));
    await page.locator('input[type=file]').setInputFiles(file);
    await page.getByText('· done').waitFor({ timeout: 60000 });
    await page.getByText('19,999 events stored').waitFor();
    await page.getByText('1 line refused').waitFor();
    // Every record before it has two lines, and the header one.
    await page.getByText(`line ${(2 * 12345 + 2).toLocaleString('en-GB')}`).waitFor();
    assert.ok([...seen].some((value) => value > 0 && value < 100), `the bar was seen at ${[...seen]}`);
    const row = page.getByRole('row', { name: /steps\.csv/ });
    await row.getByText('19,999').waitFor();
    await row.getByRole('button', { name: 'Take back' }).click();
    await page.getByLabel('Reason').fill('a test');
    await page.getByRole('dialog').getByRole('button', { name: 'Take back' }).click();
    await page.getByText('taken back: a test').waitFor({ timeout: 60000 });
    await page.context().close();
    b.check();
  });
}

suite('the page in a browser', setUp, async (store, browser) => {
  [s, b] = [store, browser];
  metrics = (await s.api('GET', '/api/v1/metrics?per_page=100')).data;
}, tests);
