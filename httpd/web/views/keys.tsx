// Keys and limits: who may do what, and how much of it is used up.
import { useState } from 'preact/hooks';
import type { Key, KeyCreated, Limits, MonthUsage, Profile } from '../types';
import { api, ApiError } from '../app/api';
import { useForm } from '../app/form';
import { count, day, moment } from '../app/format';
import { useLoad } from '../app/load';
import { Ago, Bar, Confirm, Copy, Dialog, Failure, Field, Head, Pages, When } from '../app/parts';
import { change, pageOf, type Route } from '../app/route';
import { session } from '../app/session';

export function Keys({ route }: { route: Route }) {
  const admin = session.may('admin');
  const profile = useLoad('profile', (signal) => api.get<Profile>('/api/v1/profile', {}, signal), 10000);
  const keys = useLoad('keys', async (signal) => (admin ? (await api.all<Key>('/api/v1/keys', {}, signal)).reverse() : undefined));
  // It is in no address: opened afresh it is gone.
  const [made, setMade] = useState<KeyCreated>();
  const done = (key: KeyCreated) => {
    setMade(key);
    change({ new: undefined, draft: undefined }, true);
    keys.reload();
  };
  return (
    <>
      <Head title="Keys and limits">{admin && <button type="button" class="primary" onClick={() => change({ new: '1' })}>Make a key</button>}</Head>
      <When loaded={profile} rows={3}>{(data) => (
        <section class="cards two" aria-label="Limits">
          <LimitCard title={`Tenant ${data.name}`} limits={data.limits} usage={data.usage} />
          <LimitCard title={`This key, ${data.key.name}`} limits={data.key.limits} usage={data.key.usage} />
        </section>
      )}</When>
      <p class="soft">Limits are set in SQL, by <code>tally.set_limits</code>. Months are those of UTC.</p>
      {admin
        ? <When loaded={keys} rows={4}>{(all) => all && <Table keys={all} page={pageOf(route)} revoke={route.get('revoke')} reload={keys.reload} own={session.profile!.key.id} />}</When>
        : <p class="notice">This key may not see or make keys: that takes the scope admin.</p>}
      {admin && route.get('new') === '1' && <Make close={() => change({ new: undefined, draft: undefined })} done={done} />}
      {made && <Made made={made} close={() => setMade(undefined)} />}
    </>
  );
}

function LimitCard(props: { title: string; limits: Limits; usage: MonthUsage }) {
  const { limits, usage } = props;
  return (
    <div class="card">
      <h2>{props.title}</h2>
      <dl class="pairs">
        <dt>Events in {usage.month}</dt><dd>{count(usage.events)}{limits.events_per_month === null ? ', no limit' : ` of ${count(limits.events_per_month)}`}</dd>
        <dt>Requests a second</dt><dd>{limits.requests_per_second === null ? 'no limit' : `${count(limits.requests_per_second)}, ${count(limits.burst ?? 0)} at once`}</dd>
      </dl>
      {limits.events_per_month !== null && <Bar part={usage.events} of={limits.events_per_month} label="Used of this month's events" />}
    </div>
  );
}

const perPage = 20;

