# What is labelled PARALLEL SAFE runs in a worker: every such function of the extension, with good and with bad arguments,
# answers under forced parallel plans what it answers without them, errors included. (Before PostgreSQL 17 an EXCEPTION block
# of PL/pgSQL fails there; sequences, temporary tables and writes fail in every version.)
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use Store;

my $most_calls = 20;    # of one function

# Arguments by type: good ones first, then what must be an error, or not. NULL is given too.
my %states = (
    'tally.summary' => q{SELECT tally.summarize(v, timestamptz '2024-01-01Z' + v * interval '1 hour') FROM generate_series(1, 9) v},
    'tally.distinct_set' => q{SELECT tally.distinct_values(v::numeric) FROM generate_series(1, 9) v},
    'tally.level_state' => q{SELECT tally.level(v, timestamptz '2024-01-01Z' + v * interval '1 hour') FROM generate_series(1, 9) v},
    'tally.counter_state' => q{SELECT tally.counter(v, timestamptz '2024-01-01Z' + v * interval '1 hour') FROM generate_series(1, 9) v},
    'tally.metric' => q{SELECT m FROM tally.metric m WHERE name = 'sum'},
    'tally.recent_event' => q{SELECT e FROM tally.recent_event e LIMIT 1});
my @texts = ('day', 'UTC', 'Europe/Berlin', '2024-01-15T12:00:00Z', 'n', '20m', '20', 'bm_', 'UTC+2', 'localtime', '', "\\'x",
    '2024-01-15T12:30:60Z', "code,customer_id\ncall,c\ncall", 'half_up', 'SUM');
my @objects = ('{"n": 1.50, "who": "a"}', '{"n": ["1.5", "2"]}', '{"n": "x"}', '[]', '{"key": "n", "values": ["a"]}', '7',
    '{"key1": "a", "key2": "b"}');
my %samples = (
    text => \@texts, cstring => \@texts, anyelement => [ '7.5', '-0' ], any => [ 'a', '' ], boolean => [ 'true', 'false' ],
    integer => [ 1, 0, -1 ], bigint => [ 1, 0, -1 ], 'bigint[]' => [ '{1,2,5,5}', '{}' ], numeric => [ '1.50', '0', '-3', 'NaN' ], 'numeric[]' => [ '{1,2.5,3}', '{}' ],
    uuid => ['00000000-0000-7000-8000-000000000001'], 'uuid[]' => [ '{00000000-0000-7000-8000-000000000001}', '{}' ],
    'text[]' => [ '{n,who}', '{}', '{"{\"code\": \"call\"}",x}' ], json => \@objects, jsonb => \@objects, interval => [ '1 hour', '0', '1 month' ],
    'timestamp with time zone' => [ '2024-01-01Z', '2024-01-03Z', 'infinity', '20000-01-01Z' ],
    'timestamp without time zone' => [ '2024-01-01', '2024-03-31 02:30', '9999-12-31' ],
    int8range => [ '[1,5)', 'empty' ], 'int8range[]' => [ '{"[1,5)","[7,9)"}', '{}' ], 'tally._share[]' => ['{}'], 'tally.segment_data' => []);

my $node = new_node('parallel');
make_store($node);
$node->safe_psql('postgres', events(1, 50));
for my $type (keys %states) {
    $samples{$type} = [ $node->safe_psql('postgres', $states{$type}) ];
    isnt($samples{$type}[0], '', "there is a $type");
}
$node->safe_psql('postgres', 'CREATE TABLE given (id int PRIMARY KEY, arguments text[])');

# Functions whose good arguments have to fit together.
my %together = (
    'tally._convert' => [ [ '1.50', '7', 'HALF_UP' ], [ '1.50', '7', 'UP' ], [ '1.50', '7', 'NONE' ] ],
    'tally_rest._instant' => [ [ '{"to": ["2024-01-31"]}', 'to', 'Europe/Berlin' ], [ '{"to": ["2024-01-31T13:00:00Z"]}', 'to', 'UTC' ] ],
    'tally.windows' => [
        [ '2024-01-01Z', '2024-01-03Z', '6 hours', 'Europe/Berlin', undef, undef ], [ '2024-01-01Z', '2024-01-03Z', '20', 'UTC', undef, undef ],
        [ '2024-01-01Z', '2024-06-03Z', 'month', 'Europe/Berlin', '2024-01-31', undef ], [ '2024-01-01Z', '2024-02-03Z', 'week', 'UTC', undef, 'sunday' ],
        [ '2024-01-01Z', '2024-02-03Z', 'day', 'localtime', '2024-01-31', 'sunday' ] ]);

