// The choice of a range of days; it is in the address.
import { day } from '../app/format';
import { dayAfter, dayBefore, isRange, type Range as Days } from '../app/ranges';
import { change, type Route } from '../app/route';

export function Range({ route, range, options }: { route: Route; range: Days; options: Array<[string, string]> }) {
  const name = route.get('range') || '30d';
  const choose = (value: string) => change({ range: value, from: value === 'own' ? range.from : undefined, to: value === 'own' ? range.to : undefined });
  return (
    <>
      <label>Range
        <select value={name} onChange={(event) => choose(event.currentTarget.value)}>
          {options.map(([value, label]) => <option key={value} value={value}>{label}</option>)}
        </select>
        {!isRange(name, route.get('from'), route.get('to')) && <span class="bad" role="alert">This is no range of days: {day(range.from, 'UTC')} to {day(dayBefore(range.to), 'UTC')} is taken.</span>}
      </label>
      {name === 'own' && (
        <>
          <label>From<input type="date" value={range.from} max={dayBefore(range.to)} onChange={(event) => event.currentTarget.value && change({ from: event.currentTarget.value })} /></label>
          <label>To, inclusive<input type="date" value={dayBefore(range.to)} min={range.from} onChange={(event) => event.currentTarget.value && change({ to: dayAfter(event.currentTarget.value) })} /></label>
        </>
      )}
    </>
  );
}
