# kill -9 of the whole server while events are being sent: what was acknowledged is there afterwards, and sending all of it
# again counts nothing twice.
use strict;
use warnings;
use IPC::Run;
use Time::HiRes qw(sleep);
use PostgreSQL::Test::Utils;
use Test::More;
use Store;

use constant { BATCH => 20, BATCHES => 300, ROUNDS => 4 };

my $node = new_node('crash');
make_store($node);

my $first = 1;
for my $round (1 .. ROUNDS) {
    my ($script, $out, $err) = ('', '', '');
    for my $batch (0 .. BATCHES - 1) {
        my $from = $first + $batch * BATCH;
        $script .= events($from, $from + BATCH - 1) . ";\n\\echo acknowledged $batch\n";
    }
    my $psql = IPC::Run::start([ 'psql', '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres') ],
        '<', \$script, '>', \$out, '2>', \$err);
    # Let some batches through, another number in each round.
    for (1 .. 2000) {
        $psql->pump_nb;
        last if ($out =~ /acknowledged (\d+)\n\z/ ? $1 : -1) >= $round * 9;
        sleep 0.005;
    }
    crash($node);
    IPC::Run::finish($psql);
    my @acknowledged = $out =~ /^acknowledged (\d+)$/mg;
    my $sent = @acknowledged;
    cmp_ok($sent, '<', BATCHES, "round $round: the server was killed in the middle, after $sent batches");
    like($err, qr/server closed the connection|connection to server was lost|no connection to the server/, "round $round: the client saw it");
    ok($node->start(fail_ok => 1), "round $round: the server recovers by itself");

    my $last = $first + $sent * BATCH - 1;
    my $expected = $sent * BATCH;
    is($node->safe_psql('postgres', "SELECT count(*) FROM tally.recent_event e
            JOIN (SELECT 'e' || i AS event_id FROM generate_series($first, $last) i) s USING (event_id)"),
        $expected, "round $round: every acknowledged event is there");
    is($node->safe_psql('postgres', 'SELECT count(*) - (SELECT count(*) FROM tally.recent_identity) FROM tally.recent_event'), 0,
        "round $round: events and identities agree");

    # The client, not knowing what arrived, sends all again: batch of its own size, and beyond what was sent.
    my $end = $first + BATCHES * BATCH - 1;
    my ($accepted, $duplicates) = split /,/, $node->safe_psql('postgres', events($first, $end));
    is($accepted + $duplicates, BATCHES * BATCH, "round $round: a retry is taken");
    cmp_ok($duplicates, '>=', $expected, "round $round: what was stored is a duplicate");
    is($node->safe_psql('postgres', "SELECT value FROM tally.usage((SELECT tally._encode_id('bm_', metric_id) FROM tally.metric
            WHERE name = 'count'), '2023-01-01Z', '2026-01-01Z')"), $end, "round $round: every event counts once");
    $first = $end + 1;
}

my $reference = $node->safe_psql('postgres', "SELECT sum((i % 97) * 0.1) FROM generate_series(1, $first - 1) i");
is($node->safe_psql('postgres', "SELECT value = $reference FROM tally.usage((SELECT tally._encode_id('bm_', metric_id)
    FROM tally.metric WHERE name = 'sum'), '2023-01-01Z', '2026-01-01Z')"), 't', 'the sum is exact after all crashes');

# A transaction that was open when the server died leaves nothing.
my $open = IPC::Run::start([ 'psql', '-X', '-q', '-A', '-t', '-d', $node->connstr('postgres') ],
    '<', \my $stdin, '>', \my $stdout, '2>', \my $stderr);
$stdin = "BEGIN;\n" . events($first, $first + 9) . ";\n";
for (1 .. 2000) { $open->pump_nb; last if ($stdout // '') =~ /10,0/; sleep 0.005; }
like($stdout, qr/10,0/, 'events of an open transaction are accepted');
crash($node);
eval { $open->kill_kill };
ok($node->start(fail_ok => 1), 'the server recovers');
is($node->safe_psql('postgres', events($first, $first + 9)), '10,0', 'and are new again after the crash');

$node->stop;
done_testing();
