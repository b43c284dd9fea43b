// Metrics: what is measured, with what it came to this month and lately.
import type { EventPage, MetricPage, MetricSummary, Usage } from '../types';
import { api, inTurn } from '../app/api';
import { Spark } from '../app/chart';
import { useTyped } from '../app/form';
import { ownZone } from '../app/format';
import { useLoad } from '../app/load';
import { Ago, Confirm, Empty, Head, Pages, Segmented, Value, When } from '../app/parts';
import { rangeOf } from '../app/ranges';
import { change, href, pageOf, type Route } from '../app/route';
import { session } from '../app/session';
import { formShut, MetricForm } from './metric-form';

export const typeNames: Record<string, string> = {
  COUNT: 'Count', SUM: 'Sum', MIN: 'Minimum', MAX: 'Maximum', MEAN: 'Mean', LATEST: 'Latest', COUNT_DISTINCT: 'Distinct',
};

export function Metrics({ route }: { route: Route }) {
  const archived = route.get('archived') || 'false';
  const order = route.get('order') || 'name.asc';
  const page = pageOf(route);
  const query = { search: route.get('search') || undefined, archived, order_by: order, page, per_page: 20 };
  const loaded = useLoad(JSON.stringify(query), (signal) => api.get<MetricPage>('/api/v1/metrics', query, signal));
  const search = useTyped('search');
  const making = route.get('new') === '1' && session.may('write');
  const sorted = (column: string) => (order.startsWith(column) ? (order.endsWith('.asc') ? 'ascending' : 'descending') : undefined);
  const header = (column: string, label: string) => (
    <th aria-sort={sorted(column)}>
      <button type="button" class="sort" onClick={() => change({ order: `${column}.${sorted(column) === 'ascending' ? 'desc' : 'asc'}`, page: undefined })}>
        {label}{sorted(column) === 'ascending' ? ' ↑' : sorted(column) ? ' ↓' : ''}
      </button>
    </th>
  );
  return (
    <>
      <Head title="Metrics">
        {session.may('write') && <button type="button" class="primary" onClick={() => change({ new: '1' })}>Create a metric</button>}
      </Head>
      <div class="filters">
        <input type="search" aria-label="Search in name and code" placeholder="Search name or code" value={search.text}
          onInput={(event) => search.type(event.currentTarget.value, { page: undefined })} />
        <Segmented label="Which metrics" value={archived} options={[['false', 'In use'], ['true', 'Archived'], ['all', 'All']]} set={(value) => change({ archived: value === 'false' ? undefined : value, page: undefined })} />
      </div>
      <When loaded={loaded} rows={6}>{(data) => (data.pagination_meta.total_items === 0
        ? <None filtered={Boolean(query.search) || archived !== 'false'} />
        : (
          <Pages page={page} pages={data.pagination_meta.total_pages}>
            <div class="scroll card flush" tabIndex={0} role="region" aria-label="Metrics">
              <table>
                <thead><tr>{header('name', 'Name')}<th>Slug</th>{header('code', 'Code')}<th>Type</th><th class="right">This month</th><th>30 days</th><th>Last event</th><th><span class="sr">Actions</span></th></tr></thead>
                <tbody>{data.data.map((metric) => <Row key={metric.id} metric={metric} asking={route.get('archive') === metric.id} reload={loaded.reload} />)}</tbody>
              </table>
            </div>
          </Pages>
        ))}</When>
      {making && <MetricForm route={route} code={route.get('code')} close={() => change({ new: undefined, code: undefined, ...formShut })} done={loaded.reload} />}
    </>
  );
}

function None(props: { filtered: boolean }) {
  if (props.filtered) return <Empty title="No metric is like that"><button type="button" onClick={() => change({ search: undefined, archived: undefined })}>Show all in use</button></Empty>;
  return <Empty title="There is no metric yet">A metric says which events count, and how: the sum of a property, say, by customer.</Empty>;
}

interface Lately {
  month: Usage;
  days: number[];
  last?: string;
}

async function lately(metric: MetricSummary, signal: AbortSignal): Promise<Lately> {
  const zone = ownZone();
  const month = rangeOf('month', zone);
  const days = rangeOf('30d', zone);
  const path = `/api/v1/metrics/${metric.id}/usage`;
  const [ofMonth, ofDays, newest] = await Promise.all([
    inTurn(() => api.get<Usage>(path, { ...month, time_zone: zone }, signal)),
    inTurn(() => api.get<Usage>(path, { ...days, time_zone: zone, window: 'day', fill: true }, signal)),
    inTurn(() => api.get<EventPage>('/api/v1/events', { code: metric.code, limit: 1 }, signal)),
  ]);
  const byDay = new Map<string, number>();
  for (const row of ofDays.usage) byDay.set(row.start, (byDay.get(row.start) ?? 0) + Number(row.value ?? 0));
  return { month: ofMonth, days: [...byDay.values()], last: newest.data[0]?.timestamp };
}

function Row({ metric, asking, reload }: { metric: MetricSummary; asking: boolean; reload: () => void }) {
  const loaded = useLoad(metric.id, (signal) => lately(metric, signal), 60000);
  const { data, error } = loaded;
  const archive = async () => {
    await api.post(`/api/v1/metrics/${metric.id}/${metric.archived_at ? 'unarchive' : 'archive'}`);
    reload();
  };
  return (
    <tr>
      <th scope="row"><a href={href(['metrics', metric.id])}>{metric.name}</a>{metric.archived_at && <span class="badge">archived</span>}</th>
      <td>{metric.slug ? <code>{metric.slug}</code> : <span class="soft">–</span>}</td>
      <td><code>{metric.code}</code></td>
      <td>{typeNames[metric.aggregation_type]}</td>
      <td class="right">{data ? <Value value={data.month.total.value} /> : error ? <span class="bad" title={error.message}>error</span> : '…'}</td>
      <td>{data && <Spark values={data.days} label={`${metric.name}, the last 30 days`} />}</td>
      <td class="nowrap">{data && (data.last ? <Ago time={data.last} /> : <span class="soft">none</span>)}</td>
      <td class="right nowrap">
        {session.may('write') && <button type="button" class="quiet" onClick={() => (metric.archived_at ? void archive() : change({ archive: metric.id }))}>{metric.archived_at ? 'Use again' : 'Archive'}</button>}
        {asking && !metric.archived_at && session.may('write') && (
          <Confirm title={`Archive ${metric.name}?`} action="Archive" run={archive} close={() => change({ archive: undefined })}
            text="Lists leave it out from now on. Its events stay, its usage can still be read, and it can be used again." />
        )}
      </td>
    </tr>
  );
}
