// A schema in words: its fields with types, limits and what they mean; one that it refers to is opened by a click.
import type { ComponentChildren } from 'preact';
import { href } from '../app/route';
import { follow, nameOf, typesOf, type Schema } from './document';

const said = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

function between(least: number | undefined, most: number | undefined, what = ''): string | undefined {
  if (least === undefined && most === undefined) return undefined;
  if (most === undefined) return `at least ${least}${what}`;
  if (least === undefined || least === 0) return `at most ${most}${what}`;
  return `${least} to ${most}${what}`;
}

export function limitsOf(schema: Schema): string[] {
  return [
    schema.enum && `one of ${schema.enum.map(said).join(', ')}`,
    'const' in schema && `always ${said(schema.const)}`,
    schema.format,
    between(schema.minLength, schema.maxLength, ' characters'), between(schema.minimum, schema.maximum), between(schema.minItems, schema.maxItems, ' items'),
    schema.default !== undefined && `by default ${said(schema.default)}`,
    schema.pattern && !schema.enum && `like ${schema.pattern}`,
  ].filter((one): one is string => Boolean(one));
}

export const schemaHref = (name: string): string => href(['schema', name]);

// In a few words; a name of a schema leads to it.
export function Type({ schema }: { schema: Schema }): ComponentChildren {
  const name = nameOf(schema);
  if (name) return <a href={schemaHref(name)}>{name}</a>;
  const several = schema.oneOf ?? schema.anyOf ?? schema.allOf;
  if (several) return <>{several.map((one, at) => <>{at > 0 && (schema.allOf ? ' and ' : ' or ')}<Type schema={one} /></>)}</>;
  if (schema.items) return <>list of <Type schema={schema.items} /></>;
  const types = typesOf(schema);
  if (types.includes('object') && typeof schema.additionalProperties === 'object') return <>map of <Type schema={schema.additionalProperties} /></>;
  return types.length ? types.join(' or ') : 'anything';
}

// The schemas whose fields are those of a value: of lists the items', of several each.
function within(schema: Schema): Schema[] {
  const here = follow<Schema>(schema);
  if (here.properties) return [here];
  const parts = [here.items, typeof here.additionalProperties === 'object' ? here.additionalProperties : undefined, ...(here.oneOf ?? []), ...(here.anyOf ?? []), ...(here.allOf ?? [])];
  return parts.filter((one): one is Schema => one !== undefined).flatMap(within);
}

export function Fields({ schema, above = [] }: { schema: Schema; above?: Schema[] }) {
  const found = within(schema).filter((one) => !above.includes(one));
  if (found.length === 0) return null;
  return (
    <>
      {found.map((one, at) => (
        <ul class="fields" key={at}>
          {found.length > 1 && <li class="soft">{at > 0 && 'or '}{one.title ?? `with ${Object.keys(one.properties!).join(', ')}`}</li>}
          {Object.entries(one.properties!).map(([name, field]) => <Field key={name} name={name} schema={field} needed={one.required?.includes(name)} above={[...above, one]} />)}
        </ul>
      ))}
    </>
  );
}

export function Field(props: { name: string; schema: Schema; needed?: boolean; above?: Schema[]; about?: string }) {
  const { name, schema, needed, above = [] } = props;
  const target = follow<Schema>(schema);
  const deeper = within(schema).some((one) => !above.includes(one));
  return (
    <li>
      <p><code class="name">{name}</code> <span class="type"><Type schema={schema} /></span>{needed && <span class="badge">needed</span>}</p>
      <p class="words">{props.about ?? schema.description ?? target.description}</p>
      {limitsOf(target).map((one) => <p class="soft limit" key={one}>{one}</p>)}
      {deeper && <details><summary>Fields</summary><Fields schema={schema} above={above} /></details>}
    </li>
  );
}
