# Packing takes at most 256 MB of a backend's own memory, whatever lies before it: very many small events, events of many
# properties, large texts; packing rows, adopting what ingest made, merging as far as possible, sealing.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use Store;

use constant MOST => 256;    # MB

my $node = new_node('memory');
# So small that shared pages, which a backend's peak includes, are few and all seen by the first look.
$node->append_conf('postgresql.conf', "shared_buffers = 8MB\nfsync = off\nautovacuum = off\nmax_wal_size = 8GB\n");
$node->restart;
make_store($node);
$node->safe_psql('postgres', q{
    -- Events of one code, each call fewer than would make a segment where `calls` is large.
    CREATE PROCEDURE public.send(code text, calls int, events int, properties text) LANGUAGE plpgsql AS $$
    BEGIN
        FOR turn IN 1 .. calls LOOP
            PERFORM count(*) FROM tally.ingest((SELECT '[' || string_agg(format(
                '{"event_id":"%s","code":"%s","customer_id":"customer-%s","timestamp":"2024-05-01T00:00:%sZ","properties":%s}',
                gen_random_uuid(), send.code, turn * 31 % 977 * events + i, lpad((i % 60)::text, 2, '0'),
                replace(send.properties, '$I', (turn * events + i)::text)), ',') || ']' FROM generate_series(1, events) i), true)
                WHERE verdict <> 'accepted' HAVING count(*) > 0;
            ASSERT NOT FOUND;
            COMMIT;
        END LOOP;
    END $$;
});

# The peak of a backend that first does something small, so that all of the library and of the buffers is in its memory.
sub peak_of {
    my ($call) = @_;
    my $memory = q{SELECT regexp_replace(pg_read_file('/proc/self/status'), '.*VmHWM:\s+(\d+).*RssFile:\s+(\d+).*RssShmem:\s+(\d+).*', '\1 \2 \3')};
    my @peaks = map { my ($all, $file, $shared) = split; ($all - $file - $shared) / 1024 }
        split /\n/, $node->safe_psql('postgres', "SELECT count(*) FROM tally.recent_event \\g /dev/null\n$memory;\n$call;\n$memory;");
    return $peaks[-1];
}

# More MB of events than a pack of rows and a merge may take at once: read all together, the large texts alone are 390 MB.
for my $kind (
    [ 'small events', 300, 900, '{"u":"user-$I"}' ],
    [ 'events of many properties', 50, 900, '{' . join(',', map { "\"p$_\":\"$_-\$I\"" } 1 .. 50) . '}' ],
    [ 'large texts', 300, 20, '{"text":"' . ('0123456789abcdef' x 4096) . '$I"}' ],
    [ 'segments made by ingest', 40, 9000, '{"u":"user-$I","n":$I}' ]) {
    my ($name, $calls, $events, $properties) = @$kind;
    (my $code = $name) =~ s/ /-/g;
    $node->safe_psql('postgres', "CALL public.send('$code', $calls, $events, '$properties')");
    my $peak = peak_of("CALL tally.pack(1, '0', true)");
    cmp_ok($peak, '<', MOST, sprintf('%s: packing took %.0f MB', $name, $peak));
    cmp_ok($peak, '>', 8, 'which was measured');
    is($node->safe_psql('postgres', "SELECT (SELECT count(*) FROM tally.recent_event), (SELECT sum(events) FROM tally.segment WHERE code = '$code')"),
        '0|' . $calls * $events, 'and all is packed');
}

$node->stop;
done_testing();
