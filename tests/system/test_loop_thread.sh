#!/bin/bash
# SPDX-License-Identifier: MIT
# test_loop_thread.sh - the thread that runs tasks makes no process and waits for none: strace tells.
#
# Children are started by threads of the offload pool (ruling 13); a loop is not held for the 800 us of a posix_spawn.
# tests/bench/bench_child is what is looked at; its other side, which does it all on one thread, must be caught.
set -u
builddir=${builddir:-.}
program=$builddir/tests/bench/bench_child
[ -x "$program" ] || { echo "there is no $program"; exit 99; }
case ${YOKE_SANITIZER:-} in *address*) echo "skipped: LeakSanitizer cannot run under strace"; exit 77 ;; esac
command -v strace >/dev/null || { echo "skipped: strace is not installed"; exit 77; }
folder=$(mktemp -d) || exit 99
trap 'rm -rf "$folder"' EXIT
strace -o "$folder/probe" true 2>/dev/null || { echo "skipped: strace may not trace here"; exit 77; }
export YOKE_PLUGIN_PATH=$builddir/.libs
unset YOKE_RUNTIME YOKE_RUNTIMES
checks=0 failures=0

# Prints the calls of the first thread that make a process or wait for one; the others' go to $folder/others.
calls_of_first_thread() { # SIDE
    strace -f -qq -e trace=clone,clone3,fork,vfork,wait4,waitid -o "$folder/trace" "$program" "$1" capture 5 \
        >"$folder/out" || return 1
    awk -v others="$folder/others" '
        NR == 1 { first = $1 }
        /CLONE_THREAD/ || /resumed>/ || /^[0-9]+ +(\+\+\+|---)/ { next }
        /waitid\(/ && /WNOHANG/ { next }
        $1 == first { print; next }
        { print > others }' "$folder/trace"
}

check() { # SIDE
    local calls
    checks=$((checks + 1))
    if ! calls=$(calls_of_first_thread "$1"); then
        echo "FAIL: $1: $(cat "$folder/out")"
        failures=$((failures + 1))
    elif [ "$1" = bare ]; then
        [ -n "$calls" ] || { echo "FAIL: the trace does not show what it should"; failures=$((failures + 1)); }
    elif [ -n "$calls" ]; then
        printf 'FAIL: %s: on the thread that runs tasks:\n%s\n' "$1" "$calls"
        failures=$((failures + 1))
    elif [ "$(grep -c VFORK "$folder/others")" -ne 5 ]; then
        printf 'FAIL: %s: not five children were made by other threads\n' "$1"
        failures=$((failures + 1))
    fi
    rm -f "$folder/others"
}

check bare
for runtime in ${RUNTIMES:-uv ev threads}; do
    check "$runtime"
done
echo "Checks: $checks, Failures: $failures, Errors: 0"
[ "$failures" -eq 0 ]
