#!/bin/bash
# `make run`: builds, starts a private PostgreSQL and tallyd, makes a demo tenant, loads the sample, waits for Ctrl-C.
# usage: run.sh DATA PORT SAMPLE DEMO      (environment: MAKE, PG_CONFIG)
# DEMO=live: events go on coming while it runs.
#
# DATA holds: lock, api-key (0600), the socket .s.PGSQL.5432, logs, and the folder `cluster`. Where the user that runs the
# cluster cannot enter DATA, `store` links to the folder that holds cluster and socket instead.
# Both servers die with this script, even by kill -9 (parent death signal), so nothing is left behind.
set -euo pipefail
# A shell starts background jobs with SIGINT ignored, and what is ignored cannot be trapped: begin anew without that.
[ "${PGTALLY_SIGNALS:-}" ] || PGTALLY_SIGNALS=1 exec env --default-signal=INT,TERM,HUP "$0" "$@"
unset PGTALLY_SIGNALS
umask 022
repo=$(cd "$(dirname "$0")/../.." && pwd)
. "$repo/test/lib/common.sh"

data=$1 port=$2 sample=$3 demo=$4
pgport=${PGPORT:-5432}
export PGPORT=$pgport
shown=$data
prefix=$(private_prefix "$repo")
build_pid='' postgres_pid='' tallyd_pid='' trickle_pid='' pause_pid=''

prepare_data() {
    case $port in '' | *[!0-9]* | 0* | ??????*) die "PORT must be a number from 1 to 65535, not \"$port\"" ;; esac
    [ "$port" -le 65535 ] || die "PORT must be from 1 to 65535, not $port"
    case $demo in '' | live) ;; *) die "DEMO is live or nothing, not \"$demo\"" ;; esac
    [ "$demo" != live ] || [ "$sample" != 0 ] || die "DEMO=live sends flights, which the metrics of the sample count: leave SAMPLE=0 out"
    mkdir -p "$data" || die "cannot make the folder $data: choose another one with DATA=..."
    data=$(cd "$data" && pwd)
    [ -w "$data" ] || die "cannot write to $data: choose another folder with DATA=..."
    exec 9>>"$data/lock"
    flock -n 9 || die "another \`make run\` (process $(cat "$data/lock")) uses $data: stop it, or choose another DATA and PORT"
    echo $$ >"$data/lock"
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
        die "port $port is in use: choose another one, for example \`make run PORT=$((port + 1))\`"
    fi
}

# Where cluster and socket live. Non-root: DATA itself. Root: DATA, or outside when the cluster's user cannot enter it.
choose_store() {
    if [ -d "$data/cluster" ]; then store=$data
    elif [ -L "$data/store" ] && [ -d "$data/store/" ]; then store=$(readlink "$data/store")
    elif reachable "$data"; then store=$data
    else
        mkdir -p "$(outside '')"
        store=$(mktemp -d "$(outside run-XXXXXX)")
        chmod 755 "$store"
        ln -sfn "$store" "$data/store"
        say "pgtally: user $CLUSTER_USER cannot enter $data: the cluster is in $store"
    fi
    sockets=$data
    if [ "$(id -u)" -eq 0 ]; then
        sockets=$store/socket
        mkdir -p "$sockets"
        chown "$CLUSTER_USER" "$sockets"
        ln -sfn "$sockets/.s.PGSQL.$pgport" "$data/.s.PGSQL.$pgport.new"
        mv -T "$data/.s.PGSQL.$pgport.new" "$data/.s.PGSQL.$pgport"
    fi
    local path
    for path in "$data" "$sockets"; do
        path=$path/.s.PGSQL.$pgport
        [ ${#path} -le 107 ] || die "the socket's path has ${#path} bytes, 107 are possible: choose a shorter DATA ($path)"
    done
}

build() {
    say "pgtally: building"
    local jobs=()
    case ${MAKEFLAGS:-} in *j*) ;; *) jobs=(-j"$(nproc)") ;; esac
    mkdir -p "$repo/.build"
    private_config=$("$repo/test/lib/private-pg.sh" "$prefix" "${PG_CONFIG:-pg_config}")
    bin=$(dirname "$private_config")
    # In the background and a process group of its own, so that a signal ends the compilers, too, and at once.
    setsid "$repo/test/lib/build.sh" "$private_config" "${jobs[@]}" >"$data/build.log" 2>&1 9>&- &
    build_pid=$!
    wait "$build_pid" ||
        { tail -n 40 "$data/build.log" >&2; die "the build failed, all of it is in $data/build.log"; }
    build_pid=''
    # tallyd runs as the cluster's user, who can reach the private installation but perhaps not the clone.
    install -m 755 "$repo/httpd/tallyd" "$bin/tallyd"
}

sql() { (cd / && as_cluster "$bin/psql" -X -q -A -t -v ON_ERROR_STOP=1 -h "$sockets" -d "${db:-tally}" "$@") 9>&-; }

