// A metric: its usage as a chart and, exactly, as a table.
import type { ComponentChildren } from 'preact';
import { useMemo } from 'preact/hooks';
import type { Metric, Usage } from '../types';
import { api } from '../app/api';
import { Chart, Legend } from '../app/chart';
import { count, decimal, exact, ownZone, plural, windowName } from '../app/format';
import { useLoad } from '../app/load';
import { Copy, Empty, fieldOf, Head, mostRows, Rest, Value, When } from '../app/parts';
import { csvOf, curlOf, groupOf, hasSql, inWords, isPart, lacking, queryOf, questionOf, sqlOf, whole, type Question } from '../app/question';
import { anchorOf, before, upTo } from '../app/ranges';
import { change, href, listOf, type Route } from '../app/route';
import { isLevel, seriesOf } from '../app/series';
import { session } from '../app/session';
import { Explain, rowKey } from './explain';
import { formShut, MetricForm } from './metric-form';
import { typeNames } from './metrics';
import { QuestionBar } from './question-bar';

interface Answer {
  usage: Usage;
  windows: Usage;                   // of all events, one row for each window
  earlier?: Usage;
}

async function ask(id: string, question: Question, compare: boolean, signal: AbortSignal): Promise<Answer> {
  const path = `/api/v1/metrics/${id}/usage`;
  const then = before(question.range);
  const [usage, windows, earlier] = await Promise.all([
    api.get<Usage>(path, queryOf(question), signal),
    // Which windows there are is the server's to say: of a day with 23 hours, of months in a zone.
    api.get<Usage>(path, { ...queryOf({ ...question, groups: [] }), fill: true }, signal),
    compare ? api.get<Usage>(path, { ...queryOf({ ...question, groups: [] }, then), fill: true, anchor: question.window === 'week' ? anchorOf(then, question.range) : undefined }, signal) : undefined,
  ]);
  return { usage: whole(usage, question.groups), windows: whole(windows), earlier };
}

export function MetricView({ id, route }: { id: string; route: Route }) {
  const metric = useLoad(id, (signal) => api.get<Metric>(`/api/v1/metrics/${encodeURIComponent(id)}`, {}, signal));
  const question = questionOf(route);
  const compare = route.get('compare') === '1';
  const answer = useLoad(JSON.stringify([id, question, compare]), (signal) => ask(id, question, compare, signal), 5000);
  const changing = route.get('change') === '1' && session.may('write');
  const { data } = metric;
  return (
    <>
      <Head over={<a href={listOf('metrics')}>Metrics</a>} title={data?.name ?? 'Metric'}>
        {data && session.may('write') && <button type="button" onClick={() => change({ change: '1' })}>Change</button>}
      </Head>
      <When loaded={metric} rows={2}>{(found) => (
        <>
          <p class="soft about">
            {typeNames[found.aggregation_type]}{found.aggregation_key && <> of <code>{found.aggregation_key}</code></>} over events <a href={href(['events'], { code: found.code })}><code>{found.code}</code></a>
            {found.usage_group_key && <>, by <code>{found.usage_group_key}</code></>}{found.archived_at && <span class="badge">archived</span>}
            {found.description && <> · {found.description}</>}
          </p>
          <QuestionBar route={route} metric={found} question={question} error={answer.error} />
          <p class="print">{inWords(question, compare)}</p>
          {!fieldOf(answer.error, 'filter', 'group_by', 'window') && <When loaded={answer} rows={6}>{(told) => (
            <>
              <Told metric={found} question={question} answer={told} all={route.get('rows') === 'all'} />
              {route.get('explain') && <Explain metric={found} question={question} usage={told.usage} what={route.get('explain')} />}
            </>
          )}</When>}
          {changing && <MetricForm route={route} metric={found} close={() => change({ change: undefined, ...formShut })} done={() => { metric.reload(); answer.reload(); }} />}
        </>
      )}</When>
    </>
  );
}

function Told({ metric, question, answer, all }: { metric: Metric; question: Question; answer: Answer; all: boolean }) {
  const { usage, windows, earlier } = answer;
  const made = JSON.stringify([usage, windows.usage.length, earlier?.total]);
  const drawn = useMemo(() => {
    const starts = [...new Set(windows.usage.map((row) => row.start))].sort();
    const result = seriesOf(usage, metric.aggregation_type, starts);
    if (earlier) {
      const old = seriesOf(earlier, metric.aggregation_type, [...new Set(earlier.usage.map((row) => row.start))].sort());
      const values = starts.map((_, at) => (old.series.length === 0 ? null : old.series.reduce<number | null>((sum, one) => (one.values[at] === null || one.values[at] === undefined ? sum : (sum ?? 0) + one.values[at]!), null)));
      // In front of the others.
      result.series.unshift({ name: 'The period before', values, faint: true });
    }
    return result;
  }, [made]);
  const level = isLevel(metric.aggregation_type);
  const nothing = usage.total.events + usage.total.skipped === 0;
  return (
    <>
      <section class="cards four" aria-label="Totals">
        <div class="card figure"><h2>Total</h2><p class="big"><Why what="total"><Value value={usage.total.value} /></Why></p>{earlier && <Change now={usage.total.value} then={earlier.total.value} />}</div>
        {metric.unit_conversion && <div class="card figure"><h2>Converted</h2><p class="big"><Why what="total"><Value value={usage.total.converted_value} /></Why></p><p class="soft">divided by {count(metric.unit_conversion.factor)}, {metric.unit_conversion.rounding.toLowerCase()}</p></div>}
        <div class="card figure"><h2>Events counted</h2><p class="big">{count(usage.total.events)}</p><p class="soft">{usage.total.skipped > 0 ? <span class="warn">{plural(usage.total.skipped, 'event')} skipped</span> : 'none skipped'}</p></div>
        <div class="card figure"><h2>Made of</h2><p class="big">{count(usage.made_of.recent_events + usage.made_of.segment_events)}</p><p class="soft">{count(usage.made_of.recent_events)} recent, {count(usage.made_of.segment_events)} packed</p></div>
      </section>
      <section class="card">
        {nothing ? <Nothing metric={metric} zone={question.zone} /> : (
          <>
            <Chart times={drawn.times} series={drawn.series} kind={level ? 'lines' : 'bars'} zone={question.zone} label={`${metric.name} by ${question.window}; the same numbers are in the table below`} />
            {drawn.series.length > 1 && <Legend series={drawn.series} />}
            {drawn.left > 0 && <p class="soft">{plural(drawn.left, 'group')} more in the table: such values do not add up to one line.</p>}
          </>
        )}
      </section>
      {!nothing && <Rows metric={metric} question={question} usage={usage} all={all} />}
    </>
  );
}

