// Values against the schemas of the API's document, by ajv, which test/lib/npm.sh installs; without it nothing is known, and
// MISSING says so: tests that need it are skipped with that reason.
// An object has no properties but those that its schema lists: the document says every field.
'use strict';

function load() {
  try {
    return { Ajv: require('ajv/dist/2020').default, formats: require('ajv-formats').default };
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND') throw error;
    return {};
  }
}
const { Ajv, formats } = load();
const MISSING = Ajv ? false : 'ajv is not installed: see test/lib/npm.sh';

const COMPONENTS = '#/components/schemas/';

class Schemas {
  constructor(doc) {
    this.doc = doc;
    this.compiled = new Map();     // by the text of the schema
    if (MISSING) return;
    this.ajv = new Ajv({ strict: true, strictTypes: false, allErrors: true, verbose: true });
    formats(this.ajv);
    this.ajv.addVocabulary(['example']);
    this.ajv.addSchema({ $id: 'api', $defs: Object.fromEntries(Object.entries(doc.components.schemas).map(([name, schema]) => [name, this.prepared(schema, false)])) });
  }

  named(ref) {
    const found = this.doc.components.schemas[ref.slice(COMPONENTS.length)];
    if (!ref.startsWith(COMPONENTS) || !found) throw new Error(`$ref leads nowhere: ${ref}`);
    return found;
  }

  // Whether an object schema lists properties, its parts included.
  lists(schema) {
    return Object.keys(schema.properties ?? {}).length > 0 || (schema.allOf ?? []).some((part) => this.lists(part)) || (schema.$ref !== undefined && this.lists(this.named(schema.$ref)));
  }

  says(schema, keyword) {
    return keyword in schema || (schema.allOf ?? []).some((part) => this.says(part, keyword)) || (schema.$ref !== undefined && this.says(this.named(schema.$ref), keyword));
  }

  // The schema for ajv. closed: of a value that has no properties but those that are listed; a part of a schema (allOf), and
  // what a $ref may be a part of, is open.
  prepared(schema, closed) {
    const out = { ...schema };
    const each = (value, how) => Object.fromEntries(Object.entries(value).map(([name, one]) => [name, this.prepared(one, how)]));
    if (out.properties) out.properties = each(out.properties, true);
    for (const keyword of ['items', 'additionalProperties']) if (typeof out[keyword] === 'object') out[keyword] = this.prepared(out[keyword], true);
    if (out.allOf) out.allOf = out.allOf.map((part) => this.prepared(part, false));
    for (const keyword of ['anyOf', 'oneOf']) if (out[keyword]) out[keyword] = out[keyword].map((part) => this.prepared(part, closed));
    if (out.$ref) {
      // Its branches are closed where it stands, not where it is defined.
      const target = this.named(out.$ref);
      if (closed && (target.anyOf || target.oneOf)) {
        delete out.$ref;
        return this.prepared({ ...target, ...out }, true);
      }
      out.$ref = `api#/$defs/${out.$ref.slice(COMPONENTS.length)}`;
    }
    if (closed && this.lists(schema) && !this.says(schema, 'additionalProperties')) out.unevaluatedProperties = false;
    return out;
  }

  test(schema, open) {
    const key = `${open} ${JSON.stringify(schema)}`;
    if (!this.compiled.has(key)) this.compiled.set(key, this.ajv.compile(this.prepared(schema, !open)));
    return this.compiled.get(key);
  }

  // What is wrong with a value, as a list of texts. open: further properties are allowed.
  validate(schema, value, { open = false } = {}) {
    if (MISSING) throw new Error(MISSING);
    const test = this.test(schema, open);
    if (test(value)) return [];
    return test.errors.map(({ instancePath, keyword, message, params, data }) => `${instancePath || '/'}: ${keyword === 'unevaluatedProperties'
      ? `"${params.unevaluatedProperty}" is not documented` : `${keyword}: ${message}: ${JSON.stringify(data)?.slice(0, 200)}`}`);
  }
}

module.exports = { MISSING, Schemas };
