// Who did something: a key by its name, where the reader may list keys; anybody else by what the store wrote down.
import type { Key } from '../types';
import { api } from '../app/api';
import { useLoad } from '../app/load';
import { session } from '../app/session';

// Read once for each key that signs in.
const known = new Map<string, Promise<Map<string, string>>>();

function names(): Promise<Map<string, string>> {
  let found = known.get(session.key);
  if (!found) {
    found = !session.may('admin') ? Promise.resolve(new Map<string, string>())
      : api.all<Key>('/api/v1/keys', {}).then((keys) => new Map(keys.map((key) => [key.id, key.name])), () => new Map<string, string>());
    known.set(session.key, found);
  }
  return found;
}

export function By({ id }: { id: string }) {
  const { data } = useLoad(id, names);
  return <span title={id}>{data?.get(id) ?? id}</span>;
}
