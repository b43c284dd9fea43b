#!/bin/bash
# Upgrades: each release of test/releases is installed, filled, and brought to this tree's version; prints TAP.
# usage: upgrade.sh WORK PG_CONFIG      (environment: MAKE)
#
# After the update the catalog must be that of a fresh installation, answers must be those from before, and the store must go on.
# Where no release is older than this tree (before the first one is made) the archive that `make dist` makes of it is the old
# release, and a copy with the next number and an empty update script the new one: the way itself is tested then.
set -euo pipefail
umask 022
cd "$(dirname "$0")/../.."
repo=$PWD
. test/lib/common.sh
work=$1/upgrade system_config=$2
rm -rf "$work"
mkdir -p "$work"
chmod 755 "$work"
version() { sed -n "s/^default_version *= *'\(.*\)'/\1/p" "$1/extension/pgtally.control"; }
here=$(version .)
number=0
ok() { # STATUS WHAT
    number=$((number + 1))
    if [ "$1" -eq 0 ]; then say "ok $number - $2"; else say "not ok $number - $2"; bad=1; fi
}
bad=0
config=$(test/lib/private-pg.sh "$work/pg" "$system_config")
bin=$(dirname "$config")

build() { # FOLDER: builds what is not built, and installs it
    "${MAKE:-make}" -C "$1" -j"$(nproc)" all TALLYD=no PG_CONFIG="$config" &&
        "${MAKE:-make}" -C "$1" install TALLYD=no PG_CONFIG="$config"
}

# The objects of the clone are those of its archive: they need not be made again. Newer than the sources, so that make knows.
lend_objects() { # FOLDER
    find extension -name '*.o' | tar -c -T - | tar -x -m -C "$1"
}

