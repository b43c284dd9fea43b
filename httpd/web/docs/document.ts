// The API's description as the views read it: every route with its references followed, and what a search looks through.
import raw from 'api-document';

export interface Ref { $ref: string }

export interface Schema {
  $ref?: string;
  title?: string;
  type?: string | string[];
  description?: string;
  format?: string;
  pattern?: string;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  required?: string[];
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: boolean | Schema;
  oneOf?: Schema[];
  anyOf?: Schema[];
  allOf?: Schema[];
}

export interface Content { schema?: Schema; example?: unknown; examples?: Record<string, { summary?: string; value: unknown }> }

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required?: boolean;
  description?: string;
  style?: string;
  schema: Schema;
  example?: unknown;
}

export interface Answer { description: string; headers?: Record<string, { description?: string } | Ref>; content?: Record<string, Content> }

interface Operation {
  operationId: string;
  tags: string[];
  summary: string;
  description?: string;
  parameters?: Array<Parameter | Ref>;
  requestBody?: { required?: boolean; description?: string; content: Record<string, Content> } | Ref;
  responses: Record<string, Answer | Ref>;
  'x-scope'?: 'read' | 'write' | 'admin';
}

export interface Document {
  info: { title: string; version: string; summary: string; description: string };
  tags: Array<{ name: string; description: string }>;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema>; securitySchemes: Record<string, { description: string }> };
}

export interface Route {
  id: string;
  method: string;
  path: string;
  tag: string;
  summary: string;
  description: string;
  scope?: 'read' | 'write' | 'admin'; // none: no key is needed
  parameters: Parameter[];
  body?: { required: boolean; description?: string; content: Record<string, Content> };
  answers: Array<[string, Answer]>;
}

const { components } = raw;
export const { info, tags } = raw;
export const keys = components.securitySchemes;
export const schemas = components.schemas;

// What a reference leads to.
export function follow<T extends object>(value: T | Ref): T {
  let at: unknown = value;
  while (at && typeof at === 'object' && '$ref' in at) {
    at = String(at.$ref).slice(2).split('/').reduce<unknown>((from, name) => (from as Record<string, unknown>)[name], raw);
  }
  return at as T;
}

export const nameOf = (schema: Schema): string | undefined => schema.$ref?.split('/').pop();

function routeOf(path: string, method: string, operation: Operation): Route {
  const body = operation.requestBody && follow(operation.requestBody);
  return {
    id: operation.operationId, method: method.toUpperCase(), path, tag: operation.tags[0]!, summary: operation.summary, description: operation.description ?? '',
    scope: operation['x-scope'], parameters: (operation.parameters ?? []).map((one) => follow(one)),
    body: body && { required: body.required ?? false, description: body.description, content: body.content },
    answers: Object.entries(operation.responses).map(([status, answer]) => [status, follow(answer)]),
  };
}

// By tag; of a tag first those that it is named after, then by path.
const order = new Map(tags.map((tag, at) => [tag.name, at]));
// Of two names of one parameter one has to be given.
export const isNeeded = (one: Parameter): boolean => one.required ?? /^Needed/.test(one.description ?? '');

const aside = (route: Route): number => Number(!route.path.includes(route.tag.toLowerCase().replace(' ', '_')));
export const routes: Route[] = Object.entries(raw.paths)
  .flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => routeOf(path, method, operation)))
  .sort((a, b) => order.get(a.tag)! - order.get(b.tag)! || aside(a) - aside(b) || (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));

export const typesOf = (schema: Schema): string[] => (schema.type === undefined ? [] : Array.isArray(schema.type) ? schema.type : [schema.type]);

// Fields of a schema and of what it refers to, each once: name and words about it.
function fieldsOf(schema: Schema | undefined, found: Map<string, string>, seen: Set<Schema>): void {
  if (!schema) return;
  const here = follow<Schema>(schema);
  if (seen.has(here)) return;
  seen.add(here);
  for (const [name, one] of Object.entries(here.properties ?? {})) {
    const words = [one.description, follow<Schema>(one).description, ...(one.enum ?? [])].filter(Boolean).join(' ');
    found.set(name, `${found.get(name) ?? ''} ${words}`);
    fieldsOf(one, found, seen);
  }
  for (const part of [here.items, typeof here.additionalProperties === 'object' ? here.additionalProperties : undefined, ...(here.oneOf ?? []), ...(here.anyOf ?? []), ...(here.allOf ?? [])]) fieldsOf(part, found, seen);
}

interface Entry { kind: string; name: string; text: string }
export interface Hit<T> { item: T; why: string[] }

function entriesOf(kind: string, fields: Map<string, string>): Entry[] {
  return [...fields].map(([name, words]) => ({ kind, name, text: `${name} ${words}`.toLowerCase() }));
}

function contentFields(content: Record<string, Content> | undefined): Map<string, string> {
  const found = new Map<string, string>();
  const seen = new Set<Schema>();
  for (const one of Object.values(content ?? {})) fieldsOf(one.schema, found, seen);
  return found;
}

const routeIndex = routes.map((route) => ({
  item: route, title: `${route.method} ${route.path} ${route.id} ${route.summary} ${route.description} ${route.tag}`.toLowerCase(),
  entries: [
    ...entriesOf('parameter', new Map(route.parameters.map((one) => [one.name, one.description ?? '']))),
    ...entriesOf('field of the body', contentFields(route.body?.content)),
    ...route.answers.filter(([status]) => status < '3').flatMap(([, answer]) => entriesOf('field of the answer', contentFields(answer.content))),
  ],
}));

const schemaIndex = Object.entries(schemas).map(([name, schema]) => ({
  item: name, title: `${name} ${schema.description ?? ''}`.toLowerCase(),
  entries: entriesOf('field', contentFields({ '': { schema } })),
}));

// Every word must be somewhere; why: where, if not in the title.
function search<T>(index: Array<{ item: T; title: string; entries: Entry[] }>, words: string[]): Hit<T>[] {
  const found: Hit<T>[] = [];
  for (const { item, title, entries } of index) {
    const left = words.filter((word) => !title.includes(word));
    const hits = entries.filter((entry) => left.some((word) => entry.text.includes(word)));
    if (left.every((word) => hits.some((entry) => entry.text.includes(word)))) found.push({ item, why: hits.slice(0, 4).map((entry) => `${entry.kind} ${entry.name}`) });
  }
  // What is meant by its title comes first.
  return found.sort((a, b) => Number(a.why.length > 0) - Number(b.why.length > 0));
}

const wordsOf = (text: string): string[] => text.toLowerCase().split(/\s+/).filter(Boolean);
export const searchRoutes = (text: string): Hit<Route>[] => search(routeIndex, wordsOf(text));
export const searchSchemas = (text: string): Hit<string>[] => search(schemaIndex, wordsOf(text));
