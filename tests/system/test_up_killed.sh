#!/bin/bash
# SPDX-License-Identifier: MIT
# test_up_killed.sh - yoke up: when it is killed by SIGKILL, nothing of the stack is left running.
# shellcheck disable=SC2016,SC2119,SC2317 # dollars are the services'; functions without arguments; called by name
set -u
# shellcheck source=tests/system/up_case.sh
. "${srcdir:-.}/tests/system/up_case.sh"

kill_9_leaves_nothing() {
    stack <<'END'
  plain: {type: process, binary: sh, args: [-c, "sleep 1004 & echo pid $$!; echo pid $$$$; wait"]}
  stubborn: {type: process, binary: sh, args: [-c, "trap '' TERM; echo pid $$$$; while :; do sleep 1005; done"]}
END
    up_start
    up_until 'pid' && up_until 'pid' && up_until 'pid' && up_until 'pid' && up_until 'pid'
    up_signal KILL
    up_end
    expect_status 137 "$what"
    sed -n 's/^[ps][a-z]* *| pid //p' "$folder/out" >"$folder/pids"
    [ "$(wc -l <"$folder/pids")" -eq 3 ] || complain "$what: not 3 pids were told"
    local pid
    while read -r pid; do
        await_gone "$pid"
    done <"$folder/pids"
}

# Waits for the end of a process that is no child of ours, as long as the guardian may take.
await_gone() { # PID
    checks=$((checks + 1))
    timeout 30 tail --pid="$1" -f /dev/null || complain "$what: pid $1 is still there"
}

on_every_runtime kill_9_leaves_nothing
finish
