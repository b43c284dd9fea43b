// Small parts that every view is made of.
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from './api';
import { ago, count, decimal, exact, moment } from './format';
import { useNow, type Loaded } from './load';
import { change } from './route';

export function Head(props: { title: ComponentChildren; over?: ComponentChildren; children?: ComponentChildren }) {
  return (
    <header class="head">
      <div>
        {props.over && <div class="over">{props.over}</div>}
        <h1>{props.title}</h1>
      </div>
      {props.children && <div class="actions">{props.children}</div>}
    </header>
  );
}

export function Failure(props: { error: Error; retry?: () => void }) {
  const hint = props.error instanceof ApiError ? props.error.hint : undefined;
  return (
    <div class="failure" role="alert">
      <p><strong>{props.error.message}</strong>{hint && <> {hint}</>}</p>
      {props.retry && <button type="button" onClick={props.retry}>Try again</button>}
    </div>
  );
}

export function Empty(props: { title: string; children?: ComponentChildren }) {
  return <div class="empty"><p class="title">{props.title}</p>{props.children && <div>{props.children}</div>}</div>;
}

// Data, or why there is none yet.
export function When<T>(props: { loaded: Loaded<T>; rows?: number; children: (data: T) => ComponentChildren }) {
  const { data, error, loading, reload } = props.loaded;
  return (
    <>
      {error && <Failure error={error} retry={reload} />}
      {data !== undefined ? props.children(data) : loading && !error && <Skeleton rows={props.rows ?? 3} />}
    </>
  );
}

export function Skeleton(props: { rows: number }) {
  return (
    <div class="skeleton" role="status" aria-label="Loading">
      {Array.from({ length: props.rows }, (_, n) => <span key={n} />)}
    </div>
  );
}

// A measured number: rounded to look at, exact on hover, and copied as it is.
export function Value(props: { value: string | null | undefined }) {
  return <span class="number" title={exact(props.value)} data-exact={props.value ?? ''}>{decimal(props.value)}</span>;
}

export function Ago(props: { time: string }) {
  return <time dateTime={props.time} title={moment(props.time)}>{ago(props.time, useNow())}</time>;
}

export function Copy(props: { text: () => string; label: string }) {
  const [done, set] = useState(false);
  const copy = async () => {
    await copyText(props.text());
    set(true);
    setTimeout(() => set(false), 1500);
  };
  return <button type="button" class="quiet" onClick={copy}>{done ? 'Copied' : props.label}</button>;
}

async function copyText(text: string): Promise<void> {
  if (navigator.clipboard) {
    try {
      return await navigator.clipboard.writeText(text);
    } catch { /* not allowed: the old way */ }
  }
  const area = document.createElement('textarea');
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
  return undefined;
}

// What is copied out of a table is the exact number, of several cells too.
addEventListener('copy', (event) => {
  const selection = getSelection();
  const part = selection?.rangeCount ? selection.getRangeAt(0).cloneContents() : undefined;
  const numbers = [...part?.querySelectorAll<HTMLElement>('td [data-exact], td[data-exact]') ?? []];
  if (numbers.length) {
    for (const one of numbers) one.textContent = one.dataset.exact ?? '';
    const rows = [...part!.querySelectorAll('tr')];
    const text = (cells: Iterable<Element>) => [...cells].map((cell) => cell.textContent?.trim()).join('\t');
    event.clipboardData?.setData('text/plain', rows.length ? rows.map((row) => text(row.cells)).join('\n') : text(part!.children));
    event.preventDefault();
    return;
  }
  const node = selection?.anchorNode?.parentElement?.closest<HTMLElement>('[data-exact]');
  if (node?.dataset.exact && selection?.toString().trim() === node.textContent?.trim()) {
    event.clipboardData?.setData('text/plain', node.dataset.exact);
    event.preventDefault();
  }
});

type InputProps = Pick<JSX.IntrinsicElements['input'], 'type' | 'value' | 'onInput' | 'required' | 'disabled' | 'maxLength' | 'autofocus' | 'placeholder' | 'inputMode'>;

