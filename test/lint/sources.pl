#!/usr/bin/perl
# Lint of the source text: which way includes run, what only the boundary may hold, sizes, words that must not be there.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Lint;

my @cpp  = sources(qr{\.(cpp|hpp|h|c)$});
my @core = grep { m{^extension/core/} } @cpp;
my @glue = grep { m{^extension/pg/} } @cpp;
my @httpd = grep { m{^httpd/} } @cpp;

# Headers of PostgreSQL's server, by folder or by name.
my $pg_header = qr{^(postgres|fmgr|funcapi|miscadmin|pgstat|varatt)\.h$|^(access|catalog|commands|common|executor|lib|libpq|mb|nodes|optimizer|parser|port|storage|tcop|tsearch|utils)/};

# Code without comments and string contents; line numbers stay.
sub code {
    my ($path) = @_;
    my $text = slurp($path);
    $text =~ s{("(?:\\.|[^"\\\n])*")|('(?:\\.|[^'\\\n])+')|(//[^\n]*|/\*.*?\*/)}
        {defined $1 ? '""' : defined $2 ? q('') : join '', $3 =~ /\n/g}gse;
    return split /\n/, $text, -1;
}

# Calls code->(line number, included name) for each include of a file.
sub includes {
    my ($path, $code) = @_;
    my $number = 0;
    for my $line (split /\n/, slurp($path), -1) {
        $number++;
        $code->($number, $1) if $line =~ /^\s*#\s*include\s*[<"]([^>"]+)[>"]/;
    }
}

sub each_line {
    my ($paths, $pattern, $advice) = @_;
    for my $path (@$paths) {
        my $number = 0;
        for my $line (code($path)) {
            $number++;
            complain("$path:$number", $advice) if $line =~ $pattern;
        }
    }
}

rule 'core includes nothing of PostgreSQL, of pg/ or of httpd/' => sub {
    for my $path (@core) {
        includes($path, sub {
            my ($line, $name) = @_;
            complain("$path:$line", "core is pure C++: move what needs <$name> to extension/pg")
                if $name =~ $pg_header || $name =~ m{^(\.\./)?(pg|httpd)/} || $name =~ /^(libpq-fe|microhttpd)\.h$/;
        });
    }
};

rule 'httpd includes nothing of the extension nor of the server' => sub {
    for my $path (@httpd) {
        includes($path, sub {
            my ($line, $name) = @_;
            complain("$path:$line", "tallyd knows SQL's text only: do without <$name>")
                if $name =~ m{(^|/)(extension|core|pg)/} || $name =~ $pg_header;
        });
    }
};

# tallyd's rooms, and which of them each may look into.
my %below = (app => [qw(cli page api http db base)], page => [qw(http base)], cli => ['base'], api => [qw(http db base)], http => ['base'], db => ['base'], base => []);

rule 'arrows between the rooms of httpd go downwards' => sub {
    for my $path (@httpd) {
        my ($room) = $path =~ m{^httpd/(\w+)/[^/]+$};
        complain("$path:1", 'which room does it stand in? app, cli, page, api, http, db or base'), next unless $room && $below{$room};
        includes($path, sub {
            my ($line, $name) = @_;
            my ($other) = $name =~ m{^(\w+)/\w+\.hpp$} or return;
            complain("$path:$line", "$room/ must not know <$name>: it may include " . join(', ', "$room/", map { "$_/" } @{$below{$room}}))
                unless $other eq $room || !$below{$other} || grep { $_ eq $other } @{$below{$room}};
        });
    }
};

rule 'PostgreSQL headers come from the prelude' => sub {
    for my $path (grep { !m{/(prelude|boundary|compat)\.hpp$} } @glue) {
        includes($path, sub {
            my ($line, $name) = @_;
            complain("$path:$line", "include <$name> in pg/border/prelude.hpp instead") if $name =~ $pg_header;
        });
    }
};

# Does this header of pg/ bring PostgreSQL's headers along?
my %carries;
sub carries_prelude {
    my ($name) = @_;
    my $path = "extension/$name";
    return 0 unless $name =~ m{^pg/} && -e $path;
    return $carries{$name} if defined $carries{$name};
    $carries{$name} = $name eq 'pg/border/prelude.hpp' ? 1 : 0;
    includes($path, sub { $carries{$name} ||= carries_prelude($_[1]) });
    return $carries{$name};
}

rule 'the prelude is the last include of a glue file' => sub {
    for my $path (grep { !m{/prelude\.hpp$} } @glue) {
        my $seen;
        includes($path, sub {
            my ($line, $name) = @_;
            my $prelude = carries_prelude($name) || $name =~ $pg_header;
            complain("$path:$line", "include <$name> before $seen: its macros break what follows") if $seen && !$prelude;
            $seen ||= $name if $prelude;
        });
    }
};

