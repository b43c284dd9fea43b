// An upload of a file of events in pieces of whole lines: what a piece brought is stored when it is answered, so the bar
// tells the truth, and a piece that was cut off is sent again (its events carry their identity). It goes on whatever view is
// shown, and which imports lack the rest of their file is known as long as the tab is there.
import { useEffect, useState } from 'preact/hooks';
import type { Import, ImportAnswer, ImportPage, LineFailure } from '../types';
import { api, ApiError } from './api';
import { session } from './session';

export interface Progress {
  id?: string;
  name: string;
  size: number;
  sent: number;
  rate: number;                     // bytes a second
  lineRate: number;
  accepted: number;
  duplicates: number;
  failed: number;
  failures: LineFailure[];
  waiting: boolean;                 // to send a piece again
  ended: boolean;
  error?: Error;
}

const pieceBytes = 192 * 1024;
const newline = 10;
const quote = 34;

// Where the piece that begins here ends: behind a line's end outside of quotes; -1: not in these bytes. Counts the lines.
function cut(bytes: Uint8Array, isCsv: boolean): { end: number; lines: number } {
  let quoted = false;
  let lines = 0;
  let best = { end: -1, lines: 0 };
  for (let at = 0; at < bytes.length; at++) {
    if (isCsv && bytes[at] === quote) quoted = !quoted;
    if (bytes[at] !== newline) continue;
    lines++;
    if (quoted) continue;
    best = { end: at + 1, lines };
    if (at + 1 >= pieceBytes) break;
  }
  return best;
}

interface Piece { body: Uint8Array; lines: number }

interface Upload {
  key: string;                      // whose it is
  file: File;
  isCsv: boolean;
  header: Uint8Array;
  line: number;
  newest?: string;                  // import before it
  control: AbortController;
  progress: Progress;
}

let current: Upload | undefined;
const listeners = new Set<() => void>();

function tell(): void {
  for (const listener of listeners) listener();
}

// What the upload of this tab has come to.
export function useUpload(): Progress | undefined {
  const [, turn] = useState(0);
  useEffect(() => {
    const listener = () => turn((n) => n + 1);
    listeners.add(listener);
    return () => { listeners.delete(listener); };
  }, []);
  return current?.progress;
}

session.listen(() => {
  if (!current || current.key === session.key) return;
  current.control.abort();
  current = undefined;
});

const warn = (event: Event) => event.preventDefault();
const place = 'pgtally-parts';

// Imports of this tab whose file was not sent to its end.
export function parts(): string[] {
  try {
    return JSON.parse(sessionStorage.getItem(place) ?? '[]');
  } catch {
    return [];
  }
}

function keep(id: string, isPart: boolean): void {
  try {
    sessionStorage.setItem(place, JSON.stringify([...parts().filter((one) => one !== id), ...(isPart ? [id] : [])]));
  } catch { /* storage is forbidden: nothing tells */ }
}

async function pieceOf({ file, isCsv, progress: { sent } }: Upload): Promise<Piece> {
  let window = pieceBytes * 2;
  for (;;) {
    const bytes = new Uint8Array(await file.slice(sent, sent + window).arrayBuffer());
    const piece = cut(bytes, isCsv);
    const last = sent + window >= file.size;
    if (piece.end < 0 && !last) {
      window *= 4;                  // a record longer than that
      continue;
    }
    if (piece.end < 0 || (last && bytes.length <= pieceBytes)) return { body: bytes, lines: piece.lines + 1 };
    return { body: bytes.subarray(0, piece.end), lines: piece.lines };
  }
}

const newestImport = async () => (await api.get<ImportPage>('/api/v1/imports', { per_page: 1 })).data[0];

// Where the answer to its first piece was lost the import is there all the same.
async function begunAs(work: Upload): Promise<string | undefined> {
  const found = await newestImport();
  return found?.id !== work.newest && found?.name === nameOf(work) ? found?.id : undefined;
}

const nameOf = (work: Upload): string => work.file.name.slice(0, 255);

