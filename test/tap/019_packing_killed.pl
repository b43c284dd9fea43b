# kill -9 at every step of packing, sealing and merging: before each write of each kind of step, with what it wrote so far on disk, right
# before its commit, and after it. Each time every question is answered as before, and the next packer goes on.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;
use Store;

my $node = new_node('killed');
$node->append_conf('postgresql.conf', "fsync = off\nautovacuum = off\nlog_min_messages = error\n");
$node->restart;
make_store($node);

# Where a packer stops for ever: in front of each kind of write, when all of a transaction is done but its commit, and once it is
# committed, before the next step; at each such place once, known by what the transaction has done before. Triggers see all of that:
# what packing writes goes through SQL, but for the deletion of rows, which stands between two of these.
$node->safe_psql('postgres', q{
    CREATE TABLE public.killed (place text PRIMARY KEY);
    CREATE FUNCTION public.stop_at(write text) RETURNS void LANGUAGE plpgsql AS $$
    DECLARE
        here text := coalesce(current_setting('tap.place', true), '');
    BEGIN
        IF current_setting('tap.stop', true) IS DISTINCT FROM 'on' OR write = ANY (string_to_array(here, ' > ')) THEN
            RETURN;
        END IF;
        here := concat_ws(' > ', nullif(here, ''), write);
        PERFORM set_config('tap.place', here, true), set_config('tap.last', here, false);
        IF NOT EXISTS (SELECT FROM public.killed k WHERE k.place = here) THEN
            RAISE NOTICE 'stopped at: %', here;
            PERFORM pg_sleep(3600);
        END IF;
    END $$;
    CREATE FUNCTION public.stop() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM public.stop_at(CASE TG_WHEN WHEN 'AFTER' THEN 'commit' ELSE TG_OP || ' ' || regexp_replace(TG_TABLE_NAME, '_\d+.*', '') END);
        RETURN CASE TG_OP WHEN 'DELETE' THEN old ELSE new END;
    END $$;
    CREATE FUNCTION public.stop_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM public.stop_at(TG_TAG || CASE WHEN strpos(current_setting('tap.place', true), TG_TAG) > 0 THEN ' again' ELSE '' END);
    END $$;
    CREATE FUNCTION public.stop_after_commit() RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        IF current_setting('tap.last', true) <> '' THEN
            PERFORM set_config('tap.place', current_setting('tap.last'), true), public.stop_at('committed'), set_config('tap.last', '', false);
        END IF;
    END $$;
    GRANT SELECT ON public.killed TO PUBLIC;
    DO $$
    DECLARE
        name text;
    BEGIN
        FOREACH name IN ARRAY ARRAY['pile', 'segment', 'loose_segment', 'life_total', 'generation', 'watermark', 'resend_count', 'identity_run', 'sealed_identity'] LOOP
            EXECUTE format('CREATE TRIGGER before_write BEFORE INSERT OR UPDATE OR DELETE ON tally.%s FOR EACH ROW EXECUTE FUNCTION public.stop()', name);
            EXECUTE format('CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT OR UPDATE OR DELETE ON tally.%s DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.stop()', name);
        END LOOP;
    END $$;
    CREATE EVENT TRIGGER after_ddl ON ddl_command_end EXECUTE FUNCTION public.stop_ddl();
});

