# A live store is dumped and restored: the same usage, and it goes on taking events, in the restored partitions and in new
# ones, knowing what it has already counted.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Store;

my $old = new_node('old');
make_store($old);
is($old->safe_psql('postgres', events(1, 2000)), '2000,0', 'events are stored');
# What is known at a cut, with an event that was rolled back before it; what comes later is not.
my $known = q{SELECT string_agg(u::text, ' ' ORDER BY m.name) FROM tally.metric m, tally.usage_total(tally._encode_id('bm_', m.metric_id), '2023-01-01Z', '2024-01-01Z', as_of => 'kept') u};
$old->safe_psql('postgres', "BEGIN; SELECT tally.record('call', 'c1', '{}', 'rolled back'); ROLLBACK");
$old->safe_psql('postgres', "SELECT tally.cut('kept')");
my $then = $old->safe_psql('postgres', $known);
# A value update, so that what these two come to is carried beside the segments.
is($old->safe_psql('postgres', q{SELECT string_agg(r.verdict, ' ') FROM tally.metric m,
    tally.record('call', 'c1', '{"n": 0.5}', m.name, '2023-06-01Z', 'value:' || tally._encode_id('bm_', m.metric_id), true) r WHERE m.name IN ('sum', 'max')}),
    'accepted accepted', 'values are recorded');
$old->safe_psql('postgres', "CALL tally.pack(1, '0')");
is($old->safe_psql('postgres', events(2001, 3000)), '1000,0', 'some are packed, and some are not');
# Events of two generations, as there are where some are not packed yet when another begins.
$old->safe_psql('postgres', "UPDATE tally.pile SET packed_events = packed_events + 1000000; CALL tally.pack(100000, '1 day')");
is($old->safe_psql('postgres', events(3001, 3005)), '5,0', 'and some are of another generation');
is($old->safe_psql('postgres', events(2991, 3005)), '0,15', 'some are sent again');
# An import that was taken back: its event stays in the log, counts no longer, and may come once more.
my $import = q{SELECT tally_rest.import_chunk(1, '{}', '{"name":["file"]}',
    '{"event_id":"imported","code":"call","customer_id":"c1","timestamp":"2023-05-01T00:00:00Z","properties":{"n":1000000}}') ->> 'accepted'};
is($old->safe_psql('postgres', $import), 1, 'an event is imported');
is($old->safe_psql('postgres', q{SELECT tally_rest.void_import(1, jsonb_build_object('id', import_id), '{}', NULL) -> 'voided' ->> 'events'
    FROM tally.import_batch}), 1, 'and taken back');
# Corrections of single events, one of them lifted again; a statement, and a correction after it.
$old->safe_psql('postgres', q{SELECT tally.void_event('e5', 'sent by mistake', 'c1'), tally.void_event('e6', 'too', 'c2');
    SELECT tally.restore_event('e6', 'it was none', 'c2'), tally.amend_event('e9', 'a wrong number', 'c1', properties => '{"n": 7.25, "who": "w1"}')});
my $statement = $old->safe_psql('postgres', "SELECT tally.close_period('2023-02-01Z', '2023-03-01Z')");
$old->safe_psql('postgres', "SELECT tally.void_event('e35', 'after the statement', 'c3')");
# Identities that are sealed, in two runs, beside those that are not.
is($old->safe_psql('postgres', 'SELECT tally.seal_identities(1, 1500)'), 't', "identities are sealed: run $_") for 1, 2;
# What it leaves out is counted anew, and nothing more is packed.
$old->safe_psql('postgres', "CALL tally.pack(1000000, '1 day')");
my $life = "SELECT m.name, l.* FROM tally.metric m, LATERAL tally._life(m) l WHERE m.name IN ('sum', 'max') ORDER BY 1";
my $lives = $old->safe_psql('postgres', $life);
my $adjustments = "SELECT a.* FROM tally.adjustments('$statement') a ORDER BY 1, 3";
my $adjusted = $old->safe_psql('postgres', $adjustments);
like($adjusted, qr/^count\|call\|c3\|-1\|/m, 'a period is closed, and something has changed since');
my $secret = $old->safe_psql('postgres', "SELECT tally.create_api_key(name => 'kept')");
my $usage = all_usage($old);
my $rows = 'SELECT (SELECT count(*) FROM tally.tenant), (SELECT count(*) FROM tally.api_key), (SELECT count(*) FROM tally.metric),
    (SELECT count(*) FROM tally.product_family), (SELECT count(*) FROM tally.recent_event), (SELECT count(*) FROM tally.recent_identity),
    (SELECT count(*) FROM tally.import_batch WHERE voided = 1), (SELECT sum(entries) FROM tally.identity_run), (SELECT sum(hashtextextended(i::text, 0)) FROM tally.sealed_identity i),
    (SELECT sum(hashtextextended(l::text, 0)) FROM tally.lifted_correction l), (SELECT sum(r.duplicates) FROM tally.resend_count r), (SELECT sum(hashtextextended(r::text, 0)) FROM tally.resend_count r), (SELECT sum(hashtextextended(t::text, 0)) FROM tally.statement t), (SELECT sum(hashtextextended(l::text, 0)) FROM tally.statement_usage l), (SELECT sum(hashtextextended(c::text, 0)) FROM tally.correction c), (SELECT sum(hashtextextended(s::text, 0)) FROM tally.segment s),
    (SELECT array_agg(g.generation ORDER BY g.generation) FROM tally.generation g), (SELECT array_agg(DISTINCT e.generation) FROM tally.recent_event e),
    (SELECT sum(hashtextextended(e::text, 0)) FROM (SELECT tenant_id, seq, ts, received_at, code, customer_id, source, event_id, properties FROM tally.recent_event) e)';
