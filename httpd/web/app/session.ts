// Who looks: the key, kept for this browser tab's session alone, and what the server says of it.
import type { Profile } from '../types';

const place = 'pgtally-key';
let key = read();
let why = '';                       // why somebody was signed out, for the sign-in view
const listeners = new Set<() => void>();

function read(): string {
  try {
    return sessionStorage.getItem(place) ?? '';
  } catch {
    return '';                      // storage is forbidden: the key lives as long as the page
  }
}

export const session = {
  get key() { return key; },
  get why() { return why; },
  profile: undefined as Profile | undefined,
  since: 0,                         // when the profile was read

  begin(given: string): void {
    key = given;
    why = '';
    session.profile = undefined;
    try {
      sessionStorage.setItem(place, given);
    } catch { /* see above */ }
    tell();
  },

  end(reason = ''): void {
    key = '';
    why = reason;
    session.profile = undefined;
    try {
      sessionStorage.clear();
    } catch { /* see above */ }
    tell();
  },

  may(scope: 'read' | 'write' | 'admin'): boolean {
    const scopes = session.profile?.key.scopes ?? [];
    return scopes.includes(scope) || scopes.includes('admin');
  },

  listen(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

function tell(): void {
  for (const listener of listeners) listener();
}
