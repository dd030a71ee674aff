#!/bin/sh
# SPDX-License-Identifier: MIT
# test_examples.sh - the programs of docs/examples, each on each runtime: they assert what they did, and print what the
# pages say they print.
set -eu
: "${srcdir:?run me by make check}" "${builddir:?}" "${RUNTIMES:?}"
examples=$builddir/docs/examples
# The default spawner lives as long as the process, and on threads so do the threads that wait for the next task.
export TSAN_OPTIONS="${TSAN_OPTIONS:+$TSAN_OPTIONS:}report_thread_leaks=0"
checks=0 failures=0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

complain() {
    failures=$((failures + 1))
    echo "FAIL: $*"
    sed 's/^/    out| /' "$folder/out"
    sed 's/^/    err| /' "$folder/err"
}

# run PROGRAM ARGUMENT...: ends well and complains of nothing.
run() {
    checks=$((checks + 1))
    "$examples/$1" ${2:+"$2"} >"$folder/out" 2>"$folder/err" || { complain "$* ended with status $?"; return 1; }
    [ ! -s "$folder/err" ] || { complain "$* wrote to standard error"; return 1; }
}

# What docs/INJECTION.md says that a program prints: the fenced lines after the marker.
promised() {
    awk -v marker="<!-- output of docs/examples/$1 -->" '
        $0 == marker { armed = 1; next }
        armed && /^```/ { if (inside) exit; inside = 1; next }
        inside { print }' "$srcdir/docs/INJECTION.md"
}

# 1. the patterns of injection
for program in inject_constructor inject_parameter inject_detect; do
    promised $program >"$folder/promised"
    for runtime in $RUNTIMES; do
        export YOKE_RUNTIME="$runtime"
        run $program || continue
        checks=$((checks + 1))
        cmp -s "$folder/out" "$folder/promised" || complain "$program on $runtime: docs/INJECTION.md says otherwise"
    done
done

# 2. the conversions: some operations before, and after on each runtime
took() {
    checks=$((checks + 1))
    grep -Eqx "$1 operations, [0-9]+ ns per operation" "$folder/out" || complain "$2: no line of the stopwatch"
}
count=100
for pair in handler events stdin test_server teardown; do
    case "$pair $YOKE_BUILT " in
        handler*' uv '* | events*' ev '* | stdin* | test_server* | teardown*)
            ! run migrating/before_$pair $count || took $count before_$pair ;;
        *) echo "not built: before_$pair" ;;
    esac
    for runtime in $RUNTIMES; do
        export YOKE_RUNTIME="$runtime"
        ! run migrating/after_$pair $count || took $count "after_$pair on $runtime"
    done
done

echo "Checks: $checks, Failures: $failures, Errors: 0"
[ $failures -eq 0 ]
