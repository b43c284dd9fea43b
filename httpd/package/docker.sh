#!/bin/bash
# Builds the image pgtally/tallyd, also tagged with its version, of httpd/Dockerfile, and nothing in the tree. Where docker is not
# there or does not run, says so and ends well.
# usage: docker.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
version=$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" extension/pgtally.control)
if ! command -v docker >/dev/null; then
    echo 'pgtally: no image is built: docker is not installed'
elif ! said=$(docker info 2>&1 >/dev/null); then
    echo "pgtally: no image is built: docker does not run: $(tail -n 1 <<<"$said")"
else
    httpd/package/sources.sh | docker build -t "pgtally/tallyd:$version" -t pgtally/tallyd -f httpd/Dockerfile -
fi
