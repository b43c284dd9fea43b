# Sourced by the bash scripts of test/lib: who runs a private cluster, where that user can read, and how things are said.
# PostgreSQL refuses root. Started as root, clusters run as an unprivileged user, who may not even be able to enter the
# clone (a home directory of mode 0700): then what that user needs lives elsewhere, see private_prefix and run.sh.

say() { printf '%s\n' "$*"; }
die() { printf 'pgtally: %s\n' "$*" >&2; exit 1; }

# libpq must not be led astray by what the caller's shell has set for another server.
unset PGHOST PGHOSTADDR PGUSER PGDATABASE PGOPTIONS PGSERVICE PGPASSWORD PGPASSFILE PGSSLMODE PGDATA PGTZ PGAPPNAME \
    PGCLIENTENCODING PGREQUIRESSL PGTARGETSESSIONATTRS

# The operating system's user that runs a private cluster.
cluster_user() {
    if [ "$(id -u)" -ne 0 ]; then id -un
    elif id -u postgres >/dev/null 2>&1; then say postgres
    else say nobody
    fi
}

# Runs a command as the cluster's user; signals reach the command itself, no process stands between.
as_cluster() {
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid="$CLUSTER_USER" --regid="$(id -g "$CLUSTER_USER")" --init-groups \
            env HOME=/nonexistent USER="$CLUSTER_USER" LOGNAME="$CLUSTER_USER" "$@"
    else
        "$@"
    fi
}

# Can the cluster's user enter DIR (or where DIR would be made)?
reachable() {
    local dir=$1
    while [ ! -e "$dir" ]; do dir=$(dirname "$dir"); done
    (cd / && as_cluster test -r "$dir" -a -x "$dir")
}

# A folder for root alone, off the clone, for what the cluster's user must reach. Predictable names in /tmp would let
# somebody else put programs there first.
outside() { say "/var/lib/pgtally/$1"; }

# The private PostgreSQL of the clone in $1: .build/pg where the cluster's user can reach it.
private_prefix() {
    if reachable "$1/.build/pg"; then say "$1/.build/pg"
    else outside "pg-$(printf '%s' "$1" | cksum | cut -d' ' -f1)"
    fi
}

CLUSTER_USER=$(cluster_user)

# A throw-away server in DIR (made and owned by the cluster's user) with programs of BIN, and pgtally in database tally.
# Sets PGHOST for what follows; not durable, so for tests and benchmarks only.
start_server() { # BIN DIR [option=value...]
    local bin=$1 dir=$2 option
    shift 2
    mkdir -p "$dir"
    [ "$(id -u)" -ne 0 ] || chown "$CLUSTER_USER" "$dir"
    (
        cd "$dir"
        as_cluster "$bin/initdb" -D "$dir/data" --auth=trust --no-sync --encoding=UTF8 --locale=C.UTF-8
        {
            printf '%s\n' "listen_addresses = ''" "unix_socket_directories = '$dir'" 'fsync = off'
            for option; do say "$option"; done
        } | as_cluster tee -a "$dir/data/postgresql.conf"
        as_cluster "$bin/pg_ctl" -D "$dir/data" -l "$dir/server.log" -w start
        as_cluster "$bin/createdb" -h "$dir" tally
        as_cluster "$bin/psql" -X -q -v ON_ERROR_STOP=1 -h "$dir" -d tally -c 'CREATE EXTENSION pgtally'
    ) >"$dir.log" 2>&1 || { cat "$dir.log" >&2; return 1; }
    export PGHOST=$dir
}

stop_server() { # BIN DIR
    as_cluster "$1/pg_ctl" -D "$2/data" -m immediate -w stop >/dev/null 2>&1 || :
}
