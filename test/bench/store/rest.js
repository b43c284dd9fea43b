// Usage and the event list over REST, against GET /healthz on the same connection; a search without a hit against DuckDB's LIKE.
'use strict';

const { median } = require('../psql.js');
const { Connection, request, tallydOf } = require('./http.js');

async function timesOf(connection, text, n) {
  const taken = [];
  for (let i = 0; i < n; i += 1) {
    const began = process.hrtime.bigint();
    const answer = await connection.ask(text);
    taken.push(Number(process.hrtime.bigint() - began) / 1e6);
    if (answer.status !== 200) throw new Error(`${text.split('\r\n')[0]}: ${answer.status} ${answer.text.slice(0, 200)}`);
  }
  return taken;
}

// print(name, ours, theirs, against, target) as of usage.js
async function measureRest(psql, duckTimes, duck, { month, inMonth, ordinary, metrics }, rounds, print) {
  const instant = (text) => text.replace(' ', 'T').replace(/\+00$/, 'Z');
  const tallyd = await tallydOf(psql);
  const connection = new Connection(tallyd.port);
  const range = `from=${instant(month[0])}&to=${instant(month[1])}`;
  const get = (target) => request(tallyd.key, 'GET', target);
  const health = get('/healthz');
  const rows = [
    ['GET usage of an ordinary customer', get(`/api/v1/metrics/${metrics[0]}/usage?${range}&customer_id=${ordinary[0]}`), 50, 10],
    ['event list: newest 100', get('/api/v1/events?limit=100'), 10, 30],
    ['event list: newest 100 of one customer', get(`/api/v1/events?limit=100&customer_id=${ordinary[0]}`), 10, 30],
  ];
  try {
    for (const [name, text, times, most] of rows) {
      const ours = [];
      const theirs = [];
      for (let round = 0; round <= rounds; round += 1) {
        const pair = [median(await timesOf(connection, text, times)), median(await timesOf(connection, health, 200))];
        if (round > 0) { ours.push(pair[0]); theirs.push(pair[1]); }
      }
      print(name, median(ours), median(theirs), 'health', 1 / most);
    }
    const search = get(`/api/v1/events?limit=100&search=nowhere-to-be-found&${range}`);
    const ours = median(await timesOf(connection, search, 3));
    const like = `SELECT count(*) FROM e WHERE ${inMonth} AND (lower(user_id) LIKE '%nowhere-to-be-found%' OR lower(model) LIKE '%nowhere-to-be-found%' OR lower(region) LIKE '%nowhere-to-be-found%')`;
    print('event list: a search without a hit, month', ours, median(await duckTimes(duck, like, 3)), 'DuckDB', 1);
  } finally {
    connection.end();
    await tallyd.stop();
  }
}

module.exports = { measureRest };
