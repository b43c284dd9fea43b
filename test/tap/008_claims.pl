# Claims under fire: the same events shuffled by several writers, rolled back, cancelled at random moments, while the indexes
# are rebuilt; and an event that a prepared transaction holds. Each event lies there once, and in every index.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use Store;

my $node = new_node('claims');
$node->append_conf('postgresql.conf', "max_prepared_transactions = 5\nfsync = off\n");
$node->restart;
make_store($node);
$node->safe_psql('postgres', q{
    CREATE EXTENSION amcheck;
    CREATE FUNCTION public.shuffled(r int) RETURNS jsonb LANGUAGE sql AS $$
        SELECT jsonb_agg(jsonb_build_object('event_id', r || '-' || n, 'code', 'c', 'customer_id', 'k') ORDER BY random())
        FROM generate_series(1, 300) n $$;
});

sub is_whole {
    my ($name) = @_;
    my ($events, $ids, $identities) = split /\|/, $node->safe_psql('postgres',
        'SELECT count(*), count(DISTINCT (customer_id, event_id)), (SELECT count(*) FROM tally.recent_identity) FROM tally.recent_event');
    is("$ids,$identities", "$events,$events", "$name: each event is there once ($events)");
    $node->safe_psql('postgres', q{SELECT bt_index_check(indexrelid, true) FROM pg_index
        WHERE indrelid IN ('tally.recent_event'::regclass, 'tally.recent_identity'::regclass)});
    pass("$name: every row is in every index");
    return;
}

# Writers of the same events in any order, committed and rolled back, never wait in a circle.
my $folder = $node->basedir;
append_to_file("$folder/send.sql", "\\set r random(1, 12)\nSELECT count(*) FROM tally.ingest(public.shuffled(:r));\n");
append_to_file("$folder/back.sql", "\\set r random(1, 24)\nBEGIN;\nSELECT count(*) FROM tally.ingest(public.shuffled(:r));\nROLLBACK;\n");
my $bench = IPC::Run::start([ 'pgbench', '-n', '-c', '6', '-T', '6', '-h', $node->host, '-p', $node->port,
    '-f', "$folder/send.sql\@2", '-f', "$folder/back.sql\@1", 'postgres' ], '>', \my $out, '2>', \my $err);
for (1 .. 4) {
    $node->safe_psql('postgres', "REINDEX TABLE CONCURRENTLY tally.$_") for 'recent_identity', 'recent_event';
}
ok($bench->finish, 'six writers and the rebuilding of indexes get by') or diag("$out\n$err");
is_whole('shuffled');

# Nor do small and large batches that all want the same three events, time after time: each sees the others' rows appear and go.
append_to_file("$folder/one.sql", "\\set n random(0, 2)\nBEGIN;\nSELECT verdict FROM tally.record('c', 'k', event_id => 'same-' || :n);\nROLLBACK;\n");
append_to_file("$folder/many.sql", "BEGIN;\nSELECT count(*) FROM tally.ingest((SELECT jsonb_agg(jsonb_build_object('event_id', 'same-' || n, 'code', 'c', 'customer_id', 'k')) FROM generate_series(0, 39) n));\nROLLBACK;\n");
$bench = IPC::Run::start([ 'pgbench', '-n', '-c', '8', '-T', '8', '-h', $node->host, '-p', $node->port,
    '-f', "$folder/one.sql", '-f', "$folder/many.sql", 'postgres' ], '>', \$out, '2>', \$err);
ok($bench->finish, 'eight writers of the same few events get by') or diag("$out\n$err");
unlike(slurp_file($node->logfile), qr/deadlock detected/, 'none of them waited in a circle');
is_whole('few');

# Cancelled at random moments.
my $cancelled = 0;
for my $round (1 .. 60) {
    my ($status) = $node->psql('postgres', sprintf 'SET statement_timeout = %d; SELECT count(*) FROM tally.ingest(public.shuffled(%d))',
        1 + int rand 80, 100 + int rand 30);
    $cancelled++ if $status != 0;
}
note("$cancelled of 60 were cancelled");
is_whole('cancelled');
unlike(slurp_file($node->logfile), qr/leak|PANIC|TRAP/, 'nothing is left behind');

# A prepared transaction may stay for days: it holds up its own event and no other.
my $key = $node->safe_psql('postgres', 'SELECT tally.create_api_key()');
my $post = sub {
    return $node->safe_psql('postgres', 'SELECT string_agg(status::text, $$,$$ ORDER BY ordinal) FROM tally_rest.ingest_batch('
        . "array_fill(sha256('$key'), ARRAY[" . scalar(@_) . ']), ARRAY['
        . join(',', map { qq{'{"events":[{"event_id":"$_","code":"c","customer_id":"k"}]}'} } @_) . '])');
};
$node->safe_psql('postgres', q{BEGIN; SELECT tally.record('c', 'k', event_id => 'p'); PREPARE TRANSACTION 'held'});
is($post->('q1', 'p', 'q2'), '200,503,200', 'bodies beside the one that is held are taken');
is($post->('p'), '503', 'the one that is held is told so');
is($node->safe_psql('postgres', q{SELECT verdict FROM tally.record('c', 'k', event_id => 'q3')}), 'accepted', 'others go on');
$node->safe_psql('postgres', q{COMMIT PREPARED 'held'});
is($post->('p'), '200', 'when the transaction has ended it is a duplicate');
is($node->safe_psql('postgres', q{SELECT count(*) FROM tally.recent_event WHERE event_id = 'p'}), '1', 'and is there once');
is_whole('prepared');
done_testing();
