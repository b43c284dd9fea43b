// The operations of the Meteroid API as its strict clients read them: once through a client that is made of our own document,
// once field by field, as their models have them (a text is never null there). Facts: their published models, read by hand.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { call, event, isErrorAnswer, setUp } = require('./lib.js');

let s;
let client;
let family;

// A function for each operation of the document: ({path and query parameters}, body) -> JSON of the answer.
function clientOf(doc, send) {
  const operations = {};
  for (const [path, item] of Object.entries(doc.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      if (!operation.operationId) continue;
      const expected = Object.keys(operation.responses).find((status) => status.startsWith('2'));
      operations[operation.operationId] = async (given = {}, body = undefined) => {
        const rest = { ...given };
        const target = path.replace(/\{(\w+)\}/g, (_, name) => {
          const value = rest[name];
          delete rest[name];
          return encodeURIComponent(value);
        });
        const query = new URLSearchParams(Object.entries(rest).flatMap(([name, value]) => [].concat(value).map((one) => [name, one])));
        const answer = await send(method.toUpperCase(), `${target}${query.size ? `?${query}` : ''}`, body);
        assert.equal(String(answer.status), expected, `${operation.operationId}: ${answer.text}`);
        return answer.json;
      };
    }
  }
  return operations;
}

before(async () => {
  s = await setUp();
  const { json: doc } = await call(s.url, null, 'GET', '/openapi.json');
  client = clientOf(doc, (method, target, body) => call(s.url, s.key, method, target, body));
  family = (await client.createProductFamily({}, { name: 'Contract' })).id;
});
after(() => s?.close());

// Kinds of fields: a question mark where the model lets it be absent, |null where it may be null.
const KINDS = {
  text: (value) => typeof value === 'string',
  time: (value) => typeof value === 'string' && !Number.isNaN(Date.parse(value)),
  decimal: (value) => typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value),
  count: (value) => Number.isInteger(value) && value >= 0,
  flag: (value) => typeof value === 'boolean',
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  uuid: (value) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value),
};
function isModel(value, fields, where) {
  for (const [name, kinds] of Object.entries(fields)) {
    const at = `${where}.${name}`;
    const optional = kinds.endsWith('?');
    const [kind, or] = kinds.replace('?', '').split('|');
    if (!(name in value)) { assert.ok(optional, `${at} is missing`); continue; }
    if (value[name] === null) { assert.equal(or, 'null', `${at} is null`); continue; }
    assert.ok(kind.startsWith('id:') ? value[name].startsWith(kind.slice(3)) : KINDS[kind](value[name]), `${at}: ${JSON.stringify(value[name])} is no ${kind}`);
  }
}
const PAGE = { page: 'count', per_page: 'count', total_items: 'count', total_pages: 'count' };
const METRIC = { id: 'id:bm_', name: 'text', code: 'text', aggregation_type: 'text', product_family_id: 'id:pf_', created_at: 'time',
  aggregation_key: 'text?', description: 'text?', product_id: 'id:prd_?', segmentation_matrix: 'object?', unit_conversion: 'object?', usage_group_key: 'text?', archived_at: 'time?' };
const SUMMARY = { id: 'id:bm_', name: 'text', code: 'text', aggregation_type: 'text', created_at: 'time', description: 'text?', aggregation_key: 'text?', archived_at: 'time?' };
const PRODUCT = { id: 'id:prd_', name: 'text', product_family_id: 'id:pf_', fee_type: 'text', fee_structure: 'object', catalog: 'flag', created_at: 'time', description: 'text?', archived_at: 'time?' };
const FAMILY = { id: 'id:pf_', name: 'text' };
const JOB = { id: 'id:bjob_', job_type: 'text', status: 'text', total_items: 'count|null', processed_items: 'count', failed_items: 'count', created_by: 'uuid',
  created_at: 'time', completed_at: 'time|null', input_file_name: 'text|null' };
const isPage = (page, fields, where) => {
  isModel(page.pagination_meta, PAGE, where);
  page.data.forEach((one, n) => isModel(one, fields, `${where}[${n}]`));
};

