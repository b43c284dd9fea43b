# Generations of recent events: a question does not pass over what was packed, however old a snapshot somebody holds; and
# transactions that stay open hold back their own events only.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Store;

use constant { ROUNDS => 4, EVENTS => 70_000 };

my $node = new_node('generations');
$node->append_conf('postgresql.conf', "max_prepared_transactions = 20\nautovacuum = off\nmax_wal_size = 4GB\n");
$node->restart;
make_store($node);
$node->safe_psql('postgres', q{
    SELECT tally.create_metric(code => 'many', aggregation_type => 'COUNT', name => 'many');
    -- Events FIRST to LAST of one day, of a thousand customers in turn: fewer at once than would make a segment.
    CREATE FUNCTION public.send(first int, last int) RETURNS bigint LANGUAGE sql AS $$
        SELECT count(*) FROM tally.ingest((SELECT '[' || string_agg(format('{"event_id":"%s","code":"many","customer_id":"c%s","timestamp":"2024-05-01T00:00:00Z"}',
            i, i % 1000), ',') || ']' FROM generate_series(first, last) i), true) WHERE verdict = 'accepted' $$;
    -- As if so many events had been packed that another generation is due.
    CREATE FUNCTION public.make_due() RETURNS void LANGUAGE sql AS $$ UPDATE tally.pile SET packed_events = packed_events + 131072 $$;
});
my $usage = q{SELECT value FROM tally.usage('many', '2024-01-01Z', '2025-01-01Z')};
my $live = 'SELECT count(*) FROM tally.generation';

# Blocks of tables and indexes that a question touches.
sub blocks {
    my $plan = $node->safe_psql('postgres', "EXPLAIN (ANALYZE, BUFFERS, COSTS off, TIMING off, FORMAT json) $usage");
    my ($hit) = $plan =~ /"Shared Hit Blocks": (\d+)/;
    my ($read) = $plan =~ /"Shared Read Blocks": (\d+)/;
    return $hit + $read;
}

sub pack_all {
    $node->safe_psql('postgres', "CALL tally.pack(1, '0')");
    return;
}

is($node->safe_psql('postgres', 'SELECT public.send(1, 900)'), 900, 'events are sent');
my ($in, $out) = ('', '');
my $reader = IPC::Run::start([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres') ], '<', \$in, '>', \$out, IPC::Run::timeout(300));
sub ask_reader {
    my ($sql) = @_;
    $out = '';
    $in = "$sql;\n\\echo done\n";
    IPC::Run::pump($reader) until $out =~ /done/;
    $out =~ s/\s*done\s*//;
    return $out;
}
is(ask_reader("BEGIN ISOLATION LEVEL REPEATABLE READ; $usage"), 900, 'somebody holds a snapshot');

my $sent = 900;
for my $round (1 .. ROUNDS) {
    is($node->safe_psql('postgres', "SELECT sum(public.send(n, n + 874)) FROM generate_series($sent + 1, $sent + " . EVENTS . ', 875) n'),
        EVENTS, "round $round: events are sent");
    $sent += EVENTS;
    pack_all();
    is($node->safe_psql('postgres', 'SELECT count(*) FROM tally.recent_event'), 0, "round $round: and packed");
    is($node->safe_psql('postgres', 'SELECT array_agg(generation) FROM tally.generation'), [ '', '{1}', '{1}', '{2}' ]->[$round - 1],
        "round $round: one generation is left, a new one after every 131,072 events, though the snapshot is held");
}
$node->safe_psql('postgres', "SELECT public.send($sent + 1, $sent + 100)");
$sent += 100;
is($node->safe_psql('postgres', $usage), $sent, 'every event counts');
my $touched = blocks();
cmp_ok($touched, '<', 3000, "a question touches $touched blocks, not all that was packed");
is(ask_reader($usage), 900, 'the old snapshot sees what it saw');
is($node->safe_psql('postgres', "SET enable_seqscan = off; SELECT count(*) FROM tally.generation WHERE generation = 0"), 0, 'although its generation is gone');
ask_reader('COMMIT');
IPC::Run::finish($reader);

# Prepared transactions: each holds the generation that it has written to and no other.
for my $i (1 .. 3) {
    $node->safe_psql('postgres', "BEGIN; SELECT public.send($sent + 1, $sent + 10); PREPARE TRANSACTION 'held$i'") if $i == 1;
    $node->safe_psql('postgres', "SELECT public.send($sent + 10 + $i, $sent + 10 + $i)");
    $node->safe_psql('postgres', 'SELECT public.make_due()');
    pack_all();
}
pack_all();
is($node->safe_psql('postgres', $live), 2, 'the one of a prepared transaction is held over three others, which are gone');
is($node->safe_psql('postgres', $usage), $sent + 3, 'its events do not count');
$node->safe_psql('postgres', "COMMIT PREPARED 'held1'");
$sent += 13;
is($node->safe_psql('postgres', $usage), $sent, 'then they do');
pack_all();
is($node->safe_psql('postgres', $live), 1, 'they are packed, and nothing holds it');

# Never more than eight; then what is left in the old ones is packed, however few.
for my $i (1 .. 10) {
    $node->safe_psql('postgres', "BEGIN; SELECT public.send($sent + 1, $sent + 2); PREPARE TRANSACTION 'held$i'");
    $sent += 2;
    $node->safe_psql('postgres', 'SELECT public.make_due()');
    pack_all();
}
is($node->safe_psql('postgres', $live), 8, 'there are eight at most');
is($node->safe_psql('postgres', $usage), $sent - 20, 'what is prepared does not count');
$node->safe_psql('postgres', "COMMIT PREPARED 'held$_'") for 1 .. 10;
is($node->safe_psql('postgres', $usage), $sent, 'then it does, in eight generations');
$node->safe_psql('postgres', "UPDATE tally.pile SET packed_events = 0; CALL tally.pack(1000, '1 hour')");
is($node->safe_psql('postgres', 'SELECT count(*) FROM tally.recent_event'), 0, 'few events are packed early where they hold back the oldest');
pack_all();
is($node->safe_psql('postgres', $live), 1, 'and all but one are gone');
is($node->safe_psql('postgres', "SELECT public.send($sent + 1, $sent + 2)"), 2, 'few others');
$node->safe_psql('postgres', "CALL tally.pack(1000, '1 hour')");
is($node->safe_psql('postgres', 'SELECT count(*) FROM tally.recent_event'), 2, 'wait');
is($node->safe_psql('postgres', $usage), $sent + 2, 'every event counts');
is($node->safe_psql('postgres', 'SELECT object, problem FROM tally.verify() LIMIT 5'), '', 'nothing is wrong');

$node->stop;
done_testing();
