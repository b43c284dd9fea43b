// Overview: is what should come coming, and does somebody count it.
import { useEffect, useMemo } from 'preact/hooks';
import type { MetricPage, MetricSummary, Overview as Answer, Profile, StoredEvent, Usage } from '../types';
import { api, inTurn } from '../app/api';
import { Chart } from '../app/chart';
import { ago, bytes, count, dateIn, day, ownZone, plural } from '../app/format';
import { useLoad, useNow } from '../app/load';
import { Ago, Bar, Empty, Head, When } from '../app/parts';
import { rangeOf, upTo } from '../app/ranges';
import { href } from '../app/route';
import { session } from '../app/session';

interface Loaded {
  overview: Answer;
  profile: Profile;
  counters: Record<string, number>;
  metrics: MetricPage;
}

// tallyd's own counters: of all tenants, since it started.
function countersOf(text: string): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [, name, value] of text.matchAll(/^tallyd_events_total\{[^}]*"(\w+)"\} (\d+)$/gm)) found[name!] = Number(value);
  return found;
}

export const overviewAsks = ['/api/v1/overview', '/metrics', '/api/v1/metrics?per_page=1'];

async function load(signal: AbortSignal): Promise<Loaded> {
  const [overview, profile, counters, metrics] = await Promise.all([
    api.get<Answer>('/api/v1/overview', {}, signal),
    // Where it has just been read it is not read again.
    performance.now() - session.since < 1000 ? session.profile! : api.get<Profile>('/api/v1/profile', {}, signal),
    api.text('/metrics').then(countersOf, () => ({})),
    api.get<MetricPage>('/api/v1/metrics', { per_page: 1 }, signal),
  ]);
  return { overview, profile, counters, metrics };
}

export function Overview() {
  const loaded = useLoad('overview', load, 10000);
  return (
    <>
      <Head title="Overview" />
      <When loaded={loaded} rows={6}>{(data) => <Contents {...data} />}</When>
    </>
  );
}

function Contents({ overview, profile, counters, metrics }: Loaded) {
  const now = useNow();
  const zone = ownZone();
  useEffect(() => { performance.measure('overview', { start: 0, end: performance.now() }); }, []);
  const { storage, newest_event: newest } = overview;
  const today = dateIn(now, zone);
  const ofToday = overview.hours.filter((hour) => dateIn(Date.parse(hour.start), zone) === today).reduce((sum, hour) => sum + hour.events, 0);
  const limit = profile.limits.events_per_month;
  const unread = overview.codes.filter((code) => code.metrics === 0);
  if (!newest) return <First metrics={metrics.pagination_meta.total_items} />;
  return (
    <>
      <section class="cards four" aria-label="Figures">
        <div class="card figure">
          <h2>Events today</h2>
          <p class="big">{count(ofToday)}</p>
          <p class="soft">by their own time, in {zone.replace('_', ' ')}</p>
        </div>
        <div class="card figure">
          <h2>Accepted this month</h2>
          <p class="big">{count(profile.usage.events)}</p>
          {limit === null ? <p class="soft">without a limit</p> : <><p class="soft">of {count(limit)}</p><Bar part={profile.usage.events} of={limit} label="Events of this month's limit" /></>}
        </div>
        <div class="card figure">
          <h2>Newest event</h2>
          <p class="big">{ago(newest.timestamp, now)}</p>
          <p class="soft">
            <a href={href(['events', newest.event_id], { customer: newest.customer_id || undefined, source: newest.source || undefined })}>{newest.code}</a>
            {newest.customer_id && <> of {newest.customer_id}</>}, received <Ago time={newest.received_at} />
          </p>
        </div>
        <div class="card figure">
          <h2>Metrics in use</h2>
          <p class="big">{count(metrics.pagination_meta.total_items)}</p>
          <p class="soft">{plural(overview.codes.length, 'event code')}</p>
        </div>
      </section>
      <Hours overview={overview} zone={zone} />
      <div class="columns">
        <section class="card">
          <h2>Codes that no metric reads</h2>
          {unread.length === 0 ? <p class="soft good">Every code that came is read by a metric.</p> : (
            <ul class="plain">
              {unread.slice(0, 12).map((code) => (
                <li key={code.code}>
                  <a href={href(['events'], { code: code.code })}><code>{code.code}</code></a> <span class="soft">last <Ago time={code.last_event} /></span>
                  {session.may('write') && <a class="right" href={href(['metrics'], { new: '1', code: code.code })}>Create a metric</a>}
                </li>
              ))}
              {unread.length > 12 && <li class="soft">and {unread.length - 12} more</li>}
            </ul>
          )}
        </section>
        <section class="card">
          <h2>All tenants, since this server started</h2>
          <dl class="pairs">
            <dt>Accepted</dt><dd>{count(counters.accepted ?? 0)}</dd>
            <dt>Duplicates, counted once</dt><dd>{count(counters.duplicate ?? 0)}</dd>
            <dt>Conflicts, the first one stands</dt><dd>{count(counters.conflict ?? 0)}</dd>
            <dt>Refused</dt><dd>{count(counters.rejected ?? 0)}</dd>
          </dl>
          <h3 class="over-list">{profile.name}</h3>
          <Skipped />
        </section>
        <section class="card">
          <h2>Storage</h2>
          <p>{plural(storage.recent_events, 'recent event')} in rows, {plural(storage.packed_events, 'event')} packed into {plural(storage.segments, 'segment')}.</p>
          <p class="soft">{storage.packed_events > 0 ? `Packed ones take ${bytes(storage.packed_bytes)}: ${(storage.packed_bytes / storage.packed_events).toFixed(1)} bytes an event.` : 'Packing moves events into columns when there are enough of them.'}</p>
        </section>
      </div>
    </>
  );
}

