-- tally_rest: authentication and the helpers of the functions behind the routes
--
-- Every function behind a route takes (tenant_id, path, query, body) and answers the JSON body of a success. tallyd obtains
-- tenant_id from authenticate() in the same statement. Failures are raised: SQLSTATE decides the HTTP status, the column
-- name of the error is the field at fault, the detail of TL429 a JSON object that tells the limit. NULL where an answer is
-- due means that nothing was done: tallyd calls again.

CREATE FUNCTION tally_rest._bad_key() RETURNS text
    AS 'MODULE_PATHNAME', 'tally_bad_key'
    LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally_rest._bad_key() IS
    'What a request with a bad key is told; value updates tell it of metrics that are not there too, so that nobody can probe for either';

CREATE FUNCTION tally_rest.authenticate(key_hash bytea, scope text) RETURNS integer
    AS 'MODULE_PATHNAME', 'tally_authenticate'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally_rest.authenticate(bytea, text) IS
    'The tenant of an API key given by its SHA-256, for one of the scopes read, write, admin; authenticates it until the end of the transaction. Errors: 28000 not a valid key, 42501 scope missing';

CREATE FUNCTION tally_rest.ready() RETURNS json
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT json_build_object('extension', (SELECT e.extversion FROM pg_extension e WHERE e.extname = 'pgtally'),
                             'library', tally.version())
$$;
COMMENT ON FUNCTION tally_rest.ready() IS 'Versions of the installed SQL and of the loaded library; answers only where both work';

CREATE FUNCTION tally_rest._compact(answer json) RETURNS text
    AS 'MODULE_PATHNAME', 'tally_compact_json'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally_rest._compact(json) IS
    'The text of an answer without white space between its tokens: what tallyd sends';

CREATE FUNCTION tally_rest._timestamp(at timestamptz) RETURNS text
    AS 'MODULE_PATHNAME', 'tally_format_timestamp'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tally_rest._timestamp(timestamptz) IS 'RFC 3339 in UTC with milliseconds, with microseconds only where there are some';

CREATE FUNCTION tally_rest._check_query(query jsonb, allowed text[]) RETURNS void
    AS 'MODULE_PATHNAME', 'tally_check_query'
    LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally_rest._check_query(jsonb, text[]) IS 'Raises 22023 naming a query parameter that the route does not take';

CREATE FUNCTION tally_rest._parameter(query jsonb, name text) RETURNS text
    AS 'MODULE_PATHNAME', 'tally_query_parameter'
    LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally_rest._parameter(jsonb, text) IS 'A query parameter that may be given once; NULL where it is absent or empty';

CREATE FUNCTION tally_rest._parameter_text(query jsonb, name text) RETURNS text
    AS 'MODULE_PATHNAME', 'tally_query_parameter_text'
    LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally_rest._parameter_text(jsonb, text) IS
    'A query parameter that may be given once and of which the empty text is a value like others; NULL where it is absent';

CREATE FUNCTION tally_rest._parameter_list(query jsonb, name text) RETURNS text[]
    AS 'MODULE_PATHNAME', 'tally_query_parameter_list'
    LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally_rest._parameter_list(jsonb, text) IS 'All values of a query parameter; NULL where it is absent';

CREATE FUNCTION tally_rest._parameter_number(query jsonb, name text, least_value bigint, greatest_value bigint, default_value bigint)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'tally_query_parameter_number'
    LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally_rest._parameter_number(jsonb, text, bigint, bigint, bigint) IS 'A query parameter that is a whole number in a range';

