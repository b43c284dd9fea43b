#!/usr/bin/perl
# Joins the YAML of the API's description, a file for each resource, into the one document that tallyd serves. Writes into a
# folder: openapi.json; openapi.inc, the same as the C++ that api/document.cpp includes; routes.inc, the rows of the route
# table, which api/router.cpp does.
# usage: openapi.pl FOLDER-OF-YAML FOLDER-TO-WRITE-TO
#
# common.yaml comes first, the others by name. Each may have paths and components; one that is in two files is an error.
#
# The member x-route of an operation is for tallyd alone, and in no JSON: {kind, function, scope, lane, columns}.
#   kind      call (where none is said: a function of schema tally_rest answers), import, ingest, or what tallyd itself answers
#   columns   of the rows that it answers as CSV, where its response may be text/csv
#   function  of schema tally_rest      scope  that the key needs; none: no key      lane  to the database (db/job.hpp)
# The scope stands in the JSON, as x-scope.
# Whatever else a row has, the operation says already: the status is the one that is a success, the body what its requestBody
# holds, and it is done once where it takes an Idempotency-Key.
use strict;
use warnings;
use Digest::SHA 'sha256_hex';
use JSON::PP ();
use YAML::PP ();
use YAML::PP::Common 'PRESERVE_ORDER';

# Adds the members of one file to the document: of paths, and of each kind of components, and whatever else common.yaml has.
sub join_part {
    my ($document, $part, $file) = @_;
    die "$file: it is no mapping\n" unless ref $part eq 'HASH';
    for my $name (keys %$part) {
        my %sections = $name eq 'paths' ? (paths => [ $document, $part ])
            : $name eq 'components' ? map({ $_ => [ $document->{components} //= ordered(), $part->{components} ] } keys %{ $part->{components} }) : ();
        die "$file: $name: only common.yaml says that\n" if !%sections && $file !~ m{/common\.yaml$};
        $document->{$name} = $part->{$name} unless %sections;
        for my $section (sort keys %sections) {
            my ($into, $from) = @{ $sections{$section} };
            for my $key (keys %{ $from->{$section} }) {
                die "$file: $section: $key is in another file too\n" if $into->{$section} && exists $into->{$section}{$key};
                ($into->{$section} //= ordered())->{$key} = $from->{$section}{$key};
            }
        }
    }
}

sub ordered { tie my %members, 'YAML::PP::Preserve::Hash'; return \%members }

sub read_document {
    my ($folder) = @_;
    my $reader = YAML::PP->new(schema => ['Core'], boolean => 'JSON::PP', preserve => PRESERVE_ORDER, cyclic_refs => 'fatal', duplicate_keys => 0);
    my $document = ordered();
    for my $file ("$folder/common.yaml", grep { !m{/common\.yaml$} } sort glob "$folder/*.yaml") {
        my @parts = eval { $reader->load_file($file) };
        die "$file: $@" if $@;
        die "$file: one document is wanted\n" unless @parts == 1;
        join_part($document, $parts[0], $file);
    }
    return $document;
}

# The kind of body that an operation takes.
sub body_kind {
    my ($operation, $kind) = @_;
    my $content = ($operation->{requestBody} // return 'none')->{content};
    return $content->{'text/csv'} ? 'file' : $kind eq 'ingest' ? 'events' : 'json';
}

# The row of an operation, whose x-route goes.
sub route_row {
    my ($method, $pattern, $operation) = @_;
    my $name = "$method $pattern";
    my %route = (kind => 'call', lane => 'read', %{ delete $operation->{'x-route'} // die "$name: x-route is missing\n" });
    my ($kind, $function, $scope, $lane, $columns) = delete @route{qw(kind function scope lane columns)};
    die "$name: x-route has unknown members: @{[ sort keys %route ]}\n" if %route;
    die "$name: a function is called with a key, and by no other kind than call and import\n"
        if defined $function != ($kind =~ /^(?:call|import)$/) || (defined $function || $kind eq 'ingest') && !defined $scope;
    my @success = grep { /^2/ } keys %{ $operation->{responses} };
    die "$name: one status must be a success\n" unless @success == 1;
    my $content = $operation->{responses}{ $success[0] }{content} // {};
    die "$name: columns are said exactly where the answer may be text/csv\n" if defined $columns != exists $content->{'text/csv'};
    my $once = grep { ($_->{'$ref'} // '') =~ m{/IdempotencyKey$} } @{ $operation->{parameters} // [] };
    $operation->{'x-scope'} = $scope if defined $scope;
    my $text = sub { defined $_[0] ? qq("$_[0]") : 'nullptr' };
    return sprintf qq({"%s", "%s", RouteKind::%s, LaneId::%s, %s, %s, %d, BodyKind::%s, %s, %s, %s},\n), uc $method, $pattern, $kind, $lane,
        $text->($scope), $text->($function), $success[0], body_kind($operation, $kind), $once ? 'true' : 'false', $text->($columns), $content->{'application/x-ndjson'} ? 'true' : 'false';
}

# Literal segments stand before parameters.
sub routes {
    my ($paths) = @_;
    my @rows;
    for my $pattern (sort { $a =~ s/\{/~/gr cmp $b =~ s/\{/~/gr } keys %$paths) {
        push @rows, route_row($_, $pattern, $paths->{$pattern}{$_}) for sort keys %{ $paths->{$pattern} };
    }
    return join '', "// Made by openapi.pl.\n", @rows;
}

# In pieces: no compiler has to take a literal of any length.
sub include {
    my ($json) = @_;
    my $text = sprintf "// Made by openapi.pl.\nconstexpr char kTag[] = \"\\\"%s\\\"\";\nconstexpr char kText[] =\n", substr sha256_hex($json), 0, 32;
    for my $piece (unpack '(a100)*', $json) {
        $piece =~ s/(["\\?])/\\$1/g;
        $piece =~ s/([^\x20-\x7e])/sprintf '\\%03o', ord $1/ge;
        $text .= qq(    "$piece"\n);
    }
    return "$text    ;\n";
}

# A file is there whole or not at all.
sub write_file {
    my ($path, $text) = @_;
    open my $file, '>:raw', "$path.tmp" or die "$path.tmp: $!\n";
    print $file $text;
    close $file or die "$path.tmp: $!\n";
    rename "$path.tmp", $path or die "$path: $!\n";
}

die "usage: openapi.pl FOLDER-OF-YAML FOLDER-TO-WRITE-TO\n" unless @ARGV == 2;
my ($from, $to) = @ARGV;
my $document = read_document($from);
my $routes = routes($document->{paths});
my $json = JSON::PP->new->utf8->encode($document);
write_file("$to/routes.inc", $routes);
write_file("$to/openapi.inc", include($json));
write_file("$to/openapi.json", "$json\n");
