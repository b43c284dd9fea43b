# Whoever asks much or packs can be stopped at any moment, and loses nothing by it. How late a statement stopped is told, in
# the time that the backend itself computed, so that other load does not count; 50 ms are promised. Without JIT, whose compiler
# cannot be stopped.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use Store;

use constant { EVENTS => 9000, CALLS => 40 };

my $node = new_node('cancel');
$node->append_conf('postgresql.conf', "fsync = off\nautovacuum = off\nmax_wal_size = 8GB\njit = off\n");
$node->restart;
make_store($node);
$node->safe_psql('postgres', q{
    SELECT tally.create_metric(code => 'many', aggregation_type => 'COUNT_DISTINCT', aggregation_key => 'u', name => 'users', slug => 'users');
    SELECT tally.create_metric(code => 'many', aggregation_type => 'SUM', aggregation_key => 'n', name => 'numbers', slug => 'numbers');
    CREATE PROCEDURE public.send(calls int, events int) LANGUAGE plpgsql AS $$
    BEGIN
        FOR turn IN 1 .. calls LOOP
            PERFORM count(*) FROM tally.ingest((SELECT '[' || string_agg(format(
                '{"event_id":"%s","code":"many","customer_id":"c%s","timestamp":"2024-05-%sT00:00:00Z","properties":{"u":"user-%s","n":%s}}',
                gen_random_uuid(), i % 5000, 1 + i % 28, turn * events + i, i), ',') || ']' FROM generate_series(1, events) i), true);
            COMMIT;
        END LOOP;
    END $$;
});

# Runs a statement with a timeout until it was stopped `times` times; answers how often it was, and how many ms it computed
# at most beyond the timeout.
sub stop_at {
    my ($times, $timeouts, $statement) = @_;
    my $spent = q{SELECT 'at ' || split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)};
    my $script = "SET client_min_messages = error;\n$spent;\n";
    my @timeouts = map { $timeouts->[ $_ % @$timeouts ] } 1 .. $times;
    $script .= "SET statement_timeout = $_;\n$spent;\n$statement \\g /dev/null\n$spent;\n" for @timeouts;
    my ($status, $out, $err) = $node->psql('postgres', $script, on_error_stop => 0);
    my @at = map { $_ / 1e6 } $out =~ /^at (\d+)$/mg;
    my ($worst, $stopped) = (0, scalar(() = $err =~ /canceling statement due to statement timeout/g));
    for my $n (0 .. $#timeouts) {
        my $late = $at[ 2 * $n + 2 ] - $at[ 2 * $n + 1 ] - $timeouts[$n];
        $worst = $late if $late > $worst;
    }
    unlike($err, qr/ERROR:  (?!canceling)/, 'and fails for no other reason');
    return ($stopped, $worst);
}

sub is_stopped {
    my ($name, $times, $timeouts, $statement) = @_;
    my ($stopped, $worst) = stop_at($times, $timeouts, $statement);
    cmp_ok($stopped, '>', 0, "$name: it was stopped $stopped times");
    diag(sprintf('%s: stopped %.0f ms late at most', $name, $worst));
    return;
}

my @soon = (1, 2, 3, 5, 8);
my @any = (5, 20, 35, 50, 65, 80, 95, 110, 125, 140);
my $range = q{'2024-01-01Z', '2025-01-01Z'};

# 72,000 recent rows, and then segments of 360,000 events.
$node->safe_psql('postgres', 'CALL public.send(80, 900)');
is_stopped('packing rows', 20, \@any, "CALL tally.pack(1, '0')");
$node->safe_psql('postgres', 'CALL public.send(' . CALLS . ', ' . EVENTS . ')');
is_stopped('merging', 40, \@any, "CALL tally.pack(1, '0', true)");
is($node->safe_psql('postgres', 'SELECT object, problem FROM tally.verify() LIMIT 5'), '', 'nothing is lost or there twice');
is_stopped('users of all', 5, \@soon, "SELECT tally.usage('users', $range)");
is_stopped('users by customer and day', 5, \@soon, "SELECT tally.usage('users', $range, \"window\" => 'day', group_by => ARRAY['customer_id'])");
is_stopped('sum by user', 5, \@soon, "SELECT tally.usage('numbers', $range, group_by => ARRAY['u'])");
is_stopped('all events', 5, \@soon, "SELECT count(*) FROM tally.events('many', $range)");
# Once is too little for a fast machine.
is_stopped('a search', 5, \@soon, "SELECT tally_rest.list_events(1, '{}', '{\"search\":[\"nowhere\"]}', NULL) FROM generate_series(1, 20)");
is_stopped('verifying', 5, \@any, 'SELECT count(*) FROM tally.verify()');
is_stopped('a cut', 5, \@soon, 'SELECT tally._unseen_seqs(0, 10000000 + n) FROM generate_series(1, 30) n');

$node->stop;
done_testing();