// Events of this month that a metric reads and could not use.
function Skipped() {
  const range = rangeOf('month', 'UTC');
  const skipped = useLoad('skipped', async (signal) => {
    const metrics = await api.all<MetricSummary>('/api/v1/metrics', {}, signal);
    return Promise.all(metrics.map((metric) => inTurn(() => api.get<Usage>(`/api/v1/metrics/${metric.id}/usage`, { from: range.from, to: range.to }, signal))
      .then((usage) => ({ metric, skipped: usage.total.skipped }), () => ({ metric, skipped: -1 }))));
  });
  if (!skipped.data) return null;
  const links = (all: typeof skipped.data) => all.map((one, n) => <>{n > 0 && ', '}<a href={href(['metrics', one.metric.id])}>{one.metric.name}</a>{one.skipped > 0 && ` ${count(one.skipped)}`}</>);
  const found = skipped.data.filter((one) => one.skipped > 0);
  const unknown = skipped.data.filter((one) => one.skipped < 0);
  return (
    <p class="soft">
      {found.length > 0 ? <>Skipped this month, for want of a value that the metric can use: {links(found)}.</> : unknown.length === 0 && 'No metric skipped an event of this month.'}
      {unknown.length > 0 && <span class="warn"> Not known of {links(unknown)}: they could not be read.</span>}
    </p>
  );
}

function Hours(props: { overview: Answer; zone: string }) {
  const newest = props.overview.hours.at(-1)?.start ?? '';
  const total = props.overview.hours.reduce((sum, hour) => sum + hour.events, 0);
  const [times, series] = useMemo(() => {
    const known = new Map(props.overview.hours.map((hour) => [Date.parse(hour.start) / 1000, hour.events]));
    const end = Math.floor(Date.now() / 3600000) * 3600;
    const all = Array.from({ length: 168 }, (_, n) => end - (167 - n) * 3600);
    return [all, [{ name: 'Events', values: all.map((time) => known.get(time) ?? 0) }]];
  }, [newest, total]);
  return (
    <section class="card">
      <h2>Events an hour, last 7 days <span class="soft right">{plural(total, 'event')}</span></h2>
      {total === 0
        ? <Empty title="Nothing happened in the last 7 days"><Older newest={props.overview.newest_event!} zone={props.zone} /></Empty>
        : <Chart times={times} series={series} kind="bars" zone={props.zone} height={220} label={`Events an hour of the last 7 days, ${total} in all`} />}
    </section>
  );
}

// The way to where there is something to see.
function Older({ newest, zone }: { newest: StoredEvent; zone: string }) {
  const metrics = useLoad(newest.code, (signal) => api.get<MetricPage>('/api/v1/metrics', { search: newest.code }, signal));
  const metric = metrics.data?.data.find((one) => one.code === newest.code);
  return (
    <>
      The newest event is of {day(newest.timestamp, zone)}.{' '}
      {metric ? <a href={href(['metrics', metric.id], { range: 'own', ...upTo(newest.timestamp, zone) })}>The 30 days up to it in {metric.name}</a> : <a href={href(['events'])}>To the events</a>}
    </>
  );
}

function First(props: { metrics: number }) {
  const example = `curl ${location.origin}/api/v1/events/ingest -H "Authorization: Bearer $KEY" \\
  -H 'Content-Type: application/json' -d '{"events": [{"event_id": "1",
  "code": "api_call", "customer_id": "ann", "properties": {"bytes": 1500}}]}'`;
  return (
    <section class="card">
      <Empty title="No event has come yet">{!session.may('write') ? 'This key may only read: a key with the scope write makes metrics and sends events.' : (
        <ol class="steps">
          <li>{props.metrics > 0 ? <>There are <a href={href(['metrics'])}>metrics</a>.</> : <a href={href(['metrics'], { new: '1' })}>Create a metric</a>} A metric says which events count, and how.</li>
          <li>Send an event: <pre>{example}</pre></li>
          <li>Read its usage in the metric, a moment later.</li>
        </ol>
      )}</Empty>
    </section>
  );
}
