// Probes and Prometheus text.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { call, event, isErrorAnswer, setUp, until } = require('./lib.js');

let s;
before(async () => { s = await setUp(); });
after(() => s?.close());

const scrape = async () => (await call(s.url, null, 'GET', '/metrics')).text;
const value = (text, line) => Number((text.split('\n').find((one) => one.startsWith(`${line} `)) || `${line} 0`).slice(line.length + 1));

test('/healthz and /readyz are JSON and need no key', async () => {
  const alive = await call(s.url, null, 'GET', '/healthz');
  assert.equal(alive.status, 200);
  assert.equal(alive.json.status, 'ok');
  const ready = await call(s.url, null, 'GET', '/readyz');
  assert.equal(ready.status, 200);
  assert.equal(ready.json.status, 'ready');
  assert.match(ready.json.database.extension, /^\d+\.\d+/);
  assert.equal(ready.headers.get('content-type'), 'application/json');
});

test('/metrics is Prometheus text: each family once, with HELP and TYPE, numbers everywhere', async () => {
  const answer = await call(s.url, null, 'GET', '/metrics');
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4');
  const types = new Map();
  for (const line of answer.text.trimEnd().split('\n')) {
    const type = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line);
    if (type) {
      assert.ok(!types.has(type[1]), `${type[1]} twice`);
      types.set(type[1], type[2]);
    } else if (!line.startsWith('# HELP ')) {
      const sample = /^([a-z_]+)(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? (\S+)$/.exec(line);
      assert.ok(sample, line);
      assert.ok(Number.isFinite(Number(sample[4])), line);
      const family = sample[1].replace(/_(bucket|sum|count)$/, '');
      assert.ok(types.has(sample[1]) || types.get(family) === 'histogram', line);
    }
  }
});

test('requests are counted by route and status, not by path', async () => {
  const line = 'tallyd_http_requests_total{method="GET",route="/api/v1/metrics/{id}",status="404"}';
  const first = value(await scrape(), line);
  for (let n = 0; n < 3; n += 1) isErrorAnswer(assert, await call(s.url, s.key, 'GET', `/api/v1/metrics/bm_unknown${n}`), 404, 'NOT_FOUND');
  await until('the counter', async () => value(await scrape(), line) === first + 3);
});

test('events are counted by verdict', async () => {
  const line = (verdict) => `tallyd_events_total{verdict="${verdict}"}`;
  const before = await scrape();
  const one = event();
  await call(s.url, s.key, 'POST', '/api/v1/events/ingest', { events: [one, event()] });
  await call(s.url, s.key, 'POST', '/api/v1/events/ingest', { events: [one] });
  await call(s.url, s.key, 'POST', '/api/v1/events/ingest', { events: [{ ...one, properties: { other: 1 } }, { ...event(), event_id: '' }, event()] });
  const head = { authorization: `Bearer ${s.key}`, 'content-type': 'text/csv' };
  const file = `code,customer_id,event_id,other\n${one.code},${one.customer_id},${one.event_id},2\n,ann,x,1\n`;
  await (await fetch(`${s.url}/api/v1/events/import`, { method: 'POST', headers: head, body: file })).text();
  const text = await scrape();
  assert.equal(value(text, line('conflict')) - value(before, line('conflict')), 2);
  assert.equal(value(text, line('rejected')) - value(before, line('rejected')), 2);
  assert.equal(value(text, line('accepted')) - value(before, line('accepted')), 2);
  assert.equal(value(text, line('duplicate')) - value(before, line('duplicate')), 1);
  assert.ok(value(text, 'tallyd_ingest_batch_requests_count') >= value(before, 'tallyd_ingest_batch_requests_count') + 2);
});

test('gauges are back at rest after the work', async () => {
  await Promise.all(Array.from({ length: 50 }, () => call(s.url, s.key, 'GET', '/api/v1/profile')));
  await until('rest', async () => {
    const text = await scrape();
    return value(text, 'tallyd_http_requests_in_flight') === 1 && value(text, 'tallyd_body_bytes') === 0 &&
      value(text, 'tallyd_queue_requests{lane="read"}') === 0 && value(text, 'tallyd_queue_bytes{lane="ingest"}') === 0;
  });
});
