#!/usr/bin/perl
# Lint of the project's papers: install scripts, expected outputs, versions, and META.json against the PGXN meta spec 1.0.0.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use JSON::PP;
use Lint;

# SQL without comments, line numbers kept; bodies of functions stay, for the rules hold there too.
sub sql {
    my ($path) = @_;
    return split /\n/, slurp($path) =~ s{--[^\n]*|/\*.*?\*/}{join '', $& =~ /\n/g}gser, -1;
}

rule 'install scripts create plainly' => sub {
    for my $path (sources(qr{^sql/(install|bridge)/.*\.sql$})) {
        my $number = 0;
        for my $line (sql($path)) {
            $number++;
            # Statements of the script begin a line; bodies of functions, indented, may test what they make at run time.
            next unless $line =~ /^\s*(?:\$\$)?(CREATE|ALTER|DROP|GRANT)\b/i;
            complain("$path:$number", 'plain CREATE: an object that is already there belongs to somebody else')
                if $line =~ /\bCREATE\s+OR\s+REPLACE\b|\bIF\s+NOT\s+EXISTS\b/i && $line !~ /^\s{2,}.*\bformat\s*\(/;
        }
    }
};

rule 'install scripts mean the same whatever a session or a database has set' => sub {
    for my $path (sources(qr{^sql/(install|bridge)/.*\.sql$})) {
        my $number = 0;
        for my $line (sql($path)) {
            $number++;
            # With standard_conforming_strings = off a backslash in a plain literal is an escape.
            while ($line =~ /(\bE)?'((?:[^']|'')*)'/g) {
                complain("$path:$number", "a backslash in a plain literal: write E'...', or a class such as [0-9]")
                    if !$1 && $2 =~ /\\/;
            }
            # In a Turkish database the lower case of I has no dot.
            complain("$path:$number", 'give lower() and upper() a text COLLATE "C"')
                if $line =~ /\b(?:lower|upper|initcap)\((?!lower|added|min\(|k\.lines)(?![^)]*COLLATE "C")/;
            complain("$path:$number", 'ILIKE and ~* depend on the database: compare lower(... COLLATE "C")') if $line =~ /\bILIKE\b|~\*/;
        }
    }
};

rule 'every install script has its place in the order, and every place its script' => sub {
    my %place = map { $_ => 1 } split /\n/, slurp('sql/install/order');
    for my $path (sources(qr{^sql/install/.*\.sql$})) {
        my ($name) = $path =~ m{^sql/install/(.*)$};
        complain('sql/install/order', "$name has no place: it would not be installed") unless delete $place{$name};
    }
    complain('sql/install/order', "$_ does not exist") for sort keys %place;
};

rule 'every test has its expected output, and every output its test' => sub {
    my (%tests, %outputs);
    $tests{ $1 } = $_ for map { m{([^/]+)\.(?:sql|spec)$} ? $_ : () } ();
    for my $path (sources(qr{^test/(sql/[^/]+\.sql|specs/[^/]+\.spec)$})) { $tests{$1} = $path if $path =~ m{([^/]+)\.\w+$}; }
    for my $path (sources(qr{^expected/})) {
        if ($path !~ m{^expected/(.+?)\.out$}) { complain($path, 'expected/ holds outputs only'); next; }
        my $name = $1;
        $name =~ s/_\d$// unless $tests{$name};    # an alternative output
        $outputs{$name} = 1;
        complain($path, 'no test makes this output: remove it') unless $tests{$name};
    }
    complain($tests{$_}, "expected/$_.out is missing") for grep { !$outputs{$_} } sort keys %tests;
};

my ($version) = slurp('extension/pgtally.control') =~ /^default_version\s*=\s*'([^']+)'/m;
my $meta = eval { JSON::PP->new->utf8->decode(slurp('META.json')) };

sub bad_prereqs {
    my ($phases) = @_;
    my @bad;
    for my $phase (sort keys %$phases) {
        push @bad, $phase unless $phase =~ /^(configure|build|test|runtime|develop|x_\w+)$/;
        for my $relation (sort keys %{ $phases->{$phase} }) {
            push @bad, "$phase.$relation" unless $relation =~ /^(requires|recommends|suggests|conflicts|x_\w+)$/;
            my $wanted = $phases->{$phase}{$relation};
            push @bad, map { "$phase.$relation.$_" } grep { $wanted->{$_} !~ /^(0|\d+\.\d+\.\d+)$/ } sort keys %$wanted;
        }
    }
    return @bad;
}