# Vectors of arguments: each argument takes each of its samples and NULL, the others change beside it.
sub vectors {
    my @types = @_;
    return ([]) unless @types;
    my @choices = map { [ @{ $samples{$_} }, undef ] } @types;
    my (%seen, @vectors);
    for my $round (0 .. 1) {
        for my $at (0 .. $#types) {
            for my $choice (0 .. $#{ $choices[$at] }) {
                my @vector = map { $choices[$_][ $_ == $at ? $choice : ($round * ($_ + 1)) % @{ $choices[$_] } ] } 0 .. $#types;
                push @vectors, \@vector unless $seen{ join "\0", map { $_ // '<null>' } @vector }++;
            }
        }
    }
    return @vectors > $most_calls ? map { $vectors[ $_ * @vectors / $most_calls ] } 0 .. $most_calls - 1 : @vectors;
}

sub literal {
    my ($text) = @_;
    return defined $text ? q{'} . $text =~ s/'/''/gr . q{'} : 'NULL';
}

my @functions = map { [ split /\|/ ] } split /\n/, $node->safe_psql('postgres', q{
    SELECT p.oid::regproc, p.prokind, p.provolatile, (SELECT string_agg(format_type(t, NULL), ';' ORDER BY n) FROM unnest(p.proargtypes) WITH ORDINALITY a(t, n))
    FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    JOIN pg_extension e ON e.oid = d.refobjid
    WHERE e.extname = 'pgtally' AND p.proparallel = 's' AND p.prorettype <> 'trigger'::regtype ORDER BY p.oid});
cmp_ok(scalar @functions, '>', 50, 'there are functions that are labelled safe');

my (@calls, @rows);
for my $function (@functions) {
    my ($name, $kind, $volatile, $signature) = @$function;
    my @types = map { s/"//gr } split /;/, $signature // '';
    next if grep { $_ eq 'internal' } @types;    # they run where their aggregates and types do
    my @unknown = grep { !$samples{$_} } @types;
    ok(!@unknown, "$name($signature): add samples of @unknown") or next if @unknown;
    for my $vector (vectors(@types), @{ $together{$name} // [] }) {
        push @rows, sprintf '(%d, ARRAY[%s]::text[])', scalar @rows, join ', ', map { literal($_) } @$vector;
        my %cast = (anyelement => 'numeric', any => 'text');
        my $call = sprintf '%s(%s)', $name, join ', ', map { "arguments[$_]::" . ($cast{ $types[ $_ - 1 ] } // $types[ $_ - 1 ]) } 1 .. @types;
        $call = "($call)::text" unless $call =~ /_send\(/;
        $call = "($call) IS NULL" if $volatile eq 'v' || $name =~ /_now$/;    # another answer each time
        push @calls, "SELECT $call FROM given WHERE id = $#rows;";
    }
}
$node->safe_psql('postgres', 'SET standard_conforming_strings = on; INSERT INTO given VALUES ' . join ', ', @rows);
$node->safe_psql('postgres', 'VACUUM ANALYZE given');

my $force = $node->safe_psql('postgres', 'SHOW server_version_num') >= 160000 ? 'debug_parallel_query' : 'force_parallel_mode';

# The answers of all calls, in pieces of one call each.
sub answers {
    my ($setting) = @_;
    my $script = "SET $force = $setting; SET tally.tenant = 'tap'; SET timezone = 'UTC'; SET max_parallel_workers_per_gather = " . ($setting eq 'off' ? 0 : 2) . ";\n";
    $script .= join '', map { "\\echo -- call $_\n\\echo :SQLSTATE\n$calls[$_]\n\\echo :SQLSTATE\n" } 0 .. $#calls;
    # Errors go where answers go, so that each stands at its call.
    my ($out, $err) = ('', '');
    IPC::Run::run([ 'sh', '-c', 'exec psql -XAtq -d "$0" -f - 2>&1', $node->connstr('postgres') ], '<', \$script, '>', \$out);
    $out =~ s/^psql:<stdin>:\d+: //mg;
    $out =~ s/^(?:CONTEXT:  )?parallel worker\n//mg;
    return split /^-- call \d+\n/m, $out;
}

my @alone = answers('off');
my @forced = answers('on');
is(scalar @alone, @calls + 1, 'every call has its answer');
my (%differ, %succeeded, %failed);
for my $at (0 .. $#calls) {
    my ($name) = $calls[$at] =~ /SELECT \(?([\w.]+)/;
    $differ{$name} //= "$calls[$at]: $forced[$at + 1] instead of $alone[$at + 1]" if $forced[ $at + 1 ] ne $alone[ $at + 1 ];
    ($alone[ $at + 1 ] =~ /ERROR/ ? \%failed : \%succeeded)->{$name} = 1;
}
is(join("\n", map { $differ{$_} } sort keys %differ), '', 'forced parallel plans change no answer');
unlike(join('', @forced), qr/parallel operation|parallel mode|parallel worker/, 'and nothing fails because a plan is parallel');
my @always = grep { !$succeeded{$_} && !/segment_data/ } sort keys %failed;
is("@always", '', 'each function has arguments that it likes');
ok(exists $failed{'tally.windows'}, 'and bad ones');
my $in_worker = 0;
$in_worker += () = $node->safe_psql('postgres', "SET $force = on; EXPLAIN (COSTS off) $_") =~ /Gather/g for @calls[ 0, $#calls ];
is($in_worker, 2, 'the plans were parallel');

# The plan that users met: windows of many rows, in leader and workers.
my $question = q{SELECT count(*) FROM sub s, LATERAL tally.windows(s.f, s.f + interval '1 day', '6 hours', 'Europe/Berlin') w WHERE s.id % 1000 = 0};
$node->safe_psql('postgres', q{CREATE TABLE sub AS SELECT i AS id, timestamptz '2024-01-01Z' + i * interval '1 minute' AS f FROM generate_series(1, 300000) i; ANALYZE sub});
like($node->safe_psql('postgres', "EXPLAIN $question"), qr/Gather/, 'windows of a large table are made in parallel by default');
is($node->safe_psql('postgres', $question), $node->safe_psql('postgres', "SET max_parallel_workers_per_gather = 0; $question"), 'and are as many');
$node->stop;
done_testing();
