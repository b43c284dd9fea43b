#!/bin/bash
# Lint of how C++ is laid out: as .clang-format says. `make format` lays it out so. Releases of clang-format differ in small
# things: only Debian 12's counts.
# usage: layout.sh
cd "$(dirname "$0")/../.."
rule='C++ is laid out as .clang-format says'
program=$(command -v clang-format-14) || { echo "ok - $rule # SKIP clang-format-14 is not installed"; exit 0; }
wrong=$(find extension httpd test -name node_modules -prune -o -name '*.[ch]pp' -print | sort |
    xargs "$program" --dry-run 2>&1 | sed -n 's/^\([^ :]*:[0-9]*\):.*warning.*/#   \1: make format/p' | sort -u)
[ -z "$wrong" ] && echo "ok - $rule" || printf 'not ok - %s\n%s\n' "$rule" "$wrong"
