#!/bin/bash
# Lint of what is handed on: `make install DESTDIR=` puts what it must there and nothing elsewhere, `make uninstall` takes exactly
# that away again, and the archive of `make dist` is what PGXN takes and can be built.
# usage: install.sh      The tree is built: nothing is compiled here.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. test/lib/common.sh
prefix=$(private_prefix "$PWD")
config=$(test/lib/private-pg.sh "$prefix" "${PG_CONFIG:-pg_config}")
make=${MAKE:-make}
work=$(mktemp -d /tmp/pgtally-install.XXXXXX)
trap 'rm -rf "$work"' EXIT
# Variables of the make that called us are not those of this one.
unset MAKEFLAGS MFLAGS MAKELEVEL DESTDIR

# told RULE WRONG: one line of TAP, and below it what is wrong.
told() { if [ -z "$2" ]; then echo "ok - $1"; else printf 'not ok - %s\n%s\n' "$1" "$(printf '%s\n' "$2" | sed 's/^/#   /')"; fi; }
run() { "$make" -s "$@" PG_CONFIG="$config" prefix=/usr >"$work/log" 2>&1 || cat "$work/log"; }
files() { (cd "$work/root" && find . ! -type d | sort); }

version=$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" extension/pgtally.control)
pkglibdir=$("$config" --pkglibdir) share=$("$config" --sharedir)/extension
expected() {
    printf '.%s\n' "$pkglibdir/pgtally.so" /usr/bin/tallyd /usr/lib/systemd/system/tallyd.service /usr/lib/sysusers.d/tallyd.conf \
        /usr/share/man/man8/tallyd.8 /etc/pgtally/tallyd.conf.example
    for name in pgtally pgtally_hll pgtally_tdigest; do printf '.%s\n' "$share/$name.control" "$share/$name--$version.sql"; done
    for name in sql/updates/*.sql; do [ ! -e "$name" ] || printf '.%s\n' "$share/${name##*/}"; done
}

# Other people's file in a folder of ours, and a moment that everything installed is newer than.
mkdir -p "$work/root$share"
touch "$work/root$share/other.control" "$work/before"
# Folders that install could reach if it forgot DESTDIR; those of root cannot be written by others.
elsewhere() { find "$prefix" /usr/local /etc/pgtally /usr/bin/tallyd -newer "$work/before" ! -type d ! -path "$work/*" 2>/dev/null; }

wrong=$(run install DESTDIR="$work/root")
told 'make install DESTDIR= works' "$wrong"
told 'it installs what it must, and nothing else' "$(diff <(expected | sort) <(files | grep -v other.control))"
told 'it installs nothing outside of DESTDIR' "$(elsewhere)"
told 'programs can be run, everything else is read by all and run by nobody' "$(cd "$work/root" &&
    find . ! -type d ! -name other.control \( -path ./usr/bin/tallyd -o -name pgtally.so \) ! -perm 755 -o -type f ! -path ./usr/bin/tallyd ! -name pgtally.so ! -name other.control ! -perm 644)"
told 'no file that is installed names DESTDIR' "$(grep -rl "$work" "$work/root")"
told 'the unit starts the tallyd that was installed' "$(grep -q '^ExecStart=/usr/bin/tallyd' "$work/root/usr/lib/systemd/system/tallyd.service" || echo 'tallyd.service: no ExecStart=/usr/bin/tallyd')"
wrong=$(run uninstall DESTDIR="$work/root")
told 'make uninstall DESTDIR= works' "$wrong"
told 'it takes away all that was installed, and nothing else' "$(diff <(echo ".$share/other.control") <(files))"

rule='the archive of make dist can be built'
if ! git rev-parse -q --verify HEAD >/dev/null 2>&1; then
    echo "ok - $rule # SKIP this is no clone"
    exit
fi
"$make" -s dist DIST="$work/dist.zip" >"$work/log" 2>&1 || cat "$work/log"
unzip -q "$work/dist.zip" -d "$work/dist"
told 'the archive has one folder, named as PGXN wants it' "$(diff <(echo "pgtally-$version") <(ls -A "$work/dist"))"
tree=$work/dist/pgtally-$version
told 'the archive has all of the clone but for older releases' "$(diff <(git ls-tree -r --name-only HEAD | grep -v '^test/releases/.*\.zip$' | sort) \
    <(cd "$tree" && find . ! -type d | sed 's|^\./||' | sort))"
missing=$(cd "$tree" && perl -MJSON::PP -0777 -e '
    my $version = shift;
    my $meta = decode_json(<>);
    print "META.json: version $meta->{version}\n" if $meta->{version} ne $version;
    for (values %{$meta->{provides}}) { for my $file (@$_{qw(file docfile)}) { print "META.json: $file is not there\n" unless -e $file } }
' "$version" META.json 2>&1)
told 'what META.json names is in the archive' "$missing"
# Every step that make would take, from sources that are all there; npm alone is left for the page, which can be left out.
told "$rule" "$("$make" -n -C "$tree" all PG_CONFIG="$config" 2>&1 >"$work/steps" | grep -v '^make.*warning')"
told 'the build compiles every source of the archive' "$(cd "$tree" && find extension httpd -name '*.cpp' | sort |
    while read -r source; do grep -q "${source#httpd/}" "$work/steps" || echo "$source: no step compiles it"; done)"
told 'no step of the build fetches anything but by npm' "$(grep -E '\b(curl|wget|git|pip|npx) ' "$work/steps")"
