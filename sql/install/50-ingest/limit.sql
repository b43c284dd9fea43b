-- limits: requests per second, which tallyd keeps to, and events per month, which are counted here
--
-- Limits are those of what comes through an API key: of the key, and of its tenant over all keys. What SQL users record in
-- their own transactions neither counts nor is ever refused. Months are those of UTC.
--
-- Exact, and yet no row that all writers queue on: the month's count of a key or a tenant lies in 32 shards, each with a
-- credit of what may still be counted in it; used + credit over all shards never exceeds the limit. A writer takes any
-- shard that nobody holds and that has credit for all its events, and counts what became of them at the end, in the same
-- transaction. Only where it finds none, it takes the lock of the key or tenant, waits for all the shards, and spreads what
-- is left over them anew; so near the limit writers come one after the other, and the n-th event passes and no other.
-- Nobody waits in a circle: tenant before keys, keys by id, one shard each, all before the first event is claimed.

CREATE TABLE tally.month_count (
    tenant_id integer NOT NULL REFERENCES tally.tenant,
    key_id    uuid NOT NULL,
    month     date NOT NULL,
    shard     integer NOT NULL,
    used      bigint NOT NULL DEFAULT 0 CHECK (used >= 0),
    credit    bigint CHECK (credit >= 0),
    quota     bigint,
    PRIMARY KEY (tenant_id, key_id, month, shard)
) WITH (fillfactor = 50);
COMMENT ON TABLE tally.month_count IS 'Events that came through the API in a calendar month of UTC, in shards';
COMMENT ON COLUMN tally.month_count.tenant_id IS 'Whose events they are';
COMMENT ON COLUMN tally.month_count.key_id IS 'Key that brought them; 0 for the tenant over all its keys';
COMMENT ON COLUMN tally.month_count.month IS 'First day of the month';
COMMENT ON COLUMN tally.month_count.shard IS 'Number of the shard, from 0';
COMMENT ON COLUMN tally.month_count.used IS 'Events counted in this shard';
COMMENT ON COLUMN tally.month_count.credit IS 'Events that may still be counted in this shard; NULL: there is no limit';
COMMENT ON COLUMN tally.month_count.quota IS 'The limit that the credit is a part of; under another one it does not count';

CREATE FUNCTION tally._month(at timestamptz) RETURNS date
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT date_trunc('month', at AT TIME ZONE 'UTC')::date $$;
COMMENT ON FUNCTION tally._month(timestamptz) IS 'First day of the month of UTC that holds an instant';

CREATE FUNCTION tally._spread_credit(tenant_id integer, key_id uuid, month date, wanted bigint, OUT allowed bigint, OUT quota bigint)
    RETURNS record
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    tenant integer := _spread_credit.tenant_id;
    key    uuid := _spread_credit.key_id;
    start  date := _spread_credit.month;
    rest   bigint;
    chunk  bigint;
BEGIN
    -- Own advisory lock class. What the limit is changed to from here on, the next writer sees and spreads again.
    PERFORM pg_advisory_xact_lock(82560, hashtext(tenant || ' ' || key));
    SELECT l.events_per_month INTO quota
    FROM (SELECT t.events_per_month FROM tally.tenant t WHERE t.tenant_id = tenant AND key = '00000000-0000-0000-0000-000000000000'
          UNION ALL SELECT k.events_per_month FROM tally.api_key k WHERE k.tenant_id = tenant AND k.key_id = key) l;
    INSERT INTO tally.month_count (tenant_id, key_id, month, shard)
    SELECT tenant, key, start, s FROM generate_series(0, 31) s ON CONFLICT DO NOTHING;
    PERFORM FROM tally.month_count c WHERE c.tenant_id = tenant AND c.key_id = key AND c.month = start ORDER BY c.shard FOR UPDATE;
    -- Each statement sees what was committed before it, so these are the counts of whoever held a shard.
    SELECT CASE WHEN _spread_credit.quota IS NOT NULL THEN greatest(_spread_credit.quota - sum(c.used), 0) END INTO rest
    FROM tally.month_count c WHERE c.tenant_id = tenant AND c.key_id = key AND c.month = start;
    chunk := greatest((rest + 31) / 32, wanted * 4);
    UPDATE tally.month_count c SET credit = n.credit, quota = _spread_credit.quota
    FROM (SELECT s AS shard, CASE WHEN rest IS NOT NULL THEN least(greatest(rest - s * chunk, 0), chunk) END AS credit FROM generate_series(0, 31) s) n
    WHERE c.tenant_id = tenant AND c.key_id = key AND c.month = start AND c.shard = n.shard
      AND (c.credit, c.quota) IS DISTINCT FROM (n.credit, _spread_credit.quota);
    allowed := coalesce(least(wanted, rest), wanted);
