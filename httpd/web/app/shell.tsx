// What is around every view: tenant and mode, which are always in sight, and the way to the views. Before the server has said
// who looks, it stands there without them.
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { href, type Route } from './route';
import { session } from './session';

const places: Array<[string, string]> = [
  ['', 'Overview'], ['metrics', 'Metrics'], ['events', 'Events'], ['customers', 'Customers'], ['imports', 'Imports'], ['statements', 'Statements'],
  ['keys', 'Keys and limits'],
];

export function Shell(props: { route: Route; children: ComponentChildren }) {
  const { profile } = session;
  const here = props.route.path[0] ?? '';
  const name = places.find(([path]) => path === here)?.[1] ?? 'Not found';
  useEffect(() => {
    if (profile) document.title = `${name} · ${profile.name} · pgtally`;
  }, [name, profile?.name]);
  // On a narrow window the way to it may be scrolled out of sight.
  useEffect(() => document.querySelector('nav [aria-current]')?.scrollIntoView({ block: 'nearest' }), [here]);
  return (
    <div class="shell">
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById('main')?.focus(); }}>Skip to content</a>
      <aside>
        <div class="brand"><img src="/page/icon.svg" alt="" width="22" height="22" />pgtally</div>
        {profile && (
          <div class="tenant">
            <span class="name" title={profile.id}>{profile.name}</span>
            <span class={`badge ${profile.mode}`}>{profile.mode}</span>
          </div>
        )}
        <nav aria-label="Views">
          {places.map(([path, label]) => (
            <a key={path} href={href(path ? [path] : [])} aria-current={path === here ? 'page' : undefined}>{label}</a>
          ))}
          <a href="/docs">API</a>
        </nav>
        {profile && (
          <div class="who">
            <span title={profile.key.id}>Key: {profile.key.name}</span>
            <span class="scopes">{profile.key.scopes.join(', ')}</span>
            <button type="button" class="quiet" onClick={() => session.end()}>Sign out</button>
          </div>
        )}
      </aside>
      <main id="main" tabIndex={-1}>{props.children}</main>
    </div>
  );
}
