-- NULL ends no backend: each function in C that is not STRICT is called with NULL in each argument in turn, beside good ones,
-- and with nothing but NULL. What it answers, or raises, is other tests' business; what it does is undone.
\set VERBOSITY terse
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
SELECT tally.create_tenant('nulls') IS NOT NULL AS made;
SET tally.tenant = 'nulls';
SELECT tally.create_metric('call', 'COUNT_DISTINCT', name => 'm', aggregation_key => 'v') IS NOT NULL AS made;
SELECT verdict FROM tally.record('call', customer => 'a', properties => '{"v": 1}', event_id => 'e');

CREATE FUNCTION sample(type oid) RETURNS text LANGUAGE sql AS $$
    SELECT CASE type::regtype::text
        WHEN 'integer' THEN 'tally.current_tenant()' WHEN 'bigint' THEN '1' WHEN 'numeric' THEN '1' WHEN 'double precision' THEN '1'
        WHEN 'boolean' THEN 'false' WHEN 'uuid' THEN 'tally._uuid7()' WHEN 'interval' THEN $q$'1 day'::interval$q$
        WHEN 'bytea' THEN $q$'\x00'::bytea$q$ WHEN 'text' THEN $q$'call'$q$ WHEN 'text[]' THEN $q$'{a}'::text[]$q$
        WHEN 'bigint[]' THEN $q$'{1,2}'::bigint[]$q$ WHEN 'bytea[]' THEN $q$ARRAY['\x00'::bytea]$q$
        WHEN 'json' THEN $q$'{"v": 1}'::json$q$ WHEN 'jsonb' THEN $q$'{"v": ["1"]}'::jsonb$q$
        WHEN 'timestamp with time zone' THEN $q$(now() - interval '1 hour')$q$ WHEN 'timestamp without time zone' THEN $q$'2024-01-31'::timestamp$q$
        WHEN 'tally.metric' THEN '(SELECT m FROM tally.metric m LIMIT 1)' WHEN 'tally.metric[]' THEN '(SELECT array_agg(m) FROM tally.metric m)'
        WHEN 'tally.recent_event' THEN '(SELECT e FROM tally.recent_event e LIMIT 1)'
        ELSE 'NULL::' || type::regtype::text END
$$;

-- Answers how many functions there were: undone is what each call did.
CREATE FUNCTION call_with_nulls() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    f     record;
    place integer;
    given text;
    made  integer := 0;
BEGIN
    FOR f IN SELECT p.oid::regproc AS name, p.proargtypes AS types, p.pronargs AS arguments
             FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang AND l.lanname = 'c'
             JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
             JOIN pg_extension x ON x.oid = d.refobjid AND x.extname = 'pgtally'
             WHERE NOT p.proisstrict AND p.prokind = 'f' AND p.pronargs > 0 AND NOT 'internal'::regtype = ANY (p.proargtypes) ORDER BY p.oid LOOP
        FOR place IN 0 .. f.arguments LOOP      -- 0: all of them are NULL
            SELECT string_agg(CASE WHEN place IN (0, t.number) THEN 'NULL::' || t.type::regtype ELSE sample(t.type) END, ', ' ORDER BY t.number)
            INTO given FROM unnest(f.types) WITH ORDINALITY t(type, number);
            BEGIN
                EXECUTE format('SELECT count(*) FROM (SELECT %s(%s)) x', f.name, given);
                RAISE EXCEPTION 'undone';
            EXCEPTION WHEN OTHERS THEN
                NULL;
            END;
        END LOOP;
        made := made + 1;
    END LOOP;
    RETURN made;
END
$$;
SELECT call_with_nulls() > 80 AS "all were called";
SELECT value FROM tally.usage('call', now() - interval '1 hour', now() + interval '1 hour');
DROP FUNCTION call_with_nulls(), sample(oid);
