# Default privileges of the database and of tally_owner, set before CREATE EXTENSION: PUBLIC may execute nothing and use no
# type, and a nosy role gets every table, sequence and function there is. What the README says of the roles holds all the
# same, and the nosy one has nothing.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Store;

my $node = new_node('hardened');
$node->safe_psql('postgres', q{
    CREATE ROLE nosy LOGIN;
    CREATE ROLE tally_owner NOLOGIN;
    ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
    ALTER DEFAULT PRIVILEGES REVOKE USAGE ON TYPES FROM PUBLIC;
    ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO nosy;
    ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO nosy;
    ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO nosy;
    ALTER DEFAULT PRIVILEGES FOR ROLE tally_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
    ALTER DEFAULT PRIVILEGES FOR ROLE tally_owner GRANT ALL ON TABLES TO nosy;
});
make_store($node);
$node->safe_psql('postgres', q{
    REVOKE USAGE ON SCHEMA tally FROM PUBLIC;
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;
    CREATE SCHEMA work; GRANT CREATE, USAGE ON SCHEMA work TO PUBLIC;
    GRANT EXECUTE ON FUNCTION public.events(integer, integer) TO PUBLIC;
    CREATE ROLE chief LOGIN IN ROLE tally_admin;
    CREATE ROLE developer LOGIN IN ROLE tally_app;
    CREATE ROLE server LOGIN IN ROLE tally_api;
    CREATE ROLE reader LOGIN IN ROLE tally_read;
});

# What SQL answers a role, or its SQLSTATE and message.
sub as_role {
    my ($role, $sql) = @_;
    my ($status, $out, $err) = $node->psql('postgres', "SET SESSION AUTHORIZATION $role; SET tally.tenant = 'tap';\n$sql",
        extra_params => [ '-v', 'VERBOSITY=verbose' ]);
    return $status ? ($err =~ /ERROR:  (\w{5}): (.*)/ ? "$1 $2" : $err) : $out;
}

# psql and superusers
is($node->safe_psql('postgres', events(1, 500)), '500,0', 'a superuser stores');
like(all_usage($node), qr/^sum\|/m, 'and reads usage');

# tally_admin: tenants, keys, limits, everything below
like(as_role('chief', q{SELECT tally.create_tenant('second', mode => 'test')}), qr/^ten_/, 'tally_admin makes tenants');
my $key = as_role('chief', q{SELECT tally.create_api_key('k', '{read,write,admin}')});
like($key, qr/^tally_live_/, 'and keys');
is(as_role('chief', q{SELECT name FROM tally.api_keys()}), 'k', 'and lists them');
like(as_role('chief', q{SELECT tally.set_limits(events_per_month => 1000000)}), qr/^ten_/, 'and sets limits');
is(as_role('chief', events(501, 510)), '10,0', 'and meters');
like(as_role('chief', q{SELECT tally.revoke_api_key(tally.create_api_key('gone'))}), qr/^tkn_/, 'and revokes keys');
is(as_role('chief', q{SELECT count(*) FROM tally.tenant}), '2', 'and sees every tenant');

# tally_app: metrics, events, usage, aggregates, states in tables of its own
like(as_role('developer', q{SELECT tally.create_metric('call', 'SUM', name => 'mine', aggregation_key => 'n', segmentation_matrix =>
    '{"matrix":{"segmentation_key":"who","segmentation_values":["w1"]}}')}), qr/^bm_|22023/, 'tally_app defines metrics');
is(as_role('developer', events(511, 520)), '10,0', 'and stores batches');
is(as_role('developer', q{SELECT verdict FROM tally.record('call', 'c9', '{"n": 1}')}), 'accepted', 'and single events');
is(as_role('developer', q{SELECT sum(events) FROM tally.usage((SELECT tally._encode_id('bm_', metric_id) FROM tally.metric WHERE name = 'count'),
    '2023-01-01Z', '2027-01-01Z', "window" => 'month', group_by => ARRAY['customer_id'], filter => '{"who": "w1"}')}), '40', 'and reads usage');
like(as_role('developer', q{SELECT value FROM tally.usage_total((SELECT tally._encode_id('bm_', metric_id) FROM tally.metric WHERE name = 'sum'),
    '2023-01-01Z', '2027-01-01Z')}), qr/^\d/, 'and totals');