END
$$;
COMMENT ON FUNCTION tally._spread_credit(integer, uuid, date, bigint) IS
    'Waits for everybody who counts for a key or tenant, spreads what is left of the month''s limit over the shards, at least what is wanted to shard 0 if there is as much, and answers how much of it is allowed';

CREATE FUNCTION tally_gated.set_limits(tenant_id integer, requests_per_second numeric, burst integer, events_per_month bigint,
    key text) RETURNS text
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    tenant  integer := tenant_id;
    subject uuid := '00000000-0000-0000-0000-000000000000';
    answer  text;
BEGIN
    IF requests_per_second <= 0 OR requests_per_second > 1000000 THEN
        PERFORM tally._fail('requests_per_second', 'requests_per_second must be greater than 0 and at most 1000000, or NULL for no limit');
    ELSIF burst < 1 OR burst IS NOT NULL AND requests_per_second IS NULL THEN
        PERFORM tally._fail('burst', 'burst must be at least 1, and it needs requests_per_second');
    ELSIF events_per_month < 0 THEN
        PERFORM tally._fail('events_per_month', 'events_per_month must not be negative; NULL means no limit');
    END IF;
    IF key IS NOT NULL THEN
        SELECT k.key_id INTO subject FROM tally.api_key k
        WHERE k.tenant_id = tenant AND (k.key_id = tally._decode_id('tkn_', key) OR k.secret_hash = sha256(convert_to(key, 'UTF8')));
        IF subject IS NULL THEN
            RAISE EXCEPTION 'the tenant has no such API key' USING ERRCODE = 'undefined_object',
                HINT = 'Give the secret or the id: SELECT id, name, hint FROM tally.api_keys();';
        END IF;
        UPDATE tally.api_key k SET requests_per_second = set_limits.requests_per_second, burst = set_limits.burst,
                                   events_per_month = set_limits.events_per_month WHERE k.key_id = subject;
        answer := tally._encode_id('tkn_', subject);
    ELSE
        UPDATE tally.tenant t SET requests_per_second = set_limits.requests_per_second, burst = set_limits.burst,
                                  events_per_month = set_limits.events_per_month
        WHERE t.tenant_id = tenant RETURNING tally._encode_id('ten_', t.uid) INTO answer;
    END IF;
    RETURN answer;
END
$$;
COMMENT ON FUNCTION tally_gated.set_limits(integer, numeric, integer, bigint, text) IS 'What set_limits does once the gate has let the caller through';

CREATE FUNCTION tally.set_limits(requests_per_second numeric DEFAULT NULL, burst integer DEFAULT NULL, events_per_month bigint DEFAULT NULL,
                                 key text DEFAULT NULL) RETURNS text
    AS 'MODULE_PATHNAME', 'tally_gate_chosen_admin'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tally.set_limits(numeric, integer, bigint, text) IS
    'Sets the limits of the current tenant, or of one of its keys given by secret or id (tkn_...), for what comes through the API: requests per second, how many may come at once, and accepted events per calendar month of UTC; NULL means no limit. Holds from the commit on, for the month that runs too. Answers the id. Errors: 22023, 42704 no such key';

CREATE FUNCTION tally._month_used(tenant_id integer, key_id uuid, at timestamptz) RETURNS bigint
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT coalesce(sum(c.used), 0)::bigint FROM tally.month_count c
    WHERE c.tenant_id = _month_used.tenant_id AND c.key_id = _month_used.key_id AND c.month = tally._month(at)
$$;
COMMENT ON FUNCTION tally._month_used(integer, uuid, timestamptz) IS 'Events counted so far in the month that holds an instant';
