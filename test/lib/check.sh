#!/bin/bash
# `make check`: builds all, runs the named suites on private clusters, ends with the line `N passed, N failed`.
# usage: check.sh SUITE...      (environment: MAKE, PG_CONFIG, WERROR, FUZZ_SECONDS, PROPERTY_SECONDS, PROPERTY_SEED)
# Tests run in a copy of the tree in a temporary folder that the cluster's user owns, so the clone itself may be closed to
# that user; the copy goes at the end, logs of what failed stay in .build/check.
set -euo pipefail
umask 022
cd "$(dirname "$0")/../.."
repo=$PWD
. test/lib/common.sh

logs=$repo/.build/check
rm -rf "$logs"
mkdir -p "$logs"
work=$(mktemp -d /tmp/pgtally.XXXXXX)
chmod 755 "$work"
prefix=$(private_prefix "$repo")
passed=0 failed=0 jobs=()
case ${MAKEFLAGS:-} in *j*) ;; *) jobs=(-j"$(nproc)") ;; esac

# What tests started and left behind is theirs no longer: everything that works below our folder ends with us.
leftovers() {
    local link
    for link in /proc/[0-9]*/cwd; do
        case $(readlink "$link" 2>/dev/null) in "$work" | "$work"/*) link=${link#/proc/}; say "${link%/cwd}" ;; esac
    done
}

finish() {
    local status=$? pids
    cd /
    pids=$(leftovers)
    [ -z "$pids" ] || { kill -INT $pids 2>/dev/null; sleep 1; kill -KILL $(leftovers) 2>/dev/null; } || :
    rm -rf "$work"
    [ -n "${counted:-}" ] || say "0 passed, 1 failed"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

report() { # SUITE PASSED FAILED
    passed=$((passed + $2)) failed=$((failed + $3))
    printf '%-10s %5d passed %5d failed   %4d s\n' "$1" "$2" "$3" "$((SECONDS - began))"
}

count() { grep -cE "$1" "$2" || :; }

# A failed test of node's or of Perl's, and what it says of itself.
not_ok='^ *not ok|^ *error: '
# What failed is said once more after all suites, where the end of a long output is all that one sees. Of a reason that begins
# on the next line (YAML: "error: |-") that line too.
remember() { # SUITE PATTERN LOG
    awk -v wanted="$2" '$0 ~ wanted || is_next { print; is_next = /error: [|>]-?$/ }' "$3" | cut -c1-200 | sed "s|^ *|$1: |" >>"$logs/failed" || :
}

# A program that failed without naming a failed test is one failed test.
at_least_one() { # STATUS FAILED
    if [ "$1" -ne 0 ] && [ "$2" -eq 0 ]; then say 1; else say "$2"; fi
}

build() {
    private_config=$(test/lib/private-pg.sh "$prefix" "${PG_CONFIG:-pg_config}")
    bin=$(dirname "$private_config")
    pgxs=$(dirname "$(dirname "$("$private_config" --pgxs)")")
    test/lib/build.sh "$private_config" "${jobs[@]}" >"$logs/build.log" 2>&1 ||
        { tail -n 60 "$logs/build.log"; say "the build failed, all of it is in .build/check/build.log"; exit 1; }
    # Functions that throw and fail in every way, for test/sql/boundary.sql alone.
    [ ! -d test/lib/boundary_module ] ||
        "${MAKE:-make}" -C test/lib/boundary_module install PG_CONFIG="$private_config" >>"$logs/build.log" 2>&1 ||
        { tail -n 40 "$logs/build.log"; say "the test module of pg/border/boundary.hpp cannot be built"; exit 1; }
    mkdir "$work/tree"
    tar -c --exclude=./.git --exclude=./.build --exclude=./.run --exclude=./httpd/web/node_modules --exclude='*.o' --exclude='*.zip' . | tar -x -C "$work/tree"
    [ "$(id -u)" -ne 0 ] || chown -R "$CLUSTER_USER" "$work"
}

# Runs a command in a folder of the copy as the cluster's user, output to a log.
run_in() { # FOLDER LOG COMMAND...
    local folder=$1 log=$2
    shift 2
    as_cluster mkdir -p "$folder"
    (cd "$folder" && as_cluster env PATH="$bin:$PATH" TMPDIR=/tmp "$@") >"$log" 2>&1 </dev/null
}

suite_lint() {
    local log=$logs/lint.log status=0
    : >"$log"
    for lint in test/lint/*.pl test/lint/*.sh; do
        "$lint" >>"$log" 2>&1 </dev/null || :
    done
    if start_server "$bin" "$work/lint" >>"$log" 2>&1; then
        (cd / && as_cluster "$bin/psql" -X -q -A -t -v ON_ERROR_STOP=1 -h "$work/lint" -d tally) <test/lint/catalog.sql >>"$log" 2>&1 ||
            say 'not ok - the catalog could be read' >>"$log"
        stop_server "$bin" "$work/lint"
    else
        say 'not ok - CREATE EXTENSION works in a fresh cluster' >>"$log"
    fi
    local bad
    bad=$(count '^not ok' "$log")
    [ "$bad" -eq 0 ] || grep -v '^ok' "$log"
    remember lint '^not ok' "$log"
    report lint "$(count '^ok' "$log")" "$bad"
}

# What clang-tidy says of a file is a failure of it (.clang-tidy). Releases of it differ: only Debian 12's counts.
suite_tidy() {
    local log=$logs/tidy.log files bad
    command -v clang-tidy-14 >/dev/null || { say "tidy: not tested: clang-tidy-14 is not installed"; report tidy 0 0; return; }
    "${MAKE:-make}" -k "${jobs[@]}" -f test/lib/tidy.mk BUILD=.build/tidy "PG_CONFIG=$private_config" >"$log" 2>"$logs/tidy-make.log" || :
    files=$(ls extension/*/*/*.cpp httpd/*/*.cpp | wc -l)
    bad=$((files - $(find .build/tidy/extension .build/tidy/httpd -name '*.ok' | sed 's|^.build/tidy/||; s|ok$|cpp|' | xargs -r ls 2>/dev/null | wc -l)))
    [ "$bad" -eq 0 ] || { head -n 200 "$log"; tail -n 5 "$logs/tidy-make.log"; }
    report tidy "$((files - bad))" "$bad"
}

