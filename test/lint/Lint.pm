# What the lint programs share: rules are tests (`ok - rule` or `not ok - rule`, then file:line and what to do).
package Lint;
use strict;
use warnings;
use File::Find;
use Exporter 'import';
our @EXPORT = qw(sources slurp complain rule);

my @complaints;

# Every file of the project that people wrote (no build products), below the current folder, sorted.
sub sources {
    my ($pattern) = @_;
    my @found;
    find({ no_chdir => 1, wanted => sub {
        my $path = $File::Find::name =~ s{^\./}{}r;
        if (-d $_ && $path =~ m{^(\.git|\.build|\.run|results|tmp_check|output_iso)$|(^|/)node_modules$}) {
            $File::Find::prune = 1;
            return;
        }
        return unless -f $_ && !-l $_;
        return if $path =~ m{\.(o|d|so|bc|gz|zip|a)$|^sql/pgtally\w*--[^-]*\.sql$|^httpd/tallyd$|^regression\.|^\.git$|^httpd/web/types\.d\.ts$};
        push @found, $path if $path =~ $pattern;
    } }, '.');
    return sort @found;
}

sub slurp {
    my ($path) = @_;
    open my $file, '<', $path or die "cannot read $path: $!\n";
    local $/;
    return scalar <$file>;
}

sub complain { my ($where, $what) = @_; push @complaints, "#   $where: $what\n"; }

# A rule is broken when its code complained.
sub rule {
    my ($name, $code) = @_;
    @complaints = ();
    $code->();
    print @complaints ? "not ok - $name\n" : "ok - $name\n", @complaints;
    return;
}

1;
