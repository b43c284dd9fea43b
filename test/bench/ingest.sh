#!/bin/bash
# Ingest against COPY and against pgbench's INSERTs, on a server of its own that is durable: fsync and synchronous_commit are on.
# usage: ingest.sh      (environment: BENCH_EVENTS=1000000, ROUNDS=5, BENCH_SECONDS=5, BENCH_BATCHES=50; PG_BINDIR, TALLYD as bench.sh sets them)
set -euo pipefail
cd "$(dirname "$0")/../.."
. test/lib/common.sh
command -v node >/dev/null || { say 'ingest: not measured: node is missing (Debian: nodejs)'; exit 0; }

work=$(mktemp -d /tmp/pgtally.XXXXXX)
chmod 755 "$work"
trap 'stop_server "$PG_BINDIR" "$work/server"; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
mkdir -p .build/bench
${CXX:-g++} -std=c++20 -O2 -o .build/bench/post_clients test/bench/store/post_clients.cpp
start_server "$PG_BINDIR" "$work/server" 'fsync = on' 'synchronous_commit = on' 'shared_buffers = 1GB' 'work_mem = 64MB' \
    'max_wal_size = 16GB' 'checkpoint_timeout = 1h' 'max_connections = 200' 'jit = off'
mkdir "$work/rows"
[ "$(id -u)" -ne 0 ] || chown "$CLUSTER_USER" "$work/rows"
export PGDATABASE=tally PGUSER=$CLUSTER_USER PATH="$PG_BINDIR:$PATH"
BENCH_ROWS=$work/rows POST_CLIENTS=$PWD/.build/bench/post_clients node test/bench/ingest.js
