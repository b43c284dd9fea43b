# Events of every month since 1970, before which none is taken, lie in few partitions, so that many readers of all of them and a packer have locks enough, with the server's
# default of them.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;
use Store;

use constant { MONTHS => 683, READERS => 32 };

my $node = new_node('months');
$node->append_conf('postgresql.conf', "max_locks_per_transaction = 64\nmax_connections = 50\n");
$node->restart;
make_store($node);
my $sent = sprintf q{SELECT count(*) FROM tally.ingest((SELECT jsonb_agg(jsonb_build_object('event_id', 'm' || i, 'code', 'call', 'customer_id', 'c' || i %% 4,
    'timestamp', to_char(timestamp '1970-01-01' + i %% %d * interval '1 month', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'properties', jsonb_build_object('n', 1, 'who', i %% 5)))
    FROM generate_series(1, 3415) i), true) WHERE verdict = 'accepted'}, MONTHS;
is($node->safe_psql('postgres', $sent), 3415, 'events of 683 months are taken at once');
my $question = q{SELECT count(*) || '/' || sum(value) FROM tally.usage((SELECT tally._encode_id('bm_', metric_id) FROM tally.metric WHERE name = 'count'),
    '1900-01-01Z', '2100-01-01Z', "window" => 'month')};
is($node->safe_psql('postgres', $question), MONTHS . '/3415', 'each month has its events');
$node->safe_psql('postgres', "CALL tally.pack(1, '0')");
is($node->safe_psql('postgres', 'SELECT count(*) FROM tally.recent_event'), 0, 'all is packed');
my $partitions = $node->safe_psql('postgres', "SELECT count(*) FROM pg_inherits WHERE inhparent = 'tally.segment'::regclass");
cmp_ok($partitions, '<', 60, "into $partitions partitions");

# Readers that stay in their transactions keep their locks, until all have read.
my @readers = map {
    my ($in, $out, $err) = ("BEGIN;\n$question;\nSELECT count(*) FROM tally.events;\n\\echo read\n", '', '');
    my $reader = { in => \$in, out => \$out, err => \$err };
    $reader->{handle} = IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres') ], '<', \$in, '>', \$out, '2>', \$err,
        IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
    $reader;
} 1 .. READERS;
for my $reader (@readers) {
    $reader->{handle}->pump until ${ $reader->{out} } =~ /read\n/ || ${ $reader->{err} } ne '';
}
$node->safe_psql('postgres', "CALL tally.pack(1, '0', true)");
is($node->safe_psql('postgres', $sent =~ s/'m' \|\| i/'again' || i/r), 3415, 'beside them, events are taken');
$node->safe_psql('postgres', "CALL tally.pack(1, '0')");
is($node->safe_psql('postgres', 'SELECT count(*) FROM tally.recent_event'), 0, 'and packed');
for my $reader (@readers) {
    ${ $reader->{in} } .= "\\q\n";
    $reader->{handle}->finish;
}
is(join('', map { ${ $_->{err} } } @readers), '', 'no reader lacked anything');
is(scalar(grep { ${ $_->{out} } eq MONTHS . "/3415\n3415\nread\n" } @readers), READERS, 'all of them read everything');
is($node->safe_psql('postgres', $question), MONTHS . '/6830', 'and so does a new one');
$node->stop;
done_testing();
