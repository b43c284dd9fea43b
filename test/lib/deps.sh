#!/bin/bash
# Installs the Debian packages that are missing, and says which. Nothing missing: no root needed, nothing done.
# usage: deps.sh build|run|check|bench|fuzz|deb|check-packages [PG_CONFIG]
set -euo pipefail
purpose=${1:-check} pg_config=${2:-pg_config}

# The major version that the release brings; any PostgreSQL from 13 that is already complete is used as it is.
major=15
[ ! -r /etc/os-release ] || case $(. /etc/os-release && echo "${VERSION_CODENAME:-}") in trixie) major=17 ;; esac
pgxs=$("$pg_config" --pgxs 2>/dev/null || :)
# Both are needed, and Debian's server package brings the first without the second.
headers=$("$pg_config" --includedir-server 2>/dev/null || :)/postgres.h
[ -f "$pgxs" ] && [ -f "$headers" ] || pgxs=''
bindir=$("$pg_config" --bindir 2>/dev/null || :)

packages=(build-essential libpq-dev libmicrohttpd-dev libjansson-dev libsimdjson-dev libzstd-dev zlib1g-dev
    libcli11-dev libspdlog-dev libfmt-dev libgnutls28-dev perl libyaml-pp-perl)
# Debian has libcurl over three TLS libraries, of which one at a time can be there: any of them will do.
command -v curl-config >/dev/null || packages+=(libcurl4-gnutls-dev)
[ -n "$pgxs" ] || packages+=("postgresql-server-dev-$major")
[ -n "$bindir" ] && [ -x "$bindir/postgres" ] || packages+=("postgresql-$major")
case $purpose in run | check | bench) packages+=(curl) ;; esac
case $purpose in run | check)
    node=$(node --version 2>/dev/null || :)
    node=${node#v}
    [ "${node%%.*}" -ge 18 ] 2>/dev/null || packages+=(nodejs)
    ;;
esac
if [ "$purpose" = check ]; then
    packages+=(libgtest-dev libipc-run-perl openssl unzip zstd)
fi
# Optional: the extensions that pgtally_hll and pgtally_tdigest join to, where the server is the distribution's and it has them.
optional=()
case $purpose,$bindir in
check,) optional=("postgresql-$major-hll" "postgresql-$major-tdigest") ;;
check,/usr/lib/postgresql/*/bin)
    server=$(basename "$(dirname "$bindir")")
    optional=("postgresql-$server-hll" "postgresql-$server-tdigest")
    ;;
esac
# The page is bundled by node and npm, and left out without; test/lib/npm.sh says what is not tested without them.
case $purpose in run | check | deb | check-packages) command -v npm >/dev/null || optional+=(npm) ;; esac
[ "$purpose" != check ] || optional+=(clang-format-14 clang-tidy-14)
[ "$purpose" != check ] || command -v chromium >/dev/null || optional+=(chromium)
[ "$purpose" != bench ] || packages+=(libbenchmark-dev)
[ "$purpose" != fuzz ] || packages+=(clang)
case $purpose in deb | check-packages) packages+=(debhelper fakeroot) ;; esac
if [ "$purpose" = check-packages ]; then
    packages+=(lintian binutils curl util-linux)
    command -v systemd-sysusers >/dev/null || packages+=(systemd-standalone-sysusers)
fi
# Where it is missing, the form of the man page is not checked.
[ "$purpose" != check ] || command -v man >/dev/null || optional+=(man-db)

if ! command -v dpkg-query >/dev/null; then
    command -v g++ >/dev/null && [ -n "$pgxs" ] && exit 0
    echo "pgtally: this is no Debian: install what these packages of Debian 12 hold, then try again: ${packages[*]}" >&2
    exit 1
fi
installed=$(dpkg-query -W -f='${db:Status-Abbrev}${binary:Package}\n' "${packages[@]}" "${optional[@]}" 2>/dev/null |
    sed -n 's/^ii \([^:]*\).*/\1/p' || :)
missing=()
for package in "${packages[@]}"; do
    grep -qxF "$package" <<<"$installed" || missing+=("$package")
done
# Optional ones that are missing and that apt knows. Without root and sudo nobody is asked for them.
add_optional() {
    local package
    [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null || return 0
    for package in "${optional[@]}"; do
        grep -qxF "$package" <<<"$installed"$'\n'"$(printf '%s\n' "${missing[@]}")" ||
            ! apt-cache show "$package" >/dev/null 2>&1 || missing+=("$package")
    done
}
add_optional
[ ${#missing[@]} -gt 0 ] || exit 0

say="pgtally: missing packages: ${missing[*]}"
root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "$say" >&2
        echo "pgtally: neither root nor sudo: as root run: apt-get install --no-install-recommends ${missing[*]}" >&2
        exit 1
    fi
    root=(sudo)
fi
apt() { "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@" </dev/null; }
log=$(mktemp)
install() {
    apt install -y --no-install-recommends "$@" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
}

trap 'rm -f "$log"' EXIT
echo "$say: installing them with apt-get"
apt update || echo "pgtally: apt-get update failed: trying with the package lists that are here" >&2

# Debian's server package makes and starts a system cluster when it is installed. Nobody asked for one: switch that off
# while we are the ones who install it, and put the setting back as it was.
conf=/etc/postgresql-common/createcluster.conf
case " ${missing[*]} " in
*" postgresql-$major "*)
    install postgresql-common
    "${root[@]}" cp -p "$conf" "$conf.pgtally"
    trap '"${root[@]}" mv "$conf.pgtally" "$conf"; rm -f "$log"' EXIT
    echo 'create_main_cluster = false' | "${root[@]}" tee -a "$conf" >/dev/null
    ;;
esac
add_optional
install "${missing[@]}"
echo "pgtally: installed"
