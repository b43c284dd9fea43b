#!/bin/bash
# Builds the extension and tallyd and installs the extension into a private PostgreSQL.
# usage: build.sh PRIVATE_PG_CONFIG [make's arguments]
set -euo pipefail
cd "$(dirname "$0")/../.."
private_config=$1
shift
# Two builds of one clone at the same time would link each other's halves.
mkdir -p .build
exec 8>>.build/lock
flock 8
# Only the extension: where tallyd goes is not the private installation's affair.
"${MAKE:-make}" all "$@" PG_CONFIG="$private_config" 8>&-
"${MAKE:-make}" install TALLYD=no PG_CONFIG="$private_config" 8>&-
