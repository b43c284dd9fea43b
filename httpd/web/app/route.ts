// The state of a view is in the address, behind its #: #/metrics/bm_...?range=30d. Nothing of it is sent to a server, and
// no secret is ever in it.
import { useEffect, useState } from 'preact/hooks';

export interface Route {
  path: string[];
  get(name: string): string;        // empty where it is not there
  all(name: string): string[];
}

export type Changes = Record<string, string | string[] | undefined>;

export function readRoute(hash = location.hash): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  const params = new URLSearchParams(query);
  const decode = (part: string) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  };
  return { path: path.split('/').filter(Boolean).map(decode), get: (name) => params.get(name) ?? '', all: (name) => params.getAll(name) };
}

// Of a list in pages, which one is asked for.
export const pageOf = (route: Route): number => Math.max(0, Math.trunc(Number(route.get('page')) || 0));

export function href(path: string[], changes: Changes = {}): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(changes)) {
    for (const one of Array.isArray(value) ? value : value ? [value] : []) params.append(name, one);
  }
  const query = params.toString();
  return `#/${path.map(encodeURIComponent).join('/')}${query ? `?${query}` : ''}`;
}

// replace: the way back leads past the view that is left.
export function go(path: string[], changes: Changes = {}, replace = false): void {
  show(href(path, changes), replace);
}

function show(next: string, replace: boolean): void {
  if (next === location.hash) return;
  if (!replace) {
    location.hash = next;
    return;
  }
  history.replaceState(null, '', next);
  dispatchEvent(new HashChangeEvent('hashchange'));
}

// The way back to a list, as it was left.
const lists: Record<string, string> = {};
const ofLists = ['search', 'archived', 'order', 'page', 'code', 'customer', 'source', 'from', 'to', 'live', 'metric', 'range'];
export const listOf = (place: string): string => lists[place] ?? href([place]);

// Changes some parameters of the view that is shown; '' and undefined take one away. Typing does not fill the history.
export function change(changes: Changes, replace = false): void {
  const [path = '#/', query = ''] = location.hash.split('?');
  const params = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) {
    params.delete(name);
    for (const one of Array.isArray(value) ? value : value ? [value] : []) params.append(name, one);
  }
  const text = params.toString();
  show(`${path || '#/'}${text ? `?${text}` : ''}`, replace);
}

export function useRoute(): Route {
  const [route, set] = useState(readRoute);
  useEffect(() => {
    const listener = () => set(readRoute());
    addEventListener('hashchange', listener);
    return () => removeEventListener('hashchange', listener);
  }, []);
  const [place, more] = route.path;
  if (place && !more) lists[place] = href([place], Object.fromEntries(ofLists.map((name) => [name, route.get(name)])));
  return route;
}
