#!/bin/bash
# `make bench`: runs every benchmark of test/bench on a private cluster. A benchmark prints ratios, each pair of which it
# has measured itself in this one run; times alone say nothing on another machine.
# usage: bench.sh      (environment: MAKE, PG_CONFIG, BENCH=names of some benchmarks)
# A benchmark is test/bench/NAME.sh or NAME.sql: psql in database tally is PGHOST, PGDATABASE; pgtally is installed there.
set -euo pipefail
umask 022
cd "$(dirname "$0")/../.."
repo=$PWD
. test/lib/common.sh

work=$(mktemp -d /tmp/pgtally.XXXXXX)
chmod 755 "$work"
bin=''
finish() {
    local status=$?
    [ -z "$bin" ] || stop_server "$bin" "$work/server"
    rm -rf "$work"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

mkdir -p .build
private_config=$(test/lib/private-pg.sh "$(private_prefix "$repo")" "${PG_CONFIG:-pg_config}")
test/lib/build.sh "$private_config" -j"$(nproc)" >.build/bench-build.log 2>&1 ||
    { tail -n 40 .build/bench-build.log; die "the build failed, all of it is in .build/bench-build.log"; }
[ "$(id -u)" -ne 0 ] || chown "$CLUSTER_USER" "$work"
bin=$(dirname "$private_config")
# As a small server would be set up; fsync stays off, since disks are not what is compared here.
start_server "$bin" "$work/server" 'shared_buffers = 512MB' 'work_mem = 64MB' 'max_wal_size = 8GB' \
    'max_parallel_workers = 8' 'jit = off'
export PGDATABASE=tally PGUSER=$CLUSTER_USER PATH="$bin:$PATH" PG_BINDIR=$bin TALLYD=$repo/httpd/tallyd

ran=0
for benchmark in test/bench/*; do
    name=$(basename "$benchmark")
    name=${name%.*}
    case " ${BENCH:-$name} " in *" $name "*) ;; *) continue ;; esac
    case $benchmark in
    *.sql) say "== $name"; psql -X -q -v ON_ERROR_STOP=1 -f "$benchmark" ;;
    *.sh) say "== $name"; "$benchmark" ;;
    *) continue ;;
    esac
    ran=$((ran + 1))
done
[ "$ran" -gt 0 ] || die "no benchmark is named ${BENCH:-so}: see test/bench"
