// Signing in: a key is pasted, and tried before anything is shown.
import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { errorOf } from '../app/api';
import { session } from '../app/session';

async function tryKey(key: string): Promise<void> {
  const response = await fetch('/api/v1/profile', { headers: { Authorization: `Bearer ${key}` }, cache: 'no-store', credentials: 'omit' });
  if (response.ok) return;
  const error = errorOf(response.status, await response.text());
  throw new Error(response.status === 403 ? `${error.message}, and looking at things needs it` : error.message);
}

// The form alone; children: what stands over its field.
export function SignInForm(props: { children?: ComponentChildren }) {
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    const key = input.current!.value.trim();
    if (!key) {
      setError('Paste a key first.');
      return;
    }
    setBusy(true);
    setError('');
    try {
      // What cannot be in a header is no key.
      if (!/^[\x21-\x7e]+$/.test(key)) throw new Error('A key has no blanks and no letters beyond ASCII.');
      await tryKey(key);
      session.begin(key);
    } catch (problem) {
      setError((problem as Error).message);
      setBusy(false);
      input.current?.select();
    }
  };
  return (
    <form onSubmit={submit}>
      {props.children}
      <label for="key">API key</label>
      <input id="key" ref={input} type="password" autocomplete="off" spellcheck={false} autofocus={Boolean(props.children)} placeholder="tally_live_…" aria-invalid={error ? true : undefined} aria-describedby="key-hint" />
      <p id="key-hint" class="hint">{error ? <span role="alert" class="bad">{error}</span> : 'It stays in this browser tab until you sign out or close it, and is sent to this server alone.'}</p>
      <button type="submit" class="primary" disabled={busy}>{busy ? 'Signing in…' : 'Sign in'}</button>
    </form>
  );
}

export function SignIn() {
  return (
    <main class="sign-in">
      <SignInForm>
        <img src="/page/icon.svg" alt="" width="40" height="40" />
        <h1>pgtally</h1>
        <p class="soft">Usage metering inside PostgreSQL. Sign in with an API key of your tenant.</p>
        {session.why && <p class="notice" role="status">{session.why}</p>}
      </SignInForm>
      <p class="soft">How the API works: <a href="/docs">its description</a></p>
    </main>
  );
}
