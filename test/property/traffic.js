// Who writes in the property test: SQL sessions of every manner, REST clients, people who define metrics, packers, and the one
// who kills. An SQL session tells the oracle in the transaction of the ingest. A REST client does so once its request is
// answered; a request that broke off is sent again until it is, and what it stored before must then be a duplicate.
'use strict';

const { call, sleep } = require('../http/lib.js');
const world = require('./world.js');
const { quote } = require('./session.js');
const { instantText } = require('./windows.js');

const CODES = [...world.SQL_CODES, ...world.SQL_CODES, ...world.MIXED_CODES];
const json = (events) => `[${events.map(world.eventJson).join(',')}]`;
const count = (stats, name, n = 1) => { stats[name] = (stats[name] || 0) + n; };

// One SQL session's way of writing: single events, batches, whole transactions that stay open or are rolled back, savepoints.
class Writer {
  constructor(test, name, place) {
    Object.assign(this, { test, stats: test.stats, random: test.random.fork(name) });
    this.maker = new world.EventMaker(this.random, name, place);
    this.imports = [];
    this.sharedCount = 0;
  }

  async ingest(session, events, what = 'batches') {
    await session.run(`SELECT oracle.ingest(${quote(json(events))}, true)`);
    count(this.stats, what);
    count(this.stats, 'events', events.length);
  }

  async record(session) {
    const event = this.random.chance(0.1) ? this.maker.again() : this.maker.fresh(this.random.pick(CODES), { recent: this.random.chance(0.5) });
    const hasTime = !this.random.chance(0.1) || this.maker.sent.includes(event) === false;
    if (!hasTime) this.maker.sent.splice(this.maker.sent.indexOf(event), 1);
    await session.run(`SELECT oracle.record(${quote(world.eventJson(event))}, ${hasTime})`);
    count(this.stats, 'records');
  }

  // Events that every session sends, at the same time and with one of two contents: one of them wins, once.
  shared() {
    const { random } = this;
    const round = Math.floor(Date.now() / 500);
    return Array.from({ length: random.between(1, 5) }, () => {
      const n = random.below(20);
      const at = Date.UTC(2025, 5, 1) * 1000 + (round * 32 + n) % 1e9 * 8000 + 7;
      return { id: `shared-${round}-${n}`, customer: `c${n % 3}`, code: 'api', source: '', ts: instantText(at), properties: `{"n":${random.chance(0.8) ? 5 : 6}}` };
    });
  }

  async importFile(session) {
    const name = `file-${this.maker.name}-${this.imports.length}-${this.maker.count}`;
    const again = this.imports.length > 0 && this.random.chance(0.4) ? this.random.pick(this.imports).events : [];
    const fresh = [];
    for (let n = this.random.between(1, this.random.chance(0.1) ? 3000 : 100); n > 0; n -= 1) {
      const event = this.maker.fresh(this.random.pick(world.SQL_CODES));
      event.id = `i-${event.id}`;
      fresh.push(event);
    }
    const events = [...again, ...fresh];
    const id = (await session.run(`SELECT oracle.import(${quote(json(events))}, ${quote(events.map(world.eventJson).join('\n'))}, ${quote(name)})`)).trim();
    count(this.stats, 'imports');
    return { id, name, events };
  }

  async importOrVoid(session) {
    const standing = this.imports.filter((one) => !one.voided);
    if (standing.length > 1 && this.random.chance(0.4)) {
      const one = this.random.pick(standing);
      one.voided = true;      // should the session be lost now, then perhaps
      await session.run(`SELECT oracle.void(${quote(one.id)}, ${quote(one.name)})`);
      count(this.stats, 'voided imports');
      return;
    }
    const one = await this.importFile(session);
    this.imports.push(one);
  }

  // One step outside or inside of a transaction. Imports stand alone: whether theirs was committed must be known.
  async step(session) {
    const { random } = this;
    switch (random.below(10)) {
      case 0: return this.ingest(session, this.shared(), 'shared batches');
      case 1: return this.ingest(session, this.maker.batch(random.between(50, 400), CODES));
      case 2: case 3: case 4: return this.record(session);
      default: return this.ingest(session, this.maker.batch(random.between(1, 12), world.SQL_CODES), 'small batches');
    }
  }

  async transaction(session) {
    const { random } = this;
    await session.run(random.chance(0.15) ? 'BEGIN ISOLATION LEVEL REPEATABLE READ' : 'BEGIN');
    for (let n = random.between(1, 4); n > 0; n -= 1) {
      await this.step(session);
      if (random.chance(0.3)) {
        await session.run('SAVEPOINT s');
        await this.step(session);
        await session.run(random.chance(0.5) ? 'ROLLBACK TO s' : 'RELEASE s');
        count(this.stats, 'savepoints');
      }
      if (random.chance(0.1)) await sleep(random.below(this.test.hold));
    }
    const outcome = random.chance(0.25) ? 'ROLLBACK' : 'COMMIT';
    await session.run(outcome);
    count(this.stats, outcome);
  }

