-- roles: cluster-wide, so they may exist already from another database with pgtally; they are never dropped
--   tally_owner   owns everything of pgtally; nobody logs in as it
--   tally_admin   all tenants: tenants, keys, everything below
--   tally_app     SQL developers: define metrics, record events, read usage of the tenant named by tally.tenant
--   tally_read    who only reads: usage, events and definitions of the tenants that it was granted, whatever it sets
--   tally_api     tallyd: the functions of schema tally_rest, for the tenant whose key was checked in this transaction

DO $encoding$
BEGIN
    IF pg_catalog.current_setting('server_encoding') OPERATOR(pg_catalog.<>) 'UTF8' THEN
        RAISE EXCEPTION 'pgtally needs a database in encoding UTF8, and this one is in %', pg_catalog.current_setting('server_encoding')
            USING ERRCODE = 'feature_not_supported', HINT = 'CREATE DATABASE ... ENCODING ''UTF8'' TEMPLATE template0';
    END IF;
END
$encoding$;

DO $roles$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['tally_owner', 'tally_admin', 'tally_app', 'tally_read', 'tally_api'] LOOP
        IF EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = role_name) THEN
            -- A role that somebody prepared with rights of its own would make the grants below a way to gain them.
            IF EXISTS (SELECT FROM pg_catalog.pg_roles r
                       WHERE r.rolname = role_name AND (r.rolsuper OR r.rolcanlogin OR r.rolbypassrls)) THEN
                RAISE EXCEPTION 'role "%" exists and can log in, is a superuser or bypasses row level security', role_name
                    USING HINT = 'pgtally needs it as a plain NOLOGIN role: rename or alter it, then try again.';
            END IF;
        ELSE
            EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', role_name);
        END IF;
    END LOOP;
END
$roles$;