# Sets old, new: folders; from, to: their versions.
pretend_release() {
    local archive=$work/pgtally-$here.zip
    if git -C . rev-parse -q --verify HEAD >/dev/null 2>&1 && [ -z "$(git status --porcelain --untracked-files=no 2>/dev/null)" ]; then
        "${MAKE:-make}" -s dist DIST="$archive" >/dev/null && unzip -q "$archive" -d "$work"
    else    # changes that were not committed, or no clone at all
        mkdir "$work/pgtally-$here"
        tar -c --exclude=./.git --exclude=./.build --exclude=./.run --exclude=node_modules --exclude='*.o' . | tar -x -C "$work/pgtally-$here"
    fi
    old=$work/pgtally-$here from=$here
    lend_objects "$old"
    to=${here%.*}.$((${here##*.} + 1)) new=$work/next
    cp -a "$old" "$new"
    rm -f "$new"/sql/pgtally*--*.sql "$new/extension/pg/border/module.o"      # the one that holds the version
    sed -i "s/^default_version = .*/default_version = '$to'/" "$new"/extension/*.control
    mkdir -p "$new/sql/updates"
    local name
    for name in "$new"/extension/*.control; do
        name=$(basename "$name" .control)
        say "-- nothing changes" >"$new/sql/updates/$name--$from--$to.sql"
    done
}

sql() { (cd / && as_cluster "$bin/psql" -X -q -v ON_ERROR_STOP=1 -h "$server" -d "$@"); }
fill() { sql "$1" -f - <test/upgrade/fill.sql >/dev/null; }
answers() { sql "$1" -f - <test/upgrade/answers.sql; }

# Everything that belongs to the extension, as DDL, one object after the other by name; numbers of objects differ, so they are left out.
catalog() { # DATABASE
    as_cluster "$bin/pg_dump" -h "$server" --binary-upgrade --schema-only "$1" | perl -0777 -ne '
        s/^SELECT pg_catalog\.(?:set_config|binary_upgrade_\w+)\(.*?\);\n//gms;
        s/^UPDATE pg_catalog\.pg_class\s+SET relfrozenxid.*?;\n//gms;
        s/^-- For binary upgrade.*\n|^\\(?:un)?restrict .*\n//gm;
        print join "", map { s/\n{2,}/\n/gr } sort split /^--\n(?=-- Name: )/m;'
    sql "$1" -A -t <<'SQL'
SELECT e.extname, e.extversion, c.oid::regclass, w.condition
FROM pg_extension e, unnest(e.extconfig, e.extcondition) w (oid, condition), pg_class c
WHERE c.oid = w.oid ORDER BY 1, 3::text;
SELECT e.extname, pg_describe_object(d.classid, d.objid, 0)
FROM pg_extension e, pg_depend d WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e' AND e.extname ~ '^pgtally' ORDER BY 1, 2;
SQL
}

bridges() { # DATABASE: the bridges whose other side is there
    sql "$1" -A -t -c "SELECT 'pgtally_' || name FROM pg_available_extensions WHERE name IN ('hll', 'tdigest') ORDER BY 1"
}

upgrade() { # uses old, new, from, to
    local name log=$work/$from.log
    server=$work/server-$from
    build "$old" >"$log" 2>&1 || { tail -n 20 "$log"; ok 1 "release $from builds"; return; }
    start_server "$bin" "$server" >>"$log" 2>&1 || { tail -n 20 "$log"; ok 1 "release $from starts"; return; }
    fill tally; ok $? "$from: a store can be filled"
    for name in $(bridges tally); do sql tally -c "SET client_min_messages = warning; CREATE EXTENSION $name CASCADE"; done
    answers tally >"$work/before" && [ "$(wc -l <"$work/before")" -gt 8000 ]; ok $? "$from: it answers"
    build "$new" >>"$log" 2>&1 || { tail -n 20 "$log"; ok 1 "version $to builds"; return; }
    sql tally -c 'ALTER EXTENSION pgtally UPDATE'
    for name in $(bridges tally); do sql tally -c "ALTER EXTENSION $name UPDATE"; done
    [ "$(sql tally -A -t -c "SELECT DISTINCT extversion FROM pg_extension WHERE extname ~ '^pgtally'")" = "$to" ]
    ok $? "$from: ALTER EXTENSION pgtally UPDATE leads to $to"
    answers tally >"$work/after"; ok $? "$from: and afterwards"
    diff "$work/before" "$work/after" | head -n 20; cmp -s "$work/before" "$work/after"; ok $? "$from: answers are those from before"

    as_cluster "$bin/createdb" -h "$server" -T template0 fresh
    sql fresh -c 'CREATE EXTENSION pgtally'
    fill fresh
    for name in $(bridges fresh); do sql fresh -c "SET client_min_messages = warning; CREATE EXTENSION $name CASCADE"; done
    catalog tally >"$work/catalog-updated"
    catalog fresh >"$work/catalog-fresh"
    grep -q '^CREATE TABLE tally.segment ' "$work/catalog-fresh"; ok $? "$from: the catalog was read"
    diff "$work/catalog-updated" "$work/catalog-fresh" | head -n 40; cmp -s "$work/catalog-updated" "$work/catalog-fresh"
    ok $? "$from: after the update the catalog is that of a fresh installation"

    sql tally -f - <test/upgrade/go-on.sql >"$work/go-on"
    [ "$(sort -u "$work/go-on")" = t ]; ok $? "$from: the store goes on"
    as_cluster "$bin/createdb" -h "$server" -T template0 restored
    as_cluster "$bin/pg_dump" -h "$server" tally | sql restored -f - >/dev/null
    [ "$(sql restored -A -t -c 'SELECT count(*) FROM tally.verify()')" = 0 ]; ok $? "$from: dumped and restored nothing is wrong"
    stop_server "$bin" "$server"
}

set +e      # what fails is a test that fails
server=''
trap '[ -z "$server" ] || stop_server "$bin" "$server"' EXIT
tried=0
for zip in test/releases/*.zip; do
    [ -e "$zip" ] || continue
    from=$(basename "$zip" .zip) from=${from#pgtally-}
    [ "$from" != "$here" ] || continue
    tried=1
    unzip -q "$zip" -d "$work"
    old=$work/pgtally-$from new=$repo to=$here
    upgrade
done
[ "$tried" -eq 1 ] || { pretend_release; upgrade; }
say "1..$number"
exit "$bad"
