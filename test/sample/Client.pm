# A small client of tallyd's public API for the sample's scripts: one connection, JSON in and out, every answer checked.
package Client;
use strict;
use warnings;
use HTTP::Tiny;
use JSON::PP;

sub new {
    my ($class, $address, $key_file) = @_;
    open my $file, '<', $key_file or die "cannot read $key_file: $!\n";
    chomp(my $key = <$file>);
    my $http = HTTP::Tiny->new(
        keep_alive      => 1,
        timeout         => 120,
        proxy           => undef,
        http_proxy      => undef,
        default_headers => { 'Authorization' => "Bearer $key" },
    );
    return bless { address => $address, http => $http, json => JSON::PP->new->utf8->canonical }, $class;
}

# The decoded answer; anything but success ends the script with what the server said.
sub call {
    my ($self, $method, $path, $body) = @_;
    my %options;
    if (defined $body) {
        $options{headers} = { 'Content-Type' => 'application/json' };
        $options{content} = ref $body ? $self->{json}->encode($body) : $body;
    }
    my $answer = $self->{http}->request($method, $self->{address} . $path, \%options);
    die "$method $path: $answer->{status} $answer->{content}\n" unless $answer->{success};
    return $self->{json}->decode($answer->{content});
}

1;
