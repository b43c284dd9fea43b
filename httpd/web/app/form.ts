// What is typed is in the address, as far as it is not as the view began: who opens the address sees the same. No field that
// could hold a secret is typed so.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { change, readRoute, type Changes } from './route';

export interface Typed {
  text: string;
  // more: what else of the address changes with it.
  type(text: string, more?: Changes): void;
  // Writes what waits, then changes more of the address: a step in the history.
  step(more: Changes): void;
}

// Browsers allow an address to change only so often: it follows when the typing pauses.
const pause = 250;

// A text and the parameter of the address that holds it.
export function useTyped(name: string): Typed {
  const there = readRoute().get(name);
  const [text, set] = useState(there);
  const known = useRef(there);
  const timer = useRef(0);
  const waiting = useRef<Changes>({});
  useEffect(() => () => clearTimeout(timer.current), []);
  useEffect(() => {
    // Back and forward.
    if (known.current === there) return;
    clearTimeout(timer.current);
    known.current = there;
    set(there);
  }, [there]);
  const follow = (now: string) => {
    clearTimeout(timer.current);
    const more = waiting.current;
    waiting.current = {};
    // A key that somebody typed stays here.
    known.current = /tally_(live|test)_/.test(now) ? '' : now;
    change({ ...more, [name]: known.current }, true);
  };
  return {
    text,
    type: (now, more = {}) => {
      set(now);
      clearTimeout(timer.current);
      waiting.current = { ...waiting.current, ...more };
      timer.current = window.setTimeout(() => follow(now), pause);
    },
    step: (more) => {
      follow(text);
      change(more);
    },
  };
}

type Texts = { [name: string]: string };
type Value = string | string[] | Texts | Texts[];
export type Fields = { [name: string]: Value };

const isText = (value: unknown): value is string => typeof value === 'string';
const isTexts = (value: unknown): value is Texts => typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isText);

// As the address gives it, where it is of the shape that the form has: anybody may have written it.
function fitting(given: unknown, begun: Value): Value {
  if (isText(begun)) return isText(given) ? given : begun;
  if (!Array.isArray(begun)) return isTexts(given) ? { ...begun, ...given } : begun;
  return Array.isArray(given) && (given.every(isText) || given.every(isTexts)) ? given : begun;
}

function read<T extends Fields>(text: string, begun: T): T {
  try {
    const given: unknown = JSON.parse(text || '{}');
    if (typeof given !== 'object' || given === null) return begun;
    return Object.fromEntries(Object.entries(begun).map(([name, value]) => [name, name in given ? fitting((given as Fields)[name], value) : value])) as T;
  } catch {
    return begun;                   // somebody cut it off
  }
}

function write(fields: Fields, begun: Fields): string {
  const typed: Fields = {};
  for (const [name, value] of Object.entries(fields)) {
    const old = begun[name]!;
    if (JSON.stringify(value) === JSON.stringify(old)) continue;
    typed[name] = isTexts(value) && isTexts(old) ? Object.fromEntries(Object.entries(value).filter(([key, one]) => one !== (old[key] ?? ''))) : value;
  }
  return Object.keys(typed).length ? JSON.stringify(typed) : '';
}

export interface Form<T extends Fields> {
  begun: T;
  fields: T;
  put(fields: T, more?: Changes): void;
  step(more: Changes): void;
}

export function useForm<T extends Fields>(begin: () => T, name = 'draft'): Form<T> {
  const [begun] = useState(begin);
  const typed = useTyped(name);
  const fields = useMemo(() => read(typed.text, begun), [typed.text]);
  return { begun, fields, put: (next, more) => typed.type(write(next, begun), more), step: typed.step };
}

// What an input of a form of texts needs, by its name in the API.
export function inputOf<T extends Texts, E>(form: Form<T>, error: E) {
  return (name: keyof T & string) => ({
    name, error, value: form.fields[name], onInput: (event: Event) => form.put({ ...form.fields, [name]: (event.currentTarget as HTMLInputElement).value }),
  });
}
