// One statement: its lines, or its adjustments with the events that made them; by customer and metric.
import type { Adjustments, MetricSummary, StatementLines } from '../types';
import { api } from '../app/api';
import { count, exact, moment, plural } from '../app/format';
import { useLoad } from '../app/load';
import { Copy, Empty, Head, Pages, Segmented, Value, When } from '../app/parts';
import { change, href, listOf, pageOf, type Route } from '../app/route';
import { addsUp } from '../app/series';
import { session } from '../app/session';
import { By } from './by';
import { Close, periodOf } from './statements';

type Names = Map<string, MetricSummary>;

export function StatementView({ id, route }: { id: string; route: Route }) {
  const page = pageOf(route);
  const view = route.get('view') || 'lines';
  const path = `/api/v1/statements/${encodeURIComponent(id)}`;
  const loaded = useLoad(`${id} ${page}`, (signal) => api.get<StatementLines>(path, { page, per_page: 50 }, signal));
  const names = useLoad('all metrics', async (signal) => new Map((await api.all<MetricSummary>('/api/v1/metrics', { archived: 'all' }, signal)).map((metric) => [metric.id, metric])));
  const { data } = loaded;
  return (
    <>
      <Head over={<a href={listOf('statements')}>Statements</a>} title={data ? periodOf(data) : 'Statement'}>
        {data && !data.superseded_by && session.may('write') && <button type="button" onClick={() => change({ anew: '1' })}>Close anew</button>}
      </Head>
      <When loaded={loaded} rows={5}>{(found) => (
        <>
          <section class="card">
            <dl class="pairs wide">
              <dt>Customer</dt><dd>{found.customer_id ?? 'all'}</dd>
              <dt>Closed</dt><dd>{moment(found.created_at)} <span class="soft">by <By id={found.created_by} /></span></dd>
              {found.supersedes && <><dt>Instead of</dt><dd>{found.supersedes.map((id) => <a key={id} href={href(['statements', id])}>{id} </a>)}</dd></>}
              {found.superseded_by && <><dt>Superseded</dt><dd>by <a href={href(['statements', found.superseded_by])}>{found.superseded_by}</a></dd></>}
              <dt>Digest</dt><dd><code>{found.digest}</code> <Copy label="Copy" text={() => found.digest} /></dd>
            </dl>
          </section>
          <div class="filters"><Segmented label="What of it" value={view} options={[['lines', 'Lines'], ['adjustments', 'Adjustments']]} set={(value) => change({ view: value === 'lines' ? undefined : value, page: undefined })} /></div>
          {view === 'lines' ? <Lines found={found} names={names.data ?? new Map()} page={page} /> : <Later path={path} names={names.data ?? new Map()} />}
          {route.get('anew') === '1' && session.may('write') && <Close instead={found} close={() => change({ anew: undefined })} />}
        </>
      )}</When>
    </>
  );
}

const Metric = ({ id, names }: { id: string; names: Names }) => <a href={href(['metrics', id])}>{names.get(id)?.name ?? id}</a>;
const Customer = ({ id }: { id: string }) => (id ? <a href={href(['customers', id])}>{id}</a> : <span class="soft">none</span>);

function Lines({ found, names, page }: { found: StatementLines; names: Names; page: number }) {
  if (found.lines === 0) return <Empty title="Nothing was used in this period" />;
  return (
    <Pages page={page} pages={found.pagination_meta!.total_pages}>
      <div class="scroll card flush" tabIndex={0} role="region" aria-label="Lines">
        <table>
          <thead><tr><th>Customer</th><th>Metric</th><th class="right">Value</th><th class="right">Converted</th><th class="right">Events</th><th class="right">Skipped</th></tr></thead>
          <tbody>{found.data.map((line) => (
            <tr key={line.customer_id + line.metric_id}>
              <th scope="row"><Customer id={line.customer_id} /></th><td><Metric id={line.metric_id} names={names} /></td>
              <td class="right"><Value value={line.value} /></td><td class="right"><Value value={line.converted_value} /></td>
              <td class="right number">{count(line.events)}</td><td class="right number">{count(line.skipped)}</td>
            </tr>
          ))}</tbody>
        </table>
      </div>
    </Pages>
  );
}

function Later({ path, names }: { path: string; names: Names }) {
  const loaded = useLoad(path, (signal) => api.get<Adjustments>(`${path}/adjustments`, {}, signal));
  return (
    <When loaded={loaded} rows={4}>{(found) => (found.data.length + found.events.length === 0
      ? <Empty title="Nothing has changed since">Usage of the period is what the statement says.</Empty>
      : <Changed found={found} names={names} />)}</When>
  );
}

function Changed({ found, names }: { found: Adjustments; names: Names }) {
  // A mean of means says nothing of all customers.
  const totals = found.totals.filter((one) => addsUp(names.get(one.metric_id)?.aggregation_type));
  // Nothing counted is a count and a sum of 0.
  const amount = (id: string, value: string | null) => value ?? (addsUp(names.get(id)?.aggregation_type) ? '0' : null);
  const all = found.data.map((one) => ({ ...one, value_then: amount(one.metric_id, one.value_then), value_now: amount(one.metric_id, one.value_now) }));
  const rows = all.filter((one) => exact(one.value_then) !== exact(one.value_now));
  return (
    <>
      <div class="scroll card flush" tabIndex={0} role="region" aria-label="Adjustments">
        <table>
          <thead><tr><th>Customer</th><th>Metric</th><th class="right">Then</th><th class="right">Now</th><th class="right">Difference</th><th class="right">Converted</th></tr></thead>
          <tbody>{rows.map((one) => (
            <tr key={one.customer_id + one.metric_id}>
              <th scope="row"><Customer id={one.customer_id} /></th><td><Metric id={one.metric_id} names={names} /></td>
              <td class="right"><Value value={one.value_then} /></td><td class="right"><Value value={one.value_now} /></td>
              <td class="right"><Value value={one.value} /></td><td class="right"><Value value={one.converted_value} /></td>
            </tr>
          ))}</tbody>
          <tfoot>{totals.map((one) => (
            <tr key={one.metric_id}><th scope="row">All</th><td><Metric id={one.metric_id} names={names} /></td><td /><td /><td class="right"><Value value={one.value} /></td><td class="right"><Value value={one.converted_value} /></td></tr>
          ))}</tfoot>
        </table>
      </div>
      {rows.length < all.length && <p class="soft">{plural(all.length - rows.length, 'value')} came out the same, and {all.length - rows.length === 1 ? 'is' : 'are'} left out.</p>}
      {totals.length < found.totals.length && <p class="soft">Only counts and sums of customers add up to one of all.</p>}
      <section class="card">
        <h2>Events that made them</h2>
        <ul class="plain">{found.events.slice(0, 200).map((one) => (
          <li key={one.event_id + one.customer_id + one.source + one.at}>
            <span class="badge">{one.change}</span> <a href={href(['events', one.event_id], { customer: one.customer_id || undefined, source: one.source || undefined })}>{one.event_id}</a>
            <code>{one.code}</code> <Customer id={one.customer_id} /> <span class="soft">of {moment(one.timestamp)}, {one.change} {moment(one.at)}</span>
          </li>
        ))}</ul>
        {found.events.length > 200 && <p class="soft">and {count(found.events.length - 200)} more</p>}
      </section>
    </>
  );
}
