-- ingest: events in, one verdict each out
--
-- Events are parsed, judged and stored by C++ (extension/pg/ingest): here are its faces. The only locks taken on rows are the
-- unique key of recent_identity, always in the order of that key, so that two writers of the same events wait for each other
-- but never in a circle, and the tenant against being deleted. Nothing here raises for bad data.

CREATE FUNCTION tally._ingest(tenant_id integer, events text, allow_backfilling boolean, import_id uuid DEFAULT NULL,
                              OUT index integer, OUT event_id text, OUT verdict text, OUT reason text, OUT field text, OUT unmatched boolean, OUT details jsonb)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'tally_ingest_for_tenant'
    LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 100;
COMMENT ON FUNCTION tally._ingest(integer, text, boolean, uuid) IS
    'tally.ingest for a tenant that the caller may act for, as part of an import where one is given. Verdicts are those of tally.ingest, and limited: over a limit of the month, which details tells; limits hold where an API key was checked in this transaction. Raises 55P03 where an open transaction holds one of the events and an API key sent them';

CREATE FUNCTION tally.ingest(events text, allow_backfilling boolean DEFAULT false,
                             OUT index integer, OUT event_id text, OUT verdict text, OUT reason text, OUT field text, OUT unmatched boolean)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'tally_ingest_text'
    LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 100;
COMMENT ON FUNCTION tally.ingest(text, boolean) IS
    'Stores a JSON array of 1 to 10,000 events {event_id, code, customer_id, timestamp?, properties?, source?} for the current tenant. One row for each: index (from 0), event_id and verdict: accepted, duplicate (same event again: counted once), conflict (same event_id, customer and source with other content: the first stands) or rejected, with reason and field; and unmatched, where it is accepted and none of the tenant''s metrics reads its code. Properties are of any kind of JSON. Bad data never raises; a text that is no such array is one rejected row without an index';

CREATE FUNCTION tally.ingest(events jsonb, allow_backfilling boolean DEFAULT false,
                             OUT index integer, OUT event_id text, OUT verdict text, OUT reason text, OUT field text, OUT unmatched boolean)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'tally_ingest_jsonb'
    LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 100;
COMMENT ON FUNCTION tally.ingest(jsonb, boolean) IS 'tally.ingest for events that are jsonb already';

CREATE FUNCTION tally.record(code text, customer text DEFAULT '', properties jsonb DEFAULT '{}', INOUT event_id text DEFAULT NULL,
                             ts timestamptz DEFAULT NULL, source text DEFAULT '', allow_backfilling boolean DEFAULT false,
                             OUT verdict text, OUT reason text, OUT field text, OUT unmatched boolean)
    RETURNS record
    AS 'MODULE_PATHNAME', 'tally_record'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally.record(text, text, jsonb, text, timestamptz, text, boolean) IS
    'Stores one event for the current tenant, in the caller''s transaction, and answers event_id, verdict, reason, field and unmatched (none of the tenant''s metrics reads this code). Without event_id a new one is made; without ts it happens now. Bad data never raises, so that metering cannot abort a business transaction';
