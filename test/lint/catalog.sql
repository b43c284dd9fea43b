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
    ('functions that catch exceptions are PARALLEL UNSAFE'),
    ('every object has a comment'),
    ('every column of a table has a comment'),
    ('SECURITY DEFINER functions belong to no superuser and are not for PUBLIC'),
    ('every table and sequence with user data is registered for pg_dump'),
    ('nobody but its owner and tally_owner may create in the extension''s schemas'),
    ('operators of the extension are built on functions of the extension or of PostgreSQL'),
    ('tables, functions and types belong to tally_owner'),
    ('nobody but tally_owner may write to, refer to or hang triggers onto a table'),
    ('every table has row level security, and its policies are for reading'),
    ('partitions are reached through their table alone'),
    ('views read no tables with the rights of their owner'),
    ('roles hold the rights that the rules name, and no other'),
    ('what stores stands behind the gate'),
    ('the gate and what stands behind it fit together'),
    ('the roles need nothing that PUBLIC has'),
    ('the roles are plain and members of nothing');

INSERT INTO complaint SELECT 'the extension has members', 'pgtally', 'nothing was installed' WHERE NOT EXISTS (SELECT FROM member);

INSERT INTO complaint
SELECT 'functions in SQL and PL/pgSQL pin their search_path', m.name, 'add SET search_path = pg_catalog, pg_temp'
FROM member m
JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND p.oid = m.objid
JOIN pg_language l ON l.oid = p.prolang
WHERE l.lanname IN ('sql', 'plpgsql') AND p.prosqlbody IS NULL
  AND NOT coalesce(p.proconfig, '{}') @> ARRAY['search_path=pg_catalog, pg_temp'];

-- Before PostgreSQL 17 no subtransaction may begin while a plan runs in parallel mode, in the leader neither.
INSERT INTO complaint
SELECT 'functions that catch exceptions are PARALLEL UNSAFE', m.name, 'label it PARALLEL UNSAFE, and what calls it; or look instead of catching'
FROM member m
JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND p.oid = m.objid
JOIN pg_language l ON l.oid = p.prolang
WHERE l.lanname = 'plpgsql' AND p.proparallel <> 'u' AND p.prosrc ~ '\mEXCEPTION\s+WHEN\M';

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

-- The catalog as rights: what of ours, which right, who has it. Owners are left out.
CREATE TEMP VIEW granted AS
    SELECT m.name, g.kind, a.privilege_type AS privilege, coalesce(r.rolname, 'PUBLIC') AS grantee, m.objid
    FROM member m
    JOIN LATERAL (
        SELECT CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END AS kind, c.relowner AS owner,
               coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner)) AS acl
        FROM pg_class c WHERE m.classid = 'pg_class'::regclass AND c.oid = m.objid
        UNION ALL
        SELECT 'column', c.relowner, t.attacl FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid
        WHERE m.classid = 'pg_class'::regclass AND c.oid = m.objid AND t.attacl IS NOT NULL
        UNION ALL
        SELECT 'function', p.proowner, coalesce(p.proacl, acldefault('f', p.proowner)) FROM pg_proc p WHERE m.classid = 'pg_proc'::regclass AND p.oid = m.objid
        UNION ALL
        SELECT 'type', t.typowner, coalesce(t.typacl, acldefault('T', t.typowner)) FROM pg_type t WHERE m.classid = 'pg_type'::regclass AND t.oid = m.objid
        UNION ALL
        SELECT 'schema', n.nspowner, coalesce(n.nspacl, acldefault('n', n.nspowner)) FROM pg_namespace n WHERE m.classid = 'pg_namespace'::regclass AND n.oid = m.objid
    ) g ON true
    CROSS JOIN LATERAL aclexplode(g.acl) a
    LEFT JOIN pg_roles r ON r.oid = a.grantee
    WHERE a.grantee <> g.owner;

INSERT INTO complaint
SELECT 'tables, functions and types belong to tally_owner', m.name, 'ALTER ... OWNER TO tally_owner in 90-close/security.sql'
FROM member m
WHERE EXISTS (SELECT FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'pgtally'
              WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND d.classid = m.classid AND d.objid = m.objid)
  AND coalesce((SELECT c.relowner FROM pg_class c WHERE m.classid = 'pg_class'::regclass AND c.oid = m.objid AND c.relkind IN ('r', 'p', 'v', 'S')),
               (SELECT p.proowner FROM pg_proc p WHERE m.classid = 'pg_proc'::regclass AND p.oid = m.objid),
               (SELECT t.typowner FROM pg_type t WHERE m.classid = 'pg_type'::regclass AND t.oid = m.objid)) <> 'tally_owner'::regrole;

