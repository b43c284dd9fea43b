#!/bin/sh
# Makes a private, relocated copy of the installed PostgreSQL in DIR, so that the extension can be installed and tested
# without root and without touching the system's installation. Programs are copied, everything else is linked.
# usage: private-pg.sh DIR [PG_CONFIG]      prints the path of the private pg_config
set -eu
umask 022
dir=$1 pg_config=${2:-pg_config}
bindir=$("$pg_config" --bindir) sharedir=$("$pg_config" --sharedir) pkglibdir=$("$pg_config" --pkglibdir)
pkgincludedir=$("$pg_config" --pkgincludedir)
case $bindir in "$dir"/*) printf '%s\n' "$bindir/pg_config"; exit ;; esac # already the private one

# A copy of another minor version, or one that was cut short, is made anew.
version="$("$bindir/postgres" --version), layout 1"
if [ "$(cat "$dir/version" 2>/dev/null)" != "$version" ]; then
    rm -rf "$dir"
    mkdir -p "$dir$bindir" "$dir$sharedir" "$dir$pkglibdir"
    cp "$bindir"/* "$dir$bindir/"
    cp -rs "$sharedir/." "$dir$sharedir/"
    [ "$pkglibdir" = "$bindir" ] || cp -rs "$pkglibdir/." "$dir$pkglibdir/"
    mkdir -p "$dir$(dirname "$pkgincludedir")"
    ln -s "$pkgincludedir" "$dir$pkgincludedir"
    # What the system has installed of pgtally is not what is to be tested.
    rm -f "$dir$sharedir"/extension/pgtally* "$dir$pkglibdir"/pgtally*
    chmod -R a+rX "$dir" 2>/dev/null || :
    printf '%s\n' "$version" >"$dir/version"
fi
# Extensions that were installed since are there too, and those that are gone are gone.
link_new() { # FROM TO
    find "$2" -xtype l -exec rm -f {} +
    (cd "$1" && find . ! -type d ! -name 'pgtally*') | while IFS= read -r file; do
        [ -e "$2/$file" ] || { mkdir -p "$2/$(dirname "$file")" && ln -sf "$1/$file" "$2/$file"; }
    done
}
link_new "$sharedir" "$dir$sharedir"
[ "$pkglibdir" = "$bindir" ] || link_new "$pkglibdir" "$dir$pkglibdir"
printf '%s\n' "$dir$bindir/pg_config"
