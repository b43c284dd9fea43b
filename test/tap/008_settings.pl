# What a function means depends on no setting of a database and on no collation of it: the same questions in a plain database,
# in one where backslashes are escapes, and in one whose language has a dotless i.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use Store;

my $node = new_node('settings');
my %databases = (
    plain => '',
    'standard_conforming_strings off' => 'ALTER DATABASE "standard_conforming_strings off" SET standard_conforming_strings = off',
    turkish => '');
for my $name (sort keys %databases) {
    # PostgreSQL 15 brought databases of ICU.
    my $locale = $name eq 'turkish' && $node->safe_psql('postgres', 'SHOW server_version_num') >= 150000
        ? q{ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'tr' LOCALE 'C.UTF-8' TEMPLATE template0} : '';
    $node->safe_psql('postgres', qq{CREATE DATABASE "$name" $locale});
    $node->safe_psql('postgres', $databases{$name}) if $databases{$name};
    $node->safe_psql($name, q{CREATE EXTENSION pgtally; SELECT tally.create_tenant('t');
        SELECT tally.create_metric(code => 'DISK', aggregation_type => 'SUM', aggregation_key => 'size', name => 'INDIA DISK')});
    $node->safe_psql($name, q{SELECT tally.record('DISK', 'c', '{"size": 1.5, "Zone": "IZMIR"}', 'I1', '2024-01-15 12:00Z', allow_backfilling => true)});
}

# Each is a question, or a call that must fail with the same message everywhere.
my @questions = (
    q{SELECT count(*) FROM tally.windows('2024-01-01Z', '2024-03-01Z', '14 days', 'UTC')},
    q{SELECT string_agg(w || ' ' || (SELECT count(*) FROM tally.windows('2024-01-01Z', '2024-01-02Z', w, 'utc')), ', ') FROM unnest('{MINUTE,Minute,6 HOURS,TIMIN}'::text[]) w WHERE w <> 'TIMIN'},
    q{SELECT count(*) FROM tally.windows('2024-01-01Z', '2024-01-02Z', '20', 'UTC')},
    q{SELECT count(*) FROM tally.windows('2024-01-01Z', '2024-01-02Z', 'day', 'EUROPE/ISTANBUL')},
    q{SELECT min(window_end) FROM tally.windows('2024-01-01Z', '2024-03-01Z', 'WEEK', week_start => 'FRIDAY')},
    q{SELECT tally_rest.metric_usage(1, jsonb_build_object('id', tally._encode_id('bm_', metric_id)), '{"from": ["2024-01-01"], "to": ["2024-03-01"], "window": ["MONTH"], "anchor": ["2024-01-31"], "fill": ["true"]}', NULL) -> 'usage' -> 1 ->> 'start' FROM tally.metric},
    q{SELECT value FROM tally.usage_total('DISK', '2024-01-01Z', '2024-02-01Z', filter => '{"$[''Zone'']": "IZMIR"}')},
    q{SELECT value FROM tally.usage('DISK', '2024-01-01Z', '2024-02-01Z', "window" => 'MONTH', filter => '{"Zone": "IZMIR"}')},
    q{SELECT tally_rest.metric_usage(1, jsonb_build_object('id', tally._encode_id('bm_', metric_id)), '{"from": ["2024-01-01"], "to": ["2024-02-01"], "window": ["6 hours"], "filter[size]": ["1.50"]}', NULL) -> 'total' ->> 'value' FROM tally.metric},
    q{SELECT tally_rest.metric_usage(1, jsonb_build_object('id', tally._encode_id('bm_', metric_id)), '{"from": ["2024-01-01T00:00:00 01:00"], "to": ["2024-02-01"]}', NULL) FROM tally.metric},
    q{SELECT tally_rest.usage_summary(1, '{}', '{"start_date": ["2024-01-01"], "end_date": ["2024-02-01"]}', NULL) -> 'usage' -> 0 ->> 'total_value'},
    q{SELECT json_array_length(tally_rest.list_events(1, '{}', '{"search": ["izmir"]}', NULL) -> 'data'), json_array_length(tally_rest.list_events(1, '{}', '{"search": ["disk"], "limit": ["1"]}', NULL) -> 'data')},
    q{SELECT json_array_length(tally_rest.list_metrics(1, '{}', '{"search": ["india"], "order_by": ["name.asc"]}', NULL) -> 'data')},
    q{SELECT tally_rest.list_events(1, '{}', '{"cursor": ["3031322e33"]}', NULL) ->> 'next_cursor' IS NULL},
    q{SELECT tally_rest.list_events(1, '{}', '{"cursor": ["x"]}', NULL)},
    q{SELECT tally_rest.create_metric(1, '{}', '{}', E'{"name": "a\\\\u0000b"}')},
);
for my $question (@questions) {
    my %answers;
    for my $name (sort keys %databases) {
        my ($code, $out, $err) = $node->psql($name, $question);
        $err =~ s/^(?:LINE|CONTEXT|PL\/pgSQL|SQL).*//msg;
        $answers{$name} = "$code|$out|$err";
    }
    is($answers{'standard_conforming_strings off'}, $answers{plain}, "backslashes change nothing: $question");
    is($answers{turkish}, $answers{plain}, "nor does the language: $question");
    unlike($answers{plain}, qr/WARNING|internal error/, "and there is no warning: $question");
}
done_testing();
