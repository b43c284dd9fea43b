// Imports: a file of old events is dropped, and sent in pieces that are acknowledged one by one.
import { useEffect, useState } from 'preact/hooks';
import type { Import, ImportPage, LineFailure, LineFailurePage } from '../types';
import { api } from '../app/api';
import { useTyped } from '../app/form';
import { bytes, count, duration, moment, plural } from '../app/format';
import { useLoad } from '../app/load';
import { Confirm, Dialog, Empty, Failure, Head, Pages, When } from '../app/parts';
import { change, href, pageOf, type Route } from '../app/route';
import { session } from '../app/session';
import { goOn, parts, stop, upload, useUpload, type Progress } from '../app/upload';

export function Imports({ route }: { route: Route }) {
  const page = pageOf(route);
  const loaded = useLoad(`imports ${page}`, (signal) => api.get<ImportPage>('/api/v1/imports', { page, per_page: 20 }, signal), 10000);
  const progress = useUpload();
  const sending = progress?.ended ? undefined : progress?.id;
  return (
    <>
      <Head title="Imports" />
      {session.may('write') ? <Drop done={loaded.reload} /> : <p class="notice">This key may not import files: that takes the scope write.</p>}
      <When loaded={loaded} rows={4}>{(data) => (data.pagination_meta.total_items === 0
        ? <Empty title="Nothing was imported yet">A file of old events, CSV or NDJSON, becomes one import, which can be taken back as a whole.</Empty>
        : (
          <Pages page={page} pages={data.pagination_meta.total_pages}>
            <Table imports={data.data} sending={sending} take={route.get('take')} page={route.get('page')} reload={loaded.reload} />
          </Pages>
        ))}</When>
      {route.get('import') && <Shown id={route.get('import')} />}
    </>
  );
}

function stateOf(one: Import, sending?: string) {
  if (one.voided) return <span title={moment(one.voided.at)}>taken back: {one.voided.reason}</span>;
  if (one.id === sending) return 'is being sent';
  if (parts().includes(one.id)) return <span class="warn" title="The file was not sent to its end">a part of its file</span>;
  return one.accepted ? 'counts' : 'nothing to count';
}

// One import, of whatever page.
function Shown({ id }: { id: string }) {
  const path = `/api/v1/imports/${encodeURIComponent(id)}`;
  const loaded = useLoad(id, (signal) => api.get<Import>(path, {}, signal), 10000);
  const failures = loaded.data?.failures ?? 0;
  const lines = useLoad(`${id} ${failures}`, async (signal) => (failures > 0 ? (await api.get<LineFailurePage>(`${path}/failures`, { per_page: 100 }, signal)).data : []));
  return (
    <Dialog title={loaded.data?.name ?? 'Import'} close={() => change({ import: undefined })}>
      <When loaded={loaded} rows={4}>{(one) => (
        <dl class="pairs wide">
          <dt>Id</dt><dd><code>{one.id}</code></dd>
          <dt>Begun</dt><dd>{moment(one.created_at)}</dd>
          <dt>Last line</dt><dd>{moment(one.updated_at)}</dd>
          <dt>Stored</dt><dd>{plural(one.accepted, 'event')}{(one.unmatched ?? 0) > 0 && <span class="warn">, {count(one.unmatched ?? 0)} of them with a code that no metric reads</span>}</dd>
          <dt>Duplicates</dt><dd>{count(one.duplicates)}</dd>
          <dt>Refused</dt><dd class={one.failures ? 'bad' : ''}>{plural(one.failures, 'line')}</dd>
          <dt>State</dt><dd>{stateOf(one)}</dd>
        </dl>
      )}</When>
      {failures > 0 && <When loaded={lines}>{(refused) => <Refused failures={refused} of={failures} open />}</When>}
    </Dialog>
  );
}

function Drop(props: { done: () => void }) {
  const progress = useUpload();
  const [over, setOver] = useState(false);
  const busy = progress && !progress.ended;
  const send = (file: File | undefined) => { if (file && !busy) void upload(file); };
  // The list tells of it as soon as it begins and ends.
  useEffect(props.done, [progress?.id, busy]);
  return (
    <section class="card">
      <div class={`drop${over ? ' over' : ''}`} onDragOver={(event) => { event.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)}
        onDrop={(event) => { event.preventDefault(); setOver(false); send(event.dataTransfer?.files[0]); }}>
        <p><strong>Drop a file of events here</strong>, CSV or NDJSON, of any size.</p>
        <p class="soft">CSV has a header: <code>code</code> and <code>customer_id</code>, perhaps <code>event_id</code>, <code>timestamp</code>, <code>source</code>; other columns are properties. Lines that are wholly alike count once where they have no <code>event_id</code>.</p>
        <label class="button">Choose a file<input class="sr" type="file" accept=".csv,.ndjson,.jsonl" disabled={busy} onChange={(event) => { send(event.currentTarget.files?.[0]); event.currentTarget.value = ''; }} /></label>
      </div>
      {progress && <Sent progress={progress} />}
    </section>
  );
}

