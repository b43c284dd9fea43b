// The form of a metric: made, or changed where it can be; tried on the newest events before. What the API refuses is told at
// the field.
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Metric, MetricTrial, ProductFamilyPage, ProductPage } from '../types';
import { api, ApiError } from '../app/api';
import { atOurField, changesOf, definitionOf, draftOf, type Draft } from '../app/draft';
import { useForm, type Form } from '../app/form';
import { moment, plural } from '../app/format';
import { useLoad } from '../app/load';
import { Dialog, Failure, Field } from '../app/parts';
import { go, href, type Changes, type Route } from '../app/route';
import { Choice, FilterFields, MatrixFields } from './metric-conditions';
import { typeNames } from './metrics';

const roundings = ['NONE', 'UP', 'DOWN', 'NEAREST', 'NEAREST_HALF', 'NEAREST_DECILE'].map((one): [string, string] => [one, one.toLowerCase().replace('_', ' ')]);
// Which values a metric of a type may be told to take alone.
const kinds: Record<string, Array<[string, string]>> = {
  SUM: [['', 'any number'], ['base', 'above 0 (base)'], ['dual', 'all but 0 (dual)']], MEAN: [['', 'any number'], ['average', 'any, with value updates (average)']],
};

// What of the address is the form's, beside its being open.
export const formShut: Changes = { draft: undefined, tried: undefined };
// What they say is in no trial.
const aside = ['name', 'description'];

export function MetricForm(props: { route: Route; metric?: Metric; code?: string; close: () => void; done: () => void }) {
  const { metric } = props;
  const form = useForm(() => draftOf(metric, props.code ?? ''));
  const draft = form.fields;
  // A trial that was made of another definition is none of this one.
  const set = (next: Draft) => form.put(next, { tried: undefined });
  const [error, setError] = useState<ApiError>();
  const [busy, setBusy] = useState(false);
  const [trial, setTrial] = useState<MetricTrial>();
  const [turn, setTurn] = useState(0);
  const { texts } = draft;
  const fixed = Boolean(metric);
  const put = (name: string, value: string) => form.put({ ...draft, texts: { ...texts, [name]: value } }, aside.includes(name) ? {} : { tried: undefined });
  const input = (name: string) => ({ name, value: texts[name] ?? '', error, onInput: (event: Event) => put(name, (event.currentTarget as HTMLInputElement).value) });
  const run = async (work: () => Promise<void>) => {
    setBusy(true);
    setError(undefined);
    try {
      await work();
    } catch (problem) {
      const told = atOurField(problem);
      setError(told);
      requestAnimationFrame(() => {
        const node = document.getElementById(`f-${told.field}`);
        node?.closest('details')?.setAttribute('open', '');
        node?.focus();
      });
    }
    setBusy(false);
  };
  const save = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      if (metric) await api.patch(`/api/v1/metrics/${metric.id}`, changesOf(form.begun, draft));
      const made = metric ?? await api.post<Metric>('/api/v1/metrics', definitionOf(draft));
      props.done();
      if (metric) props.close();
      else go(['metrics', made.id], {}, true);
    });
  };
  const tried = props.route.get('tried') === '1';
  useEffect(() => {
    setTrial(undefined);
    setError(undefined);
    // A name may be thought of later.
    if (tried) void run(async () => setTrial(await api.post<MetricTrial>('/api/v1/metric_trials', { ...definitionOf(draft), name: texts.name || '-' }, { metric: metric?.id })));
  }, [tried, turn]);
  const attempt = () => {
    form.step({ tried: '1' });
    setTurn(turn + 1);
  };
  const known = error?.field && document.getElementById(`f-${error.field}`);
  const parts = { draft, set, error };
  return (
    <Dialog title={metric ? `Change ${metric.name}` : 'Create a metric'} close={props.close} wide>
      <form onSubmit={save} class="form">
        <div class="pair">
          <Field label="Name" {...input('name')} required maxLength={255} autofocus />
          <Field label="Event code" {...input('code')} required disabled={fixed} hint={fixed ? 'Cannot change: make another metric instead.' : 'It reads the events with this code.'} />
        </div>
        <div class="pair">
          <Choice label="Type" name="aggregation_type" error={error} disabled={fixed} value={texts.aggregation_type} options={Object.entries(typeNames)} set={(type) => set({ ...draft, texts: { ...texts, aggregation_type: type, kind: '' } })} />
          {texts.aggregation_type !== 'COUNT' && <Field label="Property" {...input('aggregation_key')} disabled={fixed} hint="The property of events that is aggregated." />}
        </div>
        <div class="pair">
          <Field label="Slug" {...input('slug')} hint="A short name that can stand for its id; empty: none." />
          <Field label="Description" {...input('description')} />
        </div>
        <Part name="which" title="Which events count" form={form}>
          <FilterFields {...parts} />
          <MatrixFields {...parts} />
          {kinds[texts.aggregation_type ?? ''] && <Choice label="Values it takes" name="kind" error={error} disabled={fixed} value={texts.kind} options={kinds[texts.aggregation_type!]!} set={(kind) => put('kind', kind)} />}
        </Part>
        <Part name="more" title="Groups, conversion, product" form={form}>
          <Field label="Always group by" {...input('usage_group_key')} disabled={fixed} hint="A property, such as region; empty: none." />
          <div class="pair">
            <Field label="Divide by" {...input('unit_conversion.factor')} inputMode="numeric" hint="Such as 1024: the converted value, after the aggregation." />
            <Choice label="Rounding" name="unit_conversion.rounding" error={error} value={texts['unit_conversion.rounding']} options={roundings} set={(one) => put('unit_conversion.rounding', one)} />
          </div>
          <Products texts={texts} error={error} disabled={fixed} set={(change) => set({ ...draft, texts: { ...texts, ...change } })} />
        </Part>
        {error && !known && <Failure error={error} />}
        {trial && <Tried trial={trial} code={texts.code ?? ''} />}
        <footer>
          <button type="button" onClick={props.close}>Cancel</button>
          <button type="button" disabled={busy} onClick={attempt}>Try on the newest events</button>
          <button type="submit" class="primary" disabled={busy}>{metric ? 'Save' : 'Create'}</button>
        </footer>
      </form>
    </Dialog>
  );
}

