// Statements: periods that are closed, and the way to each.
import { useState } from 'preact/hooks';
import type { Statement, StatementPage } from '../types';
import { api, ApiError } from '../app/api';
import { inputOf, useForm } from '../app/form';
import { count, day, moment, plural } from '../app/format';
import { useLoad } from '../app/load';
import { Dialog, Empty, Failure, Field, Head, Pages, When } from '../app/parts';
import { rangeOf } from '../app/ranges';
import { change, go, href, pageOf, type Route } from '../app/route';
import { session } from '../app/session';
import { By } from './by';

// Its last day, where it ends at midnight of UTC as it began.
export function periodOf(one: { from: string; to: string }): string {
  if (/T00:00:00.000Z$/.test(one.from) && /T00:00:00.000Z$/.test(one.to)) return `${day(one.from, 'UTC')} to ${day(Date.parse(one.to) - 1, 'UTC')}`;
  return `${moment(one.from, 'UTC')} to ${moment(one.to, 'UTC')}`;
}

export function Statements({ route }: { route: Route }) {
  const page = pageOf(route);
  const loaded = useLoad(`statements ${page}`, (signal) => api.get<StatementPage>('/api/v1/statements', { page, per_page: 20 }, signal));
  const may = session.may('write');
  return (
    <>
      <Head title="Statements">{may && <button type="button" class="primary" onClick={() => change({ new: '1' })}>Close a period</button>}</Head>
      <p class="soft about">A statement says what each customer has used in a period, and never changes. What comes or is corrected later are its adjustments.</p>
      <When loaded={loaded} rows={4}>{(data) => (data.pagination_meta.total_items === 0
        ? <Empty title="No period is closed yet">{!may && 'This key may not close one: that takes the scope write.'}</Empty>
        : (
          <Pages page={page} pages={data.pagination_meta.total_pages}>
            <div class="scroll card flush" tabIndex={0} role="region" aria-label="Statements">
              <table>
                <thead><tr><th>Period, UTC</th><th>Customer</th><th class="right">Lines</th><th>Closed</th><th>By</th><th>State</th></tr></thead>
                <tbody>{data.data.map((one) => (
                  <tr key={one.id} class={one.superseded_by ? 'faded' : ''}>
                    <th scope="row"><a href={href(['statements', one.id])}>{periodOf(one)}</a></th>
                    <td>{one.customer_id ?? <span class="soft">all</span>}</td>
                    <td class="right number">{count(one.lines)}</td>
                    <td class="nowrap">{moment(one.created_at)}</td>
                    <td><By id={one.created_by} /></td>
                    <td>{one.superseded_by ? <span class="badge">superseded</span> : <span class="badge good">stands</span>}</td>
                  </tr>
                ))}</tbody>
              </table>
            </div>
          </Pages>
        ))}</When>
      {may && route.get('new') === '1' && <Close close={() => change({ new: undefined, draft: undefined })} />}
    </>
  );
}

// Those that stand, and have closed a part of a period.
async function standing(from: string, to: string, customer: string | undefined): Promise<Statement[]> {
  const all = await api.all<Statement>('/api/v1/statements', {});
  const at = (time: string) => Date.parse(time);
  return all.filter((one) => !one.superseded_by && at(one.from) < at(to) && at(one.to) > at(from) && (customer ?? one.customer_id) === (one.customer_id ?? customer));
}

// instead: the statement that the new one is to stand in place of.
export function Close({ instead, close }: { instead?: Statement; close: () => void }) {
  const form = useForm(() => (instead ? { from: instead.from, to: instead.to, customer_id: instead.customer_id ?? '' } : { ...rangeOf('last-month', 'UTC'), customer_id: '' }));
  const { fields } = form;
  const [error, setError] = useState<ApiError>();
  const [busy, setBusy] = useState(false);
  const input = inputOf(form, error);
  const [closed, setClosed] = useState<Statement[]>([]);
  const { from, to } = instead ?? fields;
  const customer = instead ? instead.customer_id : fields.customer_id || undefined;
  // None may be superseded but by one of all its days and customers.
  const covered = closed.every((one) => Date.parse(one.from) >= Date.parse(from) && Date.parse(one.to) <= Date.parse(to) && (!customer || one.customer_id === customer));
  const send = async (others: Statement[]) => {
    setBusy(true);
    setError(undefined);
    setClosed([]);
    try {
      const supersedes = [...new Set([...instead ? [instead] : [], ...others].map((one) => one.id))];
      const made = await api.post<Statement>('/api/v1/statements', { from, to, customer_id: customer, supersedes: supersedes.length ? supersedes : undefined });
      go(['statements', made.id], {}, true);
    } catch (problem) {
      const told = problem as ApiError;
      if (told.status === 409) setClosed(await standing(from, to, customer).catch(() => []));
      setError(told);
      setBusy(false);
    }
  };
  return (
    <Dialog title={instead ? 'Close it anew' : 'Close a period'} close={close}>
      <form class="form" onSubmit={(event) => { event.preventDefault(); void send([]); }}>
        <p>{instead ? `The new statement of ${periodOf(instead)} stands in the place of this one, with all that has come since.` : 'What was used is frozen as it is now, by the definitions as they are. It cannot be undone; it can be superseded.'}</p>
        {!instead && (
          <>
            <div class="pair">
              <Field label="From" {...input('from')} type="date" required hint={fields.from && fields.to && fields.from < fields.to ? plural(Math.round((Date.parse(fields.to) - Date.parse(fields.from)) / 86400000), 'day') : undefined} />
              <Field label="Before" {...input('to')} type="date" required hint="The first day that is not in it; days of UTC." />
            </div>
            <Field label="Customer" {...input('customer_id')} placeholder="all" />
          </>
        )}
        {to && Date.parse(to) > Date.now() && <p class="notice" role="status">This period is not over: what comes until its end will not be in the statement, but in its adjustments.</p>}
        {error && (instead || !(error.field && error.field in fields)) && <Failure error={error} />}
        {closed.length > 0 && (
          <div class="notice">
            <p>{plural(closed.length, 'statement')} stand{closed.length === 1 && 's'} in the way:</p>
            <ul class="plain">{closed.slice(0, 10).map((one) => <li key={one.id}><a href={href(['statements', one.id])}>{periodOf(one)}</a> {one.customer_id ?? 'all customers'}</li>)}</ul>
            {closed.length > 10 && <p>and {count(closed.length - 10)} more</p>}
            <button type="button" disabled={busy || !covered} title={covered ? undefined : 'Only a statement that covers theirs wholly can stand in their place'} onClick={() => void send(closed)}>Close it in place of {closed.length === 1 ? 'it' : 'them'}</button>
          </div>
        )}
        <footer><button type="button" onClick={close}>Cancel</button><button type="submit" class="primary" disabled={busy}>{busy ? 'Closing…' : 'Close it'}</button></footer>
      </form>
    </Dialog>
  );
}
