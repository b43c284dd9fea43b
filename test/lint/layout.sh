#!/bin/bash
# Lint of how C++ is laid out: as .clang-format says (`make format` lays it out so), and no line longer than 125 characters but
# for texts that tests compare with. Releases of clang-format differ in small things: only Debian 12's counts.
# usage: layout.sh
cd "$(dirname "$0")/../.."
sources() { find extension httpd test -name node_modules -prune -o -name '*.[ch]pp' -print | sort; }
# told RULE WRONG: one line of TAP, and below it what is wrong.
told() { if [ -z "$2" ]; then echo "ok - $1"; else printf 'not ok - %s\n%s\n' "$1" "$2"; fi; }

long=$(sources | LC_ALL=C.UTF-8 xargs awk 'length($0) > 125 && !(FILENAME ~ /^test\// && /"/) { print "#   " FILENAME ":" FNR }')
told 'no line of C++ is longer than 125 characters' "$long"

rule='C++ is laid out as .clang-format says'
program=$(command -v clang-format-14) || { echo "ok - $rule # SKIP clang-format-14 is not installed"; exit 0; }
told "$rule" "$(sources | xargs "$program" --dry-run 2>&1 |
    sed -n 's/^\([^ :]*:[0-9]*\):.*warning.*/#   \1: make format/p' | sort -u)"
