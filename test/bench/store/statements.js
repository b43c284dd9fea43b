// What closing a period costs beside the invoice run of the same lines, and questions as of a cut beside the same without one.
'use strict';

const { median } = require('../psql.js');

const quote = (text) => `'${text.replaceAll("'", "''")}'`;

// print(name, ours, theirs, against, target) as of usage.js
async function measureStatements(psql, { month, metrics, distinct }, questions, times, rounds, print) {
  const [from, to] = month.map(quote);
  const compare = async (name, ask, against, other, target) => {
    const ours = [];
    const theirs = [];
    for (let round = 0; round <= rounds; round += 1) {
      const pair = [median(await ask()), median(await other())];
      if (round > 0) { ours.push(pair[0]); theirs.push(pair[1]); }
    }
    print(name, median(ours), median(theirs), against, target);
  };
  await psql.run('SET max_parallel_workers_per_gather = 0;');
  const invoice = questions.find((question) => question.name.startsWith('invoice run'));
  const close = async () => [Number(await psql.run(`SELECT tally_bench.close_time(${from}, ${to});`))];
  // Closing takes all metrics in use: those of the invoice run, and no other.
  await psql.run(`SELECT tally.archive_metric('${distinct}');`);
  await compare('closing the period of the invoice run', close, 'invoice', () => times(psql, invoice.ours, 1), 1 / 2);
  await psql.run(`SELECT tally.unarchive_metric('${distinct}');`);
  const usage = (rest, asOf) => `SELECT * FROM tally.usage('${metrics[0]}', ${from}, ${to}${rest}${asOf ? ", as_of => 'half'" : ''})`;
  for (const [name, rest] of [['busy customer, as of a cut', ", customer => 'customer-1'"], ['all customers, as of a cut', ", group_by => '{customer_id}'"], ['all customers in one, as of a cut', '']])
    await compare(name, () => times(psql, usage(rest, true), 10), 'now', () => times(psql, usage(rest, false), 10), 1 / 3);
  const life = (asOf) => `SELECT * FROM tally.usage_total('${metrics[0]}', '2000-01-01', '2100-01-01'${asOf ? ", as_of => 'half'" : ''})`;
  await compare('all of life, as of a cut', () => times(psql, life(true), 20), 'now', () => times(psql, life(false), 20), 1 / 3);
}

module.exports = { measureStatements };
