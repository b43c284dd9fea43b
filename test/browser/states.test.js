// Every state of every view is in its address: what was chosen and typed is there again where the address is opened by somebody
// else, back and forward go through it, and no secret is ever in it.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { settle, startStore, suite, until } = require('./lib.js');

let s;
let b;
const ids = {};

const hour = (n) => new Date(Date.UTC(2026, 0, 1) + n * 3600000).toISOString();

async function fill() {
  const metric = (name, more) => s.metric('cup', { name, slug: name.toLowerCase(), aggregation_key: 'cups', ...more });
  ids.tea = (await metric('Tea', { filters: [{ property: 'kind', op: 'EQUAL', values: ['tea'] }] })).id;
  ids.herbs = (await metric('Herbs')).id;
  const events = Array.from({ length: 260 }, (_, n) => ({ event_id: `e-${n}`, code: 'cup', customer_id: n % 3 ? 'ann' : 'bob', source: 'till', timestamp: hour(n), properties: { cups: n, kind: n % 2 ? 'tea' : 'herbs' } }));
  await s.send(...events);
  const head = { authorization: `Bearer ${s.key}`, 'content-type': 'text/csv' };
  const file = await fetch(`${s.url}/api/v1/events/import?name=old.csv`, { method: 'POST', headers: head, body: 'code,customer_id,timestamp,cups,event_id\ncup,ann,2025-01-01T00:00:00Z,3,i-1\ncup,ann,never,3,i-2\n' });
  ids.import = (await file.json()).import_id;
  ids.statement = (await s.api('POST', '/api/v1/statements', { from: '2026-01-01', to: '2026-02-01' })).id;
  await s.api('POST', '/api/v1/keys', { name: 'till', scopes: ['write'] });
}

// What somebody sees, without what goes by the clock.
const seen = (page) => page.evaluate(() => {
  const place = document.querySelector('dialog') ?? document.querySelector('main');
  const all = (selector, what) => [...document.querySelectorAll(selector)].map(what);
  return {
    title: place.querySelector('h1, h2')?.textContent,
    fields: [...place.querySelectorAll('input, textarea, select')].map((one) => [one.labels?.[0]?.textContent ?? one.ariaLabel, one.type === 'checkbox' ? one.checked : one.value]),
    unfolded: [...place.querySelectorAll('details')].map((one) => one.open),
    pressed: all('main [aria-pressed]', (one) => `${one.textContent} ${one.ariaPressed}`),
    sorted: all('main th[aria-sort]', (one) => one.textContent),
    chips: all('main .chip', (one) => one.textContent),
    rows: all('main tbody', (one) => one.rows.length),
    tried: all('.tried .notice, .tried tbody', (one) => one.textContent),
    wrong: all('.field.wrong .hint', (one) => one.textContent),
    pairs: all('dialog dd', (one) => one.textContent),
  };
});

// Loads an address anew, whatever the tab shows.
async function load(page, hash, place = '/') {
  await page.goto(`${s.url}/page/icon.svg`);
  await page.goto(`${s.url}${place}#${hash}`);
  await page.locator(place === '/' ? 'aside .tenant' : 'main h1').first().waitFor();
}

// The state that page is in, opened by somebody else, is the same.
async function checkAfresh(page, other, what, place = '/') {
  await settle(page);
  const here = await seen(page);
  const address = page.url();
  assert.ok(!address.includes('tally_'), address);
  await load(other, address.split('#')[1], place);
  let there;
  await until(`${what}: the same afresh`, async () => {
    there = await seen(other);
    return JSON.stringify(there) === JSON.stringify(here);
  }, 30000).catch(() => assert.deepEqual(there, here, `${what}: ${address}`));
}