-- Partitions made at run time are no members, and tables all the same.
INSERT INTO complaint
SELECT 'nobody but tally_owner may write to, refer to or hang triggers onto a table', c.oid::regclass::text, format('REVOKE %s FROM %s', a.privilege_type, coalesce(r.rolname, 'PUBLIC'))
FROM pg_class c
CROSS JOIN LATERAL (SELECT c.relacl AS acl UNION ALL SELECT t.attacl FROM pg_attribute t WHERE t.attrelid = c.oid) l
CROSS JOIN LATERAL aclexplode(l.acl) a
LEFT JOIN pg_roles r ON r.oid = a.grantee
WHERE c.relnamespace = ANY (ARRAY['tally', 'tally_rest', 'tally_gated']::regnamespace[])
  AND r.rolname IS DISTINCT FROM 'tally_owner' AND a.privilege_type <> 'SELECT';

INSERT INTO complaint
SELECT 'every table has row level security, and its policies are for reading', c.oid::regclass::text,
       CASE WHEN NOT c.relrowsecurity THEN 'ENABLE ROW LEVEL SECURITY' ELSE 'CREATE POLICY ... FOR SELECT, for each role that may read it' END
FROM pg_class c
WHERE c.relnamespace = 'tally'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND (NOT c.relrowsecurity
       OR EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND (p.polcmd <> 'r' OR 0 = ANY (p.polroles)))
       OR EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee <> c.relowner
                                                       AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND a.grantee = ANY (p.polroles))));

INSERT INTO complaint
SELECT 'partitions are reached through their table alone', c.oid::regclass::text, 'OWNER TO tally_owner, and no grant'
FROM pg_class c
WHERE c.relnamespace = 'tally'::regnamespace AND c.relispartition
  AND (c.relowner <> 'tally_owner'::regrole OR EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee <> c.relowner));

INSERT INTO complaint
SELECT DISTINCT 'views read no tables with the rights of their owner', c.oid::regclass::text, 'read ' || d.refobjid::regclass || ' in a function that checks the caller'
FROM pg_class c
JOIN pg_rewrite w ON w.ev_class = c.oid
JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> c.oid
WHERE c.relnamespace = ANY (ARRAY['tally', 'tally_rest', 'tally_gated']::regnamespace[]) AND c.relkind IN ('v', 'm');

INSERT INTO complaint
SELECT DISTINCT 'roles hold the rights that the rules name, and no other', g.name, format('%s %s of %s', g.privilege, g.kind, g.grantee)
FROM granted g
LEFT JOIN pg_proc p ON g.kind = 'function' AND p.oid = g.objid
WHERE NOT CASE g.kind
    WHEN 'table' THEN g.privilege = 'SELECT' AND (g.grantee IN ('tally_admin', 'tally_app', 'tally_api')
                                                 OR g.grantee = 'tally_read' AND g.name ~ '^(view|table) tally[.](events|customers|tenants?|metrics?|product_famil(y|ies)|products?|imports|import_batch|health|cuts?|statement|statement_usage|superseded_statement|correction|lifted_correction|metric_version)$')
    WHEN 'column' THEN g.privilege = 'SELECT' AND g.grantee = 'tally_api' AND g.name = 'table tally.api_key'
    WHEN 'sequence' THEN false
    WHEN 'type' THEN g.grantee IN ('PUBLIC', 'tally_admin', 'tally_app', 'tally_read', 'tally_api')
    WHEN 'schema' THEN g.privilege = 'USAGE'
                       AND CASE g.objid::regnamespace::text WHEN 'tally' THEN g.grantee IN ('PUBLIC', 'tally_owner', 'tally_admin', 'tally_app', 'tally_read', 'tally_api')
                                                            WHEN 'tally_rest' THEN g.grantee IN ('tally_owner', 'tally_admin', 'tally_api')
                                                            ELSE g.grantee = 'tally_owner' END
                       OR g.privilege = 'CREATE' AND g.objid = 'tally'::regnamespace AND g.grantee = 'tally_owner'
    WHEN 'function' THEN CASE p.pronamespace::regnamespace::text
        -- What PUBLIC may execute computes, and reads no table.
        WHEN 'tally' THEN g.grantee IN ('tally_admin', 'tally_app', 'tally_api')
                          OR g.grantee = 'tally_read' AND (p.provolatile <> 'v' OR p.prokind = 'a' OR p.proname IN ('_uuid7', '_random_bytes'))
                          OR g.grantee = 'PUBLIC' AND (p.prokind = 'a' OR p.provolatile = 'i' OR p.proname IN (
                              'windows', '_check_time_zone', '_local_instant', '_uuid7', '_random_bytes', '_now'))
        WHEN 'tally_rest' THEN g.grantee IN ('tally_admin', 'tally_api')
        ELSE false END
    END;

