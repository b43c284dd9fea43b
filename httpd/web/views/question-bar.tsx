// What is asked of a metric: range, zone, window, groups, filters, comparison. All of it is in the address.
import type { EventPage, Metric } from '../types';
import { api, Digits } from '../app/api';
import { useForm } from '../app/form';
import { ownZone } from '../app/format';
import { useLoad } from '../app/load';
import { Wrong } from '../app/parts';
import type { Question } from '../app/question';
import { ranges } from '../app/ranges';
import { change, type Route } from '../app/route';
import { Range } from './range';

const windows: Array<[string, string]> = [['', 'automatic'], ['hour', 'hour'], ['day', 'day'], ['week', 'week'], ['month', 'month'], ['quarter', 'quarter'], ['year', 'year']];

const zones = (): string[] => ['UTC', ...(Intl as { supportedValuesOf?: (of: string) => string[] }).supportedValuesOf?.('timeZone') ?? []];

// Paths to what is no object.
const paths = (object: Record<string, unknown>, before = ''): string[] => Object.entries(object).flatMap(([name, value]) =>
  (typeof value !== 'object' || value === null || value instanceof Digits ? [before + name] : Array.isArray(value) ? [] : paths(value as Record<string, unknown>, `${before}${name}.`)));

// Properties that events of this code have lately had.
function useProperties(code: string): string[] {
  const page = useLoad(`properties ${code}`, (signal) => api.get<EventPage>('/api/v1/events', { code, limit: 50 }, signal), 30000);
  return [...new Set((page.data?.data ?? []).flatMap((event) => paths(event.properties)))].sort();
}

export function QuestionBar({ route, metric, question, error }: { route: Route; metric: Metric; question: Question; error?: Error }) {
  const properties = useProperties(metric.code);
  return (
    <form class="filters question" aria-label="What is asked" onSubmit={(event) => event.preventDefault()}>
      <Range route={route} range={question.range} options={ranges} />
      <label class="window">Window
        <select value={route.get('window')} onChange={(event) => change({ window: event.currentTarget.value })}>
          {windows.map(([value, name]) => <option key={value} value={value}>{value ? name : `${name} (${question.window})`}</option>)}
        </select>
        <Wrong error={error} of="window" />
      </label>
      <Groups groups={question.groups} properties={properties} error={error} />
      <label>Time zone
        <input list="zones" value={question.noZone || question.zone} aria-invalid={question.noZone ? true : undefined} onChange={(event) => change({ zone: event.currentTarget.value === ownZone() ? undefined : event.currentTarget.value })} />
        <datalist id="zones">{zones().map((zone) => <option key={zone} value={zone} />)}</datalist>
        {question.noZone && <span class="bad" role="alert">This is no time zone: {question.zone} is taken.</span>}
      </label>
      <Customers question={question} />
      <label class="check"><input type="checkbox" checked={route.get('compare') === '1'} onChange={(event) => change({ compare: event.currentTarget.checked ? '1' : undefined })} />Compare with the period before</label>
      <Filters route={route} properties={properties} error={error} />
    </form>
  );
}

// One more can be chosen than there are.
function Groups({ groups, properties, error }: { groups: string[]; properties: string[]; error?: Error }) {
  const choose = (at: number, name: string) => change({ by: [...groups.slice(0, at), name, ...groups.slice(at + 1)].filter(Boolean) });
  return [...groups, ''].slice(0, 10).map((group, at) => (
    <label key={at}>{at ? 'and by' : 'Group by'}
      <select value={group} onChange={(event) => choose(at, event.currentTarget.value)}>
        <option value="">nothing</option>
        {[...new Set(['customer_id', ...properties, ...groups])].filter((name) => name === group || !groups.includes(name))
          .map((name) => <option key={name} value={name}>{name === 'customer_id' ? 'customer' : name}</option>)}
      </select>
      {!at && <Wrong error={error} of="group_by" />}
    </label>
  ));
}

function Customers({ question }: { question: Question }) {
  return (
    <label>Customer
      <input placeholder="all" value={question.customers.join(', ')} onChange={(event) => change({ customer: event.currentTarget.value.split(',').map((one) => one.trim()).filter(Boolean) })} />
    </label>
  );
}

function Filters({ route, properties, error }: { route: Route; properties: string[]; error?: Error }) {
  const set = route.all('filter');
  const form = useForm(() => ({ property: '', value: '' }), 'adding');
  const { property, value } = form.fields;
  const add = () => {
    if (!property || !value) return;
    form.put({ property, value: '' });
    change({ filter: [...set, `${property}=${value}`] });
  };
  return (
    <div class="chips">
      {set.map((one) => (
        <span class="chip" key={one}>{one.replace('=', ' = ')}<button type="button" aria-label={`Take the filter ${one} away`} onClick={() => change({ filter: set.filter((other) => other !== one) })}>✕</button></span>
      ))}
      <input class="short" list="properties" aria-label="Filter: property" placeholder="property" value={property} onInput={(event) => form.put({ property: event.currentTarget.value, value })} />
      <datalist id="properties">{properties.map((name) => <option key={name} value={name} />)}</datalist>
      <input class="short" aria-label="Filter: value" placeholder="value" value={value} onInput={(event) => form.put({ property, value: event.currentTarget.value })}
        onKeyDown={(event) => { if (event.key === 'Enter') add(); }} />
      <button type="button" disabled={!property || !value} onClick={add}>Add filter</button>
      <Wrong error={error} of="filter" />
    </div>
  );
}