make_cluster() {
    if [ ! -d "$store/cluster" ]; then
        say "pgtally: making a private cluster"
        rm -rf "$store/cluster.new" "$data/api-key" "$data/sample-loaded"
        mkdir -m 700 "$store/cluster.new"
        [ "$(id -u)" -ne 0 ] || chown "$CLUSTER_USER" "$store/cluster.new"
        (cd / && as_cluster "$bin/initdb" -D "$store/cluster.new" --auth=peer --encoding=UTF8 --locale=C.UTF-8 \
            --username="$CLUSTER_USER") >"$data/initdb.log" 2>&1 9>&- || { cat "$data/initdb.log" >&2; die "initdb failed"; }
        mv "$store/cluster.new" "$store/cluster"
    fi
    local owner have want
    owner=$(stat -c %U "$store/cluster")
    [ "$owner" = "$CLUSTER_USER" ] ||
        die "$store/cluster belongs to user $owner and would now run as $CLUSTER_USER: run as before, or choose another DATA"
    have=$(as_cluster cat "$store/cluster/PG_VERSION") want=$("$bin/postgres" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
    [ "$have" = "$want" ] || die "$store/cluster was made by PostgreSQL $have and this is $want: choose another DATA"
    # Whoever called may log in under the own name; tallyd's role is for the user that tallyd runs as. No passwords.
    printf '%s\n' 'local all tallyd peer map=tallyd' 'local all all peer' |
        as_cluster tee "$store/cluster/pg_hba.conf" >/dev/null
    printf 'tallyd "%s" tallyd\n' "$CLUSTER_USER" | as_cluster tee "$store/cluster/pg_ident.conf" >/dev/null
}

# The processes that have the cluster's folder as working directory: a running server, or what is left of one.
cluster_processes() {
    local link
    for link in /proc/[0-9]*/cwd; do
        [ "$(readlink "$link" 2>/dev/null)" != "$(readlink -f "$store/cluster")" ] || { link=${link#/proc/}; say "${link%/cwd}"; }
    done
}

start_postgres() {
    local waited=0
    if [ -n "$(cluster_processes)" ]; then
        say "pgtally: a server of an earlier run is still there: stopping it"
        as_cluster "$bin/pg_ctl" -D "$store/cluster" -m fast -w stop >/dev/null 2>&1 || :
        while [ -n "$(cluster_processes)" ]; do
            [ $((waited += 1)) -le 60 ] || die "processes $(cluster_processes | xargs) of an earlier run do not end"
            sleep 1
        done
    fi
    # No such process, and we hold the lock: a pid file that is still there names somebody else (reboot, kill -9).
    rm -f "$store/cluster/postmaster.pid" "$sockets/.s.PGSQL.$pgport.lock"
    : >>"$data/postgres.log"
    (cd / && exec setsid "${AS_CLUSTER[@]}" setpriv --pdeathsig INT "$bin/postgres" -D "$store/cluster" \
        -c listen_addresses= -c "unix_socket_directories=\"$sockets\"" -c "port=$pgport") \
        </dev/null >>"$data/postgres.log" 2>&1 9>&- &
    postgres_pid=$!
    for ((waited = 0; waited < 600; waited++)); do
        ! "$bin/pg_isready" -q -h "$sockets" 9>&- || return 0
        kill -0 "$postgres_pid" 2>/dev/null || break
        sleep 0.1
    done
    tail -n 20 "$data/postgres.log" >&2
    die "PostgreSQL did not start, all of its log is in $data/postgres.log"
}

prepare_database() {
    local role
    for role in "$(id -un)" ${SUDO_USER:+"$SUDO_USER"}; do
        db=postgres sql -v role="$role" <<'SQL'
SELECT format('CREATE ROLE %I SUPERUSER LOGIN', :'role')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
SQL
    done
    [ "$(db=postgres sql -c "SELECT count(*) FROM pg_database WHERE datname = 'tally'")" = 1 ] ||
        db=postgres sql -c 'CREATE DATABASE tally'
    sql <<'SQL'
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtally;
ALTER EXTENSION pgtally UPDATE;
-- What is typed in psql acts for the demo tenant, also when other tenants are made beside it.
ALTER DATABASE tally SET tally.tenant = 'demo';
SELECT 'CREATE ROLE tallyd LOGIN IN ROLE tally_api'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tallyd') \gexec
SQL
    # The key is written only when it is whole; a tenant that lost its key gets another one.
    if [ ! -s "$data/api-key" ]; then
        (umask 077 && sql -f - <"$repo/test/lib/demo.sql" | sed -n 's/^key //p' >"$data/api-key.new")
        [ -s "$data/api-key.new" ] || die "no API key could be made for the demo tenant"
        mv "$data/api-key.new" "$data/api-key"
    fi
}

# A code signs a browser in once: tallyd reads it with the key, and the file is gone as soon as it has.
start_tallyd() {
    code=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    rm -f "$sockets/sign-in"
    (umask 077 && printf '%s\n%s\n' "$code" "$(cat "$data/api-key")" | as_cluster tee "$sockets/sign-in" >/dev/null)
    (cd / && exec setsid "${AS_CLUSTER[@]}" setpriv --pdeathsig TERM "$bin/tallyd" --listen 127.0.0.1 --port "$port" \
        --database "host='$sockets' port=$pgport dbname=tally user=tallyd" --page-sign-in "$sockets/sign-in") </dev/null >>"$data/tallyd.log" 2>&1 9>&- &
    tallyd_pid=$!
    local waited
    for ((waited = 0; waited < 300; waited++)); do
        ! curl -sf -o /dev/null --noproxy '*' "http://127.0.0.1:$port/readyz" 9>&- || { rm -f "$sockets/sign-in"; return 0; }
        kill -0 "$tallyd_pid" 2>/dev/null || break
        sleep 0.1
    done
    tail -n 20 "$data/tallyd.log" >&2
    die "tallyd did not become ready, all of its log is in $data/tallyd.log"
}

start_trickle() {
    (cd / && exec setsid setpriv --pdeathsig TERM "$repo/test/sample/trickle.pl" "http://127.0.0.1:$port" "$data/api-key") \
        </dev/null >>"$data/trickle.log" 2>&1 9>&- &
    trickle_pid=$!
}

stop_child() { # PID SIGNAL SECONDS
    [ -n "$1" ] && kill -"$2" "$1" 2>/dev/null || return 0
    local tenths
    for ((tenths = 0; tenths < $3 * 10; tenths++)); do
        kill -0 "$1" 2>/dev/null || break
        sleep 0.1
    done
    ! kill -0 "$1" 2>/dev/null || kill -KILL "$1" 2>/dev/null || :
    wait "$1" 2>/dev/null || :
}

stop_all() {
    local status=$?
    trap '' INT TERM HUP
    trap - EXIT
    [ -z "$build_pid" ] || kill -TERM -- "-$build_pid" 2>/dev/null || :
    [ -z "$pause_pid" ] || kill "$pause_pid" 2>/dev/null || :
    [ -z "$tallyd_pid$postgres_pid" ] || say "pgtally: stopping"
    stop_child "$trickle_pid" TERM 5
    stop_child "$tallyd_pid" TERM 40
    stop_child "$postgres_pid" INT 60
    [ -z "$tallyd_pid$postgres_pid" ] || say "pgtally: stopped, $shown keeps the data; \`make run\` goes on with it"
    exit "$status"
}

# make passes SIGTERM on, but waits in silence after a SIGINT that only it has got: then it has no handler any more.
make_wants_to_stop() {
    [ "$PPID" -gt 1 ] || return 1
    local mask
    mask=$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$PPID/status" 2>/dev/null) || return 0
    [ $((0x${mask:-0} & 2)) -ne "$parent_mask" ]
}

wait_for_the_end() {
    parent_mask=$((0x$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$PPID/status" 2>/dev/null || say 0) & 2))
    while kill -0 "$tallyd_pid" 2>/dev/null && kill -0 "$postgres_pid" 2>/dev/null; do
        ! make_wants_to_stop || exit 0
        sleep 1 9>&- &
        pause_pid=$!
        wait "$pause_pid" || :
        pause_pid=''
    done
    tail -n 5 "$data/tallyd.log" "$data/postgres.log" >&2
    die "a server ended by itself, its log is in $data"
}

AS_CLUSTER=()
[ "$(id -u)" -ne 0 ] || AS_CLUSTER=(setpriv --reuid="$CLUSTER_USER" --regid="$(id -g "$CLUSTER_USER")" --init-groups
    env HOME=/nonexistent USER="$CLUSTER_USER" LOGNAME="$CLUSTER_USER")
prepare_data
trap stop_all EXIT
trap 'exit 0' INT TERM HUP
build
choose_store
make_cluster
start_postgres
prepare_database
start_tallyd
if [ "$sample" != 0 ] && [ ! -e "$data/sample-loaded" ]; then
    "$repo/test/sample/load.pl" "http://127.0.0.1:$port" "$data/api-key" 9>&-
    : >"$data/sample-loaded"
fi
say ""
"$repo/test/sample/tour.pl" "http://127.0.0.1:$port" "$data/api-key" "$shown" "$data" 9>&-
say ""
say "the page, signed in once within 15 minutes: http://127.0.0.1:$port/#code=$code"
say ""
[ "$demo" != live ] || { start_trickle; say "live: about two flights a second are sent; their log is $shown/trickle.log"; say ""; }
[ "$demo" = live ] || [ "$sample" = 0 ] || { say "The sample is of 2001. With \`make run DEMO=live\` flights of now go on coming."; say ""; }
say "pgtally runs and keeps this terminal: go on in another one."
say "Ctrl-C here stops tallyd and PostgreSQL. The data stays in $shown$([ "$store" = "$data" ] || say " and $store"), and \`make run\` goes on with it."
wait_for_the_end
