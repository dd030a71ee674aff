#!/bin/bash
# SPDX-License-Identifier: MIT
# test_up_many.sh - yoke up: 200 services, at once and in a chain; each comes, speaks and goes.
# shellcheck disable=SC2016,SC2119,SC2317 # dollars are the services'; functions without arguments; called by name
set -u
# shellcheck source=tests/system/up_case.sh
. "${srcdir:-.}/tests/system/up_case.sh"

two_hundred_at_once() {
    seq 1 200 | sed 's/.*/  s&: {type: process, binary: sh, args: [-c, "echo hello from &; echo done & >\&2"]}/' | stack
    up
    expect_status 0 "$what"
    expect_empty err "$what"
    checks=$((checks + 2))
    [ "$(grep -c ': started, pid' "$folder/out")" -eq 200 ] || complain "$what: not 200 have started"
    [ "$(sed -n 's/^s\([0-9]*\) *| \(hello from\|done\) \1$/\1/p' "$folder/out" | sort -n | uniq -c | grep -c ' 2 ')" \
        -eq 200 ] || complain "$what: not every line is there"
}

two_hundred_in_a_chain() {
    {
        echo '  s1: {type: process, binary: sh, args: [-c, "echo up; exec sleep 1000"]}'
        seq 2 200 | while read -r n; do
            echo "  s$n: {type: process, binary: sh, args: [-c, 'echo up; exec sleep 1000'], dependencies: [s$((n - 1))]}"
        done
    } | stack
    up_start
    up_until 's200 | up' && up_signal INT
    up_end
    expect_status 130 "$what"
    checks=$((checks + 2))
    [ "$(sed -n 's/.* s\([0-9]*\): started.*/\1/p' "$folder/out")" = "$(seq 1 200)" ] || complain "$what: the start's order"
    [ "$(sed -n 's/.* s\([0-9]*\): stopped.*/\1/p' "$folder/out")" = "$(seq 200 -1 1)" ] || complain "$what: the stop's order"
}

two_hundred_stop_at_once() {
    seq 1 200 | sed 's/.*/  s&: {type: process, binary: sh, args: [-c, "exec sleep 1000"]}/' | stack
    up_start
    for _ in $(seq 1 200); do
        up_until ': started, pid' || break
    done
    up_signal TERM
    up_end
    expect_status 143 "$what"
    checks=$((checks + 1))
    [ "$(grep -c ': stopped, signal 15' "$folder/out")" -eq 200 ] || complain "$what: not 200 have stopped"
}

on_every_runtime two_hundred_at_once
on_every_runtime two_hundred_in_a_chain
on_every_runtime two_hundred_stop_at_once
finish