test('metrics: create, list, get, change, archive, unarchive', async () => {
  const made = await client.createMetric({}, { name: 'Calls', code: 'calls', aggregation_type: 'SUM', aggregation_key: 'n', product_family_id: family,
    segmentation_matrix: { type: 'SINGLE', key: 'region', values: ['eu'] }, unit_conversion: { factor: 10, rounding: 'UP' } });
  isModel(made, METRIC, 'metric');
  const filters = [{ property: 'plan', op: 'IN', values: ['pro', 'team'] }, { property: 'plan', op: 'NOT_EQUAL', values: ['free'] }];
  const filtered = await client.createMetric({}, { name: 'Paid calls', code: 'calls', aggregation_type: 'COUNT', product_family_id: family, filters });
  assert.deepEqual(filtered.filters, filters);
  assert.deepEqual((await client.changeMetric({ id: filtered.id }, { filters: filters.slice(1) })).filters, filters.slice(1), 'they are replaced');
  assert.ok(!('filters' in await client.changeMetric({ id: filtered.id }, { filters: [] })));
  isModel(await client.getMetric({ id: made.id }), METRIC, 'metric');
  isModel(await client.changeMetric({ id: made.id }, { name: 'All calls' }), METRIC, 'metric');
  await client.archiveMetric({ id: made.id });
  await client.unarchiveMetric({ id: made.id });
  isPage(await client.listMetrics({ order_by: 'created_at.desc', per_page: 100 }), SUMMARY, 'metrics');
});

test('families and products, with what a billing system says of them', async () => {
  isModel(await client.getProductFamily({ id: family }), FAMILY, 'family');
  isPage(await client.listProductFamilies({ order_by: 'name.asc' }), FAMILY, 'families');
  assert.equal((await client.listProductFamilies()).data[0].id, family, 'newest first');
  const fees = [{ fee_type: 'RATE' }, { fee_type: 'SLOT', slot_unit_name: 'seat', upgrade_policy: 'PRORATED', downgrade_policy: 'REMOVE_AT_END_OF_PERIOD' },
    { fee_type: 'CAPACITY', metric_id: 'bm_0' }, { type: 'USAGE', metric_id: 'bm_0', model: 'PER_UNIT' }, { fee_type: 'EXTRA_RECURRING', billing_type: 'ADVANCE' }, { fee_type: 'ONE_TIME' }];
  for (const fee of fees) {
    const made = await client.createProduct({}, { name: 'P', product_family_id: family, fee_structure: fee, catalog: false });
    isModel(made, PRODUCT, 'product');
    assert.deepEqual(made.fee_structure, fee);
    assert.equal(made.fee_type, fee.fee_type ?? fee.type);
    assert.equal(made.catalog, false);
    assert.deepEqual(await client.getProduct({ id: made.id }), made);
    await client.archiveProduct({ id: made.id });
    await client.unarchiveProduct({ id: made.id });
    isModel(await client.changeProduct({ id: made.id }, { fee_structure: { fee_type: 'RATE' } }), PRODUCT, 'product');
  }
  isPage(await client.listProducts({ order_by: 'created_at.asc', product_family_id: family }), PRODUCT, 'products');
});

test('events: what failed is told by a text that names the event, also where it has no id', async () => {
  const nameless = event({ code: 'calls' });
  delete nameless.event_id;
  const told = await client.ingestEvents({}, { events: [event({ code: 'calls', timestamp: '1' }), nameless], allow_partial_failures: true });
  assert.equal(told.failures.length, 2);
  told.failures.forEach((failure, n) => isModel(failure, { event_id: 'text', reason: 'text' }, `failures[${n}]`));
  assert.deepEqual(await client.ingestEvents({}, { events: [event({ code: 'calls' })] }).then(({ failures }) => failures ?? []), []);
});

