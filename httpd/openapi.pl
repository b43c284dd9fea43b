#!/usr/bin/perl
# Turns openapi.yaml into JSON on standard output; with --include into the C++ that api/document.cpp includes, with --routes
# into the rows of the route table, which api/router.cpp does.
# usage: openapi.pl [--include | --routes] FILE
#
# The member x-route of an operation is for tallyd alone, and in no JSON: {kind, function, scope, lane}.
#   kind      call (where none is said: a function of schema tally_rest answers), import, ingest, or what tallyd itself answers
#   function  of schema tally_rest      scope  that the key needs; none: no key      lane  to the database (db/job.hpp)
# Whatever else a row has, the operation says already: the status is the one that is a success, the body what its requestBody
# holds, and it is done once where it takes an Idempotency-Key.
#
# A strict reader of the part of YAML that the document is written in, so that every YAML reader reads the same: block
# mappings and sequences, plain and double-quoted scalars on one line, folded text (>-), flow sequences and mappings of
# one line, comments on lines of their own. Whatever else YAML has, and whatever YAML 1.1 and 1.2 read differently, is an
# error. The order of keys is kept. No module but those that come with Perl.
use strict;
use warnings;
use Digest::SHA 'sha256_hex';
use JSON::PP 'decode_json';

my (@lines, $at, $path);

