# A cluster with a live store of pgtally, and its usage as text, for the tests in this folder.
package Store;
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use Exporter 'import';
use Time::HiRes qw(sleep);
our @EXPORT = qw(new_node make_store crash events all_usage);

# A started cluster that is as durable as a real one.
sub new_node {
    my ($name, %options) = @_;
    my $node = PostgreSQL::Test::Cluster->new($name);
    $node->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ], %options);
    $node->append_conf('postgresql.conf', "fsync = on\nfull_page_writes = on\n");
    $node->start;
    return $node;
}

# Extension, tenant and the metrics over code `call`, in database postgres.
sub make_store {
    my ($node) = @_;
    $node->safe_psql('postgres', q{
        CREATE EXTENSION pgtally;
        SELECT tally.create_tenant('tap');
        SELECT tally.create_metric(code => 'call', aggregation_type => 'COUNT', name => 'count');
        SELECT tally.create_metric(code => 'call', aggregation_type => 'SUM', aggregation_key => 'n', name => 'sum');
        SELECT tally.create_metric(code => 'call', aggregation_type => 'MAX', aggregation_key => 'n', name => 'max');
        SELECT tally.create_metric(code => 'call', aggregation_type => 'MEAN', aggregation_key => 'n', name => 'mean');
        SELECT tally.create_metric(code => 'call', aggregation_type => 'LATEST', aggregation_key => 'n', name => 'latest');
        SELECT tally.create_metric(code => 'call', aggregation_type => 'COUNT_DISTINCT', aggregation_key => 'who', name => 'distinct');
        -- Events FIRST to LAST of a fixed endless series: months of 2023 and 2024, four customers, exact decimals.
        CREATE FUNCTION public.events(first int, last int) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
            SELECT jsonb_agg(jsonb_build_object('event_id', 'e' || i, 'code', 'call', 'customer_id', 'c' || i % 4,
                'timestamp', to_char(timestamp '2023-01-01' + i % 700 * interval '1 day' + i * interval '1 second',
                                     'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
                'properties', jsonb_build_object('n', (i % 97) * 0.1, 'who', 'w' || i % 13)))
            FROM generate_series(first, last) i $$;
    });
    return;
}

# kill -9 of the postmaster and of all its backends at once: of themselves they would go on to the end of what they are about, and
# commit it. Comes back when they are gone and the server can be started again.
sub crash {
    my ($node) = @_;
    my $data = $node->data_dir;
    $node->kill9;
    for (1 .. 600) {
        my @left = map { /(\d+)$/ } grep { (readlink("$_/cwd") // q()) eq $data } glob '/proc/[0-9]*';
        last unless @left;
        kill KILL => @left;
        sleep 0.02;
    }
    # Dead, but where nobody has collected it yet PostgreSQL takes it for a living postmaster.
    unlink "$data/postmaster.pid", $node->host . '/.s.PGSQL.' . $node->port . '.lock';
    return;
}

# SQL that ingests events FIRST to LAST and answers "accepted,duplicate" counts and nothing else.
sub events {
    my ($first, $last) = @_;
    return "SELECT count(*) FILTER (WHERE verdict = 'accepted') || ',' || count(*) FILTER (WHERE verdict = 'duplicate') "
        . "FROM tally.ingest(public.events($first, $last), allow_backfilling => true)";
}

# The usage of every metric, in total and by month and customer, as one text.
sub all_usage {
    my ($node, $database) = @_;
    return $node->safe_psql($database // 'postgres', q{
        SELECT m.name, u.window_start, u.customer_id, u.value, u.events, u.skipped
        FROM tally.metric m,
             tally.usage(tally._encode_id('bm_', m.metric_id), '2023-01-01Z', '2026-01-01Z', "window" => 'month',
                         group_by => ARRAY['customer_id']) u
        ORDER BY m.name, u.window_start, u.customer_id;
        SELECT m.name, u.value, u.events
        FROM tally.metric m, tally.usage(tally._encode_id('bm_', m.metric_id), '2023-01-01Z', '2026-01-01Z') u ORDER BY m.name;
    });
}

1;
