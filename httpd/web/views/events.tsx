// Events, newest first; live ones come in by themselves.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { EventPage, StoredEvent } from '../types';
import { api } from '../app/api';
import { useLoad } from '../app/load';
import { Empty, Failure, Head, When } from '../app/parts';
import { change, type Route } from '../app/route';
import { session } from '../app/session';
import { EventTable, identity } from './event-parts';
import { SendEvent } from './send-event';

const pageSize = 50;

export function Events({ route }: { route: Route }) {
  const live = route.get('live') !== '0';
  const query = {
    search: route.get('search') || undefined, code: route.get('code') || undefined, customer_id: route.get('customer') || undefined,
    source: route.get('source') || undefined, from: route.get('from') || undefined, to: route.get('to') || undefined, limit: pageSize,
  };
  const key = JSON.stringify(query);
  const loaded = useLoad(key, (signal) => api.get<EventPage>('/api/v1/events', query, signal), live ? 2000 : 0);
  const sending = route.get('send') === '1' && session.may('write');
  const field = (name: string, label: string, type: 'text' | 'date' = 'text') => (
    <label>{label}<input type={type as 'text'} value={route.get(name)} placeholder="any" onChange={(event) => change({ [name]: event.currentTarget.value })} /></label>
  );
  return (
    <>
      <Head title="Events">
        <button type="button" aria-pressed={live} class={`toggle${live ? ' on' : ''}`} onClick={() => change({ live: live ? '0' : undefined })}>{live ? 'Live' : 'Paused'}</button>
        {session.may('write') && <button type="button" class="primary" onClick={() => change({ send: '1' })}>Send an event</button>}
      </Head>
      <form class="filters" role="search" aria-label="Which events" onSubmit={(event) => event.preventDefault()}>
        <label class="grow">Search<input type="search" value={route.get('search')} placeholder="id, code or a property’s value" onInput={(event) => change({ search: event.currentTarget.value }, true)} /></label>
        {field('code', 'Code')}{field('customer', 'Customer')}{field('source', 'Source')}{field('from', 'From', 'date')}{field('to', 'Before', 'date')}
      </form>
      <When loaded={loaded} rows={8}>{(first) => (first.data.length === 0
        ? <Empty title={key === JSON.stringify({ limit: pageSize }) ? 'No event has come yet' : 'No event is like that'} />
        : <Pages key={key} first={first} query={query} />)}</When>
      {sending && <SendEvent close={() => change({ send: undefined })} done={loaded.reload} code={route.get('code')} customer={route.get('customer')} />}
    </>
  );
}

// The first page, which changes, and what was read beyond it.
function Pages({ first, query }: { first: EventPage; query: Record<string, string | number | undefined> }) {
  const [more, setMore] = useState<StoredEvent[]>([]);
  const [next, setNext] = useState<string | null>();
  const [error, setError] = useState<Error>();
  const known = useRef<Set<string> | undefined>(undefined);
  const fresh = new Set(known.current ? first.data.map((event) => event.event_id).filter((id) => !known.current!.has(id)) : []);
  useEffect(() => {
    known.current = new Set([...(known.current ?? []), ...first.data.map((event) => event.event_id)]);
  }, [first]);
  const cursor = next === undefined ? first.next_cursor : next;
  const read = async () => {
    setError(undefined);
    try {
      const page = await api.get<EventPage>('/api/v1/events', { ...query, cursor: cursor! });
      setMore((old) => [...(old.length ? old : first.data), ...page.data]);
      setNext(page.next_cursor);
    } catch (problem) {
      setError(problem as Error);
    }
  };
  const shown = new Map([...first.data, ...more].map((event) => [identity(event), event]));
  return (
    <>
      <EventTable events={[...shown.values()].sort((a, b) => (a.timestamp < b.timestamp ? 1 : a.timestamp > b.timestamp ? -1 : 0))} fresh={fresh} />
      {error && <Failure error={error} retry={read} />}
      {cursor && <div class="pager"><button type="button" onClick={read}>Older events</button></div>}
    </>
  );
}
