// The views of /docs: the list of what there is, which a search narrows; a route; a schema.
import type { ComponentChildren } from 'preact';
import { Copy, Empty, Head } from '../app/parts';
import { href } from '../app/route';
import { info, isNeeded, keys, routes, schemas, searchRoutes, searchSchemas, tags, type Answer, type Content, type Hit, type Parameter, type Route } from './document';
import { bodyText } from './request';
import { Field, Fields, limitsOf, schemaHref, Type } from './schema';
import { TryIt } from './try-it';

export const routeHref = (route: Route, search = ''): string => href(['route', route.id], { search: search || undefined });

export function Method({ name }: { name: string }) {
  return <span class={`method ${name.toLowerCase()}`}>{name}</span>;
}

// A path may be broken behind its slashes.
function Path({ path }: { path: string }) {
  return <code class="path">{path.split(/(?<=\/)/).map((part, at) => <>{at > 0 && <wbr />}{part}</>)}</code>;
}

function Scope({ route }: { route: Route }) {
  return <span class="badge">{route.scope ? `scope ${route.scope}` : 'no key'}</span>;
}

export function Start({ search }: { search: string }) {
  const found = searchRoutes(search);
  const names = searchSchemas(search);
  return (
    <>
      <Head title={search ? `What has to do with ${search}` : `${info.title}: the API`} />
      {!search && <Introduction />}
      {found.length + names.length === 0 && <Empty title="Nothing is like that">Every word must be in a route, its parameters or its fields.</Empty>}
      {tags.map((tag) => <Group key={tag.name} name={tag.name} about={tag.description} hits={found.filter((hit) => hit.item.tag === tag.name)} search={search} />)}
      {names.length > 0 && (
        <section class="card">
          <h2>Schemas</h2>
          <ul class="schemas">{names.map(({ item, why }) => <li key={item}><a href={schemaHref(item)}>{item}</a>{search && why.length > 0 && <span class="soft">: {why.join(', ')}</span>}</li>)}</ul>
        </section>
      )}
    </>
  );
}

function Introduction() {
  return (
    <section class="card">
      <p>{info.description}</p>
      <h3 class="over-list">Keys</h3>
      <ul class="bullets">{Object.entries(keys).map(([name, one]) => <li key={name}><strong>{name}</strong>: {one.description}</li>)}</ul>
      <p class="over-list">The same for machines: <a href="/openapi.json">openapi.json</a>, version {info.version}. How it works, in prose: httpd/README.md of the sources.</p>
    </section>
  );
}

