// Parts of a metric's form: which events it counts, by filters and by a matrix that usage is grouped by, too.
import type { ApiError } from '../app/api';
import type { Condition, Draft } from '../app/draft';
import { Field } from '../app/parts';

interface Props { draft: Draft; set: (draft: Draft) => void; error?: ApiError }

export function Choice(props: { label: string; name: string; value: string | undefined; options: Array<[string, string]>; set: (value: string) => void; error?: ApiError; disabled?: boolean; hint?: string }) {
  const { label, name, error, hint } = props;
  return (
    <Field label={label} name={name} error={error} hint={hint}>
      {(id, described) => (
        <select id={id} name={name} aria-describedby={described} disabled={props.disabled} value={props.value ?? ''} onChange={(event) => props.set(event.currentTarget.value)}>
          {props.options.map(([value, text]) => <option key={value} value={value}>{text}</option>)}
        </select>
      )}
    </Field>
  );
}

function Values(props: { name: string; label?: string; value: string | undefined; set: (value: string) => void; error?: ApiError; hint?: string }) {
  return (
    <Field label={props.label ?? 'Values'} name={props.name} error={props.error} hint={props.hint ?? 'A line for each.'}>
      {(id, described) => <textarea id={id} name={props.name} aria-describedby={described} rows={2} spellcheck={false} value={props.value ?? ''} onInput={(event) => props.set(event.currentTarget.value)} />}
    </Field>
  );
}

const changed = <T,>(list: T[], at: number, change: Partial<T>): T[] => list.map((one, n) => (n === at ? { ...one, ...change } : one));
const without = <T,>(list: T[], at: number): T[] => list.filter((_, n) => n !== at);

const operators: Array<[string, string]> = [['EQUAL', 'is'], ['NOT_EQUAL', 'is not'], ['IN', 'is one of'], ['NOT_IN', 'is none of']];

export function FilterFields({ draft, set, error }: Props) {
  const put = (filters: Condition[]) => set({ ...draft, filters });
  return (
    <fieldset>
      <legend>Filters: only events that fulfil all of them count</legend>
      {draft.filters.map((one, at) => {
        const edit = (change: Partial<Condition>) => put(changed(draft.filters, at, change));
        return (
          <div class="condition" key={at}>
            <Field label="Property" name={`filters.${at}.property`} error={error} value={one.property} onInput={(event) => edit({ property: (event.currentTarget as HTMLInputElement).value })} />
            <Choice label="Condition" name={`filters.${at}.op`} value={one.op} options={operators} set={(op) => edit({ op })} />
            <Values name={`filters.${at}.values`} error={error} value={one.values} set={(values) => edit({ values })} />
            <button type="button" class="quiet" aria-label={`Take filter ${at + 1} away`} onClick={() => put(without(draft.filters, at))}>✕</button>
          </div>
        );
      })}
      <div><button type="button" onClick={() => put([...draft.filters, { property: '', op: 'EQUAL', values: '' }])}>Add a filter</button></div>
    </fieldset>
  );
}

const kinds: Array<[string, string]> = [['', 'none'], ['SINGLE', 'one property'], ['DOUBLE', 'two properties'], ['LINKED', 'two, where one depends on the other']];

export function MatrixFields({ draft, set, error }: Props) {
  const { links, matrix, texts } = draft;
  const named = (name: string) => `segmentation_matrix.${name}`;
  const put = (name: string) => (value: string) => set({ ...draft, texts: { ...texts, [named(name)]: value } });
  const property = (name: string, label = 'Property') => <Field label={label} name={named(name)} error={error} value={texts[named(name)]} onInput={(event) => put(name)((event.currentTarget as HTMLInputElement).value)} />;
  const values = (name: string) => <Values name={named(name)} error={error} value={texts[named(name)]} set={put(name)} />;
  return (
    <fieldset>
      <legend>Matrix: only events of these values count, and usage is grouped by them</legend>
      <Choice label="Matrix of" name="segmentation_matrix" value={matrix} options={kinds} error={error} set={(value) => set({ ...draft, matrix: value, links: value === 'LINKED' && !links.length ? [{ value: '', values: '' }] : links })} />
      {matrix === 'SINGLE' && <div class="pair">{property('key')}{values('values')}</div>}
      {matrix === 'DOUBLE' && ['dimension1', 'dimension2'].map((side, at) => <div class="pair" key={side}>{property(`${side}.key`, `Property ${at + 1}`)}{values(`${side}.values`)}</div>)}
      {matrix === 'LINKED' && (
        <>
          <div class="pair">{property('dimension1_key', 'Property 1')}{property('dimension2_key', 'Property 2')}</div>
          {links.map((link, at) => {
            const edit = (change: Partial<typeof link>) => set({ ...draft, links: changed(links, at, change) });
            return (
              <div class="condition" key={at}>
                <Field label="Value of property 1" name={at ? `link-${at}` : named('values')} error={error} value={link.value} onInput={(event) => edit({ value: (event.currentTarget as HTMLInputElement).value })} />
                <Values name={`links-${at}`} label="Its values of property 2" value={link.values} set={(text) => edit({ values: text })} hint="A line for each; empty: any." />
                <button type="button" class="quiet" aria-label={`Take value ${at + 1} away`} onClick={() => set({ ...draft, links: without(links, at) })}>✕</button>
              </div>
            );
          })}
          <div><button type="button" onClick={() => set({ ...draft, links: [...links, { value: '', values: '' }] })}>Add a value</button></div>
        </>
      )}
    </fieldset>
  );
}