// Tries again for half a minute where the server cannot be reached or says that it is its own fault.
async function sendPiece(work: Upload, piece: Piece): Promise<ImportAnswer> {
  const { progress, control: { signal }, isCsv } = work;
  const first = progress.sent === 0;
  const body = new Blob(first || !isCsv ? [piece.body as BlobPart] : [work.header as BlobPart, piece.body as BlobPart]);
  for (let wait = 1000; ; wait *= 2) {
    try {
      if (first && !progress.id && progress.waiting) progress.id = await begunAs(work);
      const query = progress.id ? { import_id: progress.id, ...(first ? {} : { line: work.line }) } : { name: nameOf(work) };
      return await api.upload<ImportAnswer>('/api/v1/events/import', query, body, isCsv ? 'text/csv' : 'application/x-ndjson', signal);
    } catch (error) {
      const status = error instanceof ApiError ? error.status : 1;
      if (signal.aborted || wait > 16000 || (status > 0 && status < 500)) throw error;
      progress.waiting = true;
      tell();
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}

function take({ progress }: Upload, answer: Partial<ImportAnswer>): void {
  progress.accepted += Number(answer.accepted ?? 0);
  progress.duplicates += Number(answer.duplicates ?? 0);
  progress.failed += Number(answer.failed ?? 0);
  progress.failures = [...progress.failures, ...answer.failures ?? []].slice(0, 1000);
}

async function run(work: Upload): Promise<void> {
  const { progress, file } = work;
  const [began, sent, line] = [performance.now(), progress.sent, work.line];
  while (progress.sent < file.size || !progress.id) {
    const piece = await pieceOf(work);
    const answer = await sendPiece(work, piece);
    if (progress.sent === 0 && work.isCsv) work.header = piece.body.slice(0, cutHeader(piece.body));
    progress.id = answer.import_id;
    keep(answer.import_id, true);
    progress.sent += piece.body.length;
    work.line += piece.lines;
    take(work, answer);
    if (progress.waiting) {
      // What became of a piece whose answer was lost the import knows.
      const { accepted, duplicates, failures } = await api.get<Import>(`/api/v1/imports/${answer.import_id}`);
      Object.assign(progress, { accepted, duplicates, failed: failures, waiting: false });
    }
    const seconds = Math.max(0.001, (performance.now() - began) / 1000);
    progress.rate = (progress.sent - sent) / seconds;
    progress.lineRate = (work.line - line) / seconds;
    tell();
  }
  keep(progress.id, false);
}

// Goes on where it stopped, for whatever reason.
export async function goOn(): Promise<void> {
  const work = current!;
  const { progress } = work;
  work.control = new AbortController();
  Object.assign(progress, { ended: false, error: undefined });
  addEventListener('beforeunload', warn);
  tell();
  try {
    await run(work);
  } catch (error) {
    progress.error = work.control.signal.aborted ? new Error('Stopped.') : error as Error;
    // What it brought before it broke comes again as resent.
    progress.waiting = true;
    if (error instanceof ApiError) {
      progress.id ??= error.details.import_id as string | undefined;
      take(work, { ...error.details, failures: error.failures.filter((one): one is LineFailure => one.line !== undefined) });
    }
    if (progress.id && current === work) keep(progress.id, true);
  }
  progress.ended = true;
  removeEventListener('beforeunload', warn);
  tell();
}

export async function upload(file: File): Promise<void> {
  current = {
    key: session.key, file, isCsv: /\.csv$/i.test(file.name) || file.type === 'text/csv', header: new Uint8Array(), line: 1, control: new AbortController(),
    progress: { name: file.name, size: file.size, sent: 0, rate: 0, lineRate: 0, accepted: 0, duplicates: 0, failed: 0, failures: [], waiting: false, ended: false },
  };
  const work = current;
  tell();
  work.newest = await newestImport().then((one) => one?.id, () => undefined);
  if (current === work) await goOn();
}

export const stop = (): void => current?.control.abort();

function cutHeader(bytes: Uint8Array): number {
  let quoted = false;
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] === quote) quoted = !quoted;
    if (bytes[at] === newline && !quoted) return at + 1;
  }
  return bytes.length;
}
