# Stored aggregate states are dumped and restored: the same states, and they go on merging with new values.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Store;

my $node = new_node('states');
$node->safe_psql('postgres', q{
    CREATE EXTENSION pgtally;
    CREATE TABLE stored AS
    SELECT g, tally.summarize(x, ts, i) AS whole, tally.distinct_values(x) AS numbers, tally.distinct_values(x::text || repeat('-', g)) AS texts,
           tally.level(x, ts) AS level, tally.counter(abs(x), ts + g * interval '1 week', i) AS counter
      FROM (SELECT i, i % 20 AS g, ((i * 7919 % 1000) - 500) * 10::numeric ^ (i % 50 - 20) AS x,
                   timestamptz '2024-01-01Z' + i * interval '1 minute' AS ts FROM generate_series(1, 5000) AS i) AS v GROUP BY g;
    INSERT INTO stored SELECT 100, tally.summarize(x), NULL, NULL, NULL, NULL FROM (VALUES ('NaN'::numeric), (1.50)) AS v(x);
    CREATE INDEX ON stored USING hash (whole);
});
my $states = 'SELECT g, whole, numbers, texts, level, counter FROM stored ORDER BY g';
my $merged = q{SELECT tally.n(s), tally.total(s), tally.latest(s), tally.cardinality(d), tally.contains(d, 5.0), tally.change(l), tally.increase(c), tally.resets(c) FROM
    (SELECT tally.merge(whole) FILTER (WHERE g < 100) AS s, tally.merge(numbers) AS d, tally.merge(level) AS l, tally.merge(counter) AS c FROM (
        SELECT g, whole, numbers, level, counter FROM stored UNION ALL
        SELECT 0, tally.summarize(1.25, '2030-01-01'), tally.distinct_values(5), tally.level(2, '2030-01-01'), tally.counter(2, '2030-01-01')) AS u) AS q};
my $before = $node->safe_psql('postgres', $states);
my $merged_before = $node->safe_psql('postgres', $merged);
is(scalar(split /\n/, $before), 21, 'states are stored');

my $dir = PostgreSQL::Test::Utils::tempdir;
for my $format ([ 'plain', '-Fp' ], [ 'custom', '-Fc' ], [ 'inserts', '--inserts' ]) {
    my ($name, $option) = @$format;
    command_ok([ 'pg_dump', $option, '-t', 'stored', '-d', $node->connstr('postgres'), '-f', "$dir/$name" ], "$name: pg_dump works");
    $node->safe_psql('postgres', "CREATE DATABASE restored_$name TEMPLATE template0");
    $node->safe_psql("restored_$name", 'CREATE EXTENSION pgtally');
    command_ok($name eq 'custom'
        ? [ 'pg_restore', '--exit-on-error', '-d', $node->connstr("restored_$name"), "$dir/$name" ]
        : [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr("restored_$name"), '-f', "$dir/$name" ],
        "$name: it is restored without an error");
    is($node->safe_psql("restored_$name", $states), $before, "$name: the same states");
    is($node->safe_psql("restored_$name", $merged), $merged_before, "$name: they merge with new values as before");
}
$node->stop;
done_testing();
