-- Lint of the installed catalog: run in a fresh cluster with the extension; prints `ok - rule` or `not ok - rule` and what to do.

-- The bridges too, where what they bridge to is installed.
DO $$
DECLARE
    other text;
BEGIN
    FOR other IN SELECT name FROM pg_available_extensions WHERE name IN ('hll', 'tdigest') LOOP
        EXECUTE format('CREATE EXTENSION pgtally_%s CASCADE', other);
    END LOOP;
END $$;

CREATE TEMP TABLE complaint (rule text, object text, advice text);
CREATE TEMP TABLE rule (number int GENERATED ALWAYS AS IDENTITY, name text);
CREATE TEMP VIEW member AS
    SELECT d.classid, d.objid, pg_describe_object(d.classid, d.objid, 0) AS name
    FROM pg_depend d
    JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
    WHERE e.extname ~ '^pgtally(_|$)' AND d.deptype = 'e';

INSERT INTO rule (name) VALUES
    ('the extension has members'),
    ('functions in SQL and PL/pgSQL pin their search_path'),
    ('every object has a comment'),
    ('every column of a table has a comment'),
    ('SECURITY DEFINER functions belong to no superuser and are not for PUBLIC'),
    ('every table and sequence with user data is registered for pg_dump'),
    ('nobody but its owner and tally_owner may create in the extension''s schemas'),
    ('operators of the extension are built on functions of the extension or of PostgreSQL');

INSERT INTO complaint SELECT 'the extension has members', 'pgtally', 'nothing was installed' WHERE NOT EXISTS (SELECT FROM member);

INSERT INTO complaint
SELECT 'functions in SQL and PL/pgSQL pin their search_path', m.name, 'add SET search_path = pg_catalog, pg_temp'
FROM member m
JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND p.oid = m.objid
JOIN pg_language l ON l.oid = p.prolang
WHERE l.lanname IN ('sql', 'plpgsql') AND p.prosqlbody IS NULL
  AND NOT coalesce(p.proconfig, '{}') @> ARRAY['search_path=pg_catalog, pg_temp'];

-- Array types and the row types of tables come with their owners; rules and triggers are part of a table.
INSERT INTO complaint
SELECT 'every object has a comment', m.name, 'add COMMENT ON'
FROM member m
WHERE obj_description(m.objid, (SELECT relname FROM pg_class WHERE oid = m.classid)) IS NULL
  AND m.classid NOT IN ('pg_rewrite'::regclass, 'pg_trigger'::regclass, 'pg_amop'::regclass, 'pg_amproc'::regclass,
                        'pg_default_acl'::regclass)
  AND NOT EXISTS (SELECT FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
                  WHERE m.classid = 'pg_type'::regclass AND t.oid = m.objid
                    AND (t.typcategory = 'A' OR (t.typtype = 'c' AND c.relkind <> 'c') OR t.typtype = 'm'))
  AND NOT EXISTS (SELECT FROM pg_class c   -- a composite type's comment is on the type
                  WHERE m.classid = 'pg_class'::regclass AND c.oid = m.objid AND c.relkind IN ('c', 'i', 'I'));

INSERT INTO complaint
SELECT 'every column of a table has a comment', m.name || ', column ' || a.attname, 'add COMMENT ON COLUMN'
FROM member m
JOIN pg_class c ON m.classid = 'pg_class'::regclass AND c.oid = m.objid AND c.relkind IN ('r', 'p')
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE col_description(a.attrelid, a.attnum) IS NULL;

INSERT INTO complaint
SELECT 'SECURITY DEFINER functions belong to no superuser and are not for PUBLIC', m.name,
       CASE WHEN r.rolsuper THEN 'give it to tally_owner' ELSE 'REVOKE EXECUTE FROM PUBLIC, then grant' END
FROM member m
JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND p.oid = m.objid
JOIN pg_roles r ON r.oid = p.proowner
WHERE p.prosecdef
  AND (r.rolsuper
       OR EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee = 0));

-- The install script writes no rows, so every table is the users'.
INSERT INTO complaint
SELECT 'every table and sequence with user data is registered for pg_dump', m.name, 'call pg_extension_config_dump for it'
FROM member m
JOIN pg_class c ON m.classid = 'pg_class'::regclass AND c.oid = m.objid AND c.relkind IN ('r', 'p', 'S')
JOIN pg_extension e ON e.extname = 'pgtally'
WHERE NOT coalesce(e.extconfig, '{}') @> ARRAY[c.oid];

INSERT INTO complaint
SELECT 'nobody but its owner and tally_owner may create in the extension''s schemas', m.name, 'REVOKE CREATE ON SCHEMA FROM ' || coalesce(r.rolname, 'PUBLIC')
FROM member m
JOIN pg_namespace n ON m.classid = 'pg_namespace'::regclass AND n.oid = m.objid
CROSS JOIN aclexplode(n.nspacl) a
LEFT JOIN pg_roles r ON r.oid = a.grantee
WHERE a.privilege_type = 'CREATE' AND a.grantee <> n.nspowner AND r.rolname IS DISTINCT FROM 'tally_owner';

INSERT INTO complaint
SELECT 'operators of the extension are built on functions of the extension or of PostgreSQL', m.name, 'use a function of schema tally'
FROM member m
JOIN pg_operator o ON m.classid = 'pg_operator'::regclass AND o.oid = m.objid
JOIN pg_proc p ON p.oid = o.oprcode
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname NOT IN ('pg_catalog', 'tally');

SELECT coalesce(
    (SELECT E'not ok - ' || r.name || E'\n' || string_agg(format('#   %s: %s', c.object, c.advice), E'\n' ORDER BY c.object)
     FROM complaint c WHERE c.rule = r.name),
    'ok - ' || r.name)
FROM rule r ORDER BY r.number;
