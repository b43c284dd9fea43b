#!/usr/bin/perl
# `make run DEMO=live`: goes on where the sample ended, with flights of this very moment, some in a second, until it is
# stopped. They are made up: airports are those of the sample with the most flights, and now and then one is sent twice.
# usage: trickle.pl ADDRESS KEY_FILE [EVENTS_PER_SECOND]
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use POSIX 'strftime';
use Time::HiRes qw(sleep time);
use Client;

die "usage: trickle.pl ADDRESS KEY_FILE [EVENTS_PER_SECOND]\n" unless @ARGV == 2 || @ARGV == 3;
my $per_second = splice(@ARGV, 2, 1) // 2;
die "trickle: events per second must be a number above 0\n" unless $per_second =~ /^\d*\.?\d+$/ && $per_second > 0;
my $client   = Client->new(@ARGV);
my @airports = qw(ORD DFW ATL LAX STL DTW PHX MSP BOS LAS);
my ($run, $number) = (strftime('%Y%m%dT%H%M%S', gmtime), 0);

sub flight {
    my ($origin, $destination) = @airports[ int rand @airports, int rand @airports ];
    my $now = time;
    return {
        event_id    => 'live-' . $run . '-' . ++$number,
        code        => 'flight',
        customer_id => $origin,
        timestamp   => strftime('%Y-%m-%dT%H:%M:%S', gmtime $now) . sprintf('.%03dZ', ($now - int $now) * 1000),
        properties  => { destination => $destination, distance => 100 + int rand 2400, delay => -10 + int rand 60 },
    };
}

my $last;
while (1) {
    my $flight = defined $last && rand() < 0.05 ? $last : flight();
    # tallyd may be away for a while: events count once, so what got no answer is simply sent again.
    until (eval { $client->call('POST', '/api/v1/events/ingest', { events => [$flight] }); 1 }) {
        warn "trickle: $@";
        sleep 2;
    }
    $last = $flight;
    sleep -log(1 - rand) / $per_second;
}
