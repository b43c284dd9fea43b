#!/bin/bash
# Tests the Debian packages in .build/deb: lintian, then installed, run, upgraded and purged in chroot.sh, in namespaces of its own
# over a throw-away overlay of this machine's files, so that neither its packages nor its PostgreSQL are touched.
# usage: packages.sh      Ends with the line `N passed, N failed`.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
here=$PWD/test/packages debs=$PWD/.build/deb
work=$(mktemp -d /tmp/pgtally-packages.XXXXXX)
trap 'rm -rf "$work"' EXIT
log=$work/log
: >"$log"

check() { # NAME COMMAND...
    local name=$1
    shift
    if "$@" >"$work/output" 2>&1; then echo "ok - $name"; else echo "not ok - $name"; sed 's/^/#   /' "$work/output"; fi | tee -a "$log"
}

only() { find "$debs" -name "$1_*.deb"; }

no_findings() {
    lintian --fail-on error,warning "$debs"/*.changes
}

stripped() { # FILE
    ! readelf -SW "$1" | grep -E '\.(symtab|debug_info)' && readelf -d "$1" | grep -q BIND_NOW
}

verified() { # the unit, with the program where it will be
    sed -i "s|/usr/bin/tallyd|$work/tallyd/usr/bin/tallyd|" "$1"
    systemd-analyze verify --man=no "$1" 2>&1 | grep -F "$(basename "$1")" && return 1
    systemd-analyze security --offline=true --threshold=20 "$1"
}

for package in tallyd "postgresql-*-pgtally"; do
    dpkg-deb -x "$(only "$package")" "$work/${package%%-*}"
done
check 'lintian has neither errors nor warnings' no_findings
check 'tallyd is stripped and hardened' stripped "$work/tallyd/usr/bin/tallyd"
check 'the extension is stripped and hardened' stripped "$(find "$work/postgresql" -name pgtally.so)"
if command -v systemd-analyze >/dev/null; then
    check 'systemd understands the unit, and finds it hardened' verified "$work/tallyd/lib/systemd/system/tallyd.service"
else
    echo 'packages: systemd-analyze is not there: the unit was not verified'
fi

# The overlay needs root and a kernel that lets it mount.
inside() {
    unshare --mount --pid --fork --kill-child --propagation private "$here/overlay.sh" "$work" "$here/chroot.sh" "$debs"
}
if [ "$(id -u)" -ne 0 ]; then
    echo 'packages: not installed: that needs root'
elif ! unshare --mount --propagation private "$here/overlay.sh" "$work" >"$work/output" 2>&1; then
    echo "packages: not installed: no overlay can be mounted here: $(tail -n 1 "$work/output")"
else
    inside 2>"$work/stderr" </dev/null | tee -a "$log"
    [ "${PIPESTATUS[0]}" -eq 0 ] || { echo 'not ok - the packages were installed, run, upgraded and purged'; sed 's/^/#   /' "$work/stderr"; } | tee -a "$log"
fi

failed=$(grep -c '^not ok' "$log")
echo "$(grep -c '^ok' "$log") passed, $failed failed"
[ "$failed" -eq 0 ]
