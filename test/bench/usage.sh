#!/bin/bash
# Usage against a plain table and against DuckDB: the questions and targets of usage.js, on the events of store/events.sql.
# usage: usage.sh      (environment: BENCH_EVENTS=1000000, ROUNDS=5, BENCH_GROW=0, libpq's; a server with pgtally in the database)
set -euo pipefail
cd "$(dirname "$0")/../.."
. test/bench/store/duckdb-home.sh
exec node test/bench/usage.js
