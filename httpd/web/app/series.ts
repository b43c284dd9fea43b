// Rows of usage as the series of a chart: the greatest, and the rest as one where values add up.
import type { Metric, Usage } from '../types';
import type { Series } from './chart';
import { groupKey, groupOf } from './question';

// With the rest they have as many colours as there are (app/chart.tsx).
export const mostSeries = 19;

export const addsUp = (type: Metric['aggregation_type'] | undefined): boolean => type === 'SUM' || type === 'COUNT';
// Distinct values of windows are no sum, but amounts all the same.
export const isLevel = (type: Metric['aggregation_type']): boolean => type === 'MIN' || type === 'MAX' || type === 'MEAN' || type === 'LATEST';

export interface Drawn {
  times: number[];
  series: Series[];
  left: number;                     // groups that are not drawn
}

// starts: of all windows, those without events too.
export function seriesOf(usage: Usage, type: Metric['aggregation_type'], starts: string[]): Drawn {
  const place = new Map(starts.map((start, at) => [start, at]));
  const groups = new Map<string, { name: string; values: Array<number | null>; weight: number }>();
  const nothing = isLevel(type) ? null : 0;
  for (const row of usage.usage) {
    const key = groupKey(row);
    let group = groups.get(key);
    if (!group) groups.set(key, group = { name: groupOf(row) || 'All', values: starts.map(() => nothing), weight: 0 });
    const value = row.value === null ? null : Number(row.value);
    const at = place.get(row.start);
    if (at !== undefined) group.values[at] = value;
    group.weight += Math.abs(value ?? 0);
  }
  const ordered = [...groups.values()].sort((a, b) => b.weight - a.weight);
  const shown: Series[] = ordered.slice(0, mostSeries);
  const rest = ordered.slice(mostSeries);
  if (rest.length > 0 && addsUp(type)) {
    shown.push({ name: `${rest.length} others`, values: starts.map((_, at) => rest.reduce((sum, group) => sum + (group.values[at] ?? 0), 0)) });
  }
  return { times: starts.map((start) => Date.parse(start) / 1000), series: shown, left: addsUp(type) ? 0 : rest.length };
}