-- Whatever is VOLATILE and may be executed by others: a function in front of the gate, or one that is named here with its reason.
INSERT INTO complaint
SELECT DISTINCT 'what stores stands behind the gate', p.oid::regprocedure::text, 'make it a C function in front of the gate (pg/border/gate.cpp)'
FROM granted g JOIN pg_proc p ON g.kind = 'function' AND p.oid = g.objid JOIN pg_language l ON l.oid = p.prolang
WHERE p.provolatile = 'v' AND p.prokind <> 'a' AND NOT (l.lanname = 'c' AND p.prosrc ~ '^tally_gate_')
  AND p.oid::regprocedure::text NOT IN (
      'tally._uuid7()', 'tally._random_bytes(integer)',                       -- random, and store nothing
      'tally._statement_deadline()', 'tally._set_statement_deadline(timestamp with time zone)',
      -- ask the gate themselves: they go on in C++ and have no function behind them (pg/ingest/ingest_session.cpp)
      'tally.ingest(text,boolean)', 'tally.ingest(jsonb,boolean)', 'tally.record(text,text,jsonb,text,timestamp with time zone,text,boolean)',
      -- tend the store, the same whoever calls them, and are not for tally_app
      'tally.pack_step(integer,interval,boolean)', 'tally.cut_daily()', 'tally.pack(integer,interval,boolean)', 'tally.retain(interval)',
      'tally.verify(integer)',                                                -- for tally_admin alone; keeps how many problems there are, where it may
      'tally_rest.authenticate(bytea,text)', 'tally_rest.ingest_batch(bytea[],text[])');      -- the keys that they are given are the proof

INSERT INTO complaint
SELECT 'the gate and what stands behind it fit together', p.oid::regprocedure::text,
       CASE n.nspname WHEN 'tally_gated' THEN 'it must be a SECURITY DEFINER function that is not STRICT, in front of which a function stands' ELSE 'nothing stands behind it' END
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
WHERE n.nspname = 'tally_gated' AND l.lanname <> 'c'
      AND (NOT p.prosecdef OR p.proisstrict
           OR NOT EXISTS (SELECT FROM pg_proc f WHERE f.prosrc ~ '^tally_gate_' AND f.proname = p.proname
                          AND p.proargtypes::text = CASE WHEN f.prosrc ~ '^tally_gate_chosen' THEN '23 ' ELSE '' END || f.proargtypes::text))
   OR p.prosrc ~ '^tally_gate_' AND l.lanname = 'c'
      AND NOT EXISTS (SELECT FROM pg_proc b WHERE b.pronamespace = 'tally_gated'::regnamespace AND b.proname = p.proname AND b.prorettype = p.prorettype
                      AND b.proargtypes::text = CASE WHEN p.prosrc ~ '^tally_gate_chosen' THEN '23 ' ELSE '' END || p.proargtypes::text);

INSERT INTO complaint
SELECT 'the roles need nothing that PUBLIC has', g.name, format('GRANT %s TO %s by name', g.privilege, role)
FROM granted g CROSS JOIN unnest(ARRAY['tally_admin', 'tally_app', 'tally_read', 'tally_api']) role
WHERE g.grantee = 'PUBLIC' AND g.kind IN ('function', 'type', 'schema')
  AND NOT EXISTS (SELECT FROM granted h WHERE h.name = g.name AND h.kind = g.kind AND h.grantee = role)
  AND NOT EXISTS (SELECT FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid     -- arrays and row types follow
                  WHERE g.kind = 'type' AND t.oid = g.objid AND (t.typcategory = 'A' OR c.relkind <> 'c'));

INSERT INTO complaint
SELECT 'the roles are plain and members of nothing', r.rolname, 'NOLOGIN, NOSUPERUSER, NOBYPASSRLS, NOCREATEROLE, and no membership'
FROM pg_roles r
WHERE r.rolname IN ('tally_owner', 'tally_admin', 'tally_app', 'tally_read', 'tally_api')
  AND (r.rolsuper OR r.rolcanlogin OR r.rolbypassrls OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication
       OR EXISTS (SELECT FROM pg_auth_members m WHERE m.member = r.oid));

SELECT coalesce(
    (SELECT E'not ok - ' || r.name || E'\n' || string_agg(format('#   %s: %s', c.object, c.advice), E'\n' ORDER BY c.object)
     FROM complaint c WHERE c.rule = r.name),
    'ok - ' || r.name)
FROM rule r ORDER BY r.number;
