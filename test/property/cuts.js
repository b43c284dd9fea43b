// Cuts: what is answered in the snapshot that makes one is kept, and asked again as of it, while sessions write, correct and pack,
// and the server is killed. What was held open across a cut is in none of its answers, whenever it is committed.
'use strict';

const { sleep } = require('../http/lib.js');
const { quote } = require('./session.js');

const RANGE = `'1970-01-02Z', '2100-01-01Z'`;

// A line for each metric in use: its total, its rows by year and customer, its whole life, and of some why the total
// is what it is; and one for the events themselves.
const answers = (session, name) => {
  const asOf = name ? quote(name) : 'NULL';
  return session.rows(`SELECT tally._encode_id('bm_', m.metric_id) AS id, u::text AS total, l::text AS life,
      (SELECT md5(string_agg(x::text, ',')) FROM tally.usage(tally._encode_id('bm_', m.metric_id), ${RANGE}, "window" => 'year', group_by => '{customer_id}', as_of => ${asOf}) x) AS rows,
      CASE WHEN right(m.metric_id::text, 1) < '2' THEN (SELECT concat_ws(' ', x -> 'steps', (SELECT string_agg(k.key || ':' || (k.value ->> 'events'), ' ') FROM json_each(x -> 'by_outcome') k))
          FROM tally.explain_usage(tally._encode_id('bm_', m.metric_id), ${RANGE}, as_of => ${asOf}) x) END AS why
    FROM tally.metric m, tally.usage_total(tally._encode_id('bm_', m.metric_id), ${RANGE}, as_of => ${asOf}) u, tally._life(m, ${asOf}) l
    WHERE m.archived_at IS NULL
    UNION ALL SELECT 'the events', count(*)::text, sum(hashtextextended(e::text, 0))::text, '', '' FROM tally.events(as_of => ${asOf}) e`);
};

class Cuts {
  constructor() {
    this.kept = new Map();     // name -> answers by metric
    this.made = 0;
    this.asked = 0;
  }

  async make(session) {
    const name = `p${this.made += 1}`;
    await session.run('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await session.run(`SELECT tally.cut(${quote(name)})`);
    const then = await answers(session, null);
    await session.run('COMMIT');
    this.kept.set(name, new Map(then.map((line) => [line.id, line])));
  }

  // The lines in which answers as of a cut are not those that were kept, whatever became of the metrics; newer ones have none.
  async differences(session, name) {
    const lines = [];
    for (const now of await answers(session, name)) {
      const then = this.kept.get(name).get(now.id);
      if (!then) continue;
      this.asked += 1;
      for (const what of ['total', 'life', 'rows', 'why'])
        if (then[what] !== now[what]) lines.push(`  as of ${name}: ${what} of ${now.id}: then ${then[what]}, now ${now[what]}`);
    }
    return lines;
  }

  // One turn of a session's loop: makes a cut, or asks for an older one.
  async work(session, random) {
    if (this.kept.size < 3 || random.chance(0.3)) {
      await this.make(session);
    } else {
      const lines = await this.differences(session, random.pick([...this.kept.keys()]));
      if (lines.length > 0) throw new Error(lines.slice(0, 12).join('\n'));
    }
    await sleep(random.below(600));
  }
}

module.exports = { Cuts };
