#!/bin/bash
# Lint of the built library: it exports what PostgreSQL looks up, and nothing that could clash with another extension.
cd "$(dirname "$0")/../.." || exit 1
rule='the library exports its entry points only'
[ -f pgtally.so ] || { echo "not ok - $rule"; echo '#   pgtally.so: not built'; exit 1; }
foreign=$(nm -D --defined-only pgtally.so | awk '{ print $NF }' |
    grep -vE '^(Pg_magic_func|_PG_init|tally_[a-z0-9_]+|pg_finfo_tally_[a-z0-9_]+)$')
if [ -n "$foreign" ]; then
    echo "not ok - $rule"
    printf '%s\n' "$foreign" | c++filt | sed 's/^/#   pgtally.so: hide this symbol: /'
else
    echo "ok - $rule"
fi
rule='every exported entry point has its pg_finfo record'
lonely=$(nm -D --defined-only pgtally.so | awk '{ print $NF }' | sed -n 's/^pg_finfo_//p;s/^tally_/tally_/p' | sort | uniq -u)
if [ -n "$lonely" ]; then
    echo "not ok - $rule"
    printf '%s\n' "$lonely" | sed 's/^/#   pgtally.so: function or record is missing: /'
else
    echo "ok - $rule"
fi
