#!/bin/bash
# Within overlay.sh: the packages installed, run as the unit would, upgraded and purged. TAP on stdout; ends with 0 unless cut short.
set -uo pipefail
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin
cd /tmp/packages || exit 1
unset $(env | sed -n 's/^\(PG[A-Z]*\|TALLYD_[A-Z_]*\)=.*/\1/p')
conf=/etc/pgtally/tallyd.conf unit=/lib/systemd/system/tallyd.service
tallyd=$(ls tallyd_*.deb) extension=$(ls postgresql-*-pgtally_*.deb)
extension_name=${extension%%_*}
major=${extension_name//[^0-9]/}
bin=/usr/lib/postgresql/$major/bin

check() { # NAME COMMAND...
    local name=$1
    shift
    if "$@" >output 2>&1; then echo "ok - $name"; else echo "not ok - $name"; sed 's/^/#   /' output; fi
}
become() { # USER COMMAND...    in place of this shell
    local user=$1
    shift
    cd / && exec setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups --reset-env "$@"
}
as() { (become "$@"); }
installed() { dpkg -i "$@" && dpkg --verify "$extension_name" tallyd; }
hint() { grep -q 'systemctl enable --now tallyd' output_of_install; }
has_user() { getent passwd tallyd | grep -q ':/nonexistent:/usr/sbin/nologin$'; }
guarded() { [ "$(stat -c '%a %U:%G' $conf)" = '640 root:tallyd' ]; }
not_enabled() { [ ! -e /etc/systemd/system/multi-user.target.wants/tallyd.service ]; }

# What the unit runs, as its user, with a socket that hears READY=1 as systemd's would.
start() {
    rm -f heard log
    perl -MSocket -e 'socket(my $s, AF_UNIX, SOCK_DGRAM, 0); bind($s, sockaddr_un("/tmp/notify")) or die; chmod 0777, "/tmp/notify";
        while (defined recv($s, my $said, 4096, 0)) { open(my $f, ">>", "heard"); print $f "$said\n" }' &
    listener=$!
    until [ -S /tmp/notify ]; do sleep 0.05; done
    become "$(sed -n 's/^User=//p' $unit)" env NOTIFY_SOCKET=/tmp/notify $(sed -n 's/^ExecStart=//p' $unit) >log 2>&1 &
    served=$!
    local tries
    for tries in $(seq 100); do
        url=$(sed -n 's/^tallyd .* listening on //p' log)
        [ -z "$url" ] && kill -0 $served 2>/dev/null || break
        sleep 0.1
    done
}
stop() {
    kill -TERM $served
    local status=0
    wait $served || status=$?
    kill $listener
    rm -f /tmp/notify
    return $status
}
answers() { # ROUTE [curl's arguments]
    local route=$1 tries
    shift
    for tries in $(seq 20); do
        [ "$(curl -s -o answer -w '%{http_code}' "$@" "$url$route")" != 200 ] || return 0
        sleep 0.5
    done
    tail -n 5 answer log
    return 1
}
heard() { grep -q READY=1 heard; }
refused() {
    sed -i.good 's/^port = .*/port = many/' $conf
    chown root:tallyd $conf.good
    start
    local status=0
    wait $served || status=$?
    kill $listener
    rm -f /tmp/notify
    cat log
    mv $conf.good $conf
    [ $status -eq 2 ] && grep -q "^tallyd: $conf:[0-9]*: --port: " log && grep -q '^RestartPreventExitStatus=2$' $unit
}
database() {
    install -d -o postgres /tmp/server
    as postgres "$bin/initdb" -D /tmp/server/data --auth=peer --no-sync --encoding=UTF8 --locale=C.UTF-8 &&
        printf '%s\n' "listen_addresses = ''" "unix_socket_directories = '/tmp/server'" 'fsync = off' >>/tmp/server/data/postgresql.conf &&
        as postgres "$bin/pg_ctl" -D /tmp/server/data -l /tmp/server/log -w start && as postgres "$bin/createdb" -h /tmp/server tally &&
        sql 'CREATE EXTENSION pgtally; CREATE ROLE tallyd LOGIN; GRANT tally_api TO tallyd;'
}
sql() { as postgres "$bin/psql" -X -q -A -t -v ON_ERROR_STOP=1 -h /tmp/server -d tally -c "$1"; }
key() { as postgres /usr/bin/tallyd tenant create shop --database 'host=/tmp/server dbname=tally' | grep -o 'tally_live_[^[:space:]]*' >key; }
called() { answers /api/v1/profile -H "Authorization: Bearer $(cat key)" && grep -q '"shop"' answer; }
higher() { # PACKAGE: the same one with a higher version
    dpkg-deb -R "$1" tree && sed -i 's/^Version: .*/Version: 99.0.0-1/' tree/DEBIAN/control && dpkg-deb -Zgzip -z1 -b tree "higher-${1%%_*}.deb" && rm -rf tree
}
upgraded() { higher "$tallyd" && higher "$extension" && dpkg -i higher-*.deb && [ "$(dpkg-query -W -f '${Version}' tallyd)" = 99.0.0-1 ]; }
kept() { grep -q '/tmp/server' $conf && guarded; }
removed() { dpkg -r tallyd "$extension_name" && [ ! -e /usr/bin/tallyd ] && [ ! -e $unit ] && [ -e $conf ] && ! find /usr -name 'pgtally*.control' | grep .; }
purged() { dpkg -P tallyd "$extension_name" && [ ! -e /etc/pgtally ] && ! find /etc/systemd /var/lib/systemd/deb-systemd-helper-* -name 'tallyd*' | grep .; }

check 'both packages are installed' installed "$tallyd" "$extension"
cp output output_of_install
check 'the first installation says what to do next' hint
check 'there is a system user tallyd' has_user
check 'the configuration is for root and tallyd' guarded
check 'the service is not enabled before it has a database' not_enabled
check 'CREATE EXTENSION works in a database' database
sed -i 's|^database = .*|database = "host=/tmp/server dbname=tally user=tallyd"|; s|^port = .*|port = 0|' $conf
check 'a mistake in the configuration ends the service for good, told with its line' refused
start
check 'the unit starts tallyd' answers /healthz
check 'it comes into the database as its user' answers /readyz
check 'systemd hears that it is ready' heard
check 'a tenant is made' key
check 'and calls with its key' called
check 'tallyd stops as asked' stop
check 'both packages are upgraded' upgraded
check 'an upgrade keeps the configuration and its rights' kept
start
check 'tallyd serves what it served before' called
check 'it stops again' stop
check 'packages that are removed leave the configuration' removed
check 'packages that are purged leave nothing' purged
as postgres "$bin/pg_ctl" -D /tmp/server/data -m immediate stop >/dev/null
exit 0
