// The form of a metric: made, or changed where it can be. What the API refuses is told at the field.
import { useState } from 'preact/hooks';
import type { Metric, MetricCreate } from '../types';
import { api, ApiError } from '../app/api';
import { Dialog, Failure, Field } from '../app/parts';
import { go } from '../app/route';
import { session } from '../app/session';
import { typeNames } from './metrics';

type Fields = Record<string, string>;

const roundings = ['NONE', 'UP', 'DOWN', 'NEAREST', 'NEAREST_HALF', 'NEAREST_DECILE'];

function fieldsOf(metric: Metric | undefined, code: string): Fields {
  const matrix = metric?.segmentation_matrix;
  const single = matrix && 'key' in matrix ? matrix : undefined;
  return {
    name: metric?.name ?? '', slug: metric?.slug ?? '', code: metric?.code ?? code, aggregation_type: metric?.aggregation_type ?? 'SUM', aggregation_key: metric?.aggregation_key ?? '',
    description: metric?.description ?? '', usage_group_key: metric?.usage_group_key ?? '', factor: metric?.unit_conversion ? String(metric.unit_conversion.factor) : '',
    rounding: metric?.unit_conversion?.rounding ?? 'NONE', key: single?.key ?? '', values: single?.values.join(', ') ?? '',
  };
}

// '' is nothing; what is no number goes as it is, for the API to say so.
function conversion(fields: Fields): MetricCreate['unit_conversion'] {
  if (!fields.factor) return null;
  const factor = /^\d+$/.test(fields.factor) ? Number(fields.factor) : fields.factor;
  return { factor: factor as number, rounding: fields.rounding as 'NONE' };
}

function matrixOf(fields: Fields): MetricCreate['segmentation_matrix'] {
  if (!fields.key && !fields.values) return null;
  return { type: 'SINGLE', key: fields.key ?? '', values: (fields.values ?? '').split(',').map((value) => value.trim()).filter(Boolean) };
}

function definition(fields: Fields): MetricCreate {
  const counts = fields.aggregation_type === 'COUNT';
  return {
    name: fields.name ?? '', slug: fields.slug || null, code: fields.code ?? '', product_family_id: session.profile!.default_product_family_id,
    aggregation_type: fields.aggregation_type as 'SUM', ...(counts ? {} : { aggregation_key: fields.aggregation_key || null }),
    description: fields.description || null, usage_group_key: fields.usage_group_key || null, unit_conversion: conversion(fields), segmentation_matrix: matrixOf(fields),
  };
}

// Fields of the API that several inputs of ours are made of.
const inside: Record<string, string> = { unit_conversion: 'factor', segmentation_matrix: 'key' };
function atOurField(error: ApiError): ApiError {
  const field = error.field?.split(/[.[]/)[0] ?? '';
  const last = error.field?.split('.').pop() ?? '';
  const ours = ['factor', 'rounding', 'key', 'values'].includes(last) ? last : inside[field] ?? field;
  return new ApiError(error.status, error.message, ours, error.hint);
}

export function MetricForm(props: { metric?: Metric; code?: string; close: () => void; done: () => void }) {
  const { metric } = props;
  const [fields, set] = useState(() => fieldsOf(metric, props.code ?? ''));
  const [error, setError] = useState<ApiError>();
  const [busy, setBusy] = useState(false);
  const input = (name: string) => ({ name, value: fields[name], error, onInput: (event: Event) => set({ ...fields, [name]: (event.currentTarget as HTMLInputElement).value }) });
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      const made = definition(fields);
      if (metric) {
        await api.patch(`/api/v1/metrics/${metric.id}`, { name: made.name, slug: made.slug, description: made.description, unit_conversion: made.unit_conversion,
          ...(metric.segmentation_matrix && !('key' in metric.segmentation_matrix) ? {} : { segmentation_matrix: made.segmentation_matrix }) });
        props.done();
        props.close();
      } else {
        const answer = await api.post<Metric>('/api/v1/metrics', made);
        props.done();
        go(['metrics', answer.id]);
      }
    } catch (problem) {
      const told = problem instanceof ApiError ? atOurField(problem) : new ApiError(0, String(problem));
      setError(told);
      setBusy(false);
      requestAnimationFrame(() => document.getElementById(`f-${told.field}`)?.focus());
    }
  };
  const known = error?.field && document.getElementById(`f-${error.field}`);
  const fixed = Boolean(metric);
  return (
    <Dialog title={metric ? `Change ${metric.name}` : 'Create a metric'} close={props.close} wide>
      <form onSubmit={submit} class="form">
        <div class="pair">
          <Field label="Name" {...input('name')} required maxLength={255} autofocus />
          <Field label="Event code" {...input('code')} required disabled={fixed} hint={fixed ? 'Cannot change: make another metric instead.' : 'It reads the events with this code.'} />
        </div>
        <div class="pair">
          <Field label="Type" {...input('aggregation_type')}>
            {(id, described) => (
              <select id={id} name="aggregation_type" aria-describedby={described} disabled={fixed} value={fields.aggregation_type} onChange={(event) => set({ ...fields, aggregation_type: event.currentTarget.value })}>
                {Object.entries(typeNames).map(([value, name]) => <option key={value} value={value}>{name}</option>)}
              </select>
            )}
          </Field>
          {fields.aggregation_type !== 'COUNT' && <Field label="Property" {...input('aggregation_key')} disabled={fixed} hint="The property of events that is aggregated." />}
        </div>
        <div class="pair">
          <Field label="Slug" {...input('slug')} hint="A short name that can stand for its id; empty: none." />
          <Field label="Description" {...input('description')} />
        </div>
        <details open={Boolean(fields.usage_group_key || fields.factor || fields.key)}>
          <summary>Groups, conversion, which events</summary>
          <Field label="Always group by" {...input('usage_group_key')} disabled={fixed} hint="A property, such as region; empty: none." />
          <div class="pair">
            <Field label="Divide by" {...input('factor')} inputMode="numeric" hint="Such as 1024: the converted value, after the aggregation." />
            <Field label="Rounding" {...input('rounding')}>
              {(id, described) => (
                <select id={id} name="rounding" aria-describedby={described} value={fields.rounding} onChange={(event) => set({ ...fields, rounding: event.currentTarget.value })}>
                  {roundings.map((one) => <option key={one} value={one}>{one.toLowerCase().replace('_', ' ')}</option>)}
                </select>
              )}
            </Field>
          </div>
          <div class="pair">
            <Field label="Only events whose" {...input('key')} hint="A property; empty: all events count." />
            <Field label="is one of" {...input('values')} hint="Values, with commas between them." />
          </div>
        </details>
        {error && !known && <Failure error={error} />}
        <footer>
          <button type="button" onClick={props.close}>Cancel</button>
          <button type="submit" class="primary" disabled={busy}>{metric ? 'Save' : 'Create'}</button>
        </footer>
      </form>
    </Dialog>
  );
}
