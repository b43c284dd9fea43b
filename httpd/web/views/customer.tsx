// A customer: every metric in use as a card with its chart, and the newest events.
import { useMemo } from 'preact/hooks';
import type { EventPage, MetricSummary, Usage } from '../types';
import { api, inTurn } from '../app/api';
import { Chart } from '../app/chart';
import { count, ownZone, plural } from '../app/format';
import { useLoad } from '../app/load';
import { Empty, Head, Value, When } from '../app/parts';
import { whole } from '../app/question';
import { rangeOf, ranges, windowFor, type Range as Days } from '../app/ranges';
import { href, listOf, type Route } from '../app/route';
import { isLevel, seriesOf } from '../app/series';
import { EventTable } from './event-parts';
import { Range } from './range';

export function Customer({ id, route }: { id: string; route: Route }) {
  const zone = ownZone();
  const range = rangeOf(route.get('range') || '30d', zone, route.get('from'), route.get('to'));
  const metrics = useLoad('metrics', (signal) => api.all<MetricSummary>('/api/v1/metrics', {}, signal));
  const events = useLoad(id, (signal) => api.get<EventPage>('/api/v1/events', { customer_id: id, limit: 20 }, signal), 5000);
  return (
    <>
      <Head over={<a href={listOf('customers')}>Customers</a>} title={id} />
      <div class="filters"><Range route={route} range={range} options={ranges} /></div>
      <When loaded={metrics} rows={4}>{(all) => (
        <section class="cards charts" aria-label="Metrics">
          {all.map((metric) => <Card key={metric.id} metric={metric} customer={id} range={range} zone={zone} route={route} />)}
        </section>
      )}</When>
      <h2 class="between">Newest events</h2>
      <When loaded={events} rows={5}>{(page) => (page.data.length === 0
        ? <Empty title="This customer has no events">Ids are compared exactly, upper and lower case too.</Empty>
        : (
          <>
            <EventTable events={page.data} customer={false} />
            {page.next_cursor && <p><a href={href(['events'], { customer: id })}>All events of {id}</a></p>}
          </>
        ))}</When>
    </>
  );
}

function Card(props: { metric: MetricSummary; customer: string; range: Days; zone: string; route: Route }) {
  const { metric, customer, range, zone, route } = props;
  const query = { ...range, time_zone: zone, window: windowFor(range), customer_id: customer, fill: true };
  const loaded = useLoad(JSON.stringify([metric.id, query]), (signal) => inTurn(() => api.get<Usage>(`/api/v1/metrics/${metric.id}/usage`, query, signal)));
  return (
    <article class="card">
      <h2><a href={href(['metrics', metric.id], { customer, range: route.get('range') || undefined, from: route.get('from') || undefined, to: route.get('to') || undefined })}>{metric.name}</a></h2>
      <When loaded={loaded} rows={3}>{(usage) => <Drawn usage={usage} metric={metric} zone={zone} />}</When>
    </article>
  );
}

function Drawn({ usage, metric, zone }: { usage: Usage; metric: MetricSummary; zone: string }) {
  const drawn = useMemo(() => seriesOf(whole(usage), metric.aggregation_type, [...new Set(usage.usage.map((row) => row.start))].sort()), [usage]);
  return (
    <>
      <p class="big small"><Value value={usage.total.value} /> <span class="soft">{plural(usage.total.events, 'event')}{usage.total.skipped > 0 && `, ${count(usage.total.skipped)} skipped`}</span></p>
      {usage.total.events > 0
        ? <Chart times={drawn.times} series={drawn.series} kind={isLevel(metric.aggregation_type) ? 'lines' : 'bars'} zone={zone} height={130} label={`${metric.name}: ${usage.total.value ?? 'no value'}`} />
        : <p class="soft">Nothing in this range.</p>}
    </>
  );
}