// A part of the form that unfolds.
function Part({ name, title, form, children }: { name: string; title: string; form: Form<Draft>; children: ComponentChildren }) {
  const { fields } = form;
  const open = fields.open.includes(name);
  const toggle = (now: boolean) => {
    if (now !== open) form.put({ ...fields, open: now ? [...fields.open, name] : fields.open.filter((one) => one !== name) });
  };
  return <details open={open} onToggle={(event) => toggle(event.currentTarget.open)}><summary>{title}</summary>{children}</details>;
}

function Products(props: { texts: Record<string, string>; error?: ApiError; disabled: boolean; set: (change: Record<string, string>) => void }) {
  const { texts, error, disabled, set } = props;
  const family = texts.product_family_id!;
  const families = useLoad('families', (signal) => api.get<ProductFamilyPage>('/api/v1/product_families', { per_page: 100 }, signal));
  const products = useLoad(family, (signal) => api.get<ProductPage>('/api/v1/products', { per_page: 100, product_family_id: family }, signal));
  const named = (page: { data: Array<{ id: string; name: string }> } | undefined) => (page?.data ?? []).map((one): [string, string] => [one.id, one.name]);
  return (
    <div class="pair">
      <Choice label="Product family" name="product_family_id" error={error} disabled={disabled} value={family} options={named(families.data)} set={(id) => set({ product_family_id: id, product_id: '' })} />
      <Choice label="Product" name="product_id" error={error} disabled={disabled} value={texts.product_id} options={[['', 'none'], ...named(products.data)]} set={(id) => set({ product_id: id })} />
    </div>
  );
}

function Tried({ trial, code }: { trial: MetricTrial; code: string }) {
  if (trial.events === 0) return <p class="notice" role="status">No event has the code {code} yet.</p>;
  return (
    <section class="tried" aria-label="What it would count">
      <p class="notice" role="status"><strong>{trial.counted}</strong> of the newest {plural(trial.events, 'event')} would be counted.</p>
      <div class="scroll" tabIndex={0} role="region" aria-label="Events tried">
        <table>
          <thead><tr><th>Event</th><th>Time</th><th>Group</th><th class="right">Value</th></tr></thead>
          <tbody>
            {trial.data.map((one) => (
              <tr key={one.event_id + one.customer_id + one.source} class={one.counted ? '' : 'faded'}>
                <td><a href={href(['events', one.event_id], { customer: one.customer_id, source: one.source })}>{one.event_id}</a></td>
                <td class="nowrap">{moment(one.timestamp)}</td>
                {one.counted ? <><td>{Object.values(one.dimensions ?? {}).join(' · ')}</td><td class="right number">{one.value}</td></> : <td colSpan={2}>{one.reason}</td>}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
