#!/usr/bin/perl
# Loads the sample (flights.csv.gz) through tallyd's public API: makes the six metrics that are not there yet and posts the
# flights as usage events. Every answer is checked. May run any number of times: an event counts once.
# usage: load.pl ADDRESS KEY_FILE
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use IO::Uncompress::Gunzip;
use Time::HiRes 'time';
use Client;

use constant BATCH => 1000;

die "usage: load.pl ADDRESS KEY_FILE\n" unless @ARGV == 2;
my $client = Client->new(@ARGV);

# name, slug, aggregation type, aggregation key
my @metrics = (
    [ 'flights flown',         'flights',       'COUNT',          undef ],
    [ 'miles',                 'miles',         'SUM',            'distance' ],
    [ 'worst delay',           'worst-delay',   'MAX',            'delay' ],
    [ 'mean delay',            'mean-delay',    'MEAN',           'delay' ],
    [ 'last distance',         'last-distance', 'LATEST',         'distance' ],
    [ 'distinct destinations', 'destinations',  'COUNT_DISTINCT', 'destination' ],
);

sub family {
    my $profile = $client->{json}->encode($client->call('GET', '/api/v1/profile'));
    return $profile =~ /"(pf_[0-9A-Za-z]+)"/ ? $1 : die "the profile names no product family: $profile\n";
}

sub make_metrics {
    my $known  = $client->{json}->encode($client->call('GET', '/api/v1/metrics?per_page=100'));
    my $family = family();
    my $made   = 0;
    for my $metric (@metrics) {
        my ($name, $slug, $type, $key) = @$metric;
        next if $known =~ /"slug":"\Q$slug\E"/;
        my %body = (code => 'flight', name => $name, slug => $slug, aggregation_type => $type, product_family_id => $family);
        $body{aggregation_key} = $key if defined $key;
        $client->call('POST', '/api/v1/metrics', \%body);
        $made++;
    }
    print "sample: $made metrics made\n";
}

sub event {
    my ($row, $line) = @_;
    my ($time, $delay, $distance, $origin, $destination) = split /,/, $line;
    return {
        event_id    => "flight-$row",
        code        => 'flight',
        customer_id => $origin,
        timestamp   => $time,
        properties  => { destination => $destination, distance => $distance + 0, delay => $delay + 0 },
    };
}

my %total = (accepted => 0, duplicates => 0);

sub post {
    my ($events) = @_;
    return unless @$events;
    my $answer = $client->call('POST', '/api/v1/events/ingest',
        { events => $events, allow_backfilling => JSON::PP::true });
    die 'sample: events were refused: ' . $client->{json}->encode($answer->{failures}) . "\n"
        if $answer->{failures} && @{ $answer->{failures} };
    die 'sample: sent ' . @$events . ' events, the answer speaks of others: ' . $client->{json}->encode($answer) . "\n"
        unless $answer->{accepted} + $answer->{duplicates} == @$events;
    $total{$_} += $answer->{$_} for keys %total;
}

sub post_flights {
    my $path = "$FindBin::Bin/flights.csv.gz";
    my $file = IO::Uncompress::Gunzip->new($path) or die "cannot read $path\n";
    $file->getline;    # the header
    my ($row, @batch) = (0);
    my $began = time;
    while (defined(my $line = $file->getline)) {
        chomp $line;
        push @batch, event(++$row, $line);
        next if @batch < BATCH;
        post(\@batch);
        @batch = ();
    }
    post(\@batch);
    printf "sample: %d flights sent in %.1f s: %d accepted, %d duplicates\n", $row, time - $began,
        @total{qw(accepted duplicates)};
}

make_metrics();
post_flights();
