-- What the store of fill.sql answers, as text: the same before and after an upgrade. Nothing in it depends on the clock.
\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only on
SET timezone = 'UTC';
SET tally.tenant = 'upgrade';
SELECT m.slug, u.window_start, u.customer_id, u.dimensions, u.value, u.converted_value, u.events, u.skipped
FROM tally.metrics m, tally.usage(m.id, '2024-01-01Z', '2026-01-01Z', "window" => 'month', group_by => '{customer_id,region}') u
ORDER BY m.slug, u.window_start, u.customer_id, u.dimensions::text;
SELECT m.slug, u.* FROM tally.metrics m, tally.usage_total(m.id, '2024-01-01Z', '2026-01-01Z') u ORDER BY m.slug;
SELECT * FROM public.of_ours ORDER BY 1;
SELECT e.event_id, e.code, e.customer_id, e.source, e.ts, e.properties FROM tally.events(NULL, '2024-01-01Z', '2026-01-01Z') e ORDER BY e.ts, e.customer_id, e.event_id;
SELECT c.* FROM tally.customers c ORDER BY 1;
SELECT m.slug, m.name, m.code, m.aggregation_type, m.aggregation_key, m.filters, m.usage_group_key, m.conversion_factor, m.conversion_rounding FROM tally.metrics m ORDER BY 1;
SELECT l.metric, l.customer_id, l.value, l.converted_value FROM tally.statements() s, tally.statement_lines(s.statement) l ORDER BY 1, 2;
SELECT a.metric, a.customer_id, a.value FROM tally.statements() s, tally.adjustments(s.statement) a ORDER BY 1, 2;
SELECT i.name, i.accepted, i.duplicates, i.failures FROM tally.imports i;
SELECT k.name, k.scopes FROM tally.api_keys() k;
SELECT l.events_per_month FROM tally.limits l;
SELECT g.reader, g.tenant FROM tally.read_grants g;
SELECT t.name, t.mode FROM tally.tenants t ORDER BY 1;
SELECT k.part, k.summary, k.seen FROM public.kept k ORDER BY 1;
SET ROLE upgrade_reader;
SELECT u.* FROM tally.usage_total('sum', '2024-01-01Z', '2026-01-01Z') u;
