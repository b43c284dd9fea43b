// Why a number is what it is: what became of every event of its code and range, and each step to the value.
import type { Metric, Usage, UsageExplanation, UsageRow } from '../types';
import { api } from '../app/api';
import { count, decimal, exact, moment } from '../app/format';
import { useLoad } from '../app/load';
import { Dialog, When } from '../app/parts';
import { groupKey, groupOf, lacking, queryOf, type Question } from '../app/question';
import { change, href } from '../app/route';

const outcomes: Array<[keyof UsageExplanation['by_outcome'], string]> = [
  ['counted', 'counted'], ['filtered', ''], ['outside_matrix', 'outside of the metric’s matrix'], ['missing', 'skipped: the property is missing'], ['empty', 'skipped: the value is empty'],
  ['not_a_number', 'skipped: the value is no number'], ['not_a_value', 'skipped: the value is no text or number'], ['voided', 'void'], ['amended', 'amended: another row counts in its place'],
];

// Of a row: its window, and its group as a filter.
function askOf(question: Question, row: UsageRow | undefined) {
  const query = { ...queryOf({ ...question, groups: [] }), window: undefined };
  if (!row) return query;
  const filters = Object.entries(row.dimensions).filter(([, value]) => value !== null).map(([name, value]) => [`filter[${name}]`, value as string]);
  return { ...query, from: row.start, to: row.end, ...(row.customer_id === undefined ? {} : { customer_id: row.customer_id }), ...Object.fromEntries(filters) };
}

export const rowKey = (row: UsageRow): string => `${row.start}~${groupKey(row)}`;

export function Explain({ metric, question, usage, what }: { metric: Metric; question: Question; usage: Usage; what: string }) {
  const row = usage.usage.find((one) => rowKey(one) === what);
  const query = { ...askOf(question, row), explain: true };
  const wrong = row ? lacking(row) && `Events without ${lacking(row)} cannot be asked for alone: no filter of the API says so.` : what !== 'total' && 'This row is there no more.';
  const keepers = [row && Object.keys(row.dimensions).length > 0 && 'of another group', (metric.filters?.length || Object.keys(question.filter).length) && 'kept out by the filter'];
  const loaded = useLoad(JSON.stringify(query), async (signal) => (wrong ? undefined : api.get<Usage>(`/api/v1/metrics/${metric.id}/usage`, query, signal)), 5000);
  return (
    <Dialog title={row ? `${metric.name}: ${moment(row.start, question.zone)} ${groupOf(row)}` : `${metric.name}${wrong ? '' : ': the total'}`} close={() => change({ explain: undefined })} wide>
      {wrong && <p class="notice">{wrong}</p>}
      <When loaded={loaded} rows={5}>{(answer) => answer?.explanation && <Told told={answer.explanation.total} kept={keepers.filter(Boolean).join(', or ')} />}</When>
    </Dialog>
  );
}

// kept: what kept the others out.
function Told({ told, kept }: { told: UsageExplanation; kept: string }) {
  return (
    <>
      <p>{count(told.events)} events of the code lie in the range.</p>
      <ul class="plain">
        {outcomes.filter(([name]) => told.by_outcome[name].events > 0).map(([name, words]) => (
          <li key={name}>
            <strong class="number">{count(told.by_outcome[name].events)}</strong> {words || kept}
            <span class="soft examples">such as {told.by_outcome[name].examples.slice(0, 3).map((event) => (
              <a key={event.event_id} href={href(['events', event.event_id], { customer: event.customer_id, source: event.source })}>{event.event_id}</a>
            ))}</span>
          </li>
        ))}
      </ul>
      <h3>From the counted ones to the value</h3>
      <ol class="steps">
        {told.steps.map((step) => (
          <li key={step.step}>{step.step}{step.by && ` ${decimal(step.by)}`}{step.rounding && ` (${step.rounding.toLowerCase()})`}: <strong class="number" data-exact={step.result ?? ''}>{exact(step.result)}</strong></li>
        ))}
      </ol>
    </>
  );
}
