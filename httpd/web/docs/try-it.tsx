// A route, tried with the key of the page's session: its parameters and body filled in, its curl, and what was answered.
import { useEffect, useState } from 'preact/hooks';
import type { MetricPage, Profile } from '../types';
import { api, Digits, parse } from '../app/api';
import { useForm } from '../app/form';
import { useLoad } from '../app/load';
import { Copy, Failure, Skeleton } from '../app/parts';
import { session } from '../app/session';
import { SignInForm } from '../views/sign-in';
import { follow, isNeeded, type Parameter, type Route, type Schema } from './document';
import { bodyText, curlOf, isList, missing, send, type Filled, type Told } from './request';

// With every digit of every number.
function pretty(value: unknown, indent = ''): string {
  if (value instanceof Digits) return value.text;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const deeper = `${indent}  `;
  const parts = Array.isArray(value) ? value.map((one) => deeper + pretty(one, deeper)) : Object.entries(value).map(([name, one]) => `${deeper}${JSON.stringify(name)}: ${pretty(one, deeper)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return parts.length ? `${open}\n${parts.join(',\n')}\n${indent}${close}` : `${open}${close}`;
}

function shown(text: string): string {
  try {
    return pretty(parse(text));
  } catch {
    return text;
  }
}

// Other names of a parameter that has a field already have none.
const asked = (route: Route): Parameter[] => route.parameters.filter((one) => !/^Another name of/.test(one.description ?? ''));

const takesMetric = (parameter: Parameter): boolean => parameter.schema.$ref?.endsWith('/MetricReference') || parameter.name === 'metric';

function Input({ parameter, value, set, wrong }: { parameter: Parameter; value: string; set: (value: string) => void; wrong: boolean }) {
  const id = `try-${parameter.name}`;
  const schema = follow<Schema>(parameter.schema);
  const example = parameter.style === 'deepObject' ? 'region=eu' : Array.isArray(parameter.example) ? parameter.example[0] : parameter.example;
  const common = { id, 'aria-invalid': wrong ? true : undefined, placeholder: example === undefined ? undefined : `such as ${example}` };
  return (
    <div class={`field${wrong ? ' wrong' : ''}`}>
      <label for={id}>{parameter.name}{isNeeded(parameter) && ', needed'}</label>
      {schema.enum ? (
        <select {...common} value={value} onChange={(event) => set(event.currentTarget.value)}>
          <option value="">{schema.default === undefined ? '' : `${schema.default}, by default`}</option>
          {schema.enum.map((one) => <option key={String(one)} value={String(one)}>{String(one)}</option>)}
        </select>
      ) : isList(parameter)
        ? <textarea {...common} rows={2} value={value} aria-describedby={`${id}-hint`} onInput={(event) => set(event.currentTarget.value)} />
        : <input {...common} value={value} autocomplete="off" spellcheck={false} list={takesMetric(parameter) ? 'metrics' : undefined} onInput={(event) => set(event.currentTarget.value)} />}
      {isList(parameter) && <p class="hint" id={`${id}-hint`}>A line for each.</p>}
      {wrong && <p class="hint" role="alert">{parameter.name} is needed.</p>}
    </div>
  );
}

function useProfile(): Profile | undefined {
  const [, turn] = useState(0);
  const { key } = session;
  useEffect(() => session.listen(() => turn((n) => n + 1)), []);
  useEffect(() => {
    if (!key || session.profile) return;
    void api.get<Profile>('/api/v1/profile').then((profile) => {
      session.profile = profile;
      turn((n) => n + 1);
    }, () => undefined);
  }, [key]);
  return session.profile;
}

// The example of a body, with the product family that the key's tenant has.
const exampleFor = (route: Route, type: string, profile: Profile | undefined): string =>
  bodyText(type, route.body?.content[type]).replace(/\bpf_\w+/g, (one) => profile?.default_product_family_id ?? one);

export function TryIt({ route }: { route: Route }) {
  const profile = useProfile();
  return session.key && !profile ? <Skeleton rows={3} /> : <Filling key={profile?.id} route={route} profile={profile} />;
}

function Filling({ route, profile }: { route: Route; profile: Profile | undefined }) {
  const contents = Object.keys(route.body?.content ?? {});
  const { fields: filled, put: fill } = useForm<Filled>(() => ({ values: {}, type: contents[0] ?? '', body: exampleFor(route, contents[0] ?? '', profile) }), 'try');
  const [told, tell] = useState<Told>();
  const [error, setError] = useState<Error>();
  const [lacks, setLacks] = useState<string>();
  const [busy, setBusy] = useState(false);
  const allowed = !route.scope || !profile || session.may(route.scope);
  const run = async (event: Event) => {
    event.preventDefault();
    const hole = missing(route, filled);
    setLacks(hole?.name);
    if (hole) {
      document.getElementById(`try-${hole.name}`)?.focus();
      return;
    }
    setBusy(true);
    setError(undefined);
    try {
      tell(await send(route, filled));
    } catch (problem) {
      setError(problem as Error);
    }
    setBusy(false);
  };
  return (
    <section class="card try" aria-label="Try it">
      <div class="toolbar inline"><h2>Try it</h2>{profile && <span class="soft">{profile.name} <span class={`badge ${profile.mode}`}>{profile.mode}</span></span>}</div>
      {route.scope && !session.key ? <>{session.why && <p class="notice" role="status">{session.why}</p>}<p class="soft">Sign in to send it; the curl below works without.</p><SignInForm /></> : (
        <form class="form" onSubmit={run}>
          <div class="asked">{asked(route).map((one) => <Input key={one.name} parameter={one} value={filled.values[one.name] ?? ''} wrong={lacks === one.name} set={(value) => fill({ ...filled, values: { ...filled.values, [one.name]: value } })} />)}</div>
          {route.parameters.some(takesMetric) && profile && <MetricNames />}
          {contents.length > 1 && (
            <div class="field"><label for="try-type">Content-Type</label>
              <select id="try-type" value={filled.type} onChange={(event) => { const type = event.currentTarget.value; fill({ ...filled, type, body: exampleFor(route, type, profile) }); }}>
                {contents.map((one) => <option key={one}>{one}</option>)}
              </select>
            </div>
          )}
          {route.body && (
            <div class="field"><label for="try-body">Body</label>
              <textarea id="try-body" rows={Math.min(16, filled.body.split('\n').length + 1)} spellcheck={false} value={filled.body} onInput={(event) => fill({ ...filled, body: event.currentTarget.value })} />
            </div>
          )}
          {!allowed && <p class="notice">This key has no scope {route.scope}.</p>}
          {route.method !== 'GET' && allowed && profile && <p class="soft">It is sent for real: to the {profile.mode} tenant {profile.name}.</p>}
          <button type="submit" class="primary" disabled={busy || !allowed}>{busy ? 'Sending…' : `Send ${route.method}`}</button>
        </form>
      )}
      {error && <Failure error={error} />}
      {told && <Answered told={told} />}
      <div class="toolbar inline curl"><h3>curl</h3><Copy label="Copy" text={() => curlOf(route, filled)} /></div>
      <pre tabIndex={0} class="curl-text">{curlOf(route, filled)}</pre>
    </section>
  );
}

function Answered({ told }: { told: Told }) {
  return (
    <div class="answered" role="status">
      <p><span class={`badge ${told.status < 400 ? 'good' : 'bad'}`}>{told.status}</span> <span class="soft">in {Math.round(told.took)} ms</span></p>
      <dl class="soft headers">{told.headers.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
      {told.text && <pre tabIndex={0} class="answer-text">{shown(told.text)}</pre>}
      {told.cut && <p class="soft">The rest of the answer is left out here.</p>}
    </div>
  );
}

function MetricNames() {
  const loaded = useLoad('metrics', (signal) => api.get<MetricPage>('/api/v1/metrics', { per_page: 100 }, signal));
  return <datalist id="metrics">{loaded.data?.data.map((metric) => <option key={metric.id} value={metric.slug ?? metric.id}>{metric.name}</option>)}</datalist>;
}