  async work(session) {
    const { random } = this;
    const what = random.next();
    if (what < 0.35) await this.transaction(session);
    else if (what < 0.42) await this.importOrVoid(session);
    else if (what < 0.44) await this.large(session);
    else if (what < 0.45) await this.correctMany(session);
    else if (what < 0.52) count(this.stats, `corrections: ${(await session.run(`SELECT oracle.correct(${random.next()})`)).trim()}`);
    else await this.step(session);
    await sleep(random.below(this.test.pause));
  }

  async correctMany(session) {
    await session.run('BEGIN ISOLATION LEVEL REPEATABLE READ');
    const codes = `{${world.SQL_CODES.join(',')}}`;
    const done = (await session.run(`SELECT oracle.correct_many(${quote(codes)}, ${this.random.next()})`)).trim();
    await session.run('COMMIT');
    count(this.stats, `corrections: ${done}`);
  }

  // One code and month, as a flood or a COPY brings it: enough for a segment of its own.
  async large(session) {
    const { random } = this;
    const month = Date.UTC(2024, random.below(18), 1) * 1000;
    const events = Array.from({ length: (this.stats['large batches'] || 0) < 6 ? random.pick([2000, 5000, 10000]) : 1500 }, () => this.maker.fresh('big', {
      at: month + random.below(27 * 24 * 3600) * 1e6 + this.maker.place, customer: random.chance(0.5) ? 'c0' : undefined }));
    await session.run('BEGIN');
    await this.ingest(session, events, 'large batches');
    // Of other sessions only what no packer has adopted yet is to be seen: now and then one too many is counted.
    if ((await session.run('SELECT count(*) > 0 FROM tally.loose_segment')).trim() === 't') count(this.stats, 'large batches as segments');
    await session.run('COMMIT');
  }
}

// Defines metrics and changes them.
class Definer {
  constructor(test) {
    Object.assign(this, { test, random: test.random.fork('definer'), made: [] });
  }

  async work(session) {
    const { random } = this;
    const known = await session.rows('SELECT id, definition FROM oracle.metric');
    if (known.length < 30 || (known.length < 120 && random.chance(0.3))) {
      const definition = world.definition(random, random.pick(CODES),
        known.length < 30 ? world.AGGREGATIONS[known.length % 7] : undefined);
      world.noteMetric((await session.run(`SELECT oracle.create_metric(${quote(JSON.stringify(definition))})`)).trim(), definition.code);
      count(this.test.stats, 'metrics');
    } else {
      const { id, definition } = random.pick(known);
      const change = definition.kind || random.chance(0.5) ? { unit_conversion: world.conversion(random) } : { segmentation_matrix: world.matrix(random) };
      await session.run(`SELECT oracle.change_metric(${quote(id)}, ${quote(JSON.stringify(change))})`);
      count(this.test.stats, 'changes of metrics');
    }
    await sleep(random.below(known.length < 30 ? 5 : 1500));
  }
}

// Packs, in a pace of its own: now a handful of events, now what has grown, now all into large segments.
async function pack(test, random, session) {
  await session.run(`CALL tally.pack(${random.pick([1, 1, 20, 500])}, ${quote(random.pick(['0 seconds', '2 seconds', '1 hour']))}, ${random.chance(0.2)})`);
  count(test.stats, 'packings');
  if (random.chance(0.1)) await session.run('VACUUM');
  await sleep(random.below(300));
}

// A REST client, one request at a time.
class Client {
  constructor(test, name, place) {
    Object.assign(this, { test, name, stats: test.stats, random: test.random.fork(name), files: [] });
    this.maker = new world.EventMaker(this.random, name, place);
    this.known = new Set();
  }

  // Until it is answered: what breaks off, or finds the server down, is sent again.
  async send(method, target, body, headers) {
    for (let tries = 0; tries < 600; tries += 1) {
      this.test.doing[this.name] = `${method} ${target} ${String(body).slice(0, 200)} try ${tries}`;
      const answer = await call(this.test.rest.url, this.test.rest.key, method, target, body, headers).catch((error) => {
        if (error.code === 'ERR_ASSERTION' || !error.cause) throw error;
        return null;
      });
      if (answer && ![500, 502, 503, 504].includes(answer.status)) return { answer, tries };
      if (answer && answer.status === 500) throw new Error(`${method} ${target}: ${answer.status} ${answer.text}`);
      count(this.stats, 'requests that broke off');
      await sleep(50);
    }
    throw new Error(`${method} ${target}: no answer in 30 s`);
  }