sub fail { my ($what, $line) = @_; die sprintf "%s:%d: %s\n", $path, $line // ($at < @lines ? $lines[$at][2] : $lines[-1][2]), $what }

sub json_string {
    my ($text) = @_;
    $text =~ s{(["\\])|([\x00-\x1f])}{defined $1 ? "\\$1" : sprintf '\\u%04x', ord $2}ge;
    return qq("$text");
}

# The JSON of a plain scalar.
sub plain {
    my ($text) = @_;
    return $text if $text =~ /^(?:true|false|null|0|-?[1-9][0-9]*|-?(?:0|[1-9][0-9]*)\.[0-9]+)$/;
    fail("quote \"$text\": not every reader takes it for a string")
        if $text =~ /^(?:~|y|n|yes|no|on|off|true|false|null|[-+.]?[0-9][-+0-9.,:_eExXa-fA-F]*|[-+]?\.(?:inf|nan)|<<|=)$/i
        || $text =~ /^\d{4}-\d\d-\d\d/;
    fail("quote \"$text\": it begins with a character that means something") if $text =~ /^[][{},#&*!|>'"%\@`]|^[-?:](?:\s|$)/;
    fail("quote \"$text\": it holds what means something") if $text =~ /:(?:\s|$)|\s#/;
    return json_string($text);
}

# The JSON of a double-quoted scalar at the beginning of the text, which is cut off it.
sub quoted {
    my ($rest) = @_;
    $$rest =~ s{^("(?:[^"\\]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*")}{} or fail('this string does not end, or has an escape that JSON has not');
    return $1;
}

# A value in flow style at the beginning of the text, which is cut off it.
sub flow {
    my ($rest) = @_;
    return quoted($rest) if $$rest =~ /^"/;
    if ($$rest =~ s/^\[ *//) {
        my @items;
        until ($$rest =~ s/^\]//) {
            push @items, flow($rest);
            fail('a flow sequence must end on its line') unless $$rest =~ s/^, +// || $$rest =~ /^\]/;
        }
        return '[' . join(',', @items) . ']';
    }
    if ($$rest =~ s/^\{ *//) {
        my (@members, %seen);
        until ($$rest =~ s/^ *\}//) {
            my $key = flow_key($rest);
            fail("key $key is there twice") if $seen{$key}++;
            push @members, "$key:" . flow($rest);
            fail('a flow mapping must end on its line') unless $$rest =~ s/^, +// || $$rest =~ /^ *\}/;
        }
        return '{' . join(',', @members) . '}';
    }
    $$rest =~ s/^([^][{},"]*[^][{},"\s])// or fail('a value is missing');
    return plain($1);
}

sub flow_key {
    my ($rest) = @_;
    my $key = $$rest =~ /^"/ ? quoted($rest) : $$rest =~ s/^([^][{},":\s]+)// ? plain($1) : fail('a key is missing');
    fail("quote the key $key: keys are strings") unless $key =~ /^"/;
    $$rest =~ s/^: +// or fail("after the key $key: a colon and a blank");
    return $key;
}

# What stands behind "key:" or "- " on its line; nested lines are indented deeper than the given column.
sub value {
    my ($text, $column, $sequence_column) = @_;
    if ($text eq '>-') { return json_string(folded($column)); }
    if ($text ne '') {
        return plain($text) if $text !~ /^["\[{]/;
        my $json = flow(\$text);
        fail("nothing may follow the value: $text") if $text ne '';
        return $json;
    }
    fail('a value is missing') unless $at < @lines && ($lines[$at][0] > $column || ($lines[$at][0] == $sequence_column && $lines[$at][1] =~ /^-(?: |$)/));
    return block($lines[$at][0]);
}

sub folded {
    my ($column) = @_;
    my @text;
    my $inner = $at < @lines ? $lines[$at][0] : 0;
    fail('the folded text is missing') unless $inner > $column;
    while ($at < @lines && $lines[$at][0] >= $inner) {
        fail('folded text is indented evenly') if $lines[$at][0] != $inner;
        fail('no empty line and no comment in folded text') if @text && $lines[$at][2] != $lines[ $at - 1 ][2] + 1;
        push @text, $lines[ $at++ ][1];
    }
    return join ' ', @text;
}

# A block of lines that begin at this column.
sub block {
    my ($column) = @_;
    return $lines[$at][1] =~ /^-(?: |$)/ ? sequence($column) : mapping($column);
}

sub sequence {
    my ($column) = @_;
    my @items;
    while ($at < @lines && $lines[$at][0] == $column && $lines[$at][1] =~ /^-(?: (.*))?$/) {
        my $text = $1 // '';
        if ($text =~ /^(?:"(?:[^"\\]|\\.)*"|[^][{}"':\s][^":]*):(?: |$)/) {      # a mapping that begins on this line
            @{ $lines[$at] }[0, 1] = ($column + 2, $text);
            push @items, mapping($column + 2);
            next;
        }
        $at++;
        push @items, value($text, $column, -1);
    }
    fail('this line is indented like none above it') if $at < @lines && $lines[$at][0] > $column;
    return '[' . join(',', @items) . ']';
}

sub mapping {
    my ($column) = @_;
    my (@members, %seen);
    while ($at < @lines && $lines[$at][0] == $column && $lines[$at][1] !~ /^-(?: |$)/) {
        my $text = $lines[$at][1];
        my $key = $text =~ /^"/ ? quoted(\$text) : $text =~ s/^([^":\s][^":]*)(?=:)// ? plain($1) : fail('a key is missing');
        fail("quote the key $key: keys are strings") unless $key =~ /^"/;
        fail("key $key is there twice") if $seen{$key}++;
        $text =~ s/^:(?: |$)// or fail("after the key $key: a colon and a blank");
        $at++;
        push @members, "$key:" . value($text, $column, $column);
    }
    fail('this line is indented like none above it') if $at < @lines && $lines[$at][0] > $column;
    return '{' . join(',', @members) . '}';
}

sub convert {
    my ($text) = @_;
    my $number = 0;
    (@lines, $at) = ();
    for my $line (split /\n/, $text, -1) {
        $number++;
        next if $line =~ /^ *(?:#|$)/;
        push @lines, [ length($1), $2, $number ] if $line =~ /^( *)(.*)$/;
        fail('no tabs, no blanks at the end, no carriage returns', $number) if $line =~ /\t|\s$|\r/;
        fail('one document without marks and directives', $number) if $line =~ /^(?:---|\.\.\.|%)/;
    }
    $at = 0;
    die "$path: empty\n" unless @lines;
    my $json = block(0);
    fail('the document ends before this line') if $at < @lines;
    return $json;
}

# The kind of body that an operation takes.
sub body_kind {
    my ($operation, $kind) = @_;
    my $content = ($operation->{requestBody} // return 'none')->{content};
    return $content->{'text/csv'} ? 'file' : $kind eq 'ingest' ? 'events' : 'json';
}

sub route_row {
    my ($method, $pattern, $operation) = @_;
    my $name = "$method $pattern";
    my %route = (kind => 'call', lane => 'read', %{ $operation->{'x-route'} // die "$path: $name: x-route is missing\n" });
    my ($kind, $function, $scope, $lane) = delete @route{qw(kind function scope lane)};
    die "$path: $name: x-route has unknown members: @{[ sort keys %route ]}\n" if %route;
    die "$path: $name: a function is called with a key, and by no other kind than call and import\n"
        if defined $function != ($kind =~ /^(?:call|import)$/) || (defined $function || $kind eq 'ingest') && !defined $scope;
    my @success = grep { /^2/ } keys %{ $operation->{responses} };
    die "$path: $name: one status must be a success\n" unless @success == 1;
    my $once = grep { ($_->{'$ref'} // '') =~ m{/IdempotencyKey$} } @{ $operation->{parameters} // [] };
    my $text = sub { defined $_[0] ? qq("$_[0]") : 'nullptr' };
    return sprintf qq({"%s", "%s", RouteKind::%s, LaneId::%s, %s, %s, %d, BodyKind::%s, %s},\n), uc $method, $pattern, $kind, $lane,
        $text->($scope), $text->($function), $success[0], body_kind($operation, $kind), $once ? 'true' : 'false';
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

my $mode = @ARGV && $ARGV[0] =~ /^--(include|routes)$/ && shift @ARGV && $1;
die "usage: openapi.pl [--include | --routes] FILE\n" unless @ARGV == 1;
$path = $ARGV[0];
open my $file, '<:raw', $path or die "$path: $!\n";
my $json = convert(do { local $/; <$file> // '' });
binmode STDOUT;
if ($mode eq 'routes') {
    print routes(decode_json($json)->{paths});
    exit;
}
$json =~ s/,"x-route":\{[^{}]*\}//g;
if ($mode eq 'include') {
    my $text = $json;
    # Pieces: no compiler has to take a literal of any length.
    print "// Made by openapi.pl.\n";
    printf "constexpr char kTag[] = \"\\\"%s\\\"\";\nconstexpr char kText[] =\n", substr sha256_hex($json), 0, 32;
    while (length(my $piece = substr $text, 0, 100, '')) {
        $piece =~ s/(["\\?])/\\$1/g;
        $piece =~ s/([^\x20-\x7e])/sprintf '\\%03o', ord $1/ge;
        print qq(    "$piece"\n);
    }
    print "    ;\n";
} else {
    print "$json\n";
}
