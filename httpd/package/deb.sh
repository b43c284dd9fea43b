#!/bin/bash
# Builds the Debian packages postgresql-N-pgtally and tallyd in .build/deb, of a copy of the sources to which debian/ is added.
# usage: deb.sh [PG_CONFIG]      environment: DEBFULLNAME, DEBEMAIL name the maintainer; DEB_REVISION (1)
# N is the major version of PG_CONFIG. What the tree has built is not taken, the bundled page excepted: no build of a package
# fetches anything.
set -euo pipefail
cd "$(dirname "$0")/../.."
umask 022
mkdir -p .build
pg_config=${1:-pg_config}
version=$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" extension/pgtally.control)
major=$("$pg_config" --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/')
maintainer="${DEBFULLNAME:-pgtally authors} <${DEBEMAIL:-pgtally@example.org}>"
# The date of what is packed, so that the same sources make the same packages.
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)}
out=$PWD/.build/deb tree=$PWD/.build/deb/pgtally-$version

"${MAKE:-make}" -s -C httpd openapi.json page.inc PG_CONFIG="$pg_config"
# Two builds of one clone at the same time would tear down each other's tree.
exec 8>>"$PWD/.build/deb.lock"
flock 8
rm -rf "$out"
mkdir -p "$tree"
httpd/package/sources.sh | tar -x -C "$tree"

cp -r httpd/package/debian "$tree/debian"
for file in "$tree"/debian/*; do
    sed -i "s|@MAJOR@|$major|g; s|@VERSION@|$version-${DEB_REVISION:-1}|g; s|@MAINTAINER@|$maintainer|g
        s|@DATE@|$(date -uR -d "@$epoch")|g" "$file"
    case $file in */postgresql-MAJOR-*) mv "$file" "${file/postgresql-MAJOR-/postgresql-$major-}" ;; esac
done
mkdir "$tree/debian/source"
echo '3.0 (quilt)' >"$tree/debian/source/format"

cd "$tree"
log=$out/build.log
# -nc: the copy is clean, but for the page. Variables of the make that called us are not those of the packages' build.
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u CXXFLAGS -u CPPFLAGS -u LDFLAGS -u DESTDIR -u prefix SOURCE_DATE_EPOCH="$epoch" \
    dpkg-buildpackage -b -us -uc -nc -rfakeroot -J"$(nproc)" >"$log" 2>&1 </dev/null 8>&- ||
    { tail -n 60 "$log"; echo "pgtally: the packages cannot be built, all of it is in .build/deb/build.log" >&2; exit 1; }
cd "$out/../.."
rm -rf "$tree"
ls .build/deb/*.deb