  // What the answer must be, with what was known before; then the oracle is told.
  async tell(events, name = null) {
    const fresh = [];
    for (const event of events) {
      const identity = JSON.stringify([event.customer, event.source, event.id]);
      if (!this.known.has(identity)) fresh.push(event);
      this.known.add(identity);
    }
    this.test.doing[this.name] = 'tells the oracle';
    if (fresh.length > 0) {
      await this.test.tell(`INSERT INTO oracle.event (customer_id, source, event_id, code, ts, sent_ts, properties, import)
        SELECT e ->> 'customer_id', e ->> 'source', e ->> 'event_id', e ->> 'code', (e ->> 'timestamp')::timestamptz, e ->> 'timestamp', e -> 'properties', ${quote(name)}
        FROM jsonb_array_elements(${quote(json(fresh))}::jsonb) WITH ORDINALITY s(e, n) ORDER BY n ON CONFLICT DO NOTHING`);
    }
    count(this.stats, 'REST events', fresh.length);
    return fresh.length;
  }

  async post(size, recent) {
    const before = recent || !this.random.chance(0.1) ? [] : this.random.some(this.maker.sent.slice(-50), 1);
    const events = [...this.maker.batch(size, ['call'], { recent, fresh: true }), ...before];
    const { answer, tries } = await this.send('POST', '/api/v1/events/ingest', `{"events":${json(events)}${recent ? '' : ',"allow_backfilling":true'}}`);
    const told = await this.tell(events);
    if (answer.status !== 200 || answer.json.accepted + answer.json.duplicates !== events.length || (tries === 0 && answer.json.accepted !== told)) {
      throw new Error(`POST of ${events.length} events, ${told} new, try ${tries}: ${answer.status} ${answer.text}`);
    }
  }

  async valueUpdate() {
    const name = this.random.pick(['dual', 'base']);
    const metric = this.test.kinds[name];
    const value = name === 'base' ? `${this.random.below(50)}.${this.random.between(1, 99)}` : this.random.pick(['1', '-2', '0.5', '-0.25', '12345678901234567890.5']);
    const event = {
      id: `${this.name}-v${this.maker.count += 1}`, customer: '', source: `value:${metric.id}`, code: metric.code,
      ts: world.instant(this.random, this.maker.place, true), properties: `{"n":${value},"region":"eu"}`,
    };
    event.ts = instantText(event.ts);
    const { answer } = await this.send('POST', `/event/v1/${metric.id}`, `{"value":${value},"filters":{"region":"eu"},"event_id":"${event.id}","timestamp":"${event.ts}"}`);
    if (answer.status !== 200 && answer.status !== 201) throw new Error(`value update: ${answer.status} ${answer.text}`);
    await this.tell([event]);
    count(this.stats, 'value updates');
  }

  // A file; sent again under its name when it breaks off, so one file may be several imports.
  async importFile() {
    const name = `${this.name}-file-${this.files.length}`;
    const events = this.maker.batch(this.random.pick([1, 20, 300, 3000]), ['call'], { fresh: true }).map((event) => ({ ...event, id: `i-${event.id}` }));
    const { answer, tries } = await this.send('POST', `/api/v1/events/import?name=${name}`, events.map(world.eventJson).join('\n'), { 'content-type': 'application/x-ndjson' });
    if (answer.status !== 200 || answer.json.failed !== 0 || (tries === 0 && answer.json.accepted !== events.length)) throw new Error(`import of ${events.length}, try ${tries}: ${answer.status} ${answer.text}`);
    await this.tell(events, name);
    this.files.push({ name, ids: [answer.json.import_id], broke: tries > 0 });
    count(this.stats, 'imports over REST');
  }

  async voidFile() {
    const file = this.random.pick(this.files.filter((one) => !one.voided));
    if (!file) return;
    if (file.broke) file.ids = JSON.parse(await this.test.tell(`SELECT json_agg(tally._encode_id('imp_', import_id)) FROM tally.import_batch WHERE name = ${quote(file.name)}`));
    for (const id of file.ids) {
      const { answer } = await this.send('DELETE', `/api/v1/imports/${id}`);
      if (answer.status !== 200 && answer.status !== 409) throw new Error(`DELETE of an import: ${answer.status} ${answer.text}`);
    }
    file.voided = true;
    await this.test.tell(`UPDATE oracle.event SET voided = true WHERE import = ${quote(file.name)}`);
    count(this.stats, 'voided imports over REST');
  }

  async work() {
    const { random } = this;
    const what = random.below(20);
    if (what < 10) await this.post(random.between(1, 3), true);
    else if (what < 13) await this.post(random.between(1, 300), false);
    else if (what < 17) await this.valueUpdate();
    else if (what < 19) await this.importFile();
    else await this.voidFile();
    await sleep(random.below(this.test.pause));
  }
}

module.exports = { Client, Definer, Writer, count, pack };
