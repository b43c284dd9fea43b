#!/usr/bin/perl
# Lint of what packages and images are made of: the man page against what tallyd says of itself, the Dockerfile, maintainer scripts.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use JSON::PP;
use Lint;

my $man = 'httpd/package/tallyd.8';

# Flags of a help text, each with its default or ''.
sub flags {
    my %default;
    for my $command ('', ' import', ' tenant create') {
        my $help = qx(env -i httpd/tallyd$command --help);
        while ($help =~ /^\s+(?:-\w,)?(--[a-z-]+)(.*)$/mg) {
            my ($flag, $rest) = ($1, $2);
            $default{$flag} = $rest =~ /=(?:\[([^]]+)\]|([^\s=\[]+)) *(?:\.\.\. *)?(?:\(Env|$)/ ? $1 // $2 : '' unless $default{$flag};
        }
    }
    return %default;
}

rule 'tallyd.8 has every flag of tallyd with its default, and no other' => sub {
    my %default = flags();
    complain($man, 'httpd/tallyd is not built') unless %default;
    my $page = slurp($man) =~ s/\\-/-/gr;
    my %told;
    while ($page =~ /^\.TP\n((?:\\fB-\w\\fR, )?\\fB(--[a-z-]+)\\fR.*\n(?:(?!\.(?:TP|S[HS])).*\n)*)/mg) { $told{$2} .= $1; }
    for my $flag (sort keys %default) {
        complain($man, "$flag is missing"), next unless $told{$flag};
        next if $default{$flag} eq '' || $told{$flag} =~ /by the number of processors/;
        complain($man, "$flag: the default is $default{$flag}") unless $told{$flag} =~ /default: \Q$default{$flag}\E[;)]/;
    }
    complain($man, "$_: tallyd has no such flag") for grep { !exists $default{$_} } sort keys %told;
};

rule 'man understands tallyd.8' => sub {
    return unless grep { -x "$_/man" } split /:/, $ENV{PATH};
    my $said = qx(LC_ALL=C.UTF-8 MANROFFSEQ= MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z $man 2>&1 >/dev/null);
    complain($man, $_) for split /\n/, $said;
};

rule 'every option of the example configuration is one of tallyd' => sub {
    my %default = flags();
    my $path = 'httpd/package/tallyd.conf';
    my @given = slurp($path) =~ /^#?([a-z-]+) = /mg;
    complain($path, "$_ is no option") for grep { !exists $default{"--$_"} } @given;
};

# Instructions as [name, text, line]; a line that ends with \ goes on.
sub instructions {
    my ($path) = @_;
    my ($number, @all) = (0);
    my $open;
    for my $line (split /\n/, slurp($path)) {
        $number++;
        next if $line =~ /^\s*(#|$)/;
        if ($open) { $open->[1] .= ' ' . $line =~ s/^\s+//r; }
        elsif ($line =~ /^([A-Z]+)\s+(.*)$/) { push @all, $open = [$1, $2, $number]; }
        else { complain("$path:$number", 'this is no instruction'); next; }
        $open = undef unless $open->[1] =~ s/\s*\\$//;
    }
    return @all;
}

rule 'the Dockerfile is sound' => sub {
    my $path = 'httpd/Dockerfile';
    my %known = map { $_ => 1 } qw(FROM RUN WORKDIR COPY USER ENV EXPOSE STOPSIGNAL HEALTHCHECK ENTRYPOINT CMD);
    my (%stage, %last);
    for (instructions($path)) {
        my ($name, $text, $line) = @$_;
        my $bad = sub { complain("$path:$line", $_[0]) };
        $bad->("$name is not used here") unless $known{$name};
        if ($name eq 'FROM') {
            my ($image, $as) = $text =~ /^(\S+)(?: AS (\S+))?$/ or $bad->('FROM image:tag [AS stage]');
            $bad->('the base is debian:12') unless $image =~ /^debian:12(-slim)?$/;
            $stage{$as} = 1 if $as;
            %last = ();
        }
        $last{$name} = $text;
        if ($name eq 'RUN' && $text =~ /apt-get install/) {
            $bad->('apt-get update belongs into the same RUN') unless $text =~ /^apt-get update && /;
            $bad->('apt-get install -y --no-install-recommends') unless $text =~ /apt-get install -y --no-install-recommends /;
            $bad->('remove /var/lib/apt/lists/* in the same RUN') unless $text =~ m{&& rm -rf /var/lib/apt/lists/\*};
        }
        $bad->('COPY --from names no stage') if $name eq 'COPY' && $text =~ /--from=(\S+)/ && !$stage{$1};
        my ($exec) = $text =~ /(?:^|CMD )(\[.*)$/;
        $bad->('a JSON array of words, so that signals arrive')
            if $name =~ /^(ENTRYPOINT|CMD|HEALTHCHECK)$/ && !eval { JSON::PP->new->decode($exec // '') };
    }
    for my $needed (qw(USER HEALTHCHECK ENTRYPOINT EXPOSE)) {
        complain($path, "the last stage has no $needed") unless $last{$needed};
    }
    complain($path, 'the last stage runs as root') if ($last{USER} // 'root') =~ /^(root|0)\b/;
};

# The image has no dpkg-shlibdeps: its list must name what tallyd is linked with.
rule 'the Dockerfile installs the libraries of tallyd' => sub {
    return unless -x '/usr/bin/dpkg-query' && -x '/usr/bin/objdump';
    my @needed = grep { !/^(libc|libm|libgcc_s|libstdc\+\+|ld-linux.*)\.so/ } qx(objdump -p httpd/tallyd) =~ /^\s*NEEDED\s+(\S+)$/mg
        or return complain('httpd/tallyd', 'is not built');
    my %where = qx(ldd httpd/tallyd) =~ /^\s*(\S+) => (\S+)/mg;
    my ($runtime) = slurp('httpd/Dockerfile') =~ /.*^FROM (.*)/ms;
    for my $library (@needed) {
        my ($package) = qx(dpkg-query -S '*/$library' 2>/dev/null) =~ /^([^:,\s]+)/ or next;
        complain('httpd/Dockerfile', "$library needs $package in the last stage") unless $runtime =~ /\s\Q$package\E\s/;
    }
};

rule 'maintainer scripts and scripts of packaging are shell that can be parsed' => sub {
    for my $path (sources(qr{^(httpd/package/|test/packages/)})) {
        my ($shell) = slurp($path) =~ m{^#!/bin/(sh|bash)\n} or next;
        my $said = qx($shell -n $path 2>&1);
        complain($path, $said) if $said ne '';
        complain($path, 'set -e: a step that fails must not be passed over')
            if $path =~ m{/debian/} && slurp($path) !~ /^set -e$/m;
    }
};
