#!/bin/bash
# SPDX-License-Identifier: MIT
# test_up_stop.sh - yoke up: Ctrl-C, SIGTERM, and those who do not want to go.
# shellcheck disable=SC2016,SC2119,SC2317 # dollars are the services'; functions without arguments; called by name
set -u
# shellcheck source=tests/system/up_case.sh
. "${srcdir:-.}/tests/system/up_case.sh"

# Says when it is told to stop, and ends then.
polite='trap "echo bye; exit 0" TERM; echo up; while :; do sleep 1000 & wait; done'

ctrl_c_stops_in_reverse_order() {
    stack <<END
  db: {type: process, binary: sh, args: [-c, '$polite']}
  api: {type: process, binary: sh, args: [-c, '$polite'], dependencies: [db]}
  web: {type: process, binary: sh, args: [-c, '$polite'], dependencies: [api]}
END
    up_start
    up_until 'web  | up' && up_signal INT
    up_end
    expect_status 130 "$what"
    expect_order 'yoke | stopping 3 services: SIGINT' 'yoke | web: stopping, sent SIGTERM' 'web  | bye' \
        'yoke | web: stopped, code 0' 'yoke | api: stopping, sent SIGTERM' 'api  | bye' 'yoke | api: stopped, code 0' \
        'yoke | db: stopping, sent SIGTERM' 'db   | bye' 'yoke | db: stopped, code 0' 'yoke | ended, code 130'
}

each_signal_has_its_exit_status() {
    stack <<'END'
  a: {type: process, binary: sh, args: [-c, "echo up; exec sleep 1000"]}
END
    local pair
    for pair in TERM:143 HUP:143 INT:130; do
        up_start
        up_until 'a    | up' && up_signal "${pair%:*}"
        up_end
        expect_status "${pair#*:}" "$what ${pair%:*}"
        expect_line out 'yoke | a: stopped, signal 15 (SIGTERM)' "$what"
    done
}

nohup_keeps_it_up() {
    up_start_ignoring_hup
    up_until 'a    | up' && up_signal HUP && up_signal TERM
    up_end
    expect_status 143 "$what"
    expect_text out 'SIGTERM; once more' "$what"
}
up_start_ignoring_hup() {
    trap '' HUP
    up_start
    trap - HUP
}

who_does_not_go_is_named_and_killed() {
    stack <<'END'
  stubborn:
    type: process
    binary: sh
    args: [-c, 'trap "" TERM; echo up; while :; do read x < fifo; done']
    shutdown_timeout: 2
END
    rm -f "$folder/cwd/fifo"
    mkfifo "$folder/cwd/fifo"
    up_start
    up_until 'stubborn | up' && up_signal TERM
    up_end
    expect_status 143 "$what"
    expect_lines yoke "test: 1 service, runtime $(sed -n '1s/.*runtime //p' "$folder/out")" \
        'stubborn: started, pid N' 'stopping 1 service: SIGTERM; once more kills at once' \
        'stubborn: stopping, sent SIGTERM to pid N' 'waiting for stubborn (pid N, SIGTERM sent, 1 s left)' \
        'stubborn: killed, sent SIGKILL to pid N after 2 s' 'stubborn: stopped, signal 9 (SIGKILL)' 'ended, code 143'
}

a_second_ctrl_c_kills_at_once() {
    stack <<'END'
  db: {type: process, binary: sh, args: [-c, "echo up; exec sleep 1000"]}
  stubborn:
    type: process
    binary: sh
    args: [-c, 'trap "" TERM; echo up; while :; do read x < fifo; done']
    dependencies: [db]
    shutdown_timeout: 1000
END
    up_start
    up_until 'stubborn | up' && up_signal INT
    up_until 'stubborn: stopping' && up_signal INT
    up_end
    expect_status 130 "$what"
    expect_text out 'stubborn: killed, sent SIGKILL to pid' "$what"
    expect_line out 'yoke     | stubborn: stopped, signal 9 (SIGKILL)' "$what"
    expect_text out 'db: killed, sent SIGKILL to pid' "$what"
}

no_descendant_is_left() {
    stack <<'END'
  family:
    type: process
    binary: sh
    args: [-c, 'sh -c "trap \"\" TERM; sleep 1001 & echo grandchild \$$!; wait" & sleep 1002 & echo child $$!; wait']
    shutdown_timeout: 1
END
    up_start
    up_until child && up_until child && up_signal TERM
    up_end
    expect_status 143 "$what"
    sed -n 's/.*child \([0-9]*\)$/\1/p' "$folder/out" >"$folder/pids"
    [ "$(wc -l <"$folder/pids")" -eq 2 ] || complain "$what: the pids were not told"
    local pid
    while read -r pid; do
        expect_gone "$pid" descendant
    done <"$folder/pids"
}

what_a_program_leaves_behind_is_stopped() {
    stack <<'END'
  parent: {type: process, binary: sh, args: [-c, 'sleep 1003 & echo left $$!; exit 7']}
END
    up
    expect_status 7 "$what"
    expect_lines yoke "test: 1 service, runtime $(sed -n '1s/.*runtime //p' "$folder/out")" \
        'parent: started, pid N' 'parent: exited, code 7' 'parent: stopping, sent SIGTERM to pid N' \
        'parent: stopped, code 7' 'ended, code 7: parent was the first to fail'
    expect_gone "$(lines_of parent | sed 's/left //')" "what was left"
}

a_stopped_process_is_stopped() {
    stack <<'END'
  frozen: {type: process, binary: sh, args: [-c, 'echo up; kill -STOP $$$$; echo thawed']}
END
    up_start
    up_until 'frozen | up'
    up_signal TERM
    up_end
    expect_status 143 "$what"
    expect_text out 'frozen: stopped, signal 15 (SIGTERM)' "$what"
}

on_every_runtime ctrl_c_stops_in_reverse_order
on_every_runtime each_signal_has_its_exit_status
on_every_runtime nohup_keeps_it_up
on_every_runtime who_does_not_go_is_named_and_killed
on_every_runtime a_second_ctrl_c_kills_at_once
on_every_runtime no_descendant_is_left
on_every_runtime what_a_program_leaves_behind_is_stopped
on_every_runtime a_stopped_process_is_stopped
finish
