#!/bin/bash
# Brings what tests take from npm into their folders: test/http/package.json, test/browser/package.json. Where it cannot be had,
# says so and ends well: the suites go on without it, and say what they could not check.
# usage: npm.sh
set -euo pipefail
cd "$(dirname "$0")/.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT

bring() { # FOLDER WHAT-IS-NOT-TESTED-WITHOUT
    local there=$1/node_modules/.package-lock.json
    [ ! -e "$there" ] || [ "$1/package-lock.json" -nt "$there" ] || return 0
    if ! command -v npm >/dev/null; then
        echo "pgtally: npm is missing (Debian: npm): $2" >&2
        return 0
    fi
    echo "pgtally: installing packages of test/$1 with npm"
    # What was installed in halves counts for nothing.
    (cd "$1" && timeout 300 npm ci --no-audit --no-fund --ignore-scripts) >"$log" 2>&1 && touch "$there" && return 0
    rm -rf "$1/node_modules"
    echo "pgtally: npm ci failed: $(grep -m 1 -i error "$log" || tail -n 1 "$log"): $2" >&2
}

bring http "answers will not be checked against their schemas, nor the API's description by redocly"
bring browser "the page will not be tested in a browser"