function Sent({ progress }: { progress: Progress }) {
  const share = progress.size ? progress.sent / progress.size : 1;
  const left = progress.rate > 0 ? (progress.size - progress.sent) / progress.rate : 0;
  return (
    <div class="upload">
      <div class="toolbar inline">
        <strong>{progress.name}</strong>
        {!progress.ended ? <button type="button" onClick={stop}>Stop</button> : progress.error && <button type="button" onClick={() => void goOn()}>Go on</button>}
      </div>
      <div class="bar" role="progressbar" aria-label={`Import of ${progress.name}`} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(share * 100)}>
        <span ref={(node) => { if (node) node.style.width = `${share * 100}%`; }} />
      </div>
      <p class="soft" role="status">
        {bytes(progress.sent)} of {bytes(progress.size)}{progress.rate > 0 && <> · {bytes(progress.rate)}/s · {plural(Math.round(progress.lineRate), 'line')}/s</>}
        {!progress.ended && progress.waiting ? ' · trying again' : !progress.ended && left > 0 && <> · {duration(left)} left</>}{progress.ended && !progress.error && ' · done'}
      </p>
      <p><span class="good">{plural(progress.accepted, 'event')} stored</span>, {plural(progress.duplicates, 'duplicate')}, <span class={progress.failed ? 'bad' : ''}>{plural(progress.failed, 'line')} refused</span></p>
      {progress.error && <><Failure error={progress.error} /><p class="soft">What was stored stays and counts. It can go on from there; sending the whole file again is safe too, nothing counts twice.</p></>}
      {progress.failures.length > 0 && <Refused failures={progress.failures.slice(0, 200)} of={progress.failed} open={progress.ended} />}
    </div>
  );
}

function Refused({ failures, of, open }: { failures: LineFailure[]; of: number; open: boolean }) {
  return (
    <details open={open}>
      <summary>Lines that were refused</summary>
      <ol class="failures">{failures.map((one) => <li key={one.line}><span class="line">line {count(one.line)}</span> {one.field && <code>{one.field}</code>} {one.reason}</li>)}</ol>
      {of > failures.length && <p class="soft">and {count(of - failures.length)} more</p>}
    </details>
  );
}

function Table({ imports, sending, take, page, reload }: { imports: Import[]; sending?: string; take: string; page: string; reload: () => void }) {
  const taking = imports.find((one) => one.id === take && !one.voided && session.may('write'));
  return (
    <div class="scroll card flush" tabIndex={0} role="region" aria-label="Imports">
      <table>
        <thead><tr><th>Name</th><th>Begun</th><th class="right">Stored</th><th class="right">Duplicates</th><th class="right">Refused</th><th>State</th><th><span class="sr">Actions</span></th></tr></thead>
        <tbody>
          {imports.map((one) => (
            <tr key={one.id} class={one.voided ? 'faded' : undefined}>
              <th scope="row"><a title={one.id} href={href(['imports'], { import: one.id, page })}>{one.name ?? one.id}</a></th>
              <td class="nowrap"><time dateTime={one.created_at}>{moment(one.created_at)}</time></td>
              <td class="right number">{count(one.accepted)}</td>
              <td class="right number">{count(one.duplicates)}</td>
              <td class={`right number${one.failures ? ' bad' : ''}`}>{count(one.failures)}</td>
              <td>{stateOf(one, sending)}</td>
              <td class="right">{!one.voided && session.may('write') && one.accepted > 0 && <button type="button" class="quiet" onClick={() => change({ take: one.id })}>Take back</button>}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {taking && <TakeBack one={taking} reload={reload} />}
    </div>
  );
}

function TakeBack({ one, reload }: { one: Import; reload: () => void }) {
  const reason = useTyped('reason');
  return (
    <Confirm title={`Take ${one.name ?? one.id} back?`} action="Take back" close={() => change({ take: undefined, reason: undefined })}
      text={<>Its {plural(one.accepted, 'event')} count no longer. They stay in <a href={href(['events'])}>Events</a>, with the reason; sent again they count again.</>}
      run={async () => { await api.remove(`/api/v1/imports/${one.id}`, { reason: reason.text || undefined }); reload(); }}>
      <div class="field"><label for="f-reason">Reason</label><input id="f-reason" value={reason.text} maxLength={1000} onInput={(event) => reason.type(event.currentTarget.value)} /></div>
    </Confirm>
  );
}