// Newest first.
function Table(props: { keys: Key[]; page: number; revoke: string; reload: () => void; own: string }) {
  const revoking = props.keys.find((key) => key.id === props.revoke && !key.revoked_at);
  return (
    <Pages page={props.page} pages={Math.ceil(props.keys.length / perPage)}>
      <div class="scroll card flush" tabIndex={0} role="region" aria-label="Keys">
        <table>
          <thead><tr><th>Name</th><th>Key</th><th>Scopes</th><th>Made</th><th>Last used</th><th>State</th><th><span class="sr">Actions</span></th></tr></thead>
          <tbody>
            {props.keys.slice(props.page * perPage, (props.page + 1) * perPage).map((key) => {
              const expired = key.expires_at && Date.parse(key.expires_at) <= Date.now();
              return (
                <tr key={key.id} class={key.revoked_at || expired ? 'faded' : undefined}>
                  <th scope="row">{key.name}{key.id === props.own && <span class="badge">this one</span>}</th>
                  <td><code>{key.hint}</code></td>
                  <td>{key.scopes.join(', ')}</td>
                  <td class="nowrap"><time dateTime={key.created_at} title={moment(key.created_at)}>{day(key.created_at)}</time></td>
                  <td class="nowrap">{key.last_used_at ? <Ago time={key.last_used_at} /> : 'never'}</td>
                  <td class="nowrap">{key.revoked_at ? <>revoked <Ago time={key.revoked_at} /></> : expired ? 'expired' : key.expires_at ? `until ${day(key.expires_at)}` : 'valid'}</td>
                  <td class="right">{!key.revoked_at && <button type="button" class="quiet" onClick={() => change({ revoke: key.id })}>Revoke</button>}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
        {revoking && (
          <Confirm title={`Revoke ${revoking.name}?`} action="Revoke" close={() => change({ revoke: undefined })}
            text={<>It is refused from the next request on, everywhere, and cannot be taken back. {revoking.id === props.own && <strong>It is the key that you are signed in with.</strong>}</>}
            run={async () => { await api.remove(`/api/v1/keys/${revoking.id}`); props.reload(); }} />
        )}
      </div>
    </Pages>
  );
}

function Made({ made, close }: { made: KeyCreated; close: () => void }) {
  return (
    <Dialog title={`The key ${made.name}`} close={close}>
      <p>This is shown once: copy it now. Only a hash of it is stored.</p>
      <pre class="secret" tabIndex={0}>{made.secret}</pre>
      <footer><Copy label="Copy the key" text={() => made.secret} /><button type="button" class="primary" onClick={close}>Done</button></footer>
    </Dialog>
  );
}

function Make(props: { close: () => void; done: (made: KeyCreated) => void }) {
  const form = useForm(() => ({ name: '', scopes: ['read', 'write'], expires_at: '' }));
  const { name, scopes, expires_at: expiry } = form.fields;
  const set = (fields: Partial<typeof form.fields>) => form.put({ ...form.fields, ...fields });
  const [error, setError] = useState<ApiError>();
  const submit = async (event: Event) => {
    event.preventDefault();
    setError(undefined);
    try {
      props.done(await api.post<KeyCreated>('/api/v1/keys', { name, scopes, ...(expiry ? { expires_at: `${expiry}T00:00:00Z` } : {}) }));
    } catch (problem) {
      setError(problem as ApiError);
    }
  };
  return (
    <Dialog title="Make a key" close={props.close}>
      <form onSubmit={submit} class="form">
        <Field label="Name" name="name" value={name} error={error} onInput={(event) => set({ name: event.currentTarget.value })} required maxLength={100} autofocus hint="What it is for." />
        <fieldset>
          <legend>Scopes</legend>
          {[['read', 'look at everything'], ['write', 'send events, make metrics'], ['admin', 'keys, and all the rest']].map(([scope, text]) => (
            <label class="check" key={scope}><input type="checkbox" checked={scopes.includes(scope!)} onChange={(event) => set({ scopes: event.currentTarget.checked ? [...scopes, scope!] : scopes.filter((one) => one !== scope) })} /><strong>{scope}</strong> {text}</label>
          ))}
          {error?.field === 'scopes' && <p class="hint bad" role="alert">{error.message}</p>}
        </fieldset>
        <Field label="Expires" name="expires_at" type="date" value={expiry} error={error} onInput={(event) => set({ expires_at: event.currentTarget.value })} hint="Empty: never." />
        {error && !['name', 'scopes', 'expires_at'].includes(error.field ?? '') && <Failure error={error} />}
        <footer><button type="button" onClick={props.close}>Cancel</button><button type="submit" class="primary" disabled={!name || scopes.length === 0}>Make it</button></footer>
      </form>
    </Dialog>
  );
}
