#!/bin/bash
# SPDX-License-Identifier: MIT
# test_up_faults.sh - yoke up on a runtime whose nth spawn, descriptor, offload or allocation fails: a sentence, an end.
# shellcheck disable=SC2119,SC2317 # functions without arguments; called by name
set -u
# shellcheck source=tests/system/up_case.sh
. "${srcdir:-.}/tests/system/up_case.sh"

UNTOUCHED_IN_A_ROW=6 # so many runs without a failure, and no later call will fail
NTH_MAX=100

stack <<'END'
  a: {type: process, binary: sh, args: [-c, "echo hello; echo end >&2"]}
  b: {type: process, binary: sh, args: [-c, "echo world"], dependencies: [a]}
END

# The run has ended well, or says in one place what was not to be had.
check_run() {
    checks=$((checks + 1))
    case $status in
    0)
        untouched=$((untouched + 1))
        [ "$(tail -n 1 "$folder/out")" = 'yoke | ended, code 0' ] || complain "$what: no last word"
        ;;
    1)
        untouched=0 failed=$((failed + 1))
        grep -q 'Cannot allocate memory\|no memory' "$folder/out" "$folder/err" || complain "$what: no sentence"
        ;;
    *) complain "$what: exit status $status" ;;
    esac
}

each_call_fails_once() {
    local kind nth untouched failed
    for kind in spawn io_open offload alloc; do
        untouched=0 failed=0
        for nth in $(seq "$NTH_MAX"); do
            printf '[default]\nruntime = failing\n[runtime failing]\ninner = %s\nfail = %s\nnth = %d\n' \
                "$runtime" "$kind" "$nth" >"$folder/runtimes.conf"
            run up --data-dir "$folder/data" --runtimes "$folder/runtimes.conf"
            what="$runtime: $kind number $nth"
            check_run
            [ "$untouched" -lt "$UNTOUCHED_IN_A_ROW" ] || break
        done
        [ "$failed" -gt 0 ] || complain "$what: no $kind has failed"
    done
}

on_every_runtime each_call_fails_once
finish
