# A database with the bridges to hll and tdigest is dumped and restored: extensions, sketches and digests, and they go on
# merging with new values.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Store;

my $node = new_node('approximate');
if ($node->safe_psql('postgres', "SELECT count(*) FROM pg_available_extensions WHERE name IN ('hll', 'tdigest')") < 2) {
    # Not every server has the packages: then what is missing must be said, and nothing may be left behind.
    $node->safe_psql('postgres', 'CREATE EXTENSION pgtally');
    for my $other (split /\n/, $node->safe_psql('postgres', "SELECT n FROM unnest('{hll,tdigest}'::text[]) AS n
            WHERE n NOT IN (SELECT name FROM pg_available_extensions)")) {
        my ($status, $out, $err) = $node->psql('postgres', "CREATE EXTENSION pgtally_$other CASCADE");
        isnt($status, 0, "pgtally_$other cannot be made without $other");
        like($err, qr/"$other"/, 'and the missing extension is named');
    }
    is($node->safe_psql('postgres', "SELECT count(*) FROM pg_extension WHERE extname LIKE 'pgtally\\_%'"), 0, 'nothing is left behind');
    $node->stop;
    done_testing();
    exit;
}
$node->safe_psql('postgres', q{
    CREATE SCHEMA sketch;
    CREATE EXTENSION pgtally;
    CREATE EXTENSION hll SCHEMA sketch;
    CREATE EXTENSION tdigest;
    CREATE EXTENSION pgtally_hll;
    CREATE EXTENSION pgtally_tdigest;
    CREATE TABLE stored AS
    SELECT i % 20 AS g, tally.approximate_distinct(i % 3000) AS sketch, tally.percentiles(sqrt(i)) AS digest
      FROM generate_series(1, 20000) AS i GROUP BY 1;
    -- What users build on the bridge comes back too.
    CREATE VIEW answer AS
    SELECT g, tally.cardinality(sketch) AS customers, tally.percentile(digest, 0.9) AS p90 FROM stored;
});
# tdigest writes six digits after the point, and a dump keeps no more.
my $states = q{SELECT g, md5(sketch::text), md5(digest::text) FROM stored ORDER BY g;
    SELECT g, customers, round(p90::numeric, 4) FROM answer ORDER BY g};
my $merged = q{SELECT tally.cardinality(tally.merge(sketch)), tally.n(tally.merge(digest)) FROM
    (SELECT sketch, digest FROM stored UNION ALL SELECT tally.approximate_distinct(-1), tally.percentiles(7)) AS u};
my $members = q{SELECT e.extname, n.nspname, string_agg(pg_describe_object(d.classid, d.objid, 0), ' ' ORDER BY pg_describe_object(d.classid, d.objid, 0) COLLATE "C")
    FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
    JOIN pg_depend d ON d.refobjid = e.oid AND d.deptype = 'e'
    WHERE e.extname ~ 'hll|tdigest' GROUP BY 1, 2 ORDER BY 1};
my ($states_before, $merged_before, $members_before) = map { $node->safe_psql('postgres', $_) } $states, $merged, $members;
is(scalar(split /\n/, $states_before), 40, 'sketches and digests are stored');

my $dir = PostgreSQL::Test::Utils::tempdir;
for my $format ([ 'plain', '-Fp' ], [ 'custom', '-Fc' ]) {
    my ($name, $option) = @$format;
    command_ok([ 'pg_dump', $option, '-d', $node->connstr('postgres'), '-f', "$dir/$name" ], "$name: pg_dump works");
    $node->safe_psql('postgres', "CREATE DATABASE restored_$name TEMPLATE template0");
    command_ok($name eq 'custom'
        ? [ 'pg_restore', '--exit-on-error', '-d', $node->connstr("restored_$name"), "$dir/$name" ]
        : [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr("restored_$name"), '-f', "$dir/$name" ],
        "$name: it is restored without an error");
    is($node->safe_psql("restored_$name", $states), $states_before, "$name: the same states");
    is($node->safe_psql("restored_$name", $merged), $merged_before, "$name: they merge with new values as before");
    is($node->safe_psql("restored_$name", $members), $members_before, "$name: the bridges have their objects");
}

# Extensions that are missing are named.
$node->safe_psql('postgres', 'CREATE DATABASE bare TEMPLATE template0');
my ($status, $out, $error) = $node->psql('bare', 'CREATE EXTENSION pgtally_hll');
like($error, qr/required extension "pgtally" is not installed/, 'a bridge needs what it joins');
$node->safe_psql('bare', 'SET client_min_messages = warning; CREATE EXTENSION pgtally_hll CASCADE');
is($node->safe_psql('bare', q{SELECT string_agg(extname, ' ' ORDER BY extname) FROM pg_extension WHERE extname ~ 'tally|hll'}),
    'hll pgtally pgtally_hll', 'CASCADE brings it');
$node->stop;
done_testing();
