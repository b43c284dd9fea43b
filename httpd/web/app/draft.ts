// A metric's definition as it is typed, and as the API takes it. Inputs are named as the API names the fields, so that what it
// refuses is told where it was typed. Lists have a line for each value.
import type { Metric, MetricCreate } from '../types';
import { ApiError } from './api';
import { session } from './session';

// Types, not interfaces: those are no Fields of app/form.ts.
export type Condition = { property: string; op: string; values: string };
export type Link = { value: string; values: string };

export type Draft = {
  texts: Record<string, string>;
  matrix: string;                   // '': none
  links: Link[];
  filters: Condition[];
  open: string[];                   // parts of the form that are unfolded
};

const listed = (values: string[] | undefined): string => (values ?? []).join('\n');
const lines = (text: string | undefined): string[] => (text ?? '').split('\n').map((line) => line.trim()).filter(Boolean);

// In the names of the API: m. stands for segmentation_matrix.
const inMatrix = (name: string): string => `segmentation_matrix.${name}`;

export function draftOf(metric: Metric | undefined, code: string): Draft {
  const matrix = metric?.segmentation_matrix;
  const texts: Record<string, string> = {
    code, aggregation_type: 'SUM', product_family_id: session.profile!.default_product_family_id,
    'unit_conversion.factor': String(metric?.unit_conversion?.factor ?? ''), 'unit_conversion.rounding': metric?.unit_conversion?.rounding ?? 'NONE',
  };
  for (const [name, value] of Object.entries(metric ?? {})) if (typeof value === 'string') texts[name] = value;
  let links: Link[] = [];
  if (matrix && 'key' in matrix) Object.assign(texts, { [inMatrix('key')]: matrix.key, [inMatrix('values')]: listed(matrix.values) });
  if (matrix && 'dimension1' in matrix) {
    for (const side of ['dimension1', 'dimension2'] as const) Object.assign(texts, { [inMatrix(`${side}.key`)]: matrix[side].key, [inMatrix(`${side}.values`)]: listed(matrix[side].values) });
  }
  if (matrix && 'dimension1_key' in matrix) {
    Object.assign(texts, { [inMatrix('dimension1_key')]: matrix.dimension1_key, [inMatrix('dimension2_key')]: matrix.dimension2_key });
    links = Object.entries(matrix.values).map(([value, values]) => ({ value, values: listed(values) }));
  }
  const filters = (metric?.filters ?? []).map((one) => ({ property: one.property, op: one.op, values: listed(one.values) }));
  return {
    texts, links, filters, matrix: matrix?.type ?? (matrix ? 'SINGLE' : ''),
    open: [...(matrix || filters.length ? ['which'] : []), ...(texts.usage_group_key || metric?.unit_conversion || texts.product_id ? ['more'] : [])],
  };
}

function matrixOf({ texts, matrix, links }: Draft): unknown {
  const text = (name: string) => texts[inMatrix(name)] ?? '';
  switch (matrix) {
    case 'SINGLE': return { type: matrix, key: text('key'), values: lines(text('values')) };
    case 'DOUBLE': return { type: matrix, ...Object.fromEntries(['dimension1', 'dimension2'].map((side) => [side, { key: text(`${side}.key`), values: lines(text(`${side}.values`)) }])) };
    case 'LINKED': return {
      type: matrix, dimension1_key: text('dimension1_key'), dimension2_key: text('dimension2_key'),
      values: Object.fromEntries(links.filter((link) => link.value).map((link) => [link.value, lines(link.values)])),
    };
    default: return null;
  }
}

// '' is nothing; what is no number goes as it is, for the API to say so.
function conversionOf(texts: Record<string, string>): unknown {
  const given = texts['unit_conversion.factor'];
  if (!given) return null;
  return { factor: /^\d+$/.test(given) ? Number(given) : given, rounding: texts['unit_conversion.rounding'] };
}

export function definitionOf(draft: Draft): MetricCreate {
  const { texts } = draft;
  const text = (name: string) => texts[name] || null;
  return {
    name: texts.name ?? '', slug: text('slug'), code: texts.code ?? '', product_family_id: texts.product_family_id ?? '', product_id: text('product_id'),
    aggregation_type: texts.aggregation_type, ...(texts.aggregation_type === 'COUNT' ? {} : { aggregation_key: text('aggregation_key') }), kind: text('kind'),
    description: text('description'), usage_group_key: text('usage_group_key'), unit_conversion: conversionOf(texts), segmentation_matrix: matrixOf(draft),
    filters: draft.filters.map((one) => ({ property: one.property, op: one.op, values: lines(one.values) })),
  } as MetricCreate;
}

// What a PATCH may say, of that what is not as it was.
export function changesOf(before: Draft, now: Draft): Partial<MetricCreate> {
  const [old, made] = [definitionOf(before), definitionOf(now)];
  const names = ['name', 'slug', 'description', 'filters', 'unit_conversion', 'segmentation_matrix'] as const;
  return Object.fromEntries(names.filter((name) => JSON.stringify(old[name]) !== JSON.stringify(made[name])).map((name) => [name, made[name]]));
}

// A field of the API, or the first of ours that it is made of.
export function atOurField(problem: unknown): ApiError {
  if (!(problem instanceof ApiError)) return new ApiError(0, String(problem));
  let { field = '' } = problem;
  if (field === 'unit_conversion') field = 'unit_conversion.factor';
  if (/^segmentation_matrix\.values\./.test(field)) field = inMatrix('values');
  if (/^filters\.\d+\.op$/.test(field)) field = field.replace('op', 'property');
  return new ApiError(problem.status, problem.message, field, problem.hint);
}
