// Events, newest first; live ones come in by themselves.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { EventPage } from '../types';
import { api } from '../app/api';
import { useTyped } from '../app/form';
import { useLoad } from '../app/load';
import { Empty, Failure, fieldOf, Head, When, Wrong } from '../app/parts';
import { isDate } from '../app/ranges';
import { change, type Route } from '../app/route';
import { session } from '../app/session';
import { EventTable, identity } from './event-parts';
import { SendEvent } from './send-event';

const pageSize = 50;
const mostOlder = 40;

const names = { from: 'From', to: 'Before' };

export function Events({ route }: { route: Route }) {
  const older = Math.min(mostOlder, Math.max(0, Math.trunc(Number(route.get('older')) || 0)));
  // Older ones are read from where the first page ends: that must not move on.
  const live = route.get('live') !== '0' && older === 0;
  const begin = (date: string) => (isDate(date) ? new Date(`${date}T00:00`).toISOString() : date || undefined);
  const query = {
    search: route.get('search') || undefined, code: route.get('code') || undefined, customer_id: route.get('customer') || undefined,
    source: route.get('source') || undefined, from: begin(route.get('from')), to: begin(route.get('to')), limit: pageSize,
  };
  const key = JSON.stringify(query);
  const loaded = useLoad(key, (signal) => api.get<EventPage>('/api/v1/events', query, signal), live ? 2000 : 0);
  const search = useTyped('search');
  const sending = route.get('send') === '1' && session.may('write');
  const field = (name: string, label: string, type: 'text' | 'date' = 'text') => (
    <label>{label}<input type={type as 'text'} value={route.get(name)} placeholder="any" aria-invalid={fieldOf(loaded.error, name) ? true : undefined} onChange={(event) => change({ [name]: event.currentTarget.value, older: undefined })} /><Wrong error={loaded.error} of={name} names={names} /></label>
  );
  return (
    <>
      <Head title="Events">
        <button type="button" aria-pressed={live} class={`toggle${live ? ' on' : ''}`} onClick={() => change({ live: live ? '0' : undefined, older: undefined })}>{live ? 'Live' : 'Paused'}</button>
        {session.may('write') && <button type="button" class="primary" onClick={() => change({ send: '1' })}>Send an event</button>}
      </Head>
      <form class="filters" role="search" aria-label="Which events" onSubmit={(event) => event.preventDefault()}>
        <label class="grow">Search<input type="search" value={search.text} placeholder="id, code or a property’s value" onInput={(event) => search.type(event.currentTarget.value, { older: undefined })} /></label>
        {field('code', 'Code')}{field('customer', 'Customer')}{field('source', 'Source')}{field('from', 'From', 'date')}{field('to', 'Before', 'date')}
      </form>
      {!fieldOf(loaded.error, ...Object.keys(names)) && <When loaded={loaded} rows={8}>{(first) => (first.data.length === 0
        ? <Empty title={key === JSON.stringify({ limit: pageSize }) ? 'No event has come yet' : 'No event is like that'} />
        : <Pages key={key} first={first} query={query} older={older} />)}</When>}
      {sending && <SendEvent close={() => change({ send: undefined, draft: undefined })} done={loaded.reload} code={route.get('code')} customer={route.get('customer')} />}
    </>
  );
}

// The first page, which changes only while it is alone, and as many older ones as the address says.
function Pages({ first, query, older }: { first: EventPage; query: Record<string, string | number | undefined>; older: number }) {
  const [pages, setPages] = useState<EventPage[]>([]);
  const [error, setError] = useState<Error>();
  const [turn, setTurn] = useState(0);
  const known = useRef<Set<string> | undefined>(undefined);
  const fresh = new Set(known.current ? first.data.map((event) => event.event_id).filter((id) => !known.current!.has(id)) : []);
  useEffect(() => {
    setPages((old) => (old.length ? [] : old));
    known.current = new Set([...(known.current ?? []), ...first.data.map((event) => event.event_id)]);
  }, [first]);
  const read = pages.slice(0, older);
  const cursor = (read.at(-1) ?? first).next_cursor;
  useEffect(() => {
    if (pages.length >= older || !cursor) return undefined;
    const control = new AbortController();
    setError(undefined);
    api.get<EventPage>('/api/v1/events', { ...query, cursor }, control.signal).then(
      (page) => setPages((old) => [...old, page]),
      (problem: Error) => { if (!control.signal.aborted) setError(problem); },
    );
    return () => control.abort();
  }, [pages.length, older, turn, first]);
  const shown = new Map([...first.data, ...read.flatMap((page) => page.data)].map((event) => [identity(event), event]));
  return (
    <>
      <EventTable events={[...shown.values()].sort((a, b) => (a.timestamp < b.timestamp ? 1 : a.timestamp > b.timestamp ? -1 : 0))} fresh={fresh} />
      {error && <Failure error={error} retry={() => setTurn(turn + 1)} />}
      {cursor && <div class="pager"><button type="button" disabled={read.length < older && !error} onClick={() => change({ older: String(older + 1) })}>{read.length < older && !error ? 'Reading…' : 'Older events'}</button></div>}
    </>
  );
}
