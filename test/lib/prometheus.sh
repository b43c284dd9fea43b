#!/bin/bash
# Brings Debian's prometheus and promtool into .build/prometheus for test/http/monitoring.test.js: the package is unpacked there
# and not installed, so no service is started and no root is needed. Where it cannot be had, says so and ends well.
# usage: prometheus.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=.build/prometheus
[ ! -x "$folder/prometheus" ] || exit 0
log=$(mktemp)
fresh=$(mktemp -d)
trap 'rm -rf "$log" "$fresh"' EXIT

bring() {
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || { echo 'this is no Debian' >"$log"; return 1; }
    chmod 755 "$fresh"
    (cd "$fresh" && timeout 300 apt-get -qq -o APT::Sandbox::User=root download prometheus) >"$log" 2>&1 || return 1
    dpkg-deb -x "$fresh"/prometheus_*.deb "$fresh/unpacked" >"$log" 2>&1 || return 1
    mkdir -p "$folder"
    mv "$fresh/unpacked/usr/bin/promtool" "$fresh/unpacked/usr/bin/prometheus" "$folder/"
}

for program in prometheus promtool; do    # installed already: as good
    ! command -v $program >/dev/null || { mkdir -p "$folder"; ln -sfn "$(command -v $program)" "$folder/$program"; }
done
[ ! -x "$folder/prometheus" ] || [ ! -x "$folder/promtool" ] || exit 0
echo "pgtally: unpacking Debian's prometheus for the tests of monitoring"
bring || echo "pgtally: prometheus cannot be had: $(tail -n 1 "$log"): alert rules and the scrape will not be tested with it" >&2