is(as_role('developer', q{SELECT count(*) FROM tally.recent_event WHERE customer_id = 'c9'}), '1', 'and rows');
is(as_role('developer', q{SELECT count(*) FROM tally.windows('2024-01-01Z', '2024-02-01Z', 'day', 'Europe/Berlin')}), '32', 'and windows');
is(as_role('developer', q{
    CREATE TABLE work.states (s tally.summary, d tally.distinct_set, l tally.level_state);
    INSERT INTO work.states SELECT tally.summarize(x::numeric, now()), tally.distinct_values(x % 7), tally.level(x, now() + x * interval '1 s') FROM generate_series(1, 100) x;
    INSERT INTO work.states SELECT s::text::tally.summary, d::text::tally.distinct_set, l::text::tally.level_state FROM work.states;
    SELECT tally.total(tally.merge(s)), tally.cardinality(tally.merge(d)), count(DISTINCT l::text) FROM work.states}), '10100|7|1', 'and keeps states');
like(as_role('developer', q{SELECT tally.archive_metric('bm_0')}), qr/^P0002/, 'and archives metrics');
# corrections, cuts, statements, explanations, what is forgotten: each by the role that the README gives it to
is(as_role('developer', q{SELECT verdict FROM tally.record('call', 'late', '{"n": 5, "who": "w1"}', 'wrong')}), 'accepted', 'an event to correct');
like(as_role('developer', q{SELECT tally.cut('before')}), qr/^cut_/, 'tally_app makes cuts');
is(as_role('developer', q{SELECT reason FROM tally.amend_event('wrong', 'typo', 'late', properties => '{"n": 6, "who": "w1"}')}), 'typo', 'and amends events');
is(as_role('developer', q{SELECT reason FROM tally.void_event('wrong', 'not ours', 'late')}), 'not ours', 'and voids them');
like(as_role('developer', q{SELECT tally.restore_event('wrong', 'ours', 'late')}), qr/ours/, 'and restores them');
like(as_role('developer', q{SELECT tally.restore_events(tally.void_events('a batch', 'call', now() - interval '1 h', now() + interval '1 h', 'late', dry_run => false) ->> 'id', 'back')}),
    qr/^\{/, 'and both by a filter');
like(as_role('developer', q{SELECT tally.explain_usage((SELECT id FROM tally.metrics WHERE name = 'sum'), now() - interval '1 h', now() + interval '1 h')}), qr/by_outcome/, 'and explains usage');
like(as_role('developer', q{SELECT count(*) FROM tally.explain_event('wrong')}), qr/^[1-9]/, 'and events');
like(as_role('developer', q{SELECT tally.close_period('2024-01-01Z', '2024-02-01Z')}), qr/^stm_/, 'and closes periods');
like(as_role('developer', q{SELECT (SELECT count(*) > 0 FROM tally.statement_lines(s.statement)) AND (SELECT count(*) = 0 FROM tally.adjustments(s.statement))
    AND (SELECT count(*) = 0 FROM tally.adjusting_events(s.statement)) FROM tally.statements() s}), qr/^[tf]$/, 'and reads statements and their adjustments');
is(as_role('developer', q{SELECT value IS NOT NULL FROM tally.usage_total((SELECT id FROM tally.metrics WHERE name = 'sum'), now() - interval '1 h', now() + interval '1 h', as_of => 'before')}), 't', 'and usage as of a cut');
like(as_role('developer', q{SELECT tally.forget_customer('late', 'asked for', ARRAY['who'], dry_run => true)}), qr/^\{/, 'and says what forgetting would erase');
like(as_role('developer', q{SELECT tally.forget_customer('late', 'asked for', ARRAY['who'], dry_run => false)}), qr/^\{/, 'and forgets');
is(as_role('developer', q{SELECT count(*) FROM tally.unmatched_codes()}), '0', 'and lists codes that nobody reads');
like(as_role('developer', q{SELECT tally.create_metric('other', 'COUNT', slug => 'other') IS NOT NULL; SELECT tally.update_metric('other', name => 'Another')}), qr/bm_/, 'and changes metrics');
for my $view ('events', 'cuts', 'erasures', 'customers', 'tenants', 'metrics', 'product_families', 'products', 'limits', 'imports', 'health', 'packing', 'storage', 'read_grants') {
    for my $role ($view =~ /^(?:packing|storage|read_grants)$/ ? 'chief' : ('chief', 'developer')) {
        like(as_role($role, "SELECT count(*) FROM tally.$view"), qr/^\d+$/, "$role reads view $view");
    }
}
is(as_role('chief', q{CALL tally.pack(1, '0 s')}), '', 'tally_admin packs');
is(as_role('chief', q{CALL tally.retain('20 years')}), '', 'and retains');
is(as_role('chief', q{SELECT count(*) FROM tally.verify()}), '0', 'and verifies');
like(as_role('chief', q{SELECT tally.cut_daily()}), qr/^[tf]$/, 'and makes the daily cut');
like(as_role('chief', q{SELECT tally.seal_identities()}), qr/^[-\d\w()]*$/, 'and seals identities');
is(as_role('chief', q{SELECT tally.grant_read('reader', 'second'); SELECT tally.revoke_read('reader', 'second')}) =~ /^\d{5} / ? 'refused' : 'done', 'done', 'and takes grants back');
like(as_role('developer', q{SELECT tally.create_tenant('x')}), qr/^42501/, 'but makes no tenants');
like(as_role('developer', q{SELECT * FROM tally.api_key}), qr/^42501/, 'and sees no keys');

# tally_read: usage, events and definitions of what it was granted, and aggregates
is(as_role('chief', q{SELECT tally.grant_read('reader', 'tap')}), '', 'tally_admin grants reading');
is(as_role('reader', q{SELECT sum(events) > 40 FROM tally.usage((SELECT id FROM tally.metrics WHERE name = 'count'), '2023-01-01Z', '2027-01-01Z', "window" => 'month')}), 't', 'tally_read reads usage');
is(as_role('reader', q{SELECT (SELECT count(*) > 500 FROM tally.events) AND (SELECT count(*) > 1 FROM tally.customers)}), 't', 'and events and customers');
is(as_role('reader', q{SELECT (SELECT count(*) FROM tally.tenants) + (SELECT count(*) FROM tally.product_families) + (SELECT count(*) FROM tally.products) + (SELECT count(*) FROM tally.imports)}), '2', 'and definitions');
is(as_role('reader', q{SELECT tally.cardinality(tally.distinct_values(x)) FROM generate_series(1, 9) x}), '9', 'and aggregates');
like(as_role('reader', q{SELECT tally.record('call', 'c')}), qr/^42501/, 'but stores nothing');
like(as_role('reader', q{SET tally.tenant = 'second'; SELECT * FROM tally.metrics}), qr/^42501/, 'and reaches no other tenant');

# tally_api: every route that only reads, and authentication (test/http runs all routes of tallyd on such a server)
my $hash = "sha256('$key')";
for my $call ('list_metrics', 'get_profile', 'list_keys', 'list_products', 'list_product_families', 'list_imports', 'list_events', 'list_cuts',
    'list_statements', 'list_corrections', 'list_unmatched_codes', 'list_batch_jobs', 'overview') {
    like(as_role('server', "SELECT tally_rest._compact(tally_rest.$call(tally_rest.authenticate($hash, 'read'), '{}', '{}', NULL))"), qr/^\{/, "tally_api: $call");
}
is(as_role('server', "SELECT status FROM tally_rest.ingest_batch(ARRAY[$hash], ARRAY['{\"events\":[{\"event_id\":\"s\",\"code\":\"call\",\"customer_id\":\"c\"}]}'])"),
    '200', 'tally_api: ingest_batch');
like(as_role('server', "SELECT tally_rest.ready()"), qr/library/, 'tally_api: ready');
like(as_role('server', "SELECT tally_rest.key_limits($hash)"), qr/1000000/, 'tally_api: key_limits');

# The nosy role has nothing, whatever default privileges gave it.
$node->safe_psql('postgres', 'GRANT USAGE ON SCHEMA tally, tally_rest, tally_gated TO nosy');
is($node->safe_psql('postgres', q{
    SELECT string_agg(c.oid::regclass::text, ', ') FROM pg_class c
    WHERE c.relnamespace::regnamespace::text IN ('tally', 'tally_rest', 'tally_gated')
      AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege('nosy', c.oid, 'USAGE, SELECT, UPDATE')
               WHEN c.relkind IN ('r', 'p', 'v') THEN has_table_privilege('nosy', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
                                                      OR has_any_column_privilege('nosy', c.oid, 'SELECT, INSERT, UPDATE, REFERENCES') END}),
    '', 'default privileges give nobody a table');
is($node->safe_psql('postgres', q{
    SELECT string_agg(p.oid::regprocedure::text, ', ') FROM pg_proc p
    WHERE p.pronamespace::regnamespace::text IN ('tally', 'tally_rest', 'tally_gated') AND has_function_privilege('nosy', p.oid, 'EXECUTE')}), '', 'nor a function');
like(as_role('nosy', q{SELECT tally.record('call', 'c')}), qr/^42501/, 'so it stores nothing');
$node->stop;
done_testing();