rule 'exceptions and jumps are caught in pg/border/boundary.hpp alone' => sub {
    my @others = grep { m{^extension/} && !m{/border/boundary\.hpp$} } @cpp;
    each_line(\@others, qr/\btry\s*(\{|$)|\bcatch\s*\(|\bsigsetjmp\b|\bPG_(TRY|CATCH|FINALLY|END_TRY|RE_THROW)\b/,
        'only pg/border/boundary.hpp catches: use its guarded() and call_pg()');
};

rule 'versions of PostgreSQL matter in pg/border/compat.hpp alone' => sub {
    my @others = grep { $_ ne 'extension/pg/border/compat.hpp' } @cpp;
    each_line(\@others, qr/\bPG_VERSION_NUM\b|\bPG_MAJORVERSION/, 'put the difference into pg/border/compat.hpp, with the major and the reason');
};

rule 'no file is longer than 400 lines' => sub {
    for my $path (sources(qr{\.(cpp|hpp|h|c|sql|sh|pl|pm|js|mjs|ts|tsx|mk|spec|css|html)$|(^|/)Makefile$})) {
        my $lines = () = slurp($path) =~ /\n/g;
        complain("$path:$lines", 'split it by duty') if $lines > 400;
    }
};

# A declaration begins after what ends the one before; its body ends with a brace in its column.
rule 'no function of C++ is longer than 60 lines' => sub {
    for my $path (@cpp) {
        my @lines = code($path);
        my @text = split /\n/, slurp($path), -1;
        for my $open (0 .. $#lines) {
            next unless $lines[$open] =~ /\{\s*$/;
            my $begin = $open;
            $begin-- while $begin > 0 && $text[$begin - 1] =~ /\S/ && $lines[$begin - 1] !~ /[;{}]\s*$|^\s*#|^\s*(public|private|protected|case .*|default):\s*$/;
            $begin++ while $lines[$begin] !~ /\S/;
            my ($indent) = $lines[$begin] =~ /^(\s*)/;
            my $head = join ' ', @lines[$begin .. $open];
            next if length $indent > 4 || $head !~ /\(/ || $lines[$open] =~ /\[[^\]]*\]\s*(\([^()]*\))?[^()]*\{\s*$/;    # a lambda
            next if $head =~ /^\s*(\}|(namespace|struct|class|enum|union|extern|if|for|while|switch|do|else|try|catch|return)\b)/;
            my $end = $open;
            $end++ while $end < $#lines && $lines[$end] !~ /^$indent\}/;
            my $length = $end - $begin + 1;
            complain("$path:" . ($begin + 1), "$length lines: give its parts names of their own") if $length > 60;
        }
    }
};

rule 'the first comment of a file says its duty' => sub {
    for my $path (sources(qr{\.(cpp|hpp|h|c|sql|sh|pl|pm|js|mjs|ts|tsx|css|mk|spec)$|(^|/)Makefile$})) {
        next if $path eq 'sql/install/10-base/header.sql';
        my @lines = split /\n/, slurp($path);
        shift @lines while @lines && $lines[0] =~ /^#!|^\s*$|^'use strict'|^#pragma once/;
        complain("$path:1", 'begin with a comment: what is this file for?')
            unless @lines && $lines[0] =~ m{^\s*(//|/\*|--|#\s|\#$)};
    }
};

rule 'nothing is left to be done later' => sub {
    my $word = join '|', 'TO' . 'DO', 'FIX' . 'ME', 'XX' . 'X', 'HA' . 'CK';
    for my $path (grep { !m{^expected/} } sources(qr{.})) {
        my $number = 0;
        for my $line (split /\n/, slurp($path), -1) {
            $number++;
            complain("$path:$number", 'do it now, or open an issue') if $line =~ /\b(?:$word)\b/ && -T $path;
        }
    }
};

rule 'no path of one machine and no address of a package registry' => sub {
    my $path_of_machine = qr{(?<![\w.\$/-])/(?:ho|ro|wo|Use|mn)(?:me|ot|rk|rs|t)/[a-z0-9_]};
    my $registry = join '|', map { quotemeta } 'registry.npm' . 'js', 'py' . 'pi.org', 'deb.debian' . '.org', 'proxy.gol' . 'ang',
        '_auth' . 'Token', 'npm' . 'mirror';
    for my $path (sources(qr{.})) {
        next unless -T $path;
        my $number = 0;
        for my $line (split /\n/, slurp($path), -1) {
            $number++;
            complain("$path:$number", 'this is true on one machine only: make it relative or a setting') if $line =~ $path_of_machine;
            complain("$path:$number", 'packages come from wherever the user gets them: leave the address out') if $line =~ /$registry/;
        }
    }
};

rule 'every script says how it is run and may be run' => sub {
    for my $path (sources(qr{\.(sh|pl)$|^\.ci/run$})) {
        my $script = slurp($path) =~ /^#!/;
        complain("$path:1", 'chmod +x, or take the first line away') if $script && !-x $path;
        complain("$path:1", 'it is executable: give it a first line #!') if !$script && -x $path;
    }
};