test('usage: no value is null, nothing is 0 and no groups', async () => {
  for (const type of ['MIN', 'MAX', 'MEAN', 'LATEST', 'SUM', 'COUNT_DISTINCT']) {
    await client.createMetric({}, { name: type, code: 'seldom', aggregation_type: type, aggregation_key: 'v', usage_group_key: 'region', product_family_id: family });
  }
  const timestamp = new Date().toISOString();
  await client.ingestEvents({}, { events: [event({ code: 'seldom', customer_id: 'with', timestamp, properties: { v: '3' } }),
    event({ code: 'seldom', customer_id: 'with', timestamp, properties: { region: 'eu' } }), event({ code: 'seldom', customer_id: 'without', timestamp, properties: {} })] });
  const day = (offset) => new Date(Date.now() + offset * 86400000).toISOString().slice(0, 10);
  const period = { start_date: day(-1), end_date: day(2) };
  const answers = [await client.getUsageSummary(period), await client.getCustomerUsage({ customer_id: 'with', ...period }),
    await client.getCustomerUsage({ customer_id: 'without', ...period }), await client.getCustomerUsage({ customer_id: 'unknown', ...period })];
  for (const answer of answers) {
    isModel(answer, { period_start: 'text', period_end: 'text' }, 'usage');
    for (const one of answer.usage) {
      isModel(one, { metric_id: 'id:bm_', metric_name: 'text', metric_code: 'text', total_value: 'decimal' }, 'usage');
      for (const group of one.grouped_usage) {
        isModel(group, { value: 'decimal', dimensions: 'object' }, 'usage');
        for (const [name, text] of Object.entries(group.dimensions)) assert.equal(typeof text, 'string', name);
      }
    }
  }
  for (const one of answers[2].usage.filter(({ metric_code: code }) => code === 'seldom')) {
    assert.equal(one.total_value, '0', one.metric_name);
    if (!['SUM', 'COUNT_DISTINCT'].includes(one.metric_name)) assert.deepEqual(one.grouped_usage, [], one.metric_name);
  }
  isErrorAnswer(assert, await call(s.url, s.key, 'GET', `/api/v1/usage/subscription/sub_0?start_date=${period.start_date}`), 404, 'NOT_FOUND');
});

test('batch jobs: imports in their shape, and the lines that failed', async () => {
  const csv = 'code,customer_id,event_id,timestamp\ncalls,ann,j1,2024-01-01T00:00:00Z\ncalls,ann,j2,yesterday\ncalls,ann,j3,2024-01-01T00:00:00Z\n,ann,,2024-01-01T00:00:00Z\n';
  const sent = await call(s.url, s.key, 'POST', '/api/v1/events/import?name=jobs.csv', csv, { 'content-type': 'text/csv' });
  assert.equal(sent.json.failed, 2, sent.text);
  const page = await client.listBatchJobs({ status: ['COMPLETED_WITH_ERRORS', 'FAILED'], job_type: 'EVENT_CSV_IMPORT' });
  isPage(page, JOB, 'jobs');
  const [job] = page.data;
  assert.deepEqual({ ...job, id: 0, created_at: 0, completed_at: 0, created_by: 0 }, { id: 0, job_type: 'EVENT_CSV_IMPORT', status: 'COMPLETED_WITH_ERRORS',
    total_items: 4, processed_items: 2, failed_items: 2, created_by: 0, created_at: 0, completed_at: 0, input_file_name: 'jobs.csv' });
  isModel(await client.getBatchJob({ id: job.id }), { ...JOB, failure_count: 'count', has_error_csv: 'flag', error_csv_url: 'text|null', input_file_url: 'text|null' }, 'job');
  const failures = await client.listBatchJobFailures({ id: job.id });
  assert.deepEqual([failures.total_count, failures.data.map((one) => [one.item_index, one.item_identifier])], [2, [[3, 'j2'], [5, null]]]);
  failures.data.forEach((one) => isModel(one, { id: 'uuid', chunk_id: 'text', item_index: 'count', item_identifier: 'text|null', reason: 'text' }, 'failure'));
  const chunk = failures.data[0].chunk_id;
  assert.equal((await client.listBatchJobFailures({ id: job.id, chunk_id: chunk, limit: 1, offset: 1 })).data[0].item_index, 5);
  assert.equal((await client.listBatchJobFailures({ id: job.id, chunk_id: 'bjc_1' })).total_count, 0);
  assert.deepEqual((await client.listBatchJobs({ job_type: 'CUSTOMER_CSV_IMPORT' })).data, []);
  await client.voidImport({ id: job.id.replace('bjob_', 'imp_') });
  assert.equal((await client.getBatchJob({ id: job.id })).status, 'CANCELLED');
  for (const [id, status] of [['bjob_0', 404], ['imp_0', 400], ['x', 400]]) {
    for (const rest of ['', '/failures']) assert.equal((await call(s.url, s.key, 'GET', `/api/v1/batch-jobs/${id}${rest}`)).status, status, id + rest);
  }
  for (const query of ['job_type=x', 'status=DONE', 'page=-1']) isErrorAnswer(assert, await call(s.url, s.key, 'GET', `/api/v1/batch-jobs?${query}`), 400, 'BAD_REQUEST');
});
