// An upload of a file of events in pieces of whole lines: what a piece brought is stored when it is answered, so the bar
// tells the truth, and a piece that was cut off is sent again (its events carry their identity).
import type { ImportAnswer, LineFailure } from '../types';
import { api, ApiError } from './api';

export interface Progress {
  name: string;
  size: number;
  sent: number;
  rate: number;                     // bytes a second
  lineRate: number;
  accepted: number;
  duplicates: number;
  failed: number;
  failures: LineFailure[];
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

export async function upload(file: File, tell: (progress: Progress) => void, signal: AbortSignal): Promise<void> {
  const isCsv = /\.csv$/i.test(file.name) || file.type === 'text/csv';
  const type = isCsv ? 'text/csv' : 'application/x-ndjson';
  const progress: Progress = { name: file.name, size: file.size, sent: 0, rate: 0, lineRate: 0, accepted: 0, duplicates: 0, failed: 0, failures: [], ended: false };
  tell({ ...progress });
  const began = performance.now();
  let header = new Uint8Array();
  let id: string | undefined;
  let line = 1;
  try {
    while (progress.sent < file.size || !id) {
      let window = pieceBytes * 2;
      let bytes: Uint8Array;
      let piece: { end: number; lines: number };
      for (;;) {
        bytes = new Uint8Array(await file.slice(progress.sent, progress.sent + window).arrayBuffer());
        piece = cut(bytes, isCsv);
        if (piece.end > 0 || progress.sent + window >= file.size) break;
        window *= 4;                // a record longer than that
      }
      if (piece.end < 0 || (progress.sent + bytes.length >= file.size && bytes.length <= pieceBytes)) piece = { end: bytes.length, lines: piece.lines + 1 };
      const body = bytes.subarray(0, piece.end);
      const first = progress.sent === 0;
      const sent = new Blob(first || !isCsv ? [body as BlobPart] : [header as BlobPart, body as BlobPart]);
      const query = first ? { name: file.name.slice(0, 255) } : { import_id: id, line };
      const answer = await api.upload<ImportAnswer>('/api/v1/events/import', query, sent, type, signal);
      if (first && isCsv) header = new Uint8Array(body.subarray(0, cutHeader(body)));
      id = answer.import_id;
      progress.sent += piece.end;
      line += piece.lines;
      progress.accepted += answer.accepted;
      progress.duplicates += answer.duplicates;
      progress.failed += answer.failed;
      progress.failures = [...progress.failures, ...answer.failures].slice(0, 1000);
      const seconds = Math.max(0.001, (performance.now() - began) / 1000);
      progress.rate = progress.sent / seconds;
      progress.lineRate = (line - 1) / seconds;
      tell({ ...progress });
    }
  } catch (error) {
    progress.error = signal.aborted ? new Error('Stopped. What was stored stays; sending the file again counts nothing twice.') : error as Error;
    const stored = error instanceof ApiError ? error.details : {};
    progress.accepted += Number(stored.accepted ?? 0);
    progress.duplicates += Number(stored.duplicates ?? 0);
    progress.failed += Number(stored.failed ?? 0);
    if (error instanceof ApiError) progress.failures = [...progress.failures, ...error.failures.filter((one): one is LineFailure => one.line !== undefined)];
  }
  progress.ended = true;
  tell({ ...progress });
}

function cutHeader(bytes: Uint8Array): number {
  let quoted = false;
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] === quote) quoted = !quoted;
    if (bytes[at] === newline && !quoted) return at + 1;
  }
  return bytes.length;
}
