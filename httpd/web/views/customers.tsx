// Customers: whose usage of a metric is greatest, and the way to each.
import type { MetricSummary, Usage, UsageRow } from '../types';
import { api } from '../app/api';
import { useTyped } from '../app/form';
import { count, ownZone, plural, sum } from '../app/format';
import { useLoad } from '../app/load';
import { Bar, Empty, Head, mostRows, Rest, Value, When } from '../app/parts';
import { rangeOf, ranges, upTo } from '../app/ranges';
import { change, go, href, type Changes, type Route } from '../app/route';
import { addsUp } from '../app/series';
import { Range } from './range';

export function Customers({ route }: { route: Route }) {
  const metrics = useLoad('metrics', (signal) => api.all<MetricSummary>('/api/v1/metrics', {}, signal));
  const typed = useTyped('id');
  const id = typed.text;
  const open = (event: Event) => {
    event.preventDefault();
    if (id.trim()) go(['customers', id.trim()]);
  };
  return (
    <>
      <Head title="Customers" />
      <form class="filters" onSubmit={open}>
        <label class="grow">Customer id<input value={id} placeholder="the whole id, as events have it" onInput={(event) => typed.type(event.currentTarget.value)} /></label>
        <button type="submit" disabled={!id.trim()}>Open</button>
      </form>
      <When loaded={metrics} rows={6}>{(all) => (all.length === 0
        ? <Empty title="There is no metric yet">Customers are listed by their usage of a metric. <a href={href(['metrics'])}>To the metrics</a></Empty>
        : <Top metrics={all} route={route} />)}</When>
    </>
  );
}

const amount = (row: UsageRow): number => Number(row.value ?? 0);

// The rows of one customer are of several dimension values where a metric groups by a property.
function byCustomer(usage: Usage): Array<{ id: string; rows: UsageRow[]; size: number }> {
  const found = new Map<string, UsageRow[]>();
  for (const row of usage.usage) found.set(row.customer_id ?? '', [...(found.get(row.customer_id ?? '') ?? []), row]);
  return [...found].map(([id, rows]) => ({ id, rows, size: rows.reduce((size, row) => size + amount(row), 0) })).sort((a, b) => b.size - a.size);
}

function Top({ metrics, route }: { metrics: MetricSummary[]; route: Route }) {
  const zone = ownZone();
  const metric = metrics.find((one) => one.id === route.get('metric')) ?? metrics[0]!;
  const range = rangeOf(route.get('range') || '30d', zone, route.get('from'), route.get('to'));
  const query = { ...range, time_zone: zone, group_by: 'customer_id' };
  const loaded = useLoad(JSON.stringify([metric.id, query]), (signal) => api.get<Usage>(`/api/v1/metrics/${metric.id}/usage`, query, signal));
  const ofRange = { range: route.get('range'), from: route.get('from'), to: route.get('to') };
  const search = useTyped('search');
  const needle = search.text.toLowerCase();
  return (
    <>
      <div class="filters">
        <label>Top customers of<select value={metric.id} onChange={(event) => change({ metric: event.currentTarget.value })}>{metrics.map((one) => <option key={one.id} value={one.id}>{one.name}</option>)}</select></label>
        <Range route={route} range={range} options={ranges} />
        <label class="grow">Search among them<input type="search" placeholder="a part of the id, of these alone" value={search.text} onInput={(event) => search.type(event.currentTarget.value)} /></label>
      </div>
      <When loaded={loaded} rows={8}>{(usage) => {
        const all = byCustomer(usage);
        const found = all.filter((one) => one.id.toLowerCase().includes(needle));
        if (found.length === 0) return <Empty title={needle ? 'No customer is like that' : 'No usage in this range'}>{!needle && <Older code={metric.code} />}</Empty>;
        const most = all[0]!.size;
        const shown = route.get('rows') === 'all' ? found : found.slice(0, mostRows);
        return (
          <section class="card flush">
            <div class="scroll" tabIndex={0} role="region" aria-label="Customers">
              <table>
                <caption>{plural(found.length, 'customer')}, by {metric.name}</caption>
                <thead><tr><th>Customer</th><th class="share"><span class="sr">Share</span></th><th class="right">Value</th><th class="right">Events</th></tr></thead>
                <tbody>
                  {shown.map((one) => (
                    <tr key={one.id}>
                      <th scope="row">{one.id ? <a href={href(['customers', one.id], ofRange)}>{one.id}</a> : <span class="soft">no customer</span>}</th>
                      <td class="share"><Bar part={one.size} of={most} label={`${one.id}, against the greatest`} /></td>
                      <td class="right"><Amount rows={one.rows} metric={metric} id={one.id} range={ofRange} /></td>
                      <td class="right number">{count(one.rows.reduce((events, row) => events + row.events, 0))}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
            <Rest shown={shown.length} of={found.length} what="customers" />
          </section>
        );
      }}</When>
    </>
  );
}

// Of several groups only counts and sums make one number.
function Amount({ rows, metric, id, range }: { rows: UsageRow[]; metric: MetricSummary; id: string; range: Changes }) {
  const values = rows.map((row) => row.value).filter((value) => value !== null);
  if (rows.length === 1 || addsUp(metric.aggregation_type)) return <Value value={values.length ? sum(values) : null} />;
  return <a href={href(['metrics', metric.id], { ...range, by: Object.keys(rows[0]!.dimensions), customer: id })} title="Such values do not add up: see them by group">{plural(rows.length, 'group')}</a>;
}

function Older(props: { code: string }) {
  const newest = useLoad(props.code, (signal) => api.get<{ data: Array<{ timestamp: string }> }>('/api/v1/events', { code: props.code, limit: 1 }, signal));
  const time = newest.data?.data[0]?.timestamp;
  if (!time) return null;
  return <button type="button" onClick={() => change({ range: 'own', ...upTo(time, ownZone()) })}>Show the 30 days up to its newest event</button>;
}
