-- a store that holds events is not dropped by mistake (pg/border/drop_guard.cpp)

CREATE FUNCTION tally._guard_drop() RETURNS event_trigger
    AS 'MODULE_PATHNAME', 'tally_guard_drop'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally._guard_drop() IS 'Refuses a DROP EXTENSION or DROP OWNED that would take events along, unless tally.allow_drop is on. Raises 2BP01';

CREATE EVENT TRIGGER tally_guard_drop ON ddl_command_start WHEN TAG IN ('DROP EXTENSION', 'DROP OWNED') EXECUTE FUNCTION tally._guard_drop();
COMMENT ON EVENT TRIGGER tally_guard_drop IS 'A store that holds events is dropped only where the session says so: SET tally.allow_drop = on';
