// Calls of the API with the session's key. Numbers of a body keep their digits: one that JavaScript would round is a Digits.
import { session } from './session';

export type Query = Record<string, string | number | boolean | string[] | undefined>;

export class ApiError extends Error {
  constructor(
    readonly status: number, message: string, readonly field?: string, readonly hint?: string,
    readonly failures: Array<{ index?: number; line?: number; event_id?: string | null; reason: string; field?: string }> = [],
    readonly details: Record<string, unknown> = {},
  ) {
    super(message);
  }
}

// A number as it was written.
export class Digits {
  constructor(readonly text: string) {}

  toString(): string { return this.text; }
}

// JSON of a value, every number with the digits that it came with.
export function written(value: unknown): string {
  if (value instanceof Digits) return value.text;
  if (Array.isArray(value)) return `[${value.map(written).join(', ')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  return `{${Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${written(one)}`).join(', ')}}`;
}

type Reviver = (this: unknown, key: string, value: unknown, context?: { source?: string }) => unknown;
const keepDigits: Reviver = (_, value, context) =>
  (typeof value === 'number' && context?.source !== undefined && context.source !== String(value) ? new Digits(context.source) : value);

export function parse<T>(text: string): T {
  return JSON.parse(text, keepDigits as (key: string, value: unknown) => unknown) as T;
}

export function target(path: string, query: Query = {}): string {
  const pairs: string[] = [];
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) pairs.push(`${encodeURIComponent(name)}=${encodeURIComponent(String(one))}`);
  }
  return path + (pairs.length ? `?${pairs.join('&')}` : '');
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export function errorOf(status: number, text: string): ApiError {
  try {
    const body = parse<{ message?: string; details?: Record<string, unknown>; failures?: ApiError['failures'] }>(text);
    const details = body.details ?? {};
    return new ApiError(status, body.message ?? `status ${status}`, details.field as string | undefined, details.hint as string | undefined,
      body.failures ?? [], details);
  } catch {
    return new ApiError(status, `the server answered ${status}`);
  }
}

// Waits where the server says so: reads always, and what was refused by a limit of requests.
async function send(method: string, path: string, body: string | Blob | undefined, type: string, signal?: AbortSignal): Promise<string> {
  const key = session.key;
  for (let attempt = 0; ; attempt++) {
    let response: Response;
    try {
      response = await fetch(path, {
        method, body, signal, cache: 'no-store', credentials: 'omit',
        headers: { Authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'Content-Type': type }) },
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new ApiError(0, 'The server cannot be reached.');
    }
    const text = await response.text();
    if (response.ok) return text;
    const wait = Number(response.headers.get('Retry-After') ?? 0);
    const again = response.status === 429 || (response.status === 503 && method === 'GET');
    if (again && attempt < 8 && wait > 0 && wait <= 5) {
      await sleep(wait * 1000);
      continue;
    }
    if (response.status === 401 && key === session.key) session.end('This key is not valid any more: it was revoked, or has expired.');
    throw errorOf(response.status, text);
  }
}

// Reads that were begun before the view that wants them stands: the first one who asks for it gets the answer.
const begun = new Map<string, Promise<string>>();
export function begin(...targets: string[]): void {
  for (const one of targets) {
    const answer = send('GET', one, undefined, '');
    answer.catch(() => undefined);
    begun.set(one, answer);
  }
}

function read(where: string, signal?: AbortSignal): Promise<string> {
  const early = begun.get(where);
  begun.delete(where);
  return early ?? send('GET', where, undefined, '', signal);
}

export const api = {
  async get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
    return parse<T>(await read(target(path, query), signal));
  },
  // Of a list in pages, all of it.
  async all<T>(path: string, query: Query, signal?: AbortSignal): Promise<T[]> {
    const found: T[] = [];
    for (let page = 0, pages = 1; page < pages; page++) {
      const got = await api.get<{ data: T[]; pagination_meta: { total_pages: number } }>(path, { ...query, page, per_page: 100 }, signal);
      found.push(...got.data);
      pages = got.pagination_meta.total_pages;
    }
    return found;
  },
  async post<T>(path: string, body?: unknown, query?: Query): Promise<T> {
    const text = await send('POST', target(path, query), body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body), 'application/json');
    return (text ? parse<T>(text) : undefined) as T;
  },
  async patch<T>(path: string, body: unknown): Promise<T> {
    return parse<T>(await send('PATCH', path, JSON.stringify(body), 'application/json'));
  },
  async remove<T>(path: string, query?: Query): Promise<T> {
    const text = await send('DELETE', target(path, query), undefined, '');
    return (text ? parse<T>(text) : undefined) as T;
  },
  async upload<T>(path: string, query: Query, body: string | Blob, type: string, signal: AbortSignal): Promise<T> {
    return parse<T>(await send('POST', target(path, query), body, type, signal));
  },
  // No key is needed for it.
  async text(path: string): Promise<string> {
    return read(path);
  },
};

// At most four at a time: a view of twenty metrics must not use up the key's requests per second.
let running = 0;
const waiting: Array<() => void> = [];
export async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= 4) await new Promise<void>((resolve) => waiting.push(resolve));
  running++;
  try {
    return await work();
  } finally {
    running--;
    waiting.shift()?.();
  }
}
