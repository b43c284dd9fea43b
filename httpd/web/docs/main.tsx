// /docs: the API's description, to read, to search and to try. Its state is in the address, as the page's is.
import { render } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { change, go, href, useRoute, type Route as Address } from '../app/route';
import { routes, searchRoutes, schemas, tags } from './document';
import { Method, RouteView, routeHref, SchemaView, Start } from './views';

function View({ address }: { address: Address }) {
  const [place, id] = address.path;
  const search = address.get('search');
  if (place === 'route' && id) return <RouteView id={id} search={search} />;
  if (place === 'schema' && id) return <SchemaView name={id} />;
  return <Start search={search} />;
}

function Docs() {
  const address = useRoute();
  const box = useRef<HTMLInputElement>(null);
  const main = useRef<HTMLElement>(null);
  const [place, id] = address.path;
  const search = address.get('search');
  const found = new Set(searchRoutes(search).map((hit) => hit.item));
  useEffect(() => {
    const title = place === 'route' ? routes.find((one) => one.id === id)?.summary : place === 'schema' ? id : undefined;
    document.title = `${title ?? 'API'} · pgtally`;
    scrollTo(0, 0);
    document.querySelector('aside [aria-current]')?.scrollIntoView({ block: 'nearest' });
  }, [place, id]);
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.key !== '/' || (event.target as HTMLElement).closest('input, textarea, select')) return;
      event.preventDefault();
      box.current?.focus();
    };
    addEventListener('keydown', listen);
    return () => removeEventListener('keydown', listen);
  }, []);
  // What is typed narrows the list, which is shown for it.
  const type = (text: string) => (address.path.length ? go([], { search: text || undefined }) : change({ search: text }, true));
  return (
    <div class="shell docs">
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); main.current?.focus(); }}>Skip to content</a>
      <aside>
        <div class="brand"><a href="/"><img src="/page/icon.svg" alt="" width="22" height="22" />pgtally</a> <a class="soft" href={href([])}>API</a></div>
        <input ref={box} type="search" aria-label="Search routes, parameters and fields" placeholder="Search: press /" value={search} onInput={(event) => type(event.currentTarget.value)} />
        <nav aria-label="Routes">
          {tags.map((tag) => {
            const here = routes.filter((route) => route.tag === tag.name && found.has(route));
            return here.length > 0 && (
              <div key={tag.name}>
                <h2>{tag.name}</h2>
                {here.map((route) => (
                  <a key={route.id} href={routeHref(route, search)} aria-current={place === 'route' && id === route.id ? 'page' : undefined}><Method name={route.method} /><span>{route.summary}</span></a>
                ))}
              </div>
            );
          })}
        </nav>
        <p class="soft">{found.size} of {routes.length} routes, {Object.keys(schemas).length} schemas</p>
      </aside>
      <main id="main" ref={main} tabIndex={-1}><View address={address} /></main>
    </div>
  );
}

const app = document.getElementById('app')!;
app.replaceChildren();
render(<Docs />, app);
