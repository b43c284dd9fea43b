// A question to a metric, as it stands in the address, and in the words in which it can be asked elsewhere: curl, SQL.
import type { Metric, UsageRow } from '../types';
import { target, type Query } from './api';
import { ownZone } from './format';
import { rangeOf, windowFor, type Range } from './ranges';
import type { Route } from './route';
import { session } from './session';

export interface Question {
  range: Range;
  zone: string;
  window: string;
  groups: string[];
  customers: string[];
  filter: Record<string, string[]>;
}

export function questionOf(route: Route): Question {
  const zone = route.get('zone') || ownZone();
  const range = rangeOf(route.get('range') || '30d', zone, route.get('from'), route.get('to'));
  const filter: Record<string, string[]> = {};
  for (const one of route.all('filter')) {
    const at = one.indexOf('=');
    if (at > 0) (filter[one.slice(0, at)] ??= []).push(one.slice(at + 1));
  }
  return { range, zone, window: route.get('window') || windowFor(range), groups: route.all('by'), customers: route.all('customer'), filter };
}

export function queryOf(question: Question, range = question.range): Query {
  const query: Query = { from: range.from, to: range.to, time_zone: question.zone, window: question.window, group_by: question.groups, customer_id: question.customers };
  for (const [property, values] of Object.entries(question.filter)) query[`filter[${property}]`] = values;
  return query;
}

const shellText = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
const sqlText = (text: string) => `'${text.replaceAll("'", "''")}'`;

// With the key as a variable of the shell: nothing secret is copied.
export function curlOf(metric: Metric, question: Question): string {
  return `curl -s -H "Authorization: Bearer $KEY" ${shellText(location.origin + target(`/api/v1/metrics/${metric.id}/usage`, queryOf(question)))}`;
}

export function sqlOf(metric: Metric, question: Question): string {
  const start = (date: string) => `${sqlText(`${date} 00:00`)}::timestamp AT TIME ZONE ${sqlText(question.zone)}`;
  const parts = [sqlText(metric.id), start(question.range.from), start(question.range.to)];
  const more: string[] = [];
  const { customers } = question;
  if (customers.length === 1) more.push(`customer => ${sqlText(customers[0]!)}`);
  // The function takes one customer or all: of several it gives each its rows.
  const groups = customers.length > 1 ? [...new Set(['customer_id', ...question.groups])] : question.groups;
  more.push(`"window" => ${sqlText(question.window)}`, `time_zone => ${sqlText(question.zone)}`);
  if (groups.length) more.push(`group_by => ARRAY[${groups.map(sqlText).join(', ')}]`);
  if (Object.keys(question.filter).length) more.push(`filter => ${sqlText(JSON.stringify(question.filter))}`);
  const only = customers.length > 1 ? `\nWHERE customer_id IN (${customers.map(sqlText).join(', ')})` : '';
  return `SET tally.tenant = ${sqlText(session.profile!.name)};\nSELECT * FROM tally.usage(${parts.join(', ')},\n    ${more.join(', ')})${only};`;
}

// What a row is about, besides its time.
export function groupOf(row: UsageRow): string {
  const parts = Object.values(row.dimensions).map((value) => value ?? '(none)');
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
