# kill -9 in the middle of packing, wherever it happens to be: each event is in one place afterwards, and counts once.
use strict;
use warnings;
use IPC::Run;
use Time::HiRes qw(sleep);
use PostgreSQL::Test::Utils;
use Test::More;
use Store;

use constant { EVENTS => 4000, ROUNDS => 8, MOST_ROUNDS => 24, INTERRUPTED => 3 };

my $node = new_node('packing');
$node->append_conf('postgresql.conf', "max_locks_per_transaction = 128\n");
$node->restart;
make_store($node);
is($node->safe_psql('postgres', 'SELECT count(*) FROM tally.verify()'), 0, 'nothing is wrong with an empty store');

# How long packing takes depends on the machine: the wait before the crash follows it, longer as long as packing was caught at
# work, shorter where it was done.
my ($sent, $interrupted, $round, $wait) = (0, 0, 0, 0.1);
while ($round < ROUNDS || $interrupted < INTERRUPTED && $round < MOST_ROUNDS) {
    ++$round;
    is($node->safe_psql('postgres', events($sent + 1, $sent + EVENTS)), EVENTS . ',0', "round $round: events are sent");
    $sent += EVENTS;
    # Two packers, whose units are small segments of 24 months, and merges of them.
    my @packers = map {
        my ($out, $err) = ('', '');
        { out => \$out, handle => IPC::Run::start([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'),
            '-c', '\echo began',
            '-c', "CALL tally.pack(1, '0')", '-c', "CALL tally.pack(1, '0', true)", '-c', '\echo packed' ], '<', '/dev/null', '>', \$out, '2>', \$err) }
    } 1 .. 2;
    sleep $wait;
    crash($node);
    for my $packer (@packers) {
        IPC::Run::finish($packer->{handle});
    }
    my $at_work = grep { ${ $_->{out} } =~ /began/ && ${ $_->{out} } !~ /packed/ } @packers;
    $interrupted += $at_work;
    $wait *= $at_work ? 1.3 : (grep { ${ $_->{out} } =~ /packed/ } @packers) ? 0.6 : 1.5;
    ok($node->start(fail_ok => 1), "round $round: the server recovers");
    is($node->safe_psql('postgres', 'SELECT object, problem FROM tally.verify() LIMIT 5'), '', "round $round: nothing is lost or there twice");
    is($node->safe_psql('postgres', "SELECT value FROM tally.usage((SELECT tally._encode_id('bm_', metric_id) FROM tally.metric
            WHERE name = 'count'), '2023-01-01Z', '2026-01-01Z')"), $sent, "round $round: every event counts once");
}
cmp_ok($interrupted, '>=', INTERRUPTED, "packing was interrupted $interrupted times");

my $usage = all_usage($node);
$node->safe_psql('postgres', "CALL tally.pack(1, '0', true)");
is($node->safe_psql('postgres', 'SELECT count(*) FROM tally.recent_event'), 0, 'in the end all is packed');
is($node->safe_psql('postgres', 'SELECT sum(events) FROM tally.segment'), $sent, 'each event once');
is(all_usage($node), $usage, 'and usage is the same');
is($node->safe_psql('postgres', 'SELECT object, problem FROM tally.verify() LIMIT 5'), '', 'nothing is wrong');

# Four packers at once at the 24 months of one code: none fails or hangs, and each event is packed once.
for my $round (1 .. 5) {
    is($node->safe_psql('postgres', events($sent + 1, $sent + EVENTS)), EVENTS . ',0', "together $round: events are sent");
    $sent += EVENTS;
    my @packers = map {
        my $err = '';
        { err => \$err, handle => IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('postgres'), '-c', "CALL tally.pack(1, '0', true)" ],
            '<', '/dev/null', '2>', \$err, IPC::Run::timeout(300)) }
    } 1 .. 4;
    IPC::Run::finish($_->{handle}) for @packers;
    is(join('', map { ${ $_->{err} } } @packers), '', "together $round: four packers come to their ends");
}
$node->safe_psql('postgres', "CALL tally.pack(1, '0', true)");
is($node->safe_psql('postgres', 'SELECT (SELECT count(*) FROM tally.recent_event), (SELECT sum(events) FROM tally.segment), (SELECT count(*) FROM tally.verify())'),
    "0|$sent|0", 'together: all is packed, once');

# A transaction that stays open, prepared even, holds back its own events only.
$node->append_conf('postgresql.conf', "max_prepared_transactions = 2\n");
$node->restart;
$node->safe_psql('postgres', 'BEGIN; ' . events($sent + 1, $sent + 10) . "; PREPARE TRANSACTION 'held'");
is($node->safe_psql('postgres', events($sent + 11, $sent + 20)), '10,0', 'others are taken');
$node->safe_psql('postgres', "CALL tally.pack(1, '0')");
is($node->safe_psql('postgres', 'SELECT count(*) FROM tally.recent_event'), 0, 'and packed');
$node->safe_psql('postgres', "COMMIT PREPARED 'held'");
is($node->safe_psql('postgres', 'SELECT count(*) FROM tally.recent_event'), 10, 'then those that were held are there');
$node->safe_psql('postgres', "CALL tally.pack(1, '0')");
is($node->safe_psql('postgres', 'SELECT (SELECT count(*) FROM tally.recent_event), (SELECT count(*) FROM tally.verify())'), '0|0', 'and packed');

$node->stop;
done_testing();