my $old_rows = $old->safe_psql('postgres', $rows);
like($old_rows, qr/\|\{0,1\}\|\{0,1\}\|/, 'two generations are live');
is($old->safe_psql('postgres', $known), $then, 'what was known is told as it was');
isnt($then, $old->safe_psql('postgres', $known =~ s/, as_of => 'kept'//r), 'which is not what is known now');
my $dir = PostgreSQL::Test::Utils::tempdir;

# Two connections in turn, all events at one moment: after each, LATEST is what was acknowledged last, also when it was packed between.
sub check_order {
    my ($how, $node, $database) = @_;
    my @sessions = map {
        my ($in, $out) = ('', '');
        { in => \$in, out => \$out, psql => IPC::Run::start([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($database) ], '<', \$in, '>', \$out, IPC::Run::timeout(300)) }
    } 1, 2;
    my @latest;
    for my $n (1 .. 6) {
        my $one = $sessions[ $n % 2 ];
        ${ $one->{in} } .= "SELECT verdict FROM tally.record('call', 'c1', '{\"n\": $n}', 'turn $n', '2025-06-01Z', allow_backfilling => true);\n\\echo done $n\n";
        IPC::Run::pump($one->{psql}) until ${ $one->{out} } =~ /accepted\ndone $n/ || !$one->{psql}->pumpable;
        push @latest, $node->safe_psql($database, "SELECT value FROM tally.usage((SELECT tally._encode_id('bm_', metric_id) FROM tally.metric WHERE name = 'latest'), '2025-06-01Z', '2025-07-01Z')");
        $node->safe_psql($database, "CALL tally.pack(1, '0')") if $n == 3;
    }
    IPC::Run::finish($_->{psql}) for @sessions;
    is("@latest", '1 2 3 4 5 6', "$how: of two sessions' events in turn the last one is the latest");
    is($node->safe_psql($database, 'SELECT count(*) - count(DISTINCT seq) FROM tally.events'), 0, "$how: no number is given twice");
    return;
}

sub check_restored {
    my ($how, $node, $database) = @_;
    is($node->safe_psql($database, $rows), $old_rows, "$how: every row is there");
    is(all_usage($node, $database), $usage, "$how: the same usage");
    is($node->safe_psql($database, $life), $lives, "$how: the same totals of a life");
    is($node->safe_psql($database, $known), $then, "$how: the same as of a cut");
    is($node->safe_psql($database, $adjustments), $adjusted, "$how: the same adjustments of a closed period");
    is($node->safe_psql($database, "BEGIN; DELETE FROM tally.segment; $life; ROLLBACK"), $lives, "$how: carried, without their segments");
    is($node->safe_psql($database, 'SELECT object, problem FROM tally.verify() LIMIT 5'), '', "$how: nothing is lost or there twice");
    is($node->safe_psql($database, $import), 1, "$how: what was taken back may come again");
    is($node->safe_psql($database, $import), 0, "$how: once");
    is($node->safe_psql($database, events(2001, 3000)), '0,1000', "$how: what was counted is still known");
    is($node->safe_psql($database, events(2991, 3100)), '95,15', "$how: new events are taken");
    is($node->safe_psql($database, "SELECT verdict FROM tally.record('call', 'c1', '{\"n\": 1}', 'far', '1971-02-03Z', allow_backfilling => true)"),
        'accepted', "$how: an event of long ago is taken");
    $node->safe_psql($database, "CALL tally.pack(1, '0')");
    is($node->safe_psql($database, 'SELECT array_agg(generation) FROM tally.generation'), '{1}', "$how: an empty generation goes");
    is($node->safe_psql($database, 'SELECT object, problem FROM tally.verify() LIMIT 5'), '', "$how: nothing is lost or there twice, also after packing");
    is($node->safe_psql($database, "BEGIN; DELETE FROM tally.segment; $life; ROLLBACK"), $node->safe_psql($database, $life), "$how: totals of a life are carried on");
    my $now = $node->safe_psql($database, $known =~ s/, as_of => 'kept'//r);
    $node->safe_psql($database, "SELECT tally.cut('new')");
    is($node->safe_psql($database, events(3101, 3110)), '10,0', "$how: and more are taken");
    is($node->safe_psql($database, $known =~ s/kept/new/r), $now, "$how: new cuts are exact");
    is($node->safe_psql($database, $known), $then, "$how: and the old one is as it was");
    check_order($how, $node, $database);
    $node->safe_psql($database, "SELECT tally.create_tenant('second')");
    is($node->safe_psql($database, 'SELECT count(DISTINCT tenant_id) FROM tally.tenant'), 2, "$how: a new tenant gets its own number");
    is($node->safe_psql($database, "SELECT count(*) FROM tally.api_key WHERE secret_hash = sha256('$secret')"), 1,
        "$how: the key still opens");
}

# Plain SQL, into a fresh cluster that has never seen the roles.
command_ok([ 'pg_dump', '-d', $old->connstr('postgres'), '-f', "$dir/plain.sql" ], 'pg_dump writes plain SQL');
my $fresh = new_node('fresh');
command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $fresh->connstr('postgres'), '-f', "$dir/plain.sql" ],
    'psql restores it without an error');
check_restored('plain SQL', $fresh, 'postgres');
$fresh->stop;

# A folder, written by several jobs.
command_ok([ 'pg_dump', '-Fd', '-j', '4', '-d', $old->connstr('postgres'), '-f', "$dir/folder" ], 'pg_dump writes a folder by four jobs');
$old->safe_psql('postgres', 'CREATE DATABASE of_folder TEMPLATE template0');
command_ok([ 'pg_restore', '--exit-on-error', '-d', $old->connstr('of_folder'), "$dir/folder" ], 'pg_restore restores it without an error');
check_restored('folder', $old, 'of_folder');
$old->safe_psql('postgres', 'DROP DATABASE of_folder');

# The same folder by several jobs, in three steps as sql/README.md says: the rows come while foreign keys do not look.
$old->safe_psql('postgres', 'CREATE DATABASE by_jobs TEMPLATE template0');
for my $step ([ '--section=pre-data' ], [ '--data-only', '--disable-triggers', '-j', '4' ], [ '--section=post-data', '-j', '4' ]) {
    command_ok([ 'pg_restore', '--exit-on-error', @$step, '-d', $old->connstr('by_jobs'), "$dir/folder" ], "pg_restore @$step");
}
check_restored('three steps', $old, 'by_jobs');
$old->safe_psql('postgres', 'DROP DATABASE by_jobs');

# Custom format, into another database of the old cluster. Not in one step by several jobs: pg_restore -j knows no order
# among tables that an extension makes together with their foreign keys.
command_ok([ 'pg_dump', '-Fc', '-d', $old->connstr('postgres'), '-f', "$dir/custom.dump" ], 'pg_dump writes its custom format');
$old->safe_psql('postgres', 'CREATE DATABASE restored TEMPLATE template0');
command_ok([ 'pg_restore', '--exit-on-error', '-d', $old->connstr('restored'), "$dir/custom.dump" ],
    'pg_restore restores it without an error');
check_restored('custom format', $old, 'restored');

is(all_usage($old), $usage, 'the old store is as it was');
is($old->safe_psql('postgres', events(3001, 3100)), '95,5', 'and goes on by itself');

# Dropping the extension takes everything with it, and it can be made again.
my (undef, undef, $refusal) = $old->psql('restored', 'DROP EXTENSION pgtally CASCADE');
like($refusal, qr/holds events.*tally\.allow_drop/s, 'the guard is there after a restore, and holds its events');
$old->safe_psql('restored', 'SET client_min_messages = warning; SET tally.allow_drop = on; DROP EXTENSION pgtally CASCADE');
is($old->safe_psql('restored', "SELECT count(*) FROM pg_class WHERE relnamespace::regnamespace::text LIKE 'tally%'"), 0,
    'DROP EXTENSION leaves nothing');
$old->safe_psql('restored', 'CREATE EXTENSION pgtally');
pass('CREATE EXTENSION works again');

$old->stop;
done_testing();
