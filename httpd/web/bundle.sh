#!/bin/bash
# Bundles the page into C++ that page/files.cpp includes. Without node and npm, or where npm can fetch nothing, the page is
# left out: that is said, and written in such a way that the next `make` tries again.
# usage: bundle.sh OPENAPI.json OUT | bundle.sh --none OUT
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
from=$1 out=$2

leave_out() {
    [ "$from" = --none ] || echo "tallyd: the page at / is left out: $1" >&2
    printf '%s\n' '// The page is left out.' 'constexpr bool kBuilt = false;' 'constexpr std::array<File, 0> kFiles{};' >"$out"
    exit 0
}

[ "$from" != --none ] || leave_out ''
node=$(node --version 2>/dev/null || :)
node=${node#v}
[ "${node%%.*}" -ge 18 ] 2>/dev/null || leave_out 'it needs node 18 or later'
command -v npm >/dev/null || leave_out 'it needs npm'

# The packages are fetched once for each lock file.
stamp=$here/node_modules/.of-lock
lock=$(cksum <"$here/package-lock.json")
if [ "$(cat "$stamp" 2>/dev/null || :)" != "$lock" ]; then
    (cd "$here" && npm ci --ignore-scripts --no-audit --no-fund --prefer-offline --fetch-retries=1 --loglevel=error) >&2 ||
        leave_out 'npm could not fetch its packages'
    printf '%s\n' "$lock" >"$stamp"
fi
node "$here/bundle.mjs" "$from" "$out"
