// Numbers and times in the reader's locale. Decimals are texts and are never read as floats to be shown.
const locale = undefined;

type Exact = Parameters<Intl.NumberFormat['format']>[0];
const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const digits = (most: number) => new Intl.NumberFormat(locale, { maximumFractionDigits: most });
const rounded = digits(4);
const full = digits(20);
const compact = new Intl.NumberFormat(locale, { notation: 'compact', maximumFractionDigits: 1 });

// A browser of before 2023 takes no texts as decimals: then the text is shown as it is.
const takesTexts = digits(0).format('12345678901234567891' as unknown as Exact).replace(/\D/g, '') === '12345678901234567891';

export function decimal(value: string | null | undefined): string {
  if (value === null || value === undefined) return '–';
  return takesTexts ? rounded.format(value as unknown as Exact) : value;
}

export function exact(value: string | null | undefined): string {
  if (value === null || value === undefined) return 'there is no value';
  const places = value.split('.')[1]?.length ?? 0;
  return takesTexts && places <= 20 ? full.format(value as unknown as Exact) : value;
}

// Of decimals, to the last digit.
export function sum(values: string[]): string {
  const places = Math.max(...values.map((one) => one.split('.')[1]?.length ?? 0));
  const total = values.reduce((all, one) => all + BigInt(one.replace('.', '') + '0'.repeat(places - (one.split('.')[1]?.length ?? 0))), BigInt(0));
  const digits = String(total).replace(/\d+/, (all) => all.padStart(places + 1, '0'));
  return places ? digits.replace(new RegExp(`(\\d{${places}})$`), '.$1') : digits;
}

export const count = (value: number): string => whole.format(value);
// Beyond thousands of billions no word is short.
export const short = (value: number): string => (Math.abs(value) < 1e15 ? compact.format(value) : value.toExponential(1));
export const plural = (value: number, one: string, many = `${one}s`): string => `${count(value)} ${value === 1 ? one : many}`;

export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let at = 0;
  let size = value;
  for (; size >= 1000 && at < units.length - 1; at++) size /= 1000;
  return `${digits(size < 10 && at > 0 ? 1 : 0).format(size)} ${units[at]}`;
}

export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h`;
  const days = Math.round(seconds / 86400);
  return days < 730 ? plural(days, 'day') : plural(Math.round(days / 365.25), 'year');
}

export function ago(time: string, now: number): string {
  const seconds = (now - Date.parse(time)) / 1000;
  return seconds < -5 ? `in ${duration(-seconds)}` : `${duration(seconds)} ago`;
}

const formats = new Map<string, Intl.DateTimeFormat>();
function format(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const name = zone + JSON.stringify(options);
  let found = formats.get(name);
  if (!found) formats.set(name, found = new Intl.DateTimeFormat(locale, { timeZone: zone, ...options }));
  return found;
}

export function isZone(name: string): boolean {
  try {
    return Boolean(format(name, {}));
  } catch {
    return false;
  }
}

export const ownZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

export function moment(time: string | number, zone = ownZone()): string {
  return format(zone, { dateStyle: 'medium', timeStyle: 'medium' }).format(new Date(time));
}

export function day(time: string | number, zone = ownZone()): string {
  return format(zone, { dateStyle: 'medium' }).format(new Date(time));
}

// As fine as the window is.
export function windowName(time: string, window: string, zone: string): string {
  if (!window) return moment(time, zone);
  if (/^(month|quarter)$/.test(window)) return format(zone, { year: 'numeric', month: 'short' }).format(new Date(time));
  if (window === 'year') return format(zone, { year: 'numeric' }).format(new Date(time));
  if (/^(day|week)$/.test(window)) return format(zone, { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' }).format(new Date(time));
  return format(zone, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' }).format(new Date(time));
}

// The calendar date of a moment in a zone, as in 2024-01-31.
export function dateIn(time: number, zone: string): string {
  const parts = Object.fromEntries(new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' })
    .formatToParts(new Date(time)).map((part) => [part.type, part.value]));
  return `${parts.year}-${parts.month}-${parts.day}`;
}