// A labelled input that can say what is wrong with it.
export function Field(props: { label: string; name: string; hint?: string; error?: ApiError; children?: (id: string, described: string) => ComponentChildren } & InputProps) {
  const { label, name, hint, error, children, ...rest } = props;
  const id = `f-${name}`;
  const wrong = error && error.field === name;
  const described = `${id}-hint`;
  // The API calls the field by its own name.
  const told = error?.message.startsWith(`${name} `) ? label + error.message.slice(name.length) : error?.message;
  return (
    <div class={`field${wrong ? ' wrong' : ''}`}>
      <label for={id}>{label}</label>
      {children ? children(id, described) : <input id={id} name={name} aria-describedby={described} aria-invalid={wrong ? true : undefined} autocomplete="off" {...rest as object} />}
      <p id={described} class="hint">{wrong ? <span role="alert">{told}</span> : hint}</p>
    </div>
  );
}

// What of an error is told at a field.
export const fieldOf = (error: Error | undefined, ...fields: string[]): string => {
  const field = error instanceof ApiError ? error.field?.replace(/[.[].*/, '') ?? '' : '';
  return fields.includes(field) ? field : '';
};

// It, at the field. names: what the page calls the fields of the API.
export function Wrong(props: { error: Error | undefined; of: string; names?: Record<string, string> }) {
  if (!fieldOf(props.error, props.of)) return null;
  return <span class="bad" role="alert">{props.error!.message.replace(/^\w+|\w+$/g, (word) => props.names?.[word] ?? word)}</span>;
}

// A dialog over the page; Escape and its backdrop close it.
export function Dialog(props: { title: string; close: () => void; wide?: boolean; children: ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  return (
    <dialog ref={dialog} class={props.wide ? 'wide' : ''} aria-labelledby="dialog-title" onClose={props.close}
      onMouseDown={(event) => { if (event.target === dialog.current) dialog.current?.close(); }}>
      <div class="inner">
        <header><h2 id="dialog-title">{props.title}</h2><button type="button" class="quiet" aria-label="Close" onClick={() => dialog.current?.close()}>✕</button></header>
        {props.children}
      </div>
    </dialog>
  );
}

// Asks once more before something that cannot be undone.
export function Confirm(props: { title: string; text: ComponentChildren; action: string; run: () => Promise<void>; close: () => void; children?: ComponentChildren }) {
  const [error, setError] = useState<Error>();
  const [busy, setBusy] = useState(false);
  const run = async () => {
    setBusy(true);
    try {
      await props.run();
      props.close();
    } catch (problem) {
      setError(problem as Error);
      setBusy(false);
    }
  };
  return (
    <Dialog title={props.title} close={props.close}>
      <p>{props.text}</p>
      {props.children}
      {error && <Failure error={error} />}
      <footer><button type="button" onClick={props.close}>Cancel</button><button type="button" class="danger" disabled={busy} onClick={run}>{props.action}</button></footer>
    </Dialog>
  );
}

export function Segmented(props: { label: string; value: string; options: Array<[string, string]>; set: (value: string) => void }) {
  return (
    <div class="segmented" role="group" aria-label={props.label}>
      {props.options.map(([value, name]) => (
        <button type="button" key={value} aria-pressed={value === props.value} onClick={() => props.set(value)}>{name}</button>
      ))}
    </div>
  );
}

export function Bar(props: { part: number; of: number | null; label: string }) {
  const share = props.of ? Math.min(100, (100 * props.part) / props.of) : 0;
  return (
    <div class={`bar${share >= 90 ? ' near' : ''}`} role="progressbar" aria-label={props.label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(share)}>
      <span ref={(node) => { if (node) node.style.width = `${share}%`; }} />
    </div>
  );
}

const toPage = (page: number, replace = false) => change({ page: page > 0 ? String(page) : undefined }, replace);

// A page of a list with the way to the others. One past the last, as when its only row has gone, leads to the last.
export function Pages(props: { page: number; pages: number; children: ComponentChildren }) {
  const { page, pages } = props;
  const past = page >= pages;
  useEffect(() => { if (past) toPage(pages - 1, true); }, [past]);
  if (past) return <Skeleton rows={3} />;
  return (
    <>
      {props.children}
      {pages > 1 && (
        <nav class="pager" aria-label="Pages">
          <button type="button" disabled={page === 0} onClick={() => toPage(page - 1)}>Previous</button>
          <span>Page {page + 1} of {pages}</span>
          <button type="button" disabled={page + 1 >= pages} onClick={() => toPage(page + 1)}>Next</button>
        </nav>
      )}
    </>
  );
}

// Of long tables the first rows are shown, and the rest where the address says so.
export const mostRows = 200;
export function Rest(props: { shown: number; of: number; what: string }) {
  if (props.shown >= props.of) return null;
  return <div class="toolbar"><button type="button" onClick={() => change({ rows: 'all' })}>Show all {count(props.of)} {props.what}</button></div>;
}
