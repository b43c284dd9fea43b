#!/bin/bash
# Brings what the HTTP tests take from npm (test/http/package.json) into test/http/node_modules. Where it cannot be had, says so
# and ends well: the suite goes on without it, and says what it could not check.
# usage: npm.sh
set -euo pipefail
cd "$(dirname "$0")/../http"
there=node_modules/.package-lock.json
[ ! -e "$there" ] || [ package-lock.json -nt "$there" ] || exit 0
cannot() { echo "pgtally: $1: answers will not be checked against their schemas, nor the API's description by redocly" >&2; exit 0; }
command -v npm >/dev/null || cannot 'npm is missing (Debian: npm)'
log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "pgtally: installing the HTTP tests' packages with npm"
# What was installed in halves counts for nothing.
timeout 300 npm ci --no-audit --no-fund --ignore-scripts >"$log" 2>&1 && touch "$there" ||
    { rm -rf node_modules; cannot "npm ci failed: $(grep -m 1 -i error "$log" || tail -n 1 "$log")"; }
