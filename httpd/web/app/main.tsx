// The page: signs in, then shows the view that the address names.
import { render } from 'preact';
import { useEffect, useErrorBoundary, useState } from 'preact/hooks';
import type { Profile } from '../types';
import { Customer } from '../views/customer';
import { Customers } from '../views/customers';
import { EventPage } from '../views/event';
import { Events } from '../views/events';
import { Imports } from '../views/imports';
import { Keys } from '../views/keys';
import { MetricView } from '../views/metric';
import { Metrics } from '../views/metrics';
import { Overview, overviewAsks } from '../views/overview';
import { SignIn } from '../views/sign-in';
import { Statements } from '../views/statements';
import { StatementView } from '../views/statement';
import { api, begin } from './api';
import { Empty, Failure, Skeleton } from './parts';
import { href, readRoute, useRoute, type Route } from './route';
import { session } from './session';
import { Shell } from './shell';

// A view that fails takes nothing else with it: the next address shows what it names.
function Guarded({ route }: { route: Route }) {
  const [error, reset] = useErrorBoundary() as [Error | undefined, () => void];
  useEffect(reset, [route]);
  return error ? <Failure error={new Error(`This view failed: ${error.message}.`)} retry={reset} /> : <View route={route} />;
}

function View(props: { route: Route }) {
  const { route } = props;
  const [place = '', id, more] = route.path;
  if (more === undefined || place === 'events') {
    switch (place) {
      case '': return <Overview />;
      case 'metrics': return id ? <MetricView key={id} id={id} route={route} /> : <Metrics route={route} />;
      case 'events': return id !== undefined ? <EventPage id={id} route={route} /> : <Events route={route} />;
      case 'customers': return id !== undefined ? <Customer key={id} id={id} route={route} /> : <Customers route={route} />;
      case 'imports': return <Imports route={route} />;
      case 'statements': return id !== undefined ? <StatementView key={id} id={id} route={route} /> : <Statements route={route} />;
      case 'keys': return <Keys route={route} />;
    }
  }
  return <Empty title="There is no such view"><a href={href([])}>To the overview</a></Empty>;
}

function Page() {
  const route = useRoute();
  const [turn, setTurn] = useState(0);
  const [error, setError] = useState<Error>();
  useEffect(() => session.listen(() => setTurn((n) => n + 1)), []);
  const load = () => {
    setError(undefined);
    api.get<Profile>('/api/v1/profile').then((profile) => {
      session.profile = profile;
      session.since = performance.now();
      setTurn((n) => n + 1);
    }, setError);
  };
  const key = session.key;
  useEffect(() => {
    if (key && !session.profile) load();
  }, [key]);
  if (!session.key) return <SignIn />;
  if (error) {
    return (
      <div class="alone">
        <Failure error={error} retry={load} />
        <button type="button" onClick={() => session.end()}>Sign in with another key</button>
      </div>
    );
  }
  return <Shell key={key} route={route}>{session.profile ? <Guarded key={turn} route={route} /> : <Skeleton rows={6} />}</Shell>;
}

// #code=...: what `make run` prints. It leaves the address, and the history, before anything else is done with it.
async function exchangeCode(): Promise<void> {
  const code = /^#code=([0-9a-fA-F]+)$/.exec(location.hash)?.[1];
  if (!code) return;
  history.replaceState(null, '', '#/');
  try {
    const response = await fetch('/page/sign-in', {
      method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ code }), credentials: 'omit',
    });
    const answer = await response.json();
    if (response.ok) {
      if (answer.key !== session.key) session.begin(answer.key);
    }
    else if (!session.key) session.end(`The address that you opened signs in once: ${answer.message}. Paste the key instead; make run keeps it in .run/api-key.`);
  } catch {
    if (!session.key) session.end('The server cannot be reached.');
  }
}

// Into the address of a tab that shows the page already, too.
addEventListener('hashchange', () => void exchangeCode());
void exchangeCode().then(() => {
  // Nothing of the first view waits for the answer to who looks.
  if (session.key) begin('/api/v1/profile', ...(readRoute().path.length === 0 ? overviewAsks : []));
  const place = document.getElementById('app')!;
  place.replaceChildren();
  render(<Page />, place);
});
