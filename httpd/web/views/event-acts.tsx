// What can be done to an event: void it, let it count again, say what it should have been. Each with a reason, which stays.
import { useState } from 'preact/hooks';
import type { StoredEvent } from '../types';
import { api, ApiError } from '../app/api';
import { inputOf, useForm } from '../app/form';
import { Dialog, Failure, Field } from '../app/parts';
import { change, type Route } from '../app/route';

type Act = 'void' | 'restore' | 'amend';
const words: Record<Act, [string, string]> = {
  void: ['Void', 'It counts no longer, from the next answer on. It stays in the list with the reason, and can be restored.'],
  restore: ['Restore', 'It counts again as it did.'],
  amend: ['Amend', 'Say what it should have been: it counts so from now on, and the row as it was stays in the list, void.'],
};

// Which of the events with this id is meant.
const placeOf = (event: StoredEvent): string => [event.customer_id, event.source, event.received_at].join('~');

export function Acts(props: { event: StoredEvent; payload: string; route: Route; done: () => void }) {
  const possible: Act[] = props.event.voided ? (props.event.voided.amended ? [] : ['restore']) : ['amend', 'void'];
  const of = placeOf(props.event);
  const act = props.route.get('of') === of && possible.find((one) => one === props.route.get('act'));
  return (
    <>
      {possible.map((one) => <button type="button" key={one} onClick={() => change({ act: one, of })}>{words[one][0]}</button>)}
      {act && <Form {...props} act={act} close={() => change({ act: undefined, of: undefined, draft: undefined })} />}
    </>
  );
}

function Form({ event, payload, act, done, close }: { event: StoredEvent; payload: string; act: Act; done: () => void; close: () => void }) {
  const form = useForm(() => ({ reason: '', code: event.code, timestamp: event.timestamp, properties: payload }));
  const { fields } = form;
  const [error, setError] = useState<ApiError>();
  const input = inputOf(form, error);
  const submit = async (submitted: Event) => {
    submitted.preventDefault();
    setError(undefined);
    const amended = Object.fromEntries((['code', 'timestamp'] as const).filter((name) => fields[name] !== event[name]).map((name) => [name, fields[name]]));
    const body = JSON.stringify({ reason: fields.reason, customer_id: event.customer_id, source: event.source, ...(act === 'amend' ? amended : {}) });
    try {
      if (act === 'amend') JSON.parse(fields.properties);
    } catch (problem) {
      setError(new ApiError(0, `This is no JSON: ${(problem as Error).message}`, 'properties'));
      return;
    }
    try {
      // Properties go as they are typed: no number loses a digit.
      await api.post(`/api/v1/events/${encodeURIComponent(event.event_id)}/${act}`, act === 'amend' ? `${body.slice(0, -1)},"properties":${fields.properties}}` : body);
      close();
      done();
    } catch (problem) {
      setError(problem as ApiError);
    }
  };
  return (
    <Dialog title={`${words[act][0]} ${event.event_id}`} close={close}>
      <form class="form" onSubmit={submit}>
        <p>{words[act][1]}</p>
        {act === 'amend' && (
          <>
            <div class="pair">
              <Field label="Code" {...input('code')} required />
              <Field label="Time" {...input('timestamp')} />
            </div>
            <Field label="Properties" {...input('properties')}>
              {(id, described) => <textarea id={id} aria-describedby={described} rows={6} spellcheck={false} value={fields.properties} onInput={(typed) => form.put({ ...fields, properties: typed.currentTarget.value })} />}
            </Field>
          </>
        )}
        <Field label="Reason" {...input('reason')} required maxLength={1000} />
        {error && !(error.field && error.field in fields) && <Failure error={error} />}
        <footer><button type="button" onClick={close}>Cancel</button><button type="submit" class={act === 'void' ? 'danger' : 'primary'}>{words[act][0]}</button></footer>
      </form>
    </Dialog>
  );
}
