# A physical standby answers usage queries: they only read.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Store;

my $primary = new_node('primary', allows_streaming => 1);
make_store($primary);
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

is($primary->safe_psql('postgres', events(1, 900)), '900,0', 'the primary takes events');
$primary->safe_psql('postgres', "CALL tally.pack(1, '0')");
is($primary->safe_psql('postgres', events(901, 1000)), '100,0', 'packs them, and takes more');
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
is($standby->safe_psql('postgres', 'SELECT pg_is_in_recovery()'), 't', 'the standby is one');
is(all_usage($standby), all_usage($primary), 'the standby gives the same usage');
is($standby->safe_psql('postgres', 'SELECT count(*) FROM tally.verify()'), 0, 'nothing is wrong there');
is($standby->safe_psql('postgres', 'SELECT tally.version()'), $primary->safe_psql('postgres', 'SELECT tally.version()'),
    'the library works there');

my ($status, $out, $err) = $standby->psql('postgres', events(1001, 1010));
isnt($status, 0, 'the standby takes no events');
like($err, qr/read-only transaction|during recovery/, 'and says why');

# It takes over.
$primary->stop('immediate');
$standby->promote;
is($standby->safe_psql('postgres', events(991, 1010)), '10,10', 'after promotion it takes new events and knows the old ones');
$standby->stop;
done_testing();