CREATE FUNCTION tally_rest._parameter_flag(query jsonb, name text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'tally_query_parameter_flag'
    LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally_rest._parameter_flag(jsonb, text) IS 'A query parameter that is true or false; false where it is absent';

CREATE FUNCTION tally_rest._parameter_archived(query jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    given text := coalesce(tally_rest._parameter(query, 'archived'), 'false');
BEGIN
    IF given NOT IN ('false', 'true', 'all') THEN
        PERFORM tally._fail('archived', 'archived must be false, true or all');
    END IF;
    RETURN given;
END
$$;
COMMENT ON FUNCTION tally_rest._parameter_archived(jsonb) IS 'Which things a list shows: false (those in use), true (archived ones) or all';

CREATE FUNCTION tally_rest._page(data json, page integer, per_page integer, total bigint) RETURNS json
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT json_build_object('data', coalesce(data, '[]'), 'pagination_meta', json_build_object(
        'page', page, 'per_page', per_page, 'total_items', total, 'total_pages', (total + per_page - 1) / per_page))
$$;
COMMENT ON FUNCTION tally_rest._page(json, integer, integer, bigint) IS 'One page of a list, with how many there are; right past the end too';

CREATE FUNCTION tally_rest._instant(query jsonb, name text, time_zone text) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'tally_query_instant'
    LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally_rest._instant(jsonb, text, text) IS
    'A query parameter that is a time, or a date: midnight in the time zone. Raises 22023';

CREATE FUNCTION tally_rest._local_time(query jsonb, name text, time_zone text) RETURNS timestamp
    AS 'MODULE_PATHNAME', 'tally_query_local_time'
    LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally_rest._local_time(jsonb, text, text) IS
    'A query parameter that is a date, or a time as the clocks of a zone show it; NULL where it is absent. Raises 22023';

CREATE FUNCTION tally_rest._either(query jsonb, name text, other text, time_zone text DEFAULT 'UTC') RETURNS text
    AS 'MODULE_PATHNAME', 'tally_query_either'
    LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally_rest._either(jsonb, text, text, text) IS
    'Under which of two names an end of a range is given; the first where neither is. Raises 22023 where both are, with different times';

CREATE FUNCTION tally_rest._instant_field(fields jsonb, name text) RETURNS timestamptz
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT tally_rest._instant(jsonb_build_object(name, jsonb_build_array(tally._text_field(fields, name, 64, true))), name, 'UTC') $$;
COMMENT ON FUNCTION tally_rest._instant_field(jsonb, text) IS 'A field of a body that is a time, or a date: midnight in UTC. Raises 22023';

CREATE FUNCTION tally_rest._customer_field(fields jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF jsonb_typeof(fields -> 'customer_id') NOT IN ('string', 'null') THEN
        PERFORM tally._fail('customer_id', format('customer_id must be a string, not %s', jsonb_typeof(fields -> 'customer_id')));
    END IF;
    RETURN fields ->> 'customer_id';
END
$$;
COMMENT ON FUNCTION tally_rest._customer_field(jsonb) IS 'The customer in a body, who may be the empty text; NULL where it is absent. Raises 22023';

CREATE FUNCTION tally_rest._id_of_path(path jsonb, prefix text, noun text, list text) RETURNS uuid
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    id uuid := tally._decode_id(prefix, path ->> 'id');
BEGIN
    IF id IS NULL THEN
        PERFORM tally._fail('id', format('"%s" is not the id of %s', left(path ->> 'id', 64), noun), format('GET %s lists them.', list));
    END IF;
    RETURN id;
END
$$;
COMMENT ON FUNCTION tally_rest._id_of_path(jsonb, text, text, text) IS 'The id in a path, which begins with prefix. Raises 22023 saying what it is not the id of, and where ids are listed';

CREATE FUNCTION tally_rest._unstorable_field(fields json) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    name  text;
    value json;
BEGIN
    -- U+0000 cannot even be taken apart: U+0001 stands for it, and an escape is one after an even number of backslashes.
    FOR name, value IN SELECT f.key, f.value FROM json_each(replace(fields::text, E'\\u0000', E'\\u0001')::json) f LOOP
        IF value::text ~ E'(^|[^\\\\])(\\\\\\\\)*\\\\u0001' THEN
            PERFORM tally._fail(name, format('%s holds the character U+0000, which cannot be stored', name));
        END IF;
        BEGIN
            PERFORM value::jsonb;
        EXCEPTION WHEN numeric_value_out_of_range THEN
            PERFORM tally._fail(name, format('%s holds a number that is too large or has too many digits', name));
        END;
    END LOOP;
END
$$;
COMMENT ON FUNCTION tally_rest._unstorable_field(json) IS
    'Raises 22023 naming the first field of an object that is JSON and can yet be no jsonb: for a number beyond numeric, or U+0000';

CREATE FUNCTION tally_rest._body(body text) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF body IS NULL OR body = '' THEN
        PERFORM tally._fail(NULL, 'the request body is empty', 'Send a JSON object.');
    ELSIF json_typeof(body::json) <> 'object' THEN
        PERFORM tally._fail(NULL, 'the request body must be a JSON object');
    END IF;
    RETURN body::jsonb;
EXCEPTION WHEN numeric_value_out_of_range OR untranslatable_character THEN
    PERFORM tally_rest._unstorable_field(body::json);
    RAISE;
END
$$;
COMMENT ON FUNCTION tally_rest._body(text) IS 'The JSON object of a request body. Raises 22023, 22P02, 22P05';

