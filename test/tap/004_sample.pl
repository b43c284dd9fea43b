# The sample of real flights goes through tallyd's public API, twice, and plain SELECTs over the same file confirm every
# usage answer.
use strict;
use warnings;
use FindBin;
use IPC::Run;
use Time::HiRes qw(sleep);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Store;

my $sample = "$FindBin::Bin/../sample";
my $node = new_node('sample');
$node->safe_psql('postgres', "CREATE EXTENSION pgtally; SELECT tally.create_tenant('demo');
    CREATE ROLE tallyd LOGIN IN ROLE tally_api");
my $dir = PostgreSQL::Test::Utils::tempdir;
append_to_file("$dir/key", $node->safe_psql('postgres', "SELECT tally.create_api_key(name => 'demo')") . "\n");

my $port = PostgreSQL::Test::Cluster::get_free_port();
my $address = "http://127.0.0.1:$port";
my $log = "$dir/tallyd.log";
my $tallyd = IPC::Run::start([ $ENV{TALLYD}, '--listen', '127.0.0.1', '--port', $port,
        '--database', $node->connstr('postgres') . ' user=tallyd' ], '<', '/dev/null', '>', $log, '2>&1');
my $ready = 0;
for (1 .. 300) {
    $ready = system("curl -sf --noproxy '*' -o /dev/null $address/readyz") == 0 and last;
    sleep 0.1;
}
ok($ready, 'tallyd becomes ready') or diag slurp_file($log);

sub load { return IPC::Run::run([ $^X, "$sample/load.pl", $address, "$dir/key" ], '>', \$_[0], '2>', \$_[1]); }
my ($out, $err);
ok(load($out, $err), 'the sample is loaded') or diag $err;
like($out, qr/6 metrics made.*20000 flights sent .*: 20000 accepted, 0 duplicates/s, 'all of it, for the first time');
ok(load($out, $err), 'it is loaded again') or diag $err;
like($out, qr/0 metrics made.*20000 flights sent .*: 0 accepted, 20000 duplicates/s, 'and counts nothing twice');

my $checked = IPC::Run::run([ 'gzip', '-dc', "$sample/flights.csv.gz" ], '|',
    [ 'psql', '-X', '-d', $node->connstr('postgres'), '-f', "$sample/check.sql" ], '>', \$out, '2>', \$err);
ok($checked, 'plain SELECTs confirm every usage answer') or diag "$out$err";
like($out, qr/miles *\| *14476934 \| *14476934 \|/, 'and so the sum of all miles');

ok(IPC::Run::run([ $^X, "$sample/tour.pl", $address, "$dir/key", '.run', $dir ], '>', \$out, '2>', \$err), 'the tour of make run works')
    or diag $err;
like($out, qr/miles +827223 +14476934/, 'and shows the usage of an airport and of all');

# A flight with another content under the same id is refused and changes nothing.
is($node->safe_psql('postgres', q{SELECT verdict FROM tally.record('flight', 'DTW', '{"distance": 1}', 'flight-1',
    '2001-01-01T00:47:00Z', allow_backfilling => true)}), 'conflict', 'the same flight with other miles is a conflict');

$tallyd->signal('TERM');
ok($tallyd->finish, 'tallyd ends by SIGTERM with success') or diag slurp_file($log);
$node->stop;
done_testing();
