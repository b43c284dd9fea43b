# Ten million rows: every aggregate against PostgreSQL's own answer, in serial and parallel plans; ten million groups,
# which spill to disk and leave the machine its memory.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Store;

my $rows = 10_000_000;
my $node = new_node('ten_million');
$node->append_conf('postgresql.conf', "fsync = off\nmax_wal_size = 8GB\nshared_buffers = 256MB\nwork_mem = 128MB\njit = off\n");
$node->restart;
# Values of scales 0 to 12, some of 30 digits, some NULL; sums leave 64 bits, and 128 bits in `wide`.
$node->safe_psql('postgres', qq{
    CREATE EXTENSION pgtally;
    SELECT setseed(0.4);
    CREATE UNLOGGED TABLE v AS
    SELECT i, (i % 1000)::int AS customer, (random() * 300000)::int AS dense, (random() * 100000)::bigint * 1000000007 AS sparse,
           CASE i % 16 WHEN 0 THEN NULL WHEN 1 THEN random()::numeric * 1e30 WHEN 2 THEN -random()::numeric * 1e30 WHEN 3 THEN 0.000
                WHEN 4 THEN round(random()::numeric / 1e6, 12) ELSE (random() * 1000)::numeric(12, 4) - 500 END AS x,
           CASE WHEN i % 1000 = 0 THEN random()::numeric * 10::numeric ^ (i / 1000 % 120 - 20) ELSE i % 77 END AS wide,
           CASE i % 3000000 WHEN 77 THEN 'NaN'::numeric WHEN 78 THEN 'Infinity' ELSE i % 10 END AS special,
           'customer ' || (i * 7919 % 50000) AS name, timestamptz '2024-01-01Z' + (i * 7919 % $rows) * interval '1 second' AS ts
    FROM generate_series(1, $rows\::bigint) AS i;
    ANALYZE v;
});

