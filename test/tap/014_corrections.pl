# kill -9 while many events are voided, restored, while a cut is made and while a period is closed: each is done as a whole or not at all.
use strict;
use warnings;
use IPC::Run;
use Time::HiRes qw(sleep time);
use PostgreSQL::Test::Utils;
use Test::More;
use Store;

my $node = new_node('corrections');
make_store($node);
for my $part (0 .. 3) {
    is($node->safe_psql('postgres', events($part * 4000 + 1, $part * 4000 + 4000)), '4000,0', "part $part is sent");
    $node->safe_psql('postgres', "CALL tally.pack(1, '0')") if $part < 3;
}
my $void = q{SELECT tally.void_events('x', 'call', '2023-01-01Z', '2026-01-01Z', 'c1', dry_run => false) ->> 'events'};
my $restore = q{SELECT tally.restore_events(tally._encode_id('cor_', batch_id), 'y') ->> 'events' FROM tally.correction_batch WHERE lifted_at IS NULL};
my $close = q{SELECT tally.close_period('2023-01-01Z', '2026-01-01Z', supersedes => (SELECT s.statement FROM tally.statements() s WHERE s.superseded_by IS NULL))};
my $state = q{SELECT (SELECT count(*) FROM tally.correction) || '/' || (SELECT coalesce(sum(events), 0) FROM tally.correction_batch WHERE lifted_at IS NULL)
    || '/' || (SELECT u.events FROM tally.metric m, tally.usage_total(tally._encode_id('bm_', m.metric_id), '2023-01-01Z', '2026-01-01Z') u WHERE m.name = 'count')};
my $whole = q{SELECT count(*) FILTER (WHERE tally._statement_digest(s) <> s.digest OR s.lines NOT IN (18, 24) OR s.lines <> (SELECT sum(l.metrics) FROM tally.statement_usage l WHERE l.statement_id = s.statement_id)) || '/' || (SELECT count(DISTINCT statement_id) - (SELECT count(*) FROM tally.statement) FROM tally.statement_usage) FROM tally.statement s};
my $cut = q{SELECT tally.cut()};
# Each cut answers one of the two states that there were, and each statement has one.
my $cuts = q{SELECT count(*) FILTER (WHERE u.events NOT IN (12000, 16000)) || '/' || (SELECT count(*) - count(DISTINCT c.cut_id) FROM tally.statement s LEFT JOIN tally.cut c ON c.name = tally._encode_id('stm_', s.statement_id))
    FROM tally.cut c, tally.metric m, tally.usage_total(tally._encode_id('bm_', m.metric_id), '2023-01-01Z', '2026-01-01Z', as_of => c.name) u WHERE m.name = 'count'};
my %allowed = map { $_ => 1 } '0/0/16000', '4000/4000/12000';

# How long psql takes to begin, and each act when nobody kills it: what fits this machine.
my $took = sub {
    my ($sql) = @_;
    my $began = time;
    $node->safe_psql('postgres', $sql);
    return time - $began;
};
my @acts = ([ void => $void ], [ cut => $cut ], [ close => $close ], [ restore => $restore ]);
$took->($_->[1]) for @acts; # so that the files and caches are there
my ($start) = sort { $a <=> $b } map { $took->('SELECT 1') } 1 .. 5;
my %whole_time = map { $_->[0] => $took->($_->[1]) } @acts;
my $log = sub { return slurp_file($node->logfile) };
$node->append_conf('postgresql.conf', 'log_statement = all');
$node->reload;

my @fractions = (0.1, 0.5, 0.8, 0.3, 0.6, 0.2, 0.9, 0.4, 0.7, 0.1);
my %interrupted = map { $_->[0] => 0 } @acts;
for my $round (1 .. @fractions) {
    last if $round > 3 && !grep { $_ ne 'cut' && $interrupted{$_} == 0 } keys %interrupted;
    for my $act (@acts) {
        my ($name, $sql) = @$act;
        my ($out, $err) = ('', '');
        my $said = length $log->();
        my $handle = IPC::Run::start([ 'psql', '-X', '-qAt', '-d', $node->connstr('postgres'), '-c', $sql ], '<', \undef, '>', \$out, '2>', \$err);
        sleep $start + $fractions[ $round - 1 ] * ($whole_time{$name} - $start);
        crash($node);
        IPC::Run::finish($handle);
        # It had begun, and psql has never heard that it was done.
        ++$interrupted{$name} if $out eq '' && index(substr($log->(), $said), "statement: $sql") >= 0;
        $node->start;
        ok($allowed{ $node->safe_psql('postgres', $state) }, "round $round: $name is done or not");
        is($node->safe_psql('postgres', $whole), '0/0', "round $round: statements are whole after $name");
        is($node->safe_psql('postgres', $cuts), '0/0', "round $round: cuts are whole after $name");
    }
}
# A cut is one row, made at once: it may never be met.
cmp_ok($interrupted{$_}, '>', 0, "$_ was interrupted $interrupted{$_} times") for qw(void close restore);
is($node->safe_psql('postgres', 'SELECT object, problem FROM tally.verify() LIMIT 5'), '', 'nothing is wrong');
$node->psql('postgres', $restore);
is($node->safe_psql('postgres', $state), '0/0/16000', 'taken back, all count');
$node->stop;
done_testing();
