// What a view waits for: data, an error, or both where the same question was answered before. Another question begins with
// nothing: no number stands under words that it does not answer.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

export interface Loaded<T> {
  data?: T;
  error?: Error;
  loading: boolean;
  reload: () => void;
}

// Loads anew where the key changes, and every so many milliseconds while the page is looked at.
export function useLoad<T>(key: string, load: (signal: AbortSignal) => Promise<T>, every = 0): Loaded<T> {
  const [state, set] = useState<{ key: string; data?: T; error?: Error; loading: boolean }>({ key, loading: true });
  const [turn, setTurn] = useState(0);
  const work = useRef(load);
  work.current = load;
  useEffect(() => {
    const control = new AbortController();
    set((old) => (old.key === key ? { ...old, loading: true } : { key, loading: true }));
    work.current(control.signal).then(
      (data) => { if (!control.signal.aborted) set({ key, data, loading: false }); },
      (error: Error) => { if (!control.signal.aborted) set((old) => ({ key, data: old.data, error, loading: false })); },
    );
    return () => control.abort();
  }, [key, turn]);
  const reload = useCallback(() => setTurn((n) => n + 1), []);
  useEffect(() => {
    if (!every) return undefined;
    const timer = setInterval(() => { if (!document.hidden) reload(); }, every);
    const shown = () => { if (!document.hidden) reload(); };
    document.addEventListener('visibilitychange', shown);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', shown);
    };
  }, [every, reload]);
  return { ...(state.key === key ? state : { loading: true }), reload };
}

// The time, told anew every second while a view says how long ago something was.
export function useNow(every = 1000): number {
  const [now, set] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => set(Date.now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}
