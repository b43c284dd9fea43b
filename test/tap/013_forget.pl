# A customer is forgotten: killed in the middle nothing is done; afterwards nothing is left of it in rows, segments, files and
# dumps, amounts are what they were, and a restored store knows the events still.
use strict;
use warnings;
use IPC::Run;
use Time::HiRes qw(sleep);
use PostgreSQL::Test::Utils;
use Test::More;
use Store;

my $node = new_node('forget');
# In the files nothing may be left; what a snapshot still shows, as that of an ANALYZE that begins by itself, VACUUM FULL keeps.
$node->append_conf('postgresql.conf', "autovacuum = off\n");
$node->restart;
make_store($node);
my $send = q{SELECT count(*) FILTER (WHERE verdict = 'accepted') || '/' || count(*) FILTER (WHERE verdict = 'duplicate') FROM tally.ingest(
    (SELECT jsonb_agg(e || jsonb_build_object('event_id', 'secret-' || (e ->> 'event_id'), 'properties', e -> 'properties' || jsonb_build_object('email', 'secret@' || (e ->> 'event_id'))))
     FROM jsonb_array_elements(public.events(%d, %d)) e), true)};
for my $part (0 .. 4) {
    is($node->safe_psql('postgres', sprintf $send, $part * 4000 + 1, $part * 4000 + 4000), '4000/0', "part $part is sent");
    $node->safe_psql('postgres', "CALL tally.pack(1, '0')") if $part < 4;
}
my $usage = all_usage($node);
my $secrets = q{SELECT count(*) FILTER (WHERE customer_id = 'c1') || '/' || count(*) FROM tally.events WHERE event_id ~ 'secret' AND properties::text ~ 'secret'};
is($node->safe_psql('postgres', $secrets), '5000/20000', 'they hold secrets');

my $forget = q{SELECT tally.forget_customer('c1', 'asked', event_ids => true, dry_run => false) ->> 'events'};
my $interrupted = 0;
for my $round (1 .. 3) { # the first so soon that no machine is done by then
    my ($out, $err) = ('', '');
    my $handle = IPC::Run::start([ 'psql', '-X', '-qAt', '-d', $node->connstr('postgres'), '-c', $forget ], '<', \undef, '>', \$out, '2>', \$err);
    sleep 0.04 * 2.5**($round - 1);
    crash($node);
    IPC::Run::finish($handle);
    $node->start;
    ++$interrupted if $out !~ /5000/;
    like($node->safe_psql('postgres', $secrets), $out =~ /5000/ ? qr{^0/15000$} : qr{^(?:5000/20000|0/15000)$}, "round $round: all is erased or nothing");
    is($node->safe_psql('postgres', 'SELECT object, problem FROM tally.verify() LIMIT 5'), '', "round $round: nothing is wrong");
}
cmp_ok($interrupted, '>', 0, "it was interrupted $interrupted times");
$node->safe_psql('postgres', $forget);
is($node->safe_psql('postgres', $secrets), '0/15000', 'the secrets of the customer are gone, those of others are there');
is(all_usage($node), $usage, 'usage is what it was');

# In the files: others hold the same words, so theirs go too before it is looked.
$node->safe_psql('postgres', "SELECT tally.forget_customer(c, 'all', event_ids => true, dry_run => false) FROM unnest('{c0,c2,c3}'::text[]) c");
$node->safe_psql('postgres', 'VACUUM FULL tally.recent_event');
$node->safe_psql('postgres', "SELECT format('VACUUM FULL %s', c.oid::regclass) FROM pg_class c WHERE c.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'tally.segment'::regclass) \\gexec");
$node->safe_psql('postgres', 'CHECKPOINT');
my $files = $node->safe_psql('postgres', q{SELECT string_agg(pg_relation_filepath(c.oid), ' ') FROM pg_class c
    WHERE c.relnamespace = 'tally'::regnamespace AND c.relkind IN ('r', 'i') AND pg_relation_filepath(c.oid) IS NOT NULL});
my @holding = grep { slurp_file($node->data_dir . "/$_") =~ /secret[@-]/ } grep { -s $node->data_dir . "/$_" } split / /, $files;
is("@holding", '', 'no table or index holds the words');
is($node->safe_psql('postgres', q{SELECT count(*) FROM tally.events WHERE event_id ~ 'secret' OR properties::text ~ 'secret'}), 0, 'nor does a segment');

my $dump = "$PostgreSQL::Test::Utils::tmp_check/forget.dump";
$node->command_ok([ 'pg_dump', '-Fp', '-f', $dump, '-d', $node->connstr('postgres') ], 'the store is dumped');
unlike(slurp_file($dump), qr/secret[@-]e/, 'the dump does not hold the words');
$node->safe_psql('postgres', 'CREATE DATABASE restored TEMPLATE template0');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', $node->connstr('restored') ], 'and restored');
is($node->safe_psql('restored', sprintf $send, 1, 3), '0/3', 'the originals are duplicates still');
is($node->safe_psql('restored', q{SELECT sum(events) || '/' || count(*) FROM tally.erasures WHERE customer_id <> 'c1'}), '15000/3', 'what was erased is on record');
is($node->safe_psql('restored', 'SELECT object, problem FROM tally.verify() LIMIT 5'), '', 'nothing is wrong');
$node->stop;
done_testing();
