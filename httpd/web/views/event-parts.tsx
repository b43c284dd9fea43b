// What the views of events share: a row for each event, and what metrics made of it.
import type { StoredEvent } from '../types';
import { written } from '../app/api';
import { moment } from '../app/format';
import { href } from '../app/route';

// An amended event has a row for each of its states.
export const identity = (event: StoredEvent): string => [event.customer_id, event.source, event.event_id, event.received_at].join('\n');

export const eventHref = (event: StoredEvent): string =>
  href(['events', event.event_id], { customer: event.customer_id || undefined, source: event.source || undefined });

// Ids that begin alike are told apart by their ends.
const middle = (id: string): string => (id.length > 24 ? `${id.slice(0, 11)}…${id.slice(-11)}` : id);

// A number as it was sent, a text in quotes only where it could be taken for a number.
export function shown(value: unknown): string {
  return typeof value === 'string' && !/^-?[\d.]/.test(value) ? value : written(value);
}

export function Verdict({ event }: { event: StoredEvent }) {
  if (event.voided) return <span class="badge bad" title={event.voided.reason}>void</span>;
  const counted = event.metrics.filter((metric) => metric.counted).length;
  if (event.metrics.length === 0) return <span class="badge" title="No metric reads this code">unread</span>;
  return <span class={`badge ${counted ? 'good' : 'warn'}`}>{counted} of {event.metrics.length}</span>;
}

export function EventTable(props: { events: StoredEvent[]; customer?: boolean; fresh?: Set<string> }) {
  return (
    <div class="scroll card flush" tabIndex={0} role="region" aria-label="Events">
      <table class="events">
        <thead><tr><th>Time</th><th>Code</th>{props.customer !== false && <th>Customer</th>}<th>Event</th><th>Properties</th><th>Counted by</th></tr></thead>
        <tbody>
          {props.events.map((event) => (
            <tr key={identity(event)} class={props.fresh?.has(event.event_id) ? 'fresh' : undefined}>
              <td class="nowrap"><time dateTime={event.timestamp} title={event.timestamp}>{moment(event.timestamp)}</time></td>
              <td><code>{event.code}</code></td>
              {props.customer !== false && <td>{event.customer_id ? <a href={href(['customers', event.customer_id])}>{event.customer_id}</a> : <span class="soft">none</span>}</td>}
              <td><a class="cut" title={event.event_id} data-exact={event.event_id} href={eventHref(event)}>{middle(event.event_id)}</a></td>
              <td><span class="props">{Object.entries(event.properties).map(([name, value]) => <span key={name}><i>{name}</i> {shown(value)}</span>)}</span></td>
              <td><Verdict event={event} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