function Group(props: { name: string; about: string; hits: Hit<Route>[]; search: string }) {
  if (props.hits.length === 0) return null;
  return (
    <section class="card group">
      <h2>{props.name} <span class="soft">{props.about}</span></h2>
      <ul class="routes">
        {props.hits.map(({ item, why }) => (
          <li key={item.id}>
            <a href={routeHref(item, props.search)}><Method name={item.method} /> <Path path={item.path} /></a>
            <span>{item.summary}{why.length > 0 && <span class="soft">: {why.join(', ')}</span>}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function RouteView({ id, search }: { id: string; search: string }) {
  const route = routes.find((one) => one.id === id);
  if (!route) return <Empty title="There is no such route"><a href={href([])}>All routes</a></Empty>;
  const places: Array<[Parameter['in'], string]> = [['path', 'In the path'], ['query', 'In the query'], ['header', 'In the head']];
  const good = route.answers.filter(([status]) => status < '4');
  const bad = route.answers.filter(([status]) => status >= '4');
  return (
    <>
      <Head over={<a href={href([], { search: search || undefined })}>{search ? `All with ${search}` : 'All routes'}</a>} title={route.summary} />
      <p class="line"><Method name={route.method} /> <Path path={route.path} /> <Scope route={route} /></p>
      {route.description && <p class="prose">{route.description}</p>}
      <div class="both">
        <div class="told">
          {places.map(([place, words]) => <Parameters key={place} title={words} found={route.parameters.filter((one) => one.in === place)} />)}
          {route.body && <section class="card"><h2>Body{route.body.required ? '' : ', which may be left out'}</h2>{route.body.description && <p class="prose">{route.body.description}</p>}<Contents content={route.body.content} /></section>}
          {good.map(([status, answer]) => <section class="card" key={status}><h2>Answer <span class="badge good">{status}</span></h2><Told answer={answer} /></section>)}
          {bad.length > 0 && <Errors answers={bad} />}
        </div>
        <TryIt key={route.id} route={route} />
      </div>
    </>
  );
}

function Parameters(props: { title: string; found: Parameter[] }) {
  if (props.found.length === 0) return null;
  return (
    <section class="card">
      <h2>{props.title}</h2>
      <ul class="fields">{props.found.map((one) => <Field key={one.name} name={one.name} schema={one.schema} needed={isNeeded(one)} about={one.description} />)}</ul>
    </section>
  );
}

// Bodies of several types that hold the same are told once.
function Contents({ content }: { content: Record<string, Content> }) {
  const kinds = new Map<string, Array<[string, Content]>>();
  for (const [type, one] of Object.entries(content)) {
    const name = JSON.stringify(one.schema ?? null);
    kinds.set(name, [...(kinds.get(name) ?? []), [type, one]]);
  }
  return <>{[...kinds.values()].map((same) => <One key={same[0]![0]} types={same.map(([type]) => type)} content={same[0]![1]} />)}</>;
}

function One({ types, content }: { types: string[]; content: Content }) {
  const example = bodyText(types[0]!, content);
  return (
    <div class="content">
      <p><code>{types.join(', ')}</code>{content.schema && <>: <Type schema={content.schema} /></>}</p>
      {content.schema && <Fields schema={content.schema} />}
      {example && <Example text={example} />}
    </div>
  );
}

function Example({ text }: { text: string }) {
  return <details><summary>Example</summary><div class="with-copy"><Copy label="Copy" text={() => text} /><pre tabIndex={0}>{text}</pre></div></details>;
}

function Told({ answer }: { answer: Answer }): ComponentChildren {
  const headers = Object.keys(answer.headers ?? {});
  return (
    <>
      <p>{answer.description}</p>
      {headers.length > 0 && <p class="soft">With the headers {headers.join(', ')}.</p>}
      {answer.content && <Contents content={answer.content} />}
    </>
  );
}

function Errors({ answers }: { answers: Array<[string, Answer]> }) {
  return (
    <section class="card">
      <h2>Errors</h2>
      <ul class="fields">
        {answers.map(([status, answer]) => {
          const example = bodyText('application/json', answer.content?.['application/json']);
          return <li key={status}><p><span class="badge bad">{status === 'default' ? 'others' : status}</span> {answer.description}</p>{example && <Example text={example} />}</li>;
        })}
      </ul>
      <p class="soft over-list">Every error is an <a href={schemaHref('Error')}>Error</a>: details.field names what was wrong, details.hint what to do.</p>
    </section>
  );
}

export function SchemaView({ name }: { name: string }) {
  const schema = schemas[name];
  if (!schema) return <Empty title="There is no such schema"><a href={href([])}>All routes</a></Empty>;
  const ref = JSON.stringify(`#/components/schemas/${name}`);
  const users = Object.entries(schemas).filter(([, one]) => JSON.stringify(one).includes(ref));
  const via = routes.filter((route) => JSON.stringify([route.parameters, route.body, route.answers.filter(([status]) => status < '4')]).includes(ref));
  return (
    <>
      <Head over={<a href={href([])}>All routes</a>} title={name} />
      {schema.description && <p class="prose">{schema.description}</p>}
      <section class="card">
        <p><Type schema={schema} />{limitsOf(schema).map((one) => <span class="soft" key={one}>, {one}</span>)}</p>
        <Fields schema={schema} />
      </section>
      {users.length + via.length > 0 && (
        <section class="card">
          <h2>Where it is</h2>
          <ul class="schemas">
            {via.map((route) => <li key={route.id}><a href={routeHref(route)}>{route.summary}</a></li>)}
            {users.map(([other]) => <li key={other}><a href={schemaHref(other)}>{other}</a></li>)}
          </ul>
        </section>
      )}
    </>
  );
}
