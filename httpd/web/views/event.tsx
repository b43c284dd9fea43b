// One event: what was sent, when it was taken, and what each metric made of it.
import type { EventMatches, EventPage as EventList, MetricPage, StoredEvent } from '../types';
import { api, written, type Query } from '../app/api';
import { moment } from '../app/format';
import { useLoad } from '../app/load';
import { Ago, Copy, Head, When } from '../app/parts';
import { href, listOf, type Route } from '../app/route';
import { session } from '../app/session';
import { By } from './by';
import { Acts } from './event-acts';
import { identity, Verdict } from './event-parts';

// In the path of an address a browser takes these away; the list has them too, without their history.
const isFolded = (id: string): boolean => id === '.' || id === '..';

async function found(id: string, query: Query, signal: AbortSignal): Promise<EventMatches> {
  const page = await api.get<EventList>('/api/v1/events', { ...query, search: id, limit: 1000 }, signal);
  return { data: page.data.filter((event) => event.event_id === id) };
}

export function EventPage({ id, route }: { id: string; route: Route }) {
  const query = { customer_id: route.get('customer') || undefined, source: route.get('source') || undefined };
  const loaded = useLoad(JSON.stringify([id, query]), (signal) => (isFolded(id) ? found(id, query, signal) : api.get<EventMatches>(`/api/v1/events/${encodeURIComponent(id)}`, query, signal)));
  return (
    <>
      <Head over={<a href={listOf('events')}>Events</a>} title={id} />
      <When loaded={loaded} rows={5}>{(found) => (
        <>
          {isFolded(id) && <p class="notice">An id of dots alone cannot stand in an address: the event is shown as the list of the newest 1,000 has it, and is corrected by the API’s batches alone.</p>}
          {found.data.length > 1 && <p class="soft">{found.data.length} events have this id: of several customers or sources, or as it was before it was amended.</p>}
          {found.data.map((event) => <One key={identity(event)} event={event} route={route} reload={loaded.reload} />)}
        </>
      )}</When>
    </>
  );
}

// With every digit of every number.
function payload(event: StoredEvent): string {
  const lines = Object.entries(event.properties).map(([name, value]) => `  ${JSON.stringify(name)}: ${written(value)}`);
  return lines.length ? `{\n${lines.join(',\n')}\n}` : '{}';
}

const acts = { voided: 'Voided', restored: 'Restored', amended: 'Amended' };

function One({ event, route, reload }: { event: StoredEvent; route: Route; reload: () => void }) {
  return (
    <>
      <section class="card">
        <div class="toolbar inline">
          <h2>{event.history?.at(-1)?.action === 'amended' && !event.voided ? 'As it was amended' : 'What was sent'} <Verdict event={event} /></h2>
          {session.may('write') && !isFolded(event.event_id) && <div class="actions"><Acts event={event} payload={payload(event)} route={route} done={reload} /></div>}
        </div>
        <dl class="pairs wide">
          <dt>Code</dt><dd><code>{event.code}</code></dd>
          <dt>Customer</dt><dd>{event.customer_id ? <a href={href(['customers', event.customer_id])}>{event.customer_id}</a> : 'none'}</dd>
          <dt>Source</dt><dd>{event.source || 'none named'}</dd>
          <dt>Happened</dt><dd>{moment(event.timestamp)} <span class="soft">{event.timestamp}</span></dd>
          <dt>Received</dt><dd><Ago time={event.received_at} /> <span class="soft">{event.received_at}</span></dd>
          {event.import_id && <><dt>Import</dt><dd><a href={href(['imports'], { import: event.import_id })}>{event.import_id}</a></dd></>}
          {event.voided && <><dt>Void</dt><dd><span class="bad">{event.voided.reason}</span>, since {moment(event.voided.at)}</dd></>}
        </dl>
        <div class="toolbar inline"><h3>Properties</h3><Copy label="Copy" text={() => payload(event)} /></div>
        <pre tabIndex={0}>{payload(event)}</pre>
        {event.history && event.history.length > 0 && (
          <>
            <h3 class="over-list">History</h3>
            <ul class="plain">
              {event.history.map((act) => <li key={act.at}><span class="badge">{acts[act.action]}</span> {moment(act.at)} <span class="soft">by <By id={act.by} /></span> {act.reason}</li>)}
            </ul>
          </>
        )}
      </section>
      <Metrics event={event} />
    </>
  );
}

function Metrics({ event }: { event: StoredEvent }) {
  const names = useLoad('names', async (signal) => {
    const page = await api.get<MetricPage>('/api/v1/metrics', { per_page: 100, search: event.code }, signal);
    return new Map(page.data.map((metric) => [metric.id, metric.name]));
  });
  return (
    <section class="card">
      <h2>Which metrics counted it</h2>
      {event.metrics.length === 0 ? <p class="soft">No metric reads the code <code>{event.code}</code>. One that is made later will count it too.</p> : (
        <ul class="plain">
          {event.metrics.map((metric) => (
            <li key={metric.metric_id}>
              <span class={`badge ${metric.counted ? 'good' : 'warn'}`}>{metric.counted ? 'counted' : 'not counted'}</span>
              <a href={href(['metrics', metric.metric_id])}>{names.data?.get(metric.metric_id) ?? metric.metric_id}</a>
              {metric.value !== undefined && <strong class="number">{metric.value}</strong>}
              {Object.entries(metric.dimensions ?? {}).map(([name, value]) => <span class="soft" key={name}>{name} {value}</span>)}
              {metric.reason && <span class="soft">{metric.reason}</span>}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
