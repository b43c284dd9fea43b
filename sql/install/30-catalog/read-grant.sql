-- who may read which tenant: grants of tally.grant_read() to members of tally_read (pg/border/read_grant.hpp)

CREATE TABLE tally.read_grant (
    tenant_id  integer NOT NULL REFERENCES tally.tenant,
    role_name  text NOT NULL CHECK (pg_catalog.octet_length(role_name) BETWEEN 1 AND 63),
    granted_at timestamptz NOT NULL DEFAULT tally._now(),
    granted_by text NOT NULL DEFAULT session_user,
    PRIMARY KEY (tenant_id, role_name)
);
COMMENT ON TABLE tally.read_grant IS 'Which role, and who has its rights, may read which tenant as a member of tally_read';
COMMENT ON COLUMN tally.read_grant.tenant_id IS 'The tenant that may be read';
COMMENT ON COLUMN tally.read_grant.role_name IS 'The role, by its name: a dump keeps it. A name that no role has grants nothing';
COMMENT ON COLUMN tally.read_grant.granted_at IS 'When it was granted';
COMMENT ON COLUMN tally.read_grant.granted_by IS 'Role that had logged in to grant it';

CREATE FUNCTION tally._readable_tenants() RETURNS integer[]
    AS 'MODULE_PATHNAME', 'tally_readable_tenants'
    LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally._readable_tenants() IS 'Tenants that the caller was granted to read. Row level security of role tally_read rests on it';

CREATE FUNCTION tally._named_tenant(tenant text) RETURNS integer
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    found_id integer;
BEGIN
    SELECT t.tenant_id INTO found_id FROM tally.tenant t
    WHERE t.name = tenant OR t.uid = tally._decode_id('ten_', tenant) ORDER BY t.name = tenant DESC LIMIT 1;
    IF found_id IS NULL THEN
        RAISE EXCEPTION 'tenant "%" does not exist', coalesce(left(tenant, 100), 'null') USING ERRCODE = 'undefined_object', COLUMN = 'tenant',
            HINT = 'Give its name or its id: SELECT id, name FROM tally.tenants;';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION tally._named_tenant(text) IS 'The number of a tenant, given its name or its id. Raises 42704';

CREATE FUNCTION tally_gated.grant_read(reader text, tenant text) RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    role   record;
    chosen integer := tally._named_tenant(tenant);
BEGIN
    SELECT r.rolname, r.rolsuper, pg_has_role(r.oid, 'tally_read', 'MEMBER') AS reads,
           (SELECT string_agg(g.name, ' and ' ORDER BY g.name) FROM unnest(ARRAY['tally_admin', 'tally_app', 'tally_owner']) g(name)
            WHERE pg_has_role(r.oid, g.name, 'MEMBER')) AS chooses
    INTO role FROM pg_roles r WHERE r.rolname = reader;
    IF role.rolname IS NULL THEN
        RAISE EXCEPTION 'role "%" does not exist', coalesce(left(reader, 63), 'null') USING ERRCODE = 'undefined_object', COLUMN = 'reader';
    ELSIF role.rolsuper OR role.chooses IS NOT NULL THEN
        PERFORM tally._fail('reader', format('role "%s" is %s and can choose every tenant: no grant would hold it back', role.rolname,
                                             CASE WHEN role.rolsuper THEN 'a superuser' ELSE 'a member of ' || role.chooses END));
    ELSIF NOT role.reads THEN
        PERFORM tally._fail('reader', format('role "%s" is no member of tally_read', role.rolname), format('GRANT tally_read TO %I, then grant it the tenant.', role.rolname));
    END IF;
    INSERT INTO tally.read_grant (tenant_id, role_name) VALUES (chosen, role.rolname) ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION tally_gated.grant_read(text, text) IS 'What grant_read does once the gate has let the caller through';

CREATE FUNCTION tally.grant_read(reader text, tenant text) RETURNS void
    AS 'MODULE_PATHNAME', 'tally_gate_admin'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally.grant_read(text, text) IS
    'Lets a role that is a member of tally_read, and who has its rights, read usage, events and definitions of a tenant, given its name or id. Repeating it changes nothing. Errors: 42704 no such role or tenant, 22023 no member of tally_read, or one that could choose every tenant';

CREATE FUNCTION tally_gated.revoke_read(reader text, tenant text) RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    chosen integer := tally._named_tenant(tenant);
BEGIN
    DELETE FROM tally.read_grant g WHERE g.tenant_id = chosen AND g.role_name = reader;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'role "%" was not granted tenant "%"', coalesce(left(reader, 63), 'null'), left(tenant, 100) USING ERRCODE = 'undefined_object', COLUMN = 'reader',
            HINT = 'SELECT * FROM tally.read_grants shows who was.';
    END IF;
END
$$;
COMMENT ON FUNCTION tally_gated.revoke_read(text, text) IS 'What revoke_read does once the gate has let the caller through';

CREATE FUNCTION tally.revoke_read(reader text, tenant text) RETURNS void
    AS 'MODULE_PATHNAME', 'tally_gate_admin'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally.revoke_read(text, text) IS
    'Takes back what tally.grant_read granted, of roles too that are no longer there; holds from the commit on. Error: 42704 no such grant';

CREATE FUNCTION tally._read_grants(OUT reader text, OUT tenant text, OUT granted_at timestamptz, OUT granted_by text) RETURNS SETOF record
    LANGUAGE sql STABLE ROWS 10
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT g.role_name, t.name, g.granted_at, g.granted_by
    FROM tally.read_grant g JOIN tally.tenant t ON t.tenant_id = g.tenant_id ORDER BY g.role_name, t.name
$$;
COMMENT ON FUNCTION tally._read_grants() IS 'What view read_grants shows; reads with the rights of the caller';

CREATE VIEW tally.read_grants AS SELECT * FROM tally._read_grants();
COMMENT ON VIEW tally.read_grants IS 'Which roles may read which tenant as members of tally_read (tally.grant_read): all for tally_admin, for tally_app those of the chosen tenant';