function tests() {
  // View, where it begins, what is done there.
  const button = (page, name) => page.getByRole('button', { name, exact: true }).first().click();
  const dialog = (page) => page.getByRole('dialog');
  const states = () => ({
    'metrics, searched, sorted, all': ['/metrics', async (page) => {
      await button(page, 'All');
      await button(page, 'Code');
      await page.getByRole('searchbox').fill('e');
    }],
    'archiving a metric': ['/metrics', async (page) => page.getByRole('row', { name: /Tea/ }).getByRole('button', { name: 'Archive' }).click()],
    'a metric that is made, half typed': ['/metrics', async (page) => {
      await button(page, 'Create a metric');
      await page.getByLabel('Name', { exact: true }).fill('Cups "of" tea & more');
      await page.getByLabel('Event code').fill('cup');
      await page.getByLabel('Type').selectOption('MAX');
      await page.getByText('Which events count', { exact: true }).click();
      await page.getByRole('button', { name: 'Add a filter' }).click();
      await page.locator('[name="filters.0.property"]').fill('kind');
      await page.locator('[name="filters.0.values"]').fill('tea\nherbs');
      await page.getByLabel('Matrix of').selectOption('LINKED');
      await page.locator('[name="segmentation_matrix.values"]').fill('x');
      await page.getByText('Groups, conversion, product').click();
    }],
    'a metric that is changed, tried': [`/metrics/${ids.tea}?range=own&from=2026-01-01&to=2026-02-01`, async (page) => {
      await button(page, 'Change');
      await page.getByLabel('Description').fill('of leaves');
      await page.locator('[name="filters.0.values"]').fill('herbs');
      await button(page, 'Try on the newest events');
      await page.getByText('would be counted').waitFor();
    }],
    'a metric that is refused at its field': [`/metrics/${ids.tea}`, async (page) => {
      await button(page, 'Change');
      await page.getByLabel('Slug').fill('herbs');
      await button(page, 'Try on the newest events');
      await page.locator('.field.wrong [name=slug]').waitFor();
    }],
    'a question to a metric': [`/metrics/${ids.tea}`, async (page) => {
      await page.getByLabel('Range').selectOption('own');
      await page.getByLabel('From').fill('2026-01-01');
      await page.getByLabel('To, inclusive').fill('2026-01-11');
      await page.getByLabel('Window').selectOption('hour');
      await page.getByLabel('Group by').selectOption('customer_id');
      await page.getByLabel('Time zone').fill('Asia/Tokyo');
      await page.getByLabel('Customer', { exact: true }).fill('ann, bob');
      await page.getByLabel('Compare with').check();
      await page.getByLabel('Filter: property').fill('kind');
      await page.getByLabel('Filter: value').fill('tea');
      await button(page, 'Add filter');
      await page.getByLabel('Filter: property').fill('cups');
      await page.getByLabel('Filter: value').fill('half typ');
    }],
    'all rows of a metric': [`/metrics/${ids.herbs}?range=own&from=2026-01-01&to=2026-02-01&window=hour&by=customer_id`, async (page) => {
      await page.getByRole('button', { name: /^Show all/ }).click();
      await until('all rows', async () => (await page.locator('tbody tr').count()) > 200);
    }],
    'a number explained': [`/metrics/${ids.tea}?range=own&from=2026-01-01&to=2026-02-01&window=month&zone=UTC`, async (page) => {
      await page.locator('tbody .why').first().click();
      await dialog(page).getByText('From the counted ones').waitFor();
    }],
    'events, filtered, paused, older ones': ['/events', async (page) => {
      await button(page, 'Live');
      await page.getByLabel('Customer').fill('ann');
      await page.getByLabel('Source').fill('till');
      await page.getByLabel('Before').fill('2026-01-11');
      await page.getByLabel('Search').fill('cup');
      await settle(page);
      for (let pages = 2; pages < 4; pages++) {
        await button(page, 'Older events');
        await until('older events', async () => (await page.locator('tbody tr').count()) === pages * 50);
      }
    }],
    'an event to send, half typed': ['/events?code=cup&customer=ann', async (page) => {
      await button(page, 'Send an event');
      await dialog(page).getByLabel('Event id').fill('mine');
      await dialog(page).getByLabel('Properties').fill('{"cups": 12345678901234567890.5');
    }],
    'voiding an event': ['/events/e-7', async (page) => {
      await button(page, 'Void');
      await page.getByLabel('Reason').fill('it was spilt');
    }],
    'amending an event': ['/events/e-8?customer=ann', async (page) => {
      await button(page, 'Amend');
      await page.getByLabel('Properties').fill('{"cups": 1}');
      await page.getByLabel('Time').fill('2026-01-02T00:00:00Z');
    }],
    'top customers': ['/customers', async (page) => {
      await page.getByLabel('Top customers of').selectOption({ label: 'Herbs' });
      await page.getByLabel('Range').selectOption('own');
      await page.getByLabel('From').fill('2026-01-01');
      await page.getByLabel('Search among them').fill('B');
      await page.getByLabel('Customer id').fill('an');
    }],
    'a customer': ['/customers/ann', async (page) => page.getByLabel('Range').selectOption('90d')],
    'an import': ['/imports', async (page) => {
      await page.getByRole('link', { name: 'old.csv' }).click();
      await dialog(page).getByText('Last line').waitFor();
    }],
    'taking an import back': ['/imports', async (page) => {
      await button(page, 'Take back');
      await page.getByLabel('Reason').fill('twice');
    }],
    'a period to close': ['/statements', async (page) => {
      await button(page, 'Close a period');
      await page.getByLabel('From').fill('2025-12-01');
      await page.getByLabel('Customer').fill('ann');
    }],
    'adjustments of a statement, closing anew': [`/statements/${ids.statement}`, async (page) => {
      await button(page, 'Adjustments');
      await button(page, 'Close anew');
      await dialog(page).waitFor();
    }],
    'a key to make': ['/keys', async (page) => {
      await button(page, 'Make a key');
      await page.getByLabel('Name', { exact: true }).fill('cashier');
      await page.getByLabel('admin').check();
      await page.getByLabel('Expires').fill('2027-01-01');
    }],
    'revoking a key': ['/keys', async (page) => page.getByRole('row', { name: /till/ }).getByRole('button', { name: 'Revoke' }).click()],
  });

  test('what was chosen and typed is there again, wherever the address is opened', async (t) => {
    const page = await b.open({ key: s.key });
    const other = await b.open({ key: s.key });
    for (const [what, [hash, act]] of Object.entries(states())) {
      await t.test(what, async () => {
        await load(page, hash);
        await settle(page);
        const before = JSON.stringify(await seen(page));
        await act(page);
        await settle(page);
        assert.notEqual(JSON.stringify(await seen(page)), before, 'it is to see what was done');
        await checkAfresh(page, other, what);
      });
    }
    await page.context().close();
    await other.context().close();
    b.check();
  });

  test('back and forward go through a form and its trial, and past a form that was saved', async () => {
    const page = await b.open({ key: s.key, hash: '/metrics' });
    await button(page, 'Create a metric');
    await page.getByLabel('Event code').fill('cup');
    await page.getByLabel('Property', { exact: true }).fill('cups');
    await button(page, 'Try on the newest events');
    await page.getByText('of the newest 100 events would be counted').waitFor();
    await page.goBack();
    await page.locator('.tried').waitFor({ state: 'detached' });
    await until('the property', async () => (await page.getByLabel('Property', { exact: true }).inputValue()) === 'cups');
    await page.goForward();
    await page.getByText('would be counted').waitFor();
    // A trial says nothing of another definition; a name is none.
    await page.getByLabel('Name', { exact: true }).fill('Any');
    await settle(page);
    assert.equal(await page.locator('.tried').count(), 1);
    await page.getByLabel('Property', { exact: true }).fill('mugs');
    await page.locator('.tried').waitFor({ state: 'detached' });
    await page.waitForFunction(() => !location.hash.includes('tried'));
    await button(page, 'Create');
    await page.getByRole('heading', { name: 'Any' }).waitFor();
    await page.goBack();
    await page.locator('.tried').or(page.getByRole('heading', { name: 'Metrics' })).first().waitFor();
    await page.context().close();
    b.check();
  });

  test('a secret is in no address, and an address that somebody garbled shows the form as it begins', async () => {
    const page = await b.open({ key: s.key, hash: '/keys' });
    await button(page, 'Make a key');
    await page.getByLabel('Name', { exact: true }).fill('once');
    await button(page, 'Make it');
    await page.locator('.secret').waitFor();
    await settle(page);
    assert.match(page.url(), /#\/keys$/);
    await page.reload();
    await page.getByRole('row', { name: /once/ }).waitFor();
    assert.equal(await page.getByRole('dialog').count(), 0);
    for (const draft of ['{"texts": 7}', '[1]', 'null', '{"texts": {"code": 5}, "filters": [null], "links": "x", "open": {}}', '{"texts": {"name": "cut']) {
      await page.evaluate((text) => { location.hash = `/metrics?new=1&draft=${encodeURIComponent(text)}`; }, draft);
      await page.getByRole('heading', { name: 'Create a metric' }).waitFor();
      assert.equal(await page.getByLabel('Event code').inputValue(), '');
    }
    await page.context().close();
    b.check();
  });

  test('a request that was filled in on /docs is in its address too', async () => {
    const page = await b.open({ key: s.key, hash: '/route/getMetricUsage', place: '/docs' });
    await page.getByLabel('id, needed', { exact: true }).fill('tea');
    await page.getByLabel('group_by', { exact: true }).fill('customer_id\nkind');
    const other = await b.open({ key: s.key, hash: '/keys' });
    await checkAfresh(page, other, 'try it', '/docs');
    await other.context().close();
    await page.evaluate(() => { location.hash = '/route/ingestEvents'; });
    await page.getByLabel('Body').fill(`{"apiKey": "${s.key}", "events": []}`);
    await settle(page);
    assert.ok(!page.url().includes(s.key.slice(0, 11)), page.url());
    await page.context().close();
    b.check();
  });

  test('what goes wrong is told in its place, and can be tried again', async () => {
    const page = await b.open({ key: s.key, hash: '/keys' });
    const api = '**/api/v1/**';
    const refuse = (status, message, headers = {}) => (route) => route.fulfill({ status, headers, contentType: 'application/json', body: JSON.stringify({ code: 'X', message }) });
    const wrongs = [[refuse(403, 'this key lacks the scope "read"'), 'lacks the scope'], [refuse(429, 'too many requests', { 'retry-after': '30' }), 'too many'], [(route) => route.abort(), 'cannot be reached']];
    for (const [answer, words] of wrongs) {
      for (const hash of ['/', '/metrics', `/metrics/${ids.tea}`, '/events', '/events/e-7', '/customers', '/customers/ann', '/imports', '/statements', `/statements/${ids.statement}`]) {
        // What is asked again by itself, as some views do every few seconds, waits then: only the button may mend it.
        const held = [];
        let holds = false;
        await page.route(api, (route) => (holds ? held.push(route) : answer(route)));
        await page.evaluate((to) => { location.hash = to; }, hash);
        await page.locator('main .failure').getByText(words).first().waitFor();
        await until(`nothing loads: ${hash}`, async () => (await page.locator('.skeleton').count()) === 0);
        holds = true;
        await page.getByRole('button', { name: 'Try again' }).first().click();
        await page.unroute(api);
        for (const route of held) await route.continue().catch(() => { /* given up by the page */ });
        await page.locator('main').getByText(words).first().waitFor({ state: 'detached' });
        await page.evaluate(() => { location.hash = '/keys'; });
        await page.getByText('Months are those of UTC').waitFor();
      }
    }
    b.problems = b.problems.filter((one) => !/ERR_FAILED/.test(one));
    await page.context().close();
    b.check();
  });

  test('numbers of forty digits and long names fit into 320 px', async () => {
    const event = { event_id: `huge-${'0123456789'.repeat(8)}`, code: 'cup', customer_id: `customer-${'0123456789'.repeat(8)}`, timestamp: hour(0), properties: { cups: `${'1234567890'.repeat(4)}.5`, note: 'x'.repeat(300) } };
    await s.send(event);
    const page = await b.open({ key: s.key, hash: '/keys', width: 320, height: 640 });
    const found = [];
    for (const hash of [`/metrics/${ids.herbs}?range=own&from=2026-01-01&to=2026-01-02`, `/metrics/${ids.herbs}?range=own&from=2026-01-01&to=2026-01-02&explain=total`, `/events/${event.event_id}`, '/events?live=0', `/customers/${event.customer_id}`, `/imports?import=${ids.import}`]) {
      await page.evaluate((to) => { location.hash = to; }, hash);
      await settle(page);
      const wide = await page.evaluate(() => [document.documentElement, ...document.querySelectorAll('dialog, .card:not(.flush)')].filter((one) => one.scrollWidth > one.clientWidth)
        .map((one) => `${one.tagName} ${one.className}: ${one.scrollWidth - one.clientWidth} px too wide: ${[...one.querySelectorAll('*')].filter((part) => part.getBoundingClientRect().right > innerWidth).slice(-3).map((part) => part.outerHTML.slice(0, 60))}`));
      found.push(...wide.map((one) => `${hash.slice(0, 40)}: ${one}`));
    }
    assert.deepEqual(found, []);
    await page.context().close();
    b.check();
  });
}

suite('states of views in a browser', startStore, async (store, browser) => {
  [s, b] = [store, browser];
  await fill();
}, tests);
