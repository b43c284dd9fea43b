#!/usr/bin/perl
# What `make run` prints when all is up: address, key, the usage of one airport, and one line each for curl and psql.
# usage: tour.pl ADDRESS KEY_FILE DATA_AS_GIVEN DATA_PATH
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Client;

my ($address, $key_file, $data, $data_path) = @ARGV;
my $client = Client->new($address, $key_file);
my ($from, $to, $customer) = ('2001-01-01T00:00:00Z', '2001-04-01T00:00:00Z', 'DFW');
my $shown = $data =~ m{^/} ? $data : "\$PWD/$data";

print "address   $address\n";
print "api key   ", do { open my $file, '<', $key_file or die $!; <$file> };
my $answer  = $client->call('GET', '/api/v1/metrics?per_page=100');
my @metrics = grep { $_->{code} eq 'flight' && $_->{slug} } ref $answer eq 'ARRAY' ? @$answer : @{ $answer->{data} };
unless (@metrics) {
    print "\ncurl -sSw '\\n' -H \"Authorization: Bearer \$(cat $data/api-key)\" $address/api/v1/profile\n";
    print "psql -h \"$shown\" tally -c 'SELECT tally.version()'\n";
    exit;
}
my %rank = (COUNT => 0, SUM => 1, MAX => 2, MEAN => 3, LATEST => 4, COUNT_DISTINCT => 5);
@metrics = sort { ($rank{ $a->{aggregation_type} } // 9) <=> ($rank{ $b->{aggregation_type} } // 9) } @metrics;

sub usage {
    my ($metric, $rest) = @_;
    return $client->call('GET', "/api/v1/metrics/$metric->{slug}/usage?from=$from&to=$to$rest")->{total}{value} // '-';
}
print "\nusage of the first quarter of 2001      $customer     all airports\n";
printf "  %-24s %16s %16s\n", $_->{name}, usage($_, "&customer_id=$customer"), usage($_, '') for @metrics;

my ($miles) = grep { $_->{aggregation_type} eq 'SUM' } @metrics, $metrics[0];
print "\ntry:\n";
print "curl -sSw '\\n' -H \"Authorization: Bearer \$(cat $data/api-key)\" \\\n",
    "  '$address/api/v1/metrics/$miles->{slug}/usage?from=$from&to=$to&customer_id=$customer'\n";
print "psql -h \"$shown\" tally -c \\\n",
    "  \"SELECT * FROM tally.usage('$miles->{slug}', '2001-01-01Z', '2001-04-01Z', customer => '$customer')\"\n";
