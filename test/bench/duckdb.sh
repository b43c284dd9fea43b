#!/bin/bash
# The aggregates against DuckDB for the same questions, on the same rows, in one run, one thread each: see duckdb.js.
# DuckDB comes from npm, into .build/bench. Where it cannot be had, this says what is missing, and the other benchmarks go on.
# usage: duckdb.sh      (environment: ROWS=10000000, ROUNDS=5, libpq's; a server with pgtally in the database)
set -euo pipefail
cd "$(dirname "$0")/../.."
package=@duckdb/node-api
home=$PWD/.build/bench

skip() { echo "duckdb: not compared: $1"; exit 0; }
command -v node >/dev/null || skip 'node is missing (Debian: nodejs)'
if [ ! -d "$home/node_modules/$package" ]; then
    command -v npm >/dev/null || skip "npm is missing (Debian: npm), which brings the package $package"
    mkdir -p "$home"
    npm install --no-save --no-audit --no-fund --prefix "$home" "$package" >"$home/npm.log" 2>&1 ||
        skip "npm cannot install $package: $(grep -m 1 -i error "$home/npm.log" || tail -n 1 "$home/npm.log") (all of it is in .build/bench/npm.log)"
fi
NODE_PATH=$home/node_modules exec node test/bench/duckdb.js