unit_tests() { # SUITE [SANITIZE=1]
    local suite=$1 log=$logs/$1.log good=0 bad=0 program status
    shift
    if ! "${MAKE:-make}" -f test/lib/unit.mk "${jobs[@]}" "BUILD=.build/$suite" "$@" programs >"$log" 2>&1; then
        tail -n 40 "$log"
        report "$suite" 0 1
        return
    fi
    for program in test/unit/*_test.cpp; do
        [ -e "$program" ] || continue
        program=.build/$suite/bin/$(basename "$program" .cpp) status=0
        log=$logs/$suite-$(basename "$program").log
        "$program" >"$log" 2>&1 </dev/null || status=$?
        good=$((good + $(count '^\[       OK \] ' "$log")))
        bad=$((bad + $(at_least_one "$status" "$(count '^\[  FAILED  \] .* \([0-9]+ ms\)$' "$log")")))
        remember "$suite" '^\[  FAILED  \] .* \([0-9]+ ms\)$' "$log"
        [ "$status" -eq 0 ] || { say "$program:"; grep -v '^\[ *\(OK\|RUN\|---*\) *\]' "$log" | tail -n 60 || :; }
    done
    report "$suite" "$good" "$bad"
}
suite_unit() { unit_tests unit; }
suite_sanitize() { unit_tests sanitize SANITIZE=1; }

# pg_regress and pg_isolation_regress speak alike.
regression() { # SUITE PROGRAM OPTIONS...
    local suite=$1 log=$logs/$1.log status=0 bad
    shift
    # Each test drops the store of the one before. Plans, locks and what is deleted for good depend on no vacuum that begins by itself.
    printf '%s\n' "fsync = off" "tally.allow_drop = on" "autovacuum = off" >"$work/test.conf"
    run_in "$work/$suite" "$log" "$@" --temp-instance="$work/$suite/server" --temp-config="$work/test.conf" \
        --bindir="$bin" --inputdir="$work/tree/test" --outputdir="$work/$suite" --no-locale --encoding=UTF8 || status=$?
    bad=$(at_least_one "$status" "$(count '(^test|^ ).*\.\.\. (failed|FAILED)|^not ok' "$log")")
    remember "$suite" '(^test|^ ).*\.\.\. (failed|FAILED)|^not ok' "$log"
    if [ "$bad" -gt 0 ]; then
        grep -E 'FAILED|^not ok|could not|rror' "$log" || tail -n 20 "$log"
        [ ! -s "$work/$suite/regression.diffs" ] || cat "$work/$suite/regression.diffs"
        cp -r "$work/$suite/results" "$logs/$suite-results" 2>/dev/null || :
    fi
    report "$suite" "$(count '^test .*\.\.\. ok|^ok ' "$log")" "$bad"
}
suite_regress() {
    local names=()
    for name in test/sql/*.sql; do [ ! -e "$name" ] || names+=("$(basename "$name" .sql)"); done
    [ ${#names[@]} -gt 0 ] || { report regress 0 0; return; }
    as_cluster mkdir -p "$work/regress"
    as_cluster cp -r "$work/tree/expected" "$work/regress/"
    regression regress "$pgxs/test/regress/pg_regress" "${names[@]}"
    [ -e "$("$private_config" --sharedir)/extension/hll.control" ] && [ -e "$("$private_config" --sharedir)/extension/tdigest.control" ] ||
        say "regress: approximate was not tested: hll or tdigest is not installed"
}
suite_isolation() {
    local names=() program=$pgxs/test/isolation/pg_isolation_regress
    for name in test/specs/*.spec; do [ ! -e "$name" ] || names+=("$(basename "$name" .spec)"); done
    [ ${#names[@]} -gt 0 ] || { report isolation 0 0; return; }
    [ -x "$program" ] || { say "isolation: this PostgreSQL has no pg_isolation_regress (13): skipped"; return; }
    as_cluster mkdir -p "$work/isolation"
    as_cluster cp -r "$work/tree/expected" "$work/isolation/"
    regression isolation "$program" "${names[@]}"
}

# Prints what failed of TAP output; sets good and bad.
tap_result() { # SUITE STATUS LOG
    local suite=$1
    shift
    good=$((good + $(count '^ok' "$2")))
    local n
    n=$(at_least_one "$1" "$(count '^not ok' "$2")")
    bad=$((bad + n))
    [ "$1" -eq 0 ] && return
    say "$2:"
    remember "$suite" "$not_ok" "$2"
    # TAP of node's is long where all is well, too.
    if grep -qE '^ *not ok' "$2"; then grep -nE -A25 '^ *not ok' "$2" | head -n 300; else grep -v '^ok' "$2" | tail -n 60 || :; fi
}
suite_tap() {
    local good=0 bad=0 test status log
    for test in test/tap/*.pl; do
        [ -e "$test" ] || continue
        log=$logs/tap-$(basename "$test" .pl).log status=0
        run_in "$work/tap" "$log" PERL5LIB="$pgxs/test/perl:$work/tree/test/tap" PG_REGRESS="$pgxs/test/regress/pg_regress" \
            PG_TEST_PORT_DIR="$work/tap" TESTDIR="$work/tap" TESTLOGDIR="$work/tap/log" TESTDATADIR="$work/tap/tmp_check" \
            TALLYD="$work/tree/httpd/tallyd" perl "$work/tree/$test" || status=$?
        tap_result tap "$status" "$log"
        if [ "$status" -ne 0 ]; then
            # The test programs' own messages go to their log.
            tail -n 20 "$work/tap/tmp_check/log/regress_log_$(basename "$test" .pl)" 2>/dev/null || :
            cp -r "$work/tap/tmp_check/log/." "$logs/tap-log" 2>/dev/null || :
        fi
    done
    report tap "$good" "$bad"
}
# From each older release to this tree: test/lib/upgrade.sh.
suite_upgrade() {
    local good=0 bad=0 status=0 log=$logs/upgrade.log
    test/lib/upgrade.sh "$work" "${PG_CONFIG:-pg_config}" >"$log" 2>&1 </dev/null || status=$?
    tap_result upgrade "$status" "$log"
    report upgrade "$good" "$bad"
}
http_tests() { # SUITE TALLYD SECONDS
    local suite=$1 good=0 bad=0 status=0 log=$logs/$1.log
    local files=(test/http/*.test.js)
    [ -e "${files[0]}" ] || { report "$suite" 0 0; return; }
    # .build is not in the copy, and the clone may be closed to the cluster's user.
    [ -e "$work/prometheus" ] || cp -rL .build/prometheus "$work/prometheus" 2>/dev/null || :
    run_in "$work/tree" "$log" PG_BINDIR="$bin" TALLYD="$2" PROMETHEUS="$work/prometheus" MEMORY_FACTOR="${MEMORY_FACTOR:-1}" \
        timeout -k 10 "$3" node --test --test-reporter=tap "${files[@]}" || status=$?
    good=$(sed -n 's/^# pass \([0-9]*\)/\1/p' "$log")
    bad=$(at_least_one "$status" "$(($(sed -n 's/^# fail \([0-9]*\)/\1 +/p;s/^# cancelled \([0-9]*\)/\1/p' "$log") + 0))")
    [ "$bad" -eq 0 ] || remember "$suite" "$not_ok" "$log"
    [ "$bad" -eq 0 ] || { grep -nE -A25 '^ *not ok' "$log" | head -n 300 || :; grep -q '^# fail' "$log" || tail -n 40 "$log"; }
    report "$suite" "${good:-0}" "$bad"
    # What npm brings, or a newer node, was missing.
    sed -n "s/^ *ok .*# SKIP \\(.* \\(installed\\|needs\\) .*\\)/$suite: not tested: \\1/p" "$log" | sort | uniq -c
}
# Limits of time are only there to end a suite that hangs.
suite_http() { http_tests http "$work/tree/httpd/tallyd" 1800; }

# The same against a tallyd with a sanitizer, each report of which is a failure; they are kept in .build/check. Options come by a
# script: tests hand no environment on.
sanitized_http() { # SUITE SANITIZERS
    local name=$1 folder=$work/$1 log
    if ! "${MAKE:-make}" -C httpd "${jobs[@]}" "BUILD=$repo/.build/$name/" "SANITIZE=$2" "PG_CONFIG=$private_config" \
        CXXFLAGS='-O1 -g1' >"$logs/$name-build.log" 2>&1; then
        tail -n 40 "$logs/$name-build.log"
        report "$name" 0 1
        return
    fi
    as_cluster mkdir -p "$folder"
    cp ".build/$name/openapi.json" ".build/$name/routes.inc" "$folder/"
    cp ".build/$name/tallyd" "$folder/program"
    {
        say '#!/bin/sh'
        # A small quarantine: tests measure tallyd's memory.
        say "export ASAN_OPTIONS=log_path=$folder/report:detect_leaks=1:strict_string_checks=1:quarantine_size_mb=4"
        # Beside AddressSanitizer it writes to stderr, which tests keep to themselves: it ends tallyd, which they see.
        say "export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1"
        # Libraries are not built with it: of them only what they do when we call is looked at.
        say "export TSAN_OPTIONS=log_path=$folder/report:ignore_noninstrumented_modules=1:second_deadlock_stack=1"
        say "exec $folder/program \"\$@\""
    } >"$folder/tallyd"
    chmod 755 "$folder/tallyd" "$folder/program"
    http_tests "$name" "$folder/tallyd" 5400
    for log in "$folder"/report.*; do
        [ -s "$log" ] || continue
        cp "$log" "$logs/$name-$(basename "$log")"
        say "$log:"
        head -n 40 "$log"
        failed=$((failed + 1))
    done
}
suite_http-sanitize() { sanitized_http http-sanitize address,undefined; }
# ThreadSanitizer keeps four bytes beside each: tests of memory allow for that.
suite_http-thread() { MEMORY_FACTOR=4 sanitized_http http-thread thread; }

# The page: its types, then what test/browser does with it in Debian's chromium.
suite_browser() {
    local good=0 bad=0 status=0 log=$logs/browser.log tsc=httpd/web/node_modules/typescript/bin/tsc
    [ -e "$tsc" ] || { say "browser: not tested: tallyd was built without node and npm"; report browser 0 0; return; }
    if node "$tsc" -p httpd/web >"$logs/types.log" 2>&1; then good=1; else bad=1; cat "$logs/types.log"; fi
    run_in "$work/tree" "$log" PG_BINDIR="$bin" TALLYD="$work/tree/httpd/tallyd" \
        timeout -k 10 1800 node --test --test-concurrency=1 --test-reporter=tap test/browser/*.test.js || status=$?
    sed -n 's/^ *# \(.*\(first paint\|after its answer\).*\)/browser: \1/p; s/^ *ok .*# SKIP \(.*\)/browser: not tested: \1/p' "$log"
    tap_result browser "$status" "$log"
    report browser "$good" "$bad"
}

# No suite: `make screenshots` writes the README's picture.
suite_screenshots() {
    local log=$logs/screenshots.log picture=test/browser/page.png status=0
    run_in "$work/tree" "$log" PG_BINDIR="$bin" TALLYD="$work/tree/httpd/tallyd" node test/browser/screenshots.js "$picture" || status=$?
    cat "$log"
    [ "$status" -ne 0 ] || cp "$work/tree/$picture" "$picture"
    report screenshots "$((status == 0))" "$((status != 0))"
}

# A minute with PROPERTY_SECONDS=45, its default; longer finds more. The seed is printed.
suite_property() {
    local good=0 bad=0 status=0 log=$logs/property.log
    run_in "$work/tree" "$log" PG_BINDIR="$bin" TALLYD="$work/tree/httpd/tallyd" PROPERTY_SECONDS="${PROPERTY_SECONDS:-45}" \
        PROPERTY_SEED="${PROPERTY_SEED:-$((RANDOM * 32768 + RANDOM))}" \
        node --test --test-reporter=tap test/property/property.test.js || status=$?
    grep -E '^# .*(seed|questions)' "$log" | tr -d '\\' || :
    tap_result property "$status" "$log"
    report property "$good" "$bad"
}

# Ten seconds for each target in `make check`, FUZZ_SECONDS in `make fuzz`. Skipped where clang cannot build fuzzers.
suite_fuzz() {
    local targets=(test/fuzz/*_fuzz.cpp)
    [ -e "${targets[0]}" ] || return 0
    local good=0 bad=0 compiler='' name target seconds=$((${only_fuzz:-0} ? ${FUZZ_SECONDS:-120} : 10))
    for name in clang++ clang++-19 clang++-16 clang++-14; do
        [ -z "$compiler" ] && command -v $name >/dev/null || continue
        say 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }' >"$work/try.cpp"
        ! $name -fsanitize=fuzzer,address -o "$work/try" "$work/try.cpp" 2>/dev/null || compiler=$name
    done
    [ -n "$compiler" ] || { say "fuzz: no clang that can build fuzzers: skipped"; return 0; }
    if ! "${MAKE:-make}" -f test/lib/unit.mk "${jobs[@]}" CXX=$compiler BUILD=.build/fuzz SANITIZE=fuzzer fuzzers >"$logs/fuzz.log" 2>&1; then
        tail -n 40 "$logs/fuzz.log"
        report fuzz 0 1
        return
    fi
    for target in "${targets[@]}"; do
        name=$(basename "$target" .cpp)
        mkdir -p ".build/fuzz/corpus/$name"
        if ".build/fuzz/bin/$name" -max_total_time="$seconds" -rss_limit_mb=4096 -timeout=20 -artifact_prefix="$logs/$name-" \
            ".build/fuzz/corpus/$name" $(ls -d "test/fuzz/corpus/$name" 2>/dev/null) >"$logs/$name.log" 2>&1; then
            good=$((good + 1))
        else
            bad=$((bad + 1))
            say "$name:"
            tail -n 40 "$logs/$name.log"
        fi
    done
    report fuzz "$good" "$bad"
}

[ "$*" != fuzz ] || only_fuzz=1
began=$SECONDS
build
for suite; do
    began=$SECONDS
    "suite_$suite"
done
counted=1
[ ! -s "$logs/failed" ] || cat "$logs/failed"
say "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
