// What a definition would make of the newest events of its code, before it is saved.
export function Trial(_: { fields: Record<string, string> }) {
  return null;
}
