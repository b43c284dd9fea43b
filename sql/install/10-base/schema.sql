-- schemas

CREATE SCHEMA tally;
COMMENT ON SCHEMA tally IS 'pgtally: usage metering: aggregates, metrics, events and usage';
GRANT USAGE ON SCHEMA tally TO PUBLIC;
GRANT CREATE ON SCHEMA tally TO tally_owner;

CREATE SCHEMA tally_rest;
COMMENT ON SCHEMA tally_rest IS 'pgtally: the functions behind the REST routes of tallyd; psql can call them too';
GRANT USAGE ON SCHEMA tally_rest TO tally_api, tally_admin;

CREATE SCHEMA tally_gated;
COMMENT ON SCHEMA tally_gated IS 'pgtally: what stores, run with the rights of tally_owner by the functions of the other schemas; for nobody else''s use';

CREATE FUNCTION tally.version() RETURNS text
    AS 'MODULE_PATHNAME', 'tally_version'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally.version() IS
    'Version of the loaded pgtally library; compare it with pg_extension.extversion after a package update';

