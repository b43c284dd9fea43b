// TypeScript's view of the schemas of the API's description: interfaces of the same names.
const quote = (name) => (/^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name));

function one(schema, depth) {
  if (!schema || Object.keys(schema).length === 0) return 'unknown';
  if (schema.$ref) return schema.$ref.split('/').pop();
  if ('const' in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  for (const [key, glue] of [['allOf', ' & '], ['anyOf', ' | '], ['oneOf', ' | ']]) {
    if (schema[key]) return `(${schema[key].map((part) => one(part, depth)).join(glue)})`;
  }
  if (Array.isArray(schema.type)) return schema.type.map((type) => one({ ...schema, type }, depth)).join(' | ');
  switch (schema.type) {
    case 'string': return 'string';
    case 'integer': case 'number': return 'number';
    case 'boolean': return 'boolean';
    case 'null': return 'null';
    case 'array': return `Array<${one(schema.items, depth)}>`;
    default: return object(schema, depth);
  }
}

function object(schema, depth) {
  const indent = '  '.repeat(depth + 1);
  const needed = new Set(schema.required ?? []);
  const members = Object.entries(schema.properties ?? {})
    .map(([name, value]) => `${indent}${quote(name)}${needed.has(name) ? '' : '?'}: ${one(value, depth + 1)};\n`);
  const others = schema.additionalProperties;
  if (members.length === 0) return `Record<string, ${others && others !== true ? one(others, depth) : 'unknown'}>`;
  return `{\n${members.join('')}${'  '.repeat(depth)}}`;
}

export function typesOf(document) {
  const schemas = Object.entries(document.components.schemas);
  return `// Made by types.mjs of the API's description.\n${schemas.map(([name, schema]) => `export type ${name} = ${one(schema, 0)};\n`).join('')}`;
}