# A session that packs and seals all that there is: where it stopped, or nothing if it came to its end.
sub pack_until_stopped {
    my ($in, $out, $err) = ("CREATE TEMP TABLE steps (did boolean);\nSET tap.stop = on;\n" . "INSERT INTO steps SELECT tally.pack_step(1, '0', true);\nSELECT public.stop_after_commit();\n" x 120
        . "SELECT tally.seal_identities(1, 350);\nSELECT public.stop_after_commit();\n" x 16 . "\\q\n", '', '');
    my $packer = IPC::Run::start([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres') ], '<', \$in, '>', \$out, '2>', \$err, IPC::Run::timeout(300));
    $packer->pump while $packer->pumpable && $err !~ /stopped at: .*\n/;
    my ($place) = $err =~ /stopped at: (.*)\n/;
    if (defined $place) {
        # What it wrote so far is on disk when it dies.
        $node->safe_psql('postgres', 'CHECKPOINT');
        crash($node);
    }
    $packer->finish;
    is($err, '', 'a packer comes to its end') unless defined $place;
    return $place;
}

my $questions = q{
    SELECT m.name, l.* FROM tally.metric m, LATERAL tally._life(m) l ORDER BY 1;
    SELECT e.* FROM tally.events e ORDER BY e.seq;
    SELECT sum(c.duplicates), sum(c.conflicts) FROM tally.resend_count c;
    SELECT u.* FROM tally.metric m, tally.usage_total(tally._encode_id('bm_', m.metric_id), '2023-01-01Z', '2026-01-01Z', as_of => 'kept') u WHERE m.name = 'sum';
};
sub answers {
    return all_usage($node) . "\n" . $node->safe_psql('postgres', $questions);
}

# The first line that is another than before.
sub difference {
    my @before = split /\n/, $_[0];
    my @now = split /\n/, answers();
    my ($first) = grep { ($before[$_] // '') ne ($now[$_] // '') } 0 .. ($#before > $#now ? $#before : $#now);
    return defined $first ? sprintf('%s instead of %s', $now[$first] // 'nothing', $before[$first] // 'nothing') : '';
}

my @stops;
sub kill_at_each_step {
    my ($what) = @_;
    my $before = answers();
    while (defined(my $place = pack_until_stopped())) {
        push @stops, $place;
        ok($node->start(fail_ok => 1), "$what: the server recovers, killed at: $place");
        is($node->safe_psql('postgres', 'SELECT object, problem FROM tally.verify() LIMIT 5'), '', '  nothing is lost or there twice');
        is(difference($before), '', '  every question is answered as before');
        $node->safe_psql('postgres', "INSERT INTO public.killed VALUES ('$place')");
    }
    is($node->safe_psql('postgres', 'SELECT count(*) FROM tally.recent_event'), 0, "$what: in the end all is packed");
    is(difference($before), '', "$what: and told as before");
    return;
}

is($node->safe_psql('postgres', events(1, 900)), '900,0', 'events are sent');
$node->safe_psql('postgres', "SELECT tally.cut('kept')");
kill_at_each_step('new months');

# Whole segments of ingest's own (inside an INSERT, for the triggers), value updates, what was sent again, an event taken back, and a generation that is due.
is($node->safe_psql('postgres', q{CREATE TEMP TABLE sent (accepted int);
    INSERT INTO sent SELECT count(*) FILTER (WHERE verdict = 'accepted') FROM generate_series(1, 2) n, tally.ingest((SELECT jsonb_agg(jsonb_build_object(
    'event_id', n || '/' || i, 'code', 'call', 'customer_id', 'c' || i % 4, 'timestamp', '2023-05-01T00:00:00Z', 'properties', jsonb_build_object('n', i))) FROM generate_series(1, 1000) i), true);
    SELECT accepted FROM sent}),
    2000, 'large batches are sent');
is($node->safe_psql('postgres', 'SELECT count(*) FROM tally.loose_segment'), 2, 'which are segments at once');
is($node->safe_psql('postgres', events(401, 1000)), '100,500', 'others are sent again');
is($node->safe_psql('postgres', q{SELECT string_agg(r.verdict, ' ') FROM tally.metric m,
    tally.record('call', 'c1', '{"n": 0.5}', m.name, '2023-06-01Z', 'value:' || tally._encode_id('bm_', m.metric_id), true) r WHERE m.name IN ('sum', 'max')}), 'accepted accepted', 'values are recorded');
$node->safe_psql('postgres', 'UPDATE tally.pile SET packed_events = packed_events + 1000000');
kill_at_each_step('all else');
$node->safe_psql('postgres', "SELECT tally.void_event('e5', 'sent by mistake', 'c1')");
is($node->safe_psql('postgres', events(1001, 1010)), '10,0', 'more is sent');
kill_at_each_step('after a void');

# Each step was killed right before its commit, and after it.
for my $step ([ 'a code gets its row', 'INSERT pile' ], [ 'a partition is made', 'COMMENT > ALTER TABLE again' ], [ 'events become segments', 'INSERT segment > UPDATE pile' ],
    [ 'and are added to what is carried', 'INSERT life_total > UPDATE pile' ], [ 'segments of ingest are adopted', 'DELETE loose_segment > UPDATE pile' ],
    [ 'what is carried is counted anew', 'UPDATE life_total' ], [ 'segments are merged', 'INSERT segment' ], [ 'a watermark is set', 'INSERT watermark' ],
    [ 'and taken away', 'DELETE watermark' ], [ 'a generation begins', 'INSERT generation' ], [ 'one that is empty goes', 'DELETE generation' ],
    [ 'counts of what was sent again are folded', 'INSERT resend_count' ], [ 'identities are sealed', 'INSERT sealed_identity > INSERT identity_run' ], [ 'a merge of runs begins', 'INSERT identity_run' ],
    [ 'and ends', 'INSERT sealed_identity > UPDATE identity_run' ], [ 'merged runs are deleted', 'DELETE sealed_identity > DELETE identity_run' ]) {
    my ($what, $writes) = @$step;
    for my $end ($writes =~ /ALTER TABLE/ ? '' : ' > commit', ' > committed') {
        ok((grep { /(?:^|> )\Q$writes\E(?: > commit)?\Q$end\E$/ } @stops), "$what, killed at the end$end");
    }
}

is($node->safe_psql('postgres', events(1, 1010)), '0,1010', 'all that was ever taken is known');
$node->stop;
done_testing();
