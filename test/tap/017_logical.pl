# A publication of all tables stops neither ingest nor packing nor corrections nor retention, and decoding tells each event once as
# it comes and once as it is packed.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use Store;

my $node = new_node('logical');
$node->append_conf('postgresql.conf', "wal_level = logical\nmax_replication_slots = 2\n");
$node->restart;
make_store($node);
$node->safe_psql('postgres', 'CREATE PUBLICATION everything FOR ALL TABLES');
$node->safe_psql('postgres', q{SELECT pg_create_logical_replication_slot('decoded', 'test_decoding')});
my $usage;
for my $part (0, 1) {
    is($node->safe_psql('postgres', events($part * 2000 + 1, $part * 2000 + 2000)), '2000,0', "part $part is sent");
    $usage = all_usage($node);
    $node->safe_psql('postgres', "CALL tally.pack(1, '0', true)");
}
is($node->safe_psql('postgres', 'SELECT count(*) FROM tally.recent_event'), 0, 'all is packed');
is(all_usage($node), $usage, 'usage is what it was');
is($node->safe_psql('postgres', 'SELECT object, problem FROM tally.verify() LIMIT 5'), '', 'nothing is wrong');
is($node->safe_psql('postgres', events(1, 10)), '0,10', 'and identities are known');

my %changes = map { split /=/ } split /\n/, $node->safe_psql('postgres', q{
    SELECT regexp_replace(data, '^table ([^:]*): ([A-Z]*):.*', '\1 \2') || '=' || count(*)
    FROM pg_logical_slot_get_changes('decoded', NULL, NULL) WHERE data LIKE 'table tally.%' GROUP BY regexp_replace(data, '^table ([^:]*): ([A-Z]*):.*', '\1 \2')});
is($changes{'tally.recent_event INSERT'}, 4000, 'each event is decoded as it comes');
is($changes{'tally.recent_event DELETE'}, 4000, 'and as it is packed');
is($changes{'tally.recent_identity INSERT'}, 4000, 'with its identity');
cmp_ok(scalar(grep { /^tally[.]segment_\S+ INSERT$/ } keys %changes), '>', 0, 'segments are decoded');

# All that is deleted or updated by SQL, too: it needs the key of each table.
$node->safe_psql('postgres', q{SELECT tally.void_event('e3999', reason => 'wrong')});
$node->safe_psql('postgres', q{SELECT tally.restore_event('e3999', 'it was none')});
$node->safe_psql('postgres', q{SELECT tally.forget_customer('c1', 'asked', dry_run => false)});
$node->safe_psql('postgres', "SELECT tally.seal_identities()");
$node->safe_psql('postgres', q{CALL tally.retain(now() - '2024-06-01'::timestamptz)});
cmp_ok($node->safe_psql('postgres', 'SELECT sum(events) FROM tally.segment'), '<', 4000, 'what is old is dropped');
is($node->safe_psql('postgres', 'SELECT object, problem FROM tally.verify() LIMIT 5'), '', 'nothing is wrong');
$node->stop;
done_testing();
