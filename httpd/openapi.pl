#!/usr/bin/perl
# Joins the YAML of the API's description, a file for each resource, into the one document that tallyd serves. Writes into a
# folder: openapi.json; openapi.inc, the same as the C++ that api/document.cpp includes; routes.inc, the rows of the route
# table, which api/router.cpp does.
# usage: openapi.pl FOLDER-OF-YAML FOLDER-TO-WRITE-TO
#
# common.yaml comes first, the others by name. Each may have paths and components; one that is in two files is an error.
#
# The member x-route of an operation is for tallyd alone, and in no JSON: {kind, function, scope, lane, slow_with, columns, page}.
#   kind      call (where none is said: a function of schema tally_rest answers), import, ingest, or what tallyd itself answers
#   columns   of the rows that it answers as CSV, where its response may be text/csv
#   page      how many of its rows such an answer asks for at once, by the parameters limit and cursor; else it has all in one
#   function  of schema tally_rest      scope  that the key needs; none: no key      lane  to the database (db/job.hpp)
#   slow_with of lane read: what makes a request one for the lane slow_read. A list of "format" (the answer is asked for in another
#             format than JSON), "NAME" (this parameter, or one of its NAME[...], is given) and "NAME without OTHER" (and this one is not)
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

# The clauses of slow_with, as C++. A name that no parameter has is an error: a renamed one must not lose its rule.
sub slow_clauses {
    my ($name, $clauses, $parameters, $has_formats) = @_;
    die "$name: slow_with holds one to four clauses\n" unless @$clauses <= 4;
    my @rows;
    for my $clause (@$clauses) {
        my ($with, $without) = $clause =~ /^(\w+)(?: without (\w+))?$/ or die "$name: slow_with: $clause\n";
        die "$name: slow_with: it has no other format\n" if $with eq 'format' && !$has_formats;
        $parameters->{$_} || $_ eq 'format' or die "$name: slow_with: $_ is no parameter\n" for grep defined, $with, $without;
        push @rows, sprintf '{"%s", %s}', $with, defined $without ? qq("$without") : 'nullptr';
    }
    return join ', ', @rows;
}

# The row of an operation, whose x-route goes. Of the document: its parameters that operations share.
sub route_row {
    my ($method, $pattern, $operation, $shared) = @_;
    my $name = "$method $pattern";
    my %route = (kind => 'call', lane => 'read', %{ delete $operation->{'x-route'} // die "$name: x-route is missing\n" });
    my ($kind, $function, $scope, $lane, $slow_with, $columns, $page) = delete @route{qw(kind function scope lane slow_with columns page)};
    die "$name: x-route has unknown members: @{[ sort keys %route ]}\n" if %route;
    die "$name: a function is called with a key, and by no other kind than call and import\n"
        if defined $function != ($kind =~ /^(?:call|import)$/) || (defined $function || $kind eq 'ingest') && !defined $scope;
    my @success = grep { /^2/ } keys %{ $operation->{responses} };
    die "$name: one status must be a success\n" unless @success == 1;
    my $content = $operation->{responses}{ $success[0] }{content} // {};
    die "$name: columns are said exactly where the answer may be text/csv\n" if defined $columns != exists $content->{'text/csv'};
    my %parameters = map { $_->{name} => $_ } map { $_->{'$ref'} ? $shared->{ $_->{'$ref'} =~ s{.*/}{}r } : $_ } @{ $operation->{parameters} // [] };
    my $lines = exists $content->{'application/x-ndjson'};
    die "$name: rows come page by page, by limit (of so many) and cursor, where page says so, and as NDJSON in no other way\n"
        if defined $page ? !$columns || !$parameters{cursor} || ($parameters{limit}{schema}{maximum} // 0) < $page : $lines;
    die "$name: slow_with is of the lane read\n" if $slow_with && $lane ne 'read';
    my $once = grep { ($_->{'$ref'} // '') =~ m{/IdempotencyKey$} } @{ $operation->{parameters} // [] };
    $operation->{'x-scope'} = $scope if defined $scope;
    my $text = sub { defined $_[0] ? qq("$_[0]") : 'nullptr' };
    return sprintf qq({"%s", "%s", RouteKind::%s, LaneId::%s, %s, %s, %d, BodyKind::%s, %s, %s, %s, %d, {%s}},\n), uc $method, $pattern, $kind, $lane,
        $text->($scope), $text->($function), $success[0], body_kind($operation, $kind), $once ? 'true' : 'false', $text->($columns), $lines ? 'true' : 'false', $page // 0,
        slow_clauses($name, $slow_with // [], \%parameters, defined $columns);
}

# Literal segments stand before parameters.
sub routes {
    my ($document) = @_;
    my $paths = $document->{paths};
    my @rows;
    for my $pattern (sort { $a =~ s/\{/~/gr cmp $b =~ s/\{/~/gr } keys %$paths) {
        push @rows, route_row($_, $pattern, $paths->{$pattern}{$_}, $document->{components}{parameters}) for sort keys %{ $paths->{$pattern} };
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
my $routes = routes($document);
my $json = JSON::PP->new->utf8->encode($document);
write_file("$to/routes.inc", $routes);
write_file("$to/openapi.inc", include($json));
write_file("$to/openapi.json", "$json\n");