# [name, ours, PostgreSQL's]: both must answer one row with the same text.
my @questions = (
    [ 'summary', 'SELECT tally.n(s), tally.total(s), tally.lowest(s), tally.highest(s), tally.mean(s) FROM (SELECT tally.summarize(x) FROM v) AS q(s)',
        'SELECT count(x), sum(x), min(x), max(x), avg(x) FROM v' ],
    [ 'summary of wide values', 'SELECT tally.n(s), tally.total(s), trim_scale(tally.lowest(s)), trim_scale(tally.highest(s)), tally.mean(s) FROM (SELECT tally.summarize(wide) FROM v) AS q(s)',
        'SELECT count(wide), sum(wide), trim_scale(min(wide)), trim_scale(max(wide)), avg(wide) FROM v' ],
    [ 'summary with NaN and Infinity', 'SELECT tally.n(s), tally.total(s), tally.lowest(s), tally.highest(s), tally.mean(s) FROM (SELECT tally.summarize(special) FROM v) AS q(s)',
        'SELECT count(special), sum(special), min(special), max(special), avg(special) FROM v' ],
    [ 'first and latest', 'SELECT tally.first(s), tally.latest(s), tally.first_at(s), tally.latest_at(s) FROM (SELECT tally.summarize(x, ts) FROM v) AS q(s)',
        'SELECT (SELECT x FROM v WHERE ts = min), (SELECT x FROM v WHERE ts = max), min, max FROM (SELECT min(ts), max(ts) FROM v WHERE x IS NOT NULL) AS q' ],
    [ 'summary by customer', q{SELECT md5(string_agg(customer || ' ' || tally.n(s) || ' ' || tally.total(s) || ' ' || tally.highest(s), ',' ORDER BY customer))
            FROM (SELECT customer, tally.summarize(x) AS s FROM v GROUP BY customer) AS q WHERE tally.n(s) > 0},
        q{SELECT md5(string_agg(customer || ' ' || n || ' ' || total || ' ' || highest, ',' ORDER BY customer))
            FROM (SELECT customer, count(x) AS n, sum(x) AS total, max(x) AS highest FROM v GROUP BY customer) AS q WHERE n > 0} ],
    [ 'distinct integers, close together and far apart', 'SELECT tally.cardinality(tally.distinct_values(dense)), tally.cardinality(tally.distinct_values(sparse)) FROM v',
        'SELECT (SELECT count(*) FROM (SELECT dense FROM v GROUP BY 1) AS d), (SELECT count(*) FROM (SELECT sparse FROM v GROUP BY 1) AS d)' ],
    [ 'distinct texts', 'SELECT tally.cardinality(tally.distinct_values(name)) FROM v', 'SELECT count(*) FROM (SELECT name FROM v GROUP BY 1) AS d' ],
    [ 'distinct by customer', 'SELECT sum(tally.cardinality(s)) FROM (SELECT tally.distinct_values(dense) AS s FROM v GROUP BY customer) AS q',
        'SELECT count(*) FROM (SELECT customer, dense FROM v GROUP BY 1, 2) AS d' ],
    [ 'all different', 'SELECT tally.cardinality(tally.distinct_values(i * 1000003)) FROM v', "SELECT $rows" ],
    [ 'counter', 'SELECT tally.increase(c), tally.resets(c), tally.n(c) FROM (SELECT tally.counter(dense, ts) FROM v) AS q(c)',
        q{SELECT sum(CASE WHEN last IS NULL THEN 0 WHEN dense < last THEN dense ELSE dense - last END), count(*) FILTER (WHERE dense < last), count(*)
            FROM (SELECT dense, lag(dense) OVER (ORDER BY ts, dense) AS last FROM v) AS q} ],
    [ 'level', q{SELECT tally.change(s), trim_scale(tally.time_weighted_seconds(s, '2024-01-01Z', '2025-01-01Z')) FROM (SELECT tally.level(dense, ts) FROM v) AS q(s)},
        q{SELECT sum(dense), trim_scale(sum(dense * extract(epoch FROM timestamptz '2025-01-01Z' - ts))) FROM v} ],
);
my $plan = "SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET max_parallel_workers_per_gather = %d;\n";
for (@questions) {
    my ($name, $ours, $theirs) = @$_;
    my $expected = $node->safe_psql('postgres', sprintf($plan, 2) . $theirs);
    is($node->safe_psql('postgres', sprintf($plan, 0) . $ours), $expected, "$name, serial");
    is($node->safe_psql('postgres', sprintf($plan, 2) . $ours), $expected, "$name, two workers");
}

# Ten million groups in hash aggregation: their states alone would take some 3 GB.
my $groups = q{SELECT i, tally.summarize(x, ts) AS s, tally.distinct_values(dense) AS d FROM v GROUP BY i};
my $script = q{
    SET enable_sort = off; SET max_parallel_workers_per_gather = 0; SET work_mem = '64MB';
    EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT count(*), sum(tally.n(s)), sum(tally.cardinality(d)) FROM (} . $groups . q{) AS q;
    SELECT count(*), sum(tally.n(s)), sum(tally.cardinality(d)) FROM (} . $groups . q{) AS q;
    SELECT (regexp_match(pg_read_file('/proc/' || pg_backend_pid() || '/status'), 'VmHWM:\s+(\d+) kB'))[1]::int / 1024 AS peak_mb;
};
my $out = $node->safe_psql('postgres', $script);
like($out, qr/HashAggregate/, 'ten million groups are hashed');
like($out, qr/Batches: (?!1 )\d+/, 'and spill to disk');
my @lines = split /\n/, $out;
is($lines[-2], "$rows|" . $node->safe_psql('postgres', 'SELECT count(x) FROM v') . "|$rows", 'every group has its states');
cmp_ok($lines[-1], '<', 1024, "within a gigabyte, shared buffers included ($lines[-1] MB)");
$node->stop;
done_testing();
