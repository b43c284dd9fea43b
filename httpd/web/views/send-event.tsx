// Sends one event by hand. Its properties go as they are typed, so that no number loses a digit.
import { useState } from 'preact/hooks';
import type { IngestAnswer } from '../types';
import { api, ApiError } from '../app/api';
import { inputOf, useForm } from '../app/form';
import { Dialog, Failure, Field } from '../app/parts';

export function SendEvent(props: { close: () => void; done: () => void; code: string; customer: string }) {
  const form = useForm(() => ({ code: props.code, customer_id: props.customer, event_id: '', timestamp: '', properties: '{}' }));
  const { fields } = form;
  const [error, setError] = useState<ApiError>();
  const [sent, setSent] = useState('');
  const input = inputOf(form, error);
  const submit = async (event: Event) => {
    event.preventDefault();
    setError(undefined);
    setSent('');
    const text = (name: keyof typeof fields) => JSON.stringify(fields[name]);
    try {
      JSON.parse(fields.properties || '{}');
    } catch (problem) {
      setError(new ApiError(0, `This is no JSON: ${(problem as Error).message}`, 'properties'));
      return;
    }
    try {
      const id = fields.event_id || crypto.randomUUID?.() || `page-${Date.now()}-${Math.random()}`;
      const answer = await api.post<IngestAnswer>('/api/v1/events/ingest',
        `{"allow_backfilling":true,"events":[{"event_id":${JSON.stringify(id)},"code":${text('code')},"customer_id":${text('customer_id')},"timestamp":${text('timestamp')},"properties":${fields.properties || '{}'}}]}`);
      setSent(answer.duplicates ? `${id} was stored before: it counts once.` : `${id} is stored.`);
      form.put({ ...fields, event_id: '' });
      props.done();
    } catch (problem) {
      const told = problem as ApiError;
      const failure = told.failures?.[0];
      setError(failure ? new ApiError(told.status, failure.reason, failure.field?.split(/[.[]/)[0]) : told);
    }
  };
  const known = error?.field && error.field in fields;
  return (
    <Dialog title="Send an event" close={props.close}>
      <form onSubmit={submit} class="form">
        <div class="pair">
          <Field label="Code" {...input('code')} required autofocus />
          <Field label="Customer" {...input('customer_id')} />
        </div>
        <div class="pair">
          <Field label="Event id" {...input('event_id')} hint="Empty: a new one." />
          <Field label="Time" {...input('timestamp')} placeholder="now" hint="RFC 3339, such as 2026-01-31T13:00:00Z." />
        </div>
        <Field label="Properties" {...input('properties')}>
          {(id, described) => <textarea id={id} name="properties" aria-describedby={described} rows={4} spellcheck={false} value={fields.properties} onInput={(event) => form.put({ ...fields, properties: event.currentTarget.value })} />}
        </Field>
        {error && !known && <Failure error={error} />}
        {sent && <p class="good" role="status">{sent}</p>}
        <footer><button type="button" onClick={props.close}>Close</button><button type="submit" class="primary">Send</button></footer>
      </form>
    </Dialog>
  );
}