// A number that says how it is made when it is clicked.
function Why(props: { what: string; cannot?: string; children: ComponentChildren }) {
  if (props.cannot) return <span title={`Events without ${props.cannot} cannot be asked for alone`}>{props.children}</span>;
  return <button type="button" class="why" title="How this number is made" onClick={() => change({ explain: props.what })}>{props.children}</button>;
}

function Change(props: { now: string | null; then: string | null }) {
  const [now, then] = [Number(props.now), Number(props.then)];
  if (!props.now || !props.then || then === 0) return <p class="soft">before: {decimal(props.then)}</p>;
  const share = (now - then) / Math.abs(then);
  return <p class="soft"><span class={share >= 0 ? 'up' : 'down'}>{new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1, signDisplay: 'always' }).format(share)}</span> against {decimal(props.then)}</p>;
}

// The newest event tells where there would be something to see.
function Nothing({ metric, zone }: { metric: Metric; zone: string }) {
  const newest = useLoad(`newest ${metric.code}`, (signal) => api.get<{ data: Array<{ timestamp: string }> }>('/api/v1/events', { code: metric.code, limit: 1 }, signal));
  const time = newest.data?.data[0]?.timestamp;
  if (!time) return <Empty title="No event in this range">{newest.data && <>No event with the code <code>{metric.code}</code> has come yet.</>}</Empty>;
  return (
    <Empty title="No event in this range">
      <p>The newest one that this metric reads is of {windowName(time, 'day', zone)}.</p>
      <a class="button" href={href(['metrics', metric.id], { range: 'own', ...upTo(time, zone), zone: zone === ownZone() ? undefined : zone })}>Show the 30 days up to it</a>
    </Empty>
  );
}

function Rows({ metric, question, usage, all }: { metric: Metric; question: Question; usage: Usage; all: boolean }) {
  const rows = all ? usage.usage : usage.usage.slice(0, mostRows);
  const grouped = usage.usage.some((row) => groupOf(row) !== '');
  const converted = Boolean(metric.unit_conversion);
  return (
    <section class="card flush">
      <div class="toolbar">
        <h2>{plural(usage.usage.length, 'row')}</h2>
        <div class="actions">
          <Copy label="Copy as curl" text={() => curlOf(metric, question)} />
          {hasSql(metric, question) ? <Copy label="SQL" text={() => sqlOf(metric, question)} /> : <button type="button" class="quiet" disabled title="SQL takes one customer or all, and such values of several do not make one">SQL</button>}
          <Copy label="CSV" text={() => csvOf(usage.usage)} />
        </div>
      </div>
      <div class="scroll" tabIndex={0} role="region" aria-label="Usage, exactly">
        <table>
          <thead><tr><th>{question.window === 'hour' ? 'Hour' : 'Window'}</th>{grouped && <th>Group</th>}<th class="right">Value</th>{converted && <th class="right">Converted</th>}<th class="right">Events</th><th class="right">Skipped</th></tr></thead>
          <tbody>
            {rows.map((row) => (
              <tr key={rowKey(row)}>
                <th scope="row" class="nowrap"><time dateTime={row.start} title={`${row.start} to ${row.end}`}>{windowName(row.start, question.window, question.zone)}</time>{isPart(row, question) && <span class="badge" title="The range holds a part of it">part</span>}</th>
                {grouped && <td>{groupOf(row)}</td>}
                <td class="right number" data-exact={row.value ?? ''}><Why what={rowKey(row)} cannot={lacking(row)}>{row.value === null ? '–' : exact(row.value)}</Why></td>
                {converted && <td class="right number" data-exact={row.converted_value ?? ''}><Why what={rowKey(row)} cannot={lacking(row)}>{row.converted_value === null ? '–' : exact(row.converted_value)}</Why></td>}
                <td class="right number">{count(row.events)}</td>
                <td class={`right number${row.skipped ? ' warn' : ''}`}>{count(row.skipped)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Rest shown={rows.length} of={usage.usage.length} what="rows" />
    </section>
  );
}