# What is said must be of the spec's shape; an address that nobody has is not made up.
sub bad_resources {
    my ($resources) = @_;
    return 'no object' unless ref $resources eq 'HASH' && %$resources;
    my %shape = (bugtracker => { web => qr{^https?://}, mailto => qr/^[^@\s]+@[^@\s]+$/ },
        repository => { url => qr{^(?:git|https?|ssh)://}, web => qr{^https?://}, type => qr/^[a-z]+$/ });
    my @bad;
    for my $name (sort keys %$resources) {
        my $value = $resources->{$name};
        if ($name eq 'homepage') { push @bad, $name unless $value =~ m{^https?://}; next; }
        next if $name =~ /^x_/;
        if (!$shape{$name} || ref $value ne 'HASH') { push @bad, $name; next; }
        push @bad, map { "$name.$_" } grep { !$shape{$name}{$_} || $value->{$_} !~ $shape{$name}{$_} } sort keys %$value;
    }
    return @bad;
}

rule 'META.json is valid by the PGXN meta spec' => sub {
    my $bad = sub { complain('META.json', $_[0]) };
    return $bad->("no JSON object: $@") unless ref $meta eq 'HASH';
    for my $field (qw(name version abstract maintainer license provides meta-spec)) {
        $bad->("field \"$field\" is required") unless defined $meta->{$field};
    }
    my $semver = qr/^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-?[A-Za-z][0-9A-Za-z-]*)?$/;
    $bad->('name: two or more characters, no blank, slash or backslash') unless ($meta->{name} // '') =~ m{^[^\s/\\]{2,}$};
    $bad->('version is no semantic version') unless ($meta->{version} // '') =~ $semver;
    $bad->('abstract is empty') unless length($meta->{abstract} // '');
    my @people = ref $meta->{maintainer} ? @{ $meta->{maintainer} } : $meta->{maintainer} // ();
    $bad->('maintainer is empty') if !@people || grep { !length } @people;
    $bad->('license must be "postgresql"') unless ($meta->{license} // '') eq 'postgresql';
    $bad->('meta-spec.version must be "1.0.0"') unless ($meta->{'meta-spec'}{version} // '') eq '1.0.0';
    $bad->('release_status: stable, testing or unstable') if ($meta->{release_status} // 'stable') !~ /^(stable|testing|unstable)$/;
    my $provides = $meta->{provides};
    return $bad->('provides is no object with extensions') unless ref $provides eq 'HASH' && %$provides;
    for my $name (sort keys %$provides) {
        my $part = $provides->{$name};
        $bad->("provides.$name.$_ is required") for grep { !defined $part->{$_} } qw(file version);
        $bad->("provides.$name.version is no semantic version") unless ($part->{version} // '') =~ $semver;
        $bad->("provides.$name.$_: no file $part->{$_}") for grep { defined $part->{$_} && !-e $part->{$_} } qw(file docfile);
    }
    for my $control (sources(qr{^extension/\w+\.control$})) {
        my ($name) = $control =~ m{/(\w+)\.control$};
        $bad->("provides.$name is missing: $control is installed") unless $provides->{$name};
    }
    $bad->("prereqs: $_ (is one of phase, relation, version wrong?)") for bad_prereqs($meta->{prereqs} // {});
    $bad->('prereqs: runtime requires PostgreSQL') unless $meta->{prereqs}{runtime}{requires}{PostgreSQL};
    $bad->("resources: $_") for bad_resources($meta->{resources});
    $bad->("$_ is missing: it is optional, and ours is complete") for grep { !defined $meta->{$_} } qw(description release_status tags resources prereqs generated_by);
    $bad->('tags: an array of short words') if grep { ref || length > 255 || m{[/\\]} } @{ $meta->{tags} // [] };
    my %known = map { $_ => 1 } qw(name version abstract description maintainer license provides meta-spec prereqs
        release_status tags generated_by resources no_index date);
    $bad->("field \"$_\" is unknown; own fields begin with x_") for grep { !$known{$_} && !/^x_/i } sort keys %$meta;
};

rule 'control file, META.json and changelog name the same version' => sub {
    complain('extension/pgtally.control', 'no default_version') unless $version;
    complain('META.json', "version is not $version") unless ($meta->{version} // '') eq $version;
    for my $path (sources(qr{^extension/\w+\.control$})) {
        my ($name) = $path =~ m{/(\w+)\.control$};
        complain($path, "default_version is not $version") unless slurp($path) =~ /^default_version\s*=\s*'\Q$version\E'/m;
        complain('META.json', "provides.$name.version is not $version") unless ($meta->{provides}{$name}{version} // '') eq $version;
    }
    my ($latest) = slurp('CHANGELOG.md') =~ /^## (\d+\.\d+\.\d+)/m;
    complain('CHANGELOG.md', "the newest entry is not $version") unless ($latest // '') eq $version;
    for my $path (sources(qr{^sql/install/.*\.sql$})) {
        my $number = 0;
        for my $line (sql($path)) {
            $number++;
            complain("$path:$number", "says version $1, the control file says $version")
                if $line =~ /'(\d+\.\d+\.\d+)'/ && $1 ne $version && $line =~ /version/i;
        }
    }
};

rule 'an update script leads to the current version when there are older releases' => sub {
    my @updates = sources(qr{^sql/updates/});
    for my $path (@updates) {
        complain($path, 'name it pgtally--OLD--NEW.sql') unless $path =~ m{^sql/updates/pgtally(?:_\w+)?--\d+\.\d+\.\d+--\d+\.\d+\.\d+\.sql$};
    }
    for my $name (@updates ? map { m{/(\w+)\.control$} } sources(qr{^extension/\w+\.control$}) : ()) {
        complain('sql/updates', "no script of $name ends at $version") unless grep { m{/$name--[^-]+--\Q$version\E\.sql$} } @updates;
    }
};

rule 'every SQLSTATE that is raised is in the table of sql/README.md' => sub {
    my %code = (DATATYPE_MISMATCH => '42804', DATA_CORRUPTED => 'XX001', DATETIME_VALUE_OUT_OF_RANGE => '22008', DEPENDENT_OBJECTS_STILL_EXIST => '2BP01',
        FEATURE_NOT_SUPPORTED => '0A000', FOREIGN_KEY_VIOLATION => '23503', INDETERMINATE_DATATYPE => '42P18', INSUFFICIENT_PRIVILEGE => '42501',
        INTERNAL_ERROR => 'XX000', INVALID_AUTHORIZATION_SPECIFICATION => '28000', INVALID_BINARY_REPRESENTATION => '22P03', INVALID_PARAMETER_VALUE => '22023',
        INVALID_TEXT_REPRESENTATION => '22P02', LOCK_NOT_AVAILABLE => '55P03', NO_DATA_FOUND => 'P0002', NULL_VALUE_NOT_ALLOWED => '22004',
        NUMERIC_VALUE_OUT_OF_RANGE => '22003', OBJECT_NOT_IN_PREREQUISITE_STATE => '55000', OUT_OF_MEMORY => '53200', PROGRAM_LIMIT_EXCEEDED => '54000',
        SERIALIZATION_FAILURE => '40001', T_R_SERIALIZATION_FAILURE => '40001', UNDEFINED_FUNCTION => '42883', UNDEFINED_OBJECT => '42704',
        UNDEFINED_TABLE => '42P01', UNIQUE_VIOLATION => '23505', WRONG_OBJECT_TYPE => '42809');
    my ($table) = slurp('sql/README.md') =~ /^## Troubleshooting by SQLSTATE\n(.*?)(?=^## |\z)/ms;
    my %told = map { $_ => 1 } map { split /, */ } ($table // '') =~ /^\| ([0-9A-Z]{5}(?:, [0-9A-Z]{5})*) \|/mg;
    for my $path (sources(qr{^(extension/pg/.*\.[ch]pp|sql/install/.*\.sql)$})) {
        for my $name (slurp($path) =~ /\bERRCODE(?:_|\s*=\s*')(\w+)/g) {
            my $state = $name =~ /^[0-9A-Z]{5}$/ ? $name : $code{ uc $name };
            complain($path, !$state ? "no SQLSTATE is known for $name: add it here" : "$state ($name) has no row: say what it means and what to do") unless $state && $told{$state};
        }
    }
};

rule 'the top level holds what the design says, and nothing else' => sub {
    my %known = map { $_ => 1 } qw(Makefile META.json README.md CHANGELOG.md LICENSE .clang-format .clang-tidy .editorconfig
        .gitignore .ci extension sql httpd test expected);
    my @tracked = -e '.git' ? map { m{^([^/\n]+)} ? $1 : () } `git ls-files 2>/dev/null` : ();
    my %seen;
    complain($_, 'give it a place in one of the rooms') for grep { !$known{$_} && !$seen{$_}++ } @tracked;
};
