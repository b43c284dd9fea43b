#!/bin/sh
# Makes a private, relocated copy of the installed PostgreSQL in DIR, so that the extension can be installed and tested
# without root and without touching the system's installation. Programs are copied, everything else is linked.
# usage: private-pg.sh DIR [PG_CONFIG]      prints the path of the private pg_config
set -eu
dir=$1 pg_config=${2:-pg_config}
bindir=$("$pg_config" --bindir) sharedir=$("$pg_config" --sharedir) pkglibdir=$("$pg_config" --pkglibdir)
if [ ! -x "$dir$bindir/pg_config" ]; then
    rm -rf "$dir"
    mkdir -p "$dir$bindir" "$dir$sharedir" "$dir$pkglibdir"
    cp "$bindir"/* "$dir$bindir/"
    cp -rs "$sharedir/." "$dir$sharedir/"
    [ "$pkglibdir" = "$bindir" ] || cp -rs "$pkglibdir/." "$dir$pkglibdir/"
    chmod -R a+rX "$dir"
fi
printf '%s\n' "$dir$bindir/pg_config"
