// Metering from JavaScript (node 18 or later, or a browser), with nothing but the standard library.
// usage: PGTALLY_URL=http://127.0.0.1:8080 PGTALLY_KEY=tally_live_... node meter.js
// It sends 2,500 events of the code `gpu` and reads what the metric `gpu-seconds` makes of them.
'use strict';

const attempts = 8;
const batchSize = 1000;      // tallyd takes up to 10,000 at once

const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

class Meter {
  constructor(url, key) {
    this.url = url;
    this.key = key;
  }

  // Asks until there is an answer. Sending again is safe: an event counts once, however often its event_id comes.
  async request(method, target, body) {
    for (let attempt = 1; ; attempt++) {
      let wait = Math.min(30, 2 ** attempt / 10) * (0.5 + Math.random());      // grows, and differs from client to client
      let problem;
      try {
        const answer = await fetch(this.url + target, {
          method, headers: { Authorization: `Bearer ${this.key}`, 'Content-Type': 'application/json' }, body: body && JSON.stringify(body), signal: AbortSignal.timeout(30000),
        });
        const text = await answer.text();
        if (answer.ok) return JSON.parse(text);
        problem = new Error(`${answer.status}: ${text}`);
        // What is wrong with the request will be wrong again; `failures` in the text name the events.
        if (answer.status !== 429 && answer.status < 500) problem.final = true;
        wait = Number(answer.headers.get('Retry-After') ?? wait);
      } catch (error) {
        problem = error;      // no answer: the events may be stored or not
      }
      if (problem.final || attempt === attempts) throw problem;
      await sleep(wait);
    }
  }

  async send(events) {
    const sum = { accepted: 0, duplicates: 0 };
    for (let at = 0; at < events.length; at += batchSize) {
      const answer = await this.request('POST', '/api/v1/events/ingest', { events: events.slice(at, at + batchSize), allow_backfilling: true });
      sum.accepted += answer.accepted;
      sum.duplicates += answer.duplicates;
    }
    return sum;
  }

  // Values are decimal texts, exact to the last digit: give them to a decimal type, and not to Number, where money depends on it.
  usage(metric, from, to, groupBy = []) {
    const query = new URLSearchParams([['from', from], ['to', to], ...groupBy.map((name) => ['group_by', name])]);
    return this.request('GET', `/api/v1/metrics/${encodeURIComponent(metric)}/usage?${query}`);
  }
}

async function main() {
  const meter = new Meter(process.env.PGTALLY_URL ?? 'http://127.0.0.1:8080', process.env.PGTALLY_KEY);
  const events = Array.from({ length: 2500 }, (_, n) => ({
    event_id: `js-${n}`,      // made where the thing happened, once: a row's id, a request's id
    code: 'gpu', customer_id: `customer-${n % 5}`, timestamp: '2026-03-01T10:00:00Z', properties: { seconds: '0.1', region: n % 2 ? 'eu' : 'us' },
  }));
  const sent = await meter.send(events);
  console.log(`accepted ${sent.accepted}, duplicates ${sent.duplicates}`);
  const usage = await meter.usage('gpu-seconds', '2026-03-01', '2026-04-01', ['region']);
  for (const row of usage.usage) console.log(`${row.dimensions.region}: ${row.value}`);
  console.log(`total ${usage.total.value}`);
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
