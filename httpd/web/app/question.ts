// A question to a metric, as it stands in the address, and in the words in which it can be asked elsewhere: curl, SQL.
import type { Metric, Usage, UsageRow } from '../types';
import { target, type Query } from './api';
import { dateIn, day, isZone, ownZone } from './format';
import { dayBefore, rangeOf, windowFor, type Range } from './ranges';
import type { Route } from './route';
import { session } from './session';

export interface Question {
  range: Range;
  zone: string;
  noZone: string;                   // what was asked for, where it is no zone
  window: string;
  groups: string[];
  customers: string[];
  filter: Record<string, string[]>;
}

export function questionOf(route: Route): Question {
  const asked = route.get('zone');
  const zone = isZone(asked) ? asked : ownZone();
  const range = rangeOf(route.get('range') || '30d', zone, route.get('from'), route.get('to'));
  const filter: Record<string, string[]> = {};
  for (const one of route.all('filter')) {
    const at = one.indexOf('=');
    if (at > 0) (filter[one.slice(0, at)] ??= []).push(one.slice(at + 1));
  }
  return { range, zone, noZone: zone === asked ? '' : asked, window: route.get('window') || windowFor(range), groups: route.all('by'), customers: route.all('customer'), filter };
}

export function queryOf(question: Question, range = question.range): Query {
  const query: Query = { from: range.from, to: range.to, time_zone: question.zone, window: question.window, group_by: question.groups, customer_id: question.customers };
  for (const [property, values] of Object.entries(question.filter)) query[`filter[${property}]`] = values;
  return query;
}

// For paper, which has no inputs.
export function inWords({ range, zone, window, groups, customers, filter }: Question, compare: boolean): string {
  return [
    `${day(range.from, 'UTC')} to ${day(dayBefore(range.to), 'UTC')}`, zone, `by ${window}`, groups.length && `grouped by ${groups.map((one) => (one === 'customer_id' ? 'customer' : one)).join(' and ')}`,
    customers.length && `customer ${customers.join(' or ')}`, ...Object.entries(filter).map(([name, values]) => `${name} = ${values.join(' or ')}`), compare && 'compared with the period before',
  ].filter(Boolean).join(' · ');
}

// The windows of a calendar that the range's ends cut.
const begins: Record<string, RegExp> = { month: /-01$/, quarter: /-(01|04|07|10)-01$/, year: /-01-01$/ };
export function isPart(row: UsageRow, { window, zone }: Question): boolean {
  if (window === 'week') return Date.parse(row.end) - Date.parse(row.start) < 6.9 * 86400000;
  return [row.start, row.end].some((time) => begins[window]?.test(dateIn(Date.parse(time), zone)) === false);
}

const shellText = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
const sqlText = (text: string) => `'${text.replaceAll("'", "''")}'`;

// With the key as a variable of the shell: nothing secret is copied.
export function curlOf(metric: Metric, question: Question): string {
  return `curl -s -H "Authorization: Bearer $KEY" ${shellText(location.origin + target(`/api/v1/metrics/${metric.id}/usage`, queryOf(question)))}`;
}

// How the rows of several customers become one, where they do: the function of SQL takes one customer or all.
const merges: Partial<Record<Metric['aggregation_type'], string>> = { SUM: 'sum', COUNT: 'sum', MIN: 'min', MAX: 'max' };
const isMerged = ({ customers, groups }: Question): boolean => customers.length > 1 && !groups.includes('customer_id');
export const hasSql = (metric: Metric, question: Question): boolean => !isMerged(question) || merges[metric.aggregation_type] !== undefined;

export function sqlOf(metric: Metric, question: Question): string {
  const start = (date: string) => `${sqlText(`${date} 00:00`)}::timestamp AT TIME ZONE ${sqlText(question.zone)}`;
  const parts = [sqlText(metric.id), start(question.range.from), start(question.range.to)];
  const more: string[] = [];
  const { customers } = question;
  if (customers.length === 1) more.push(`customer => ${sqlText(customers[0]!)}`);
  const merged = isMerged(question);
  const groups = merged ? ['customer_id', ...question.groups] : question.groups;
  more.push(`"window" => ${sqlText(question.window)}`, `time_zone => ${sqlText(question.zone)}`);
  if (groups.length) more.push(`group_by => ARRAY[${groups.map(sqlText).join(', ')}]`);
  if (Object.keys(question.filter).length) more.push(`filter => ${sqlText(JSON.stringify(question.filter))}`);
  const only = customers.length > 1 ? `\nWHERE customer_id IN (${customers.map(sqlText).join(', ')})` : '';
  return `SET tally.tenant = ${sqlText(session.profile!.name)};\nSELECT ${merged ? `window_start, window_end, NULL AS customer_id, dimensions, ${merges[metric.aggregation_type]}(value) AS value, sum(events) AS events, sum(skipped) AS skipped` : '*'}\nFROM tally.usage(${parts.join(', ')},\n    ${more.join(', ')})${only}${merged ? '\nGROUP BY window_start, window_end, dimensions ORDER BY window_start, dimensions' : ''};`;
}

// Events without a property are a group that leaves it out: each row gets all properties, in one order, null for none.
export function whole(usage: Usage, groups: string[] = []): Usage {
  const names = [...new Set([...groups, ...usage.usage.flatMap((row) => Object.keys(row.dimensions))])].filter((name) => name !== 'customer_id');
  for (const row of usage.usage) row.dimensions = Object.fromEntries(names.map((name) => [name, row.dimensions[name] ?? null]));
  return usage;
}

// Tells groups apart, whatever their values.
export const groupKey = (row: UsageRow): string => JSON.stringify([row.customer_id, row.dimensions]);

// The properties that a row's events do not have: no filter asks for those.
export const lacking = (row: UsageRow): string => Object.entries(row.dimensions).filter(([, value]) => value === null).map(([name]) => name).join(', ');

// What a row is about, besides its time.
export function groupOf(row: UsageRow): string {
  const parts = Object.entries(row.dimensions).map(([name, value]) => value ?? `(no ${name})`);
  if (row.customer_id !== undefined) parts.unshift(row.customer_id || '(no customer)');
  return parts.join(' · ');
}

export function csvOf(rows: UsageRow[]): string {
  const dimensions = [...new Set(rows.flatMap((row) => Object.keys(row.dimensions)))];
  const customers = rows.some((row) => row.customer_id !== undefined);
  // A spreadsheet would take a leading = + - @ of a text for a formula.
  const cell = (value: string | number | null | undefined) => {
    let text = value === null || value === undefined ? '' : String(value);
    if (typeof value === 'string' && /^[=+@\t\r]|^-(?!\d+(\.\d+)?$)/.test(text)) text = `'${text}`;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const head = ['start', 'end', ...(customers ? ['customer_id'] : []), ...dimensions, 'value', 'converted_value', 'events', 'skipped'];
  const lines = rows.map((row) => [row.start, row.end, ...(customers ? [row.customer_id] : []), ...dimensions.map((name) => row.dimensions[name]), row.value, row.converted_value, row.events, row.skipped]);
  return [head, ...lines].map((line) => line.map(cell).join(',')).join('\r\n') + '\r\n';
}
