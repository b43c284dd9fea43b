-- what pg_dump takes along: every table and sequence with user data (partitions of the event log are ordinary tables)

DO $dump$
DECLARE
    relation oid;
BEGIN
    FOR relation IN SELECT c.oid FROM pg_catalog.pg_class c
                    WHERE c.relnamespace = 'tally'::pg_catalog.regnamespace AND c.relkind IN ('r', 'p', 'S') ORDER BY c.oid LOOP
        PERFORM pg_catalog.pg_extension_config_dump(relation, '');
    END LOOP;
END
$dump$;
