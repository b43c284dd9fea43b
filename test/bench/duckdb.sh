#!/bin/bash
# The aggregates against DuckDB for the same questions, on the same rows, in one run, one thread each: see duckdb.js.
# usage: duckdb.sh      (environment: ROWS=10000000, ROUNDS=5, libpq's; a server with pgtally in the database)
set -euo pipefail
cd "$(dirname "$0")/../.."
. test/bench/store/duckdb-home.sh
exec node test/bench/duckdb.js
