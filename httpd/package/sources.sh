#!/bin/bash
# A tar of the sources on stdout, for packages and images: without what was built, but for the bundled page, and without tests.
# usage: sources.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
exec tar -c --exclude=./.git --exclude=./.build --exclude=./.run --exclude=./test --exclude=./expected --exclude=node_modules \
    --exclude='*.[od]' --exclude='*.bc' --exclude='*.so' --exclude='*.zip' --exclude=./httpd/tallyd \
    --exclude='./sql/pgtally*--*.sql' .
