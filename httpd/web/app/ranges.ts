// Ranges by name, as calendar dates in a zone. They hold their first day and not their end.
import { dateIn } from './format';

export const ranges: Array<[string, string]> = [
  ['month', 'This month'], ['last-month', 'Last month'], ['7d', '7 days'], ['30d', '30 days'], ['90d', '90 days'], ['own', 'Own range'],
];

export interface Range {
  from: string;
  to: string;
}

function shifted(date: string, days: number): string {
  const at = new Date(`${date}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() + days);
  return at.toISOString().slice(0, 10);
}

function firstOfMonth(date: string, months: number): string {
  const at = new Date(`${date.slice(0, 7)}-01T00:00:00Z`);
  at.setUTCMonth(at.getUTCMonth() + months);
  return at.toISOString().slice(0, 10);
}

export const isDate = (text: string): boolean => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) && shifted(text, 0) === text;
export const dayAfter = (date: string): string => shifted(date, 1);
export const dayBefore = (date: string): string => shifted(date, -1);

const inDays = /^(\d{1,4})d$/;
const isOwn = (from: string, to: string): boolean => isDate(from) && isDate(to) && from < to;
export const isRange = (name: string, from: string, to: string): boolean => (name === 'own' ? isOwn(from, to) : inDays.test(name) || ranges.some(([one]) => one === name));

// own: from and to as in the address. What is no range is this month. The current day is in a range of days, as its last.
export function rangeOf(name: string, zone: string, from = '', to = ''): Range {
  const today = dateIn(Date.now(), zone);
  const days = inDays.exec(name);
  if (name === 'own' && isOwn(from, to)) return { from, to };
  if (name === 'last-month') return { from: firstOfMonth(today, -1), to: firstOfMonth(today, 0) };
  if (days) return { from: shifted(today, 1 - Number(days[1])), to: shifted(today, 1) };
  return { from: firstOfMonth(today, 0), to: firstOfMonth(today, 1) };
}

// The 30 days that a moment is the end of.
export function upTo(time: string, zone: string): Range {
  const end = dayAfter(dateIn(Date.parse(time), zone));
  return { from: shifted(end, -30), to: end };
}

// The range of the same length before; of a whole month, the month before.
export function before(range: Range): Range {
  if (range.from.endsWith('-01') && range.to.endsWith('-01')) {
    const months = (Number(range.to.slice(0, 4)) - Number(range.from.slice(0, 4))) * 12 + Number(range.to.slice(5, 7)) - Number(range.from.slice(5, 7));
    return { from: firstOfMonth(range.from, -months), to: range.from };
  }
  return { from: shifted(range.from, -daysOf(range)), to: range.from };
}

// A day that the weeks of the range before are counted from, so that each is as long as that which it is compared with.
export function anchorOf(earlier: Range, range: Range): string {
  return shifted(earlier.from, -((new Date(range.from).getUTCDay() + 6) % 7));
}

export function daysOf(range: Range): number {
  return Math.round((Date.parse(range.to) - Date.parse(range.from)) / 86400000);
}

// A width that gives a chart some dozens of windows.
export function windowFor(range: Range): string {
  const days = daysOf(range);
  return days <= 3 ? 'hour' : days <= 120 ? 'day' : days <= 800 ? 'week' : 'month';
}
