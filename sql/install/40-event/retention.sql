-- retention: what happened long ago is forgotten, with its identities and corrections

CREATE PROCEDURE tally.retain(keep interval)
    AS 'MODULE_PATHNAME', 'tally_retain'
    LANGUAGE C;
COMMENT ON PROCEDURE tally.retain(interval) IS
    'Forgets all that happened before the month in which this time ago lies, of every tenant; commits after each bounded unit, so it is not for a transaction. No event from before is taken any more, and questions about that time fail. Waits for nobody: what is being read stays until the next call';
