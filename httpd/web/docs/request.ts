// A request to a route, as it was filled in: its address, its curl, and what comes back.
import { api, target } from '../app/api';
import { session } from '../app/session';
import { isNeeded, type Content, type Parameter, type Route } from './document';

// By name of the parameter; of lists and maps a line for each value.
export type Filled = { values: Record<string, string>; type: string; body: string };

export const isList = (parameter: Parameter): boolean => parameter.schema.type === 'array' || parameter.style === 'deepObject';

export function exampleOf(content: Content | undefined): unknown {
  return content?.example ?? Object.values(content?.examples ?? {})[0]?.value;
}

export function bodyText(type: string, content: Content | undefined): string {
  const example = exampleOf(content);
  if (example === undefined) return '';
  if (typeof example === 'string') return example;
  if (type === 'application/x-www-form-urlencoded') return target('', example as Record<string, string>).slice(1);
  return JSON.stringify(example, null, 2);
}

const lines = (text: string): string[] => text.split('\n').map((line) => line.trim()).filter(Boolean);

// What keeps it from being sent.
export function missing(route: Route, filled: Filled): Parameter | undefined {
  const other: Record<string, string> = { from: 'start_date', to: 'end_date', start_date: 'from', end_date: 'to' };
  return route.parameters.find((one) => isNeeded(one) && !filled.values[one.name] && !filled.values[other[one.name] ?? '']);
}

export function addressOf(route: Route, filled: Filled): string {
  const path = route.path.replace(/\{(\w+)\}/g, (hole, name: string) => (filled.values[name] ? encodeURIComponent(filled.values[name]) : hole));
  const pairs: string[] = [];
  for (const one of route.parameters.filter((parameter) => parameter.in === 'query')) {
    const value = filled.values[one.name] ?? '';
    for (const part of isList(one) ? lines(value) : value ? [value] : []) {
      const [name, text] = one.style === 'deepObject' ? [`${one.name}[${part.split('=')[0]}]`, part.slice(part.indexOf('=') + 1)] : [one.name, part];
      pairs.push(`${encodeURIComponent(name)}=${encodeURIComponent(text)}`);
    }
  }
  return path + (pairs.length ? `?${pairs.join('&')}` : '');
}

function headersOf(route: Route, filled: Filled): Record<string, string> {
  const found: Record<string, string> = {};
  for (const one of route.parameters) if (one.in === 'header' && filled.values[one.name]) found[one.name] = filled.values[one.name]!;
  if (route.body && filled.body) found['Content-Type'] = filled.type;
  return found;
}

const shellText = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

// With the key as a variable of the shell: nothing secret is copied.
export function curlOf(route: Route, filled: Filled): string {
  const body = route.body && filled.body;
  const parts = ['curl -s'];
  if (route.scope) parts.push('-H "Authorization: Bearer $KEY"');
  for (const [name, value] of Object.entries(headersOf(route, filled))) parts.push(`-H ${shellText(`${name}: ${value}`)}`);
  if (route.method !== (body ? 'POST' : 'GET')) parts.push(`-X ${route.method}`);
  parts.push(shellText(location.origin + addressOf(route, filled)));
  if (body) parts.push(`--data-binary ${shellText(filled.body)}`);
  return parts.join(' ');
}

export interface Told { status: number; text: string; cut: boolean; took: number; headers: Array<[string, string]> }

const most = 200000;

// Of an answer of any length the beginning.
async function beginning(response: Response): Promise<{ text: string; cut: boolean }> {
  const reader = response.body?.getReader();
  if (!reader) return { text: '', cut: false };
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { text: text + decoder.decode(), cut: false };
    text += decoder.decode(value, { stream: true });
    if (text.length > most) {
      void reader.cancel();
      return { text: text.slice(0, most), cut: true };
    }
  }
}

export async function send(route: Route, filled: Filled): Promise<Told> {
  const key = session.key;
  const began = performance.now();
  let response: Response;
  try {
    response = await fetch(addressOf(route, filled), {
      method: route.method, body: route.body && filled.body ? filled.body : undefined, cache: 'no-store', credentials: 'omit',
      headers: { ...headersOf(route, filled), ...(route.scope ? { Authorization: `Bearer ${key}` } : {}) },
    });
  } catch {
    throw new Error('The server cannot be reached.');
  }
  const { text, cut } = await beginning(response);
  const told = ['content-type', 'x-request-id', 'retry-after', 'ratelimit-remaining', 'x-replica-lag', 'allow', 'etag'];
  const headers = told.map((name): [string, string] => [name, response.headers.get(name) ?? '']).filter(([, value]) => value);
  // Whether the key is bad another route says: /event/v1 answers so for a metric that there is not, too.
  if (response.status === 401 && route.scope && key === session.key) await api.get('/api/v1/profile').catch(() => undefined);
  return { status: response.status, text, cut, took: performance.now() - began, headers };
}
