#!/bin/bash
# SPDX-License-Identifier: MIT
# test_up_order.sh - yoke up: who starts when, how each line looks, what the end of each says.
# shellcheck disable=SC2016,SC2119,SC2317 # dollars are the services'; functions without arguments; called by name
set -u
# shellcheck source=tests/system/up_case.sh
. "${srcdir:-.}/tests/system/up_case.sh"

dependencies_start_first() {
    stack <<'END'
  web: {type: process, binary: sh, args: [-c, "echo web"], dependencies: [api, db]}
  api: {type: process, binary: sh, args: [-c, "echo api"], dependencies: [db]}
  db: {type: process, binary: sh, args: [-c, "echo db"]}
  log-keeper: {type: process, binary: sh, args: [-c, "echo log"]}
END
    up
    expect_status 0 "$what"
    expect_empty err "$what"
    expect_order "yoke       | test: 4 services, runtime $runtime " 'yoke       | db: started, pid ' \
        'yoke       | api: started, pid ' 'yoke       | web: started, pid ' 'yoke       | ended, code 0'
    expect_text out 'log-keeper | log' "$what"
    expect_lines web web
    [ "$(wc -l <"$folder/out")" -eq 14 ] || complain "$what: not 14 lines"
}

chosen_services_bring_what_they_need() {
    up api
    expect_status 0 "$what"
    expect_text out "test: 2 services" "$what"
    expect_lines db db
    expect_lines api api
    expect_no_text out 'web' "$what"
    expect_no_text out 'log' "$what"
}

streams_keep_their_order() {
    stack <<'END'
  a:
    type: process
    binary: sh
    args: [-c, 'i=0; while [ $i -lt 2000 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done']
END
    up
    expect_status 0 "$what"
    checks=$((checks + 2))
    [ "$(lines_of a | grep ^out)" = "$(seq -f 'out %.0f' 0 1999)" ] || complain "$what: stdout is not in order"
    [ "$(lines_of a | grep ^err)" = "$(seq -f 'err %.0f' 0 1999)" ] || complain "$what: stderr is not in order"
}

the_end_of_each_is_told() {
    stack <<'END'
  good: {type: process, binary: "true"}
  bad: {type: process, binary: sh, args: [-c, "echo dying >&2; exit 3"]}
  shot: {type: process, binary: sh, args: [-c, "read x < gate; kill -SEGV $$$$"], dependencies: [bad]}
  late: {type: process, binary: sh, args: [-c, "read x < fifo; exit 5"], dependencies: [bad]}
END
    rm -f "$folder/cwd/fifo" "$folder/cwd/gate"
    mkfifo "$folder/cwd/fifo" "$folder/cwd/gate"
    up_start
    up_until 'bad: exited' # the others go on
    echo go >"$folder/cwd/gate"
    up_until 'shot: exited'
    echo go >"$folder/cwd/fifo"
    up_end
    expect_status 3 "$what"
    for line in 'yoke | good: exited, code 0' 'yoke | bad: exited, code 3' 'yoke | late: exited, code 5' \
        'yoke | shot: exited, signal 11 (SIGSEGV)' 'yoke | ended, code 3: bad was the first to fail'; do
        expect_line out "$line" "$what"
    done
    expect_order 'bad  | dying' 'bad: exited'
}

a_signal_that_ends_a_service_is_the_exit_status() {
    stack <<'END'
  shot: {type: process, binary: sh, args: [-c, "kill -KILL $$$$"]}
END
    up
    expect_status 137 "$what"
}

the_environment_and_the_folder_are_the_services() {
    mkdir -p "$folder/cwd/sub/deep"
    printf '#!/bin/sh\necho "$1 in $PWD as $NAME from $HOME"\n! read x || echo "stdin is not empty"\n' \
        >"$folder/cwd/sub/program"
    chmod +x "$folder/cwd/sub/program"
    {
        printf 'version: "1.0"\nservices:\n'
        printf '  a: {type: process, binary: ./program, args: ["${WORD:-a.b}"], working_dir: deep, env: {NAME: me}}\n'
    } >"$folder/cwd/sub/other.yaml"
    up -c sub/other.yaml
    expect_status 0 "$what"
    expect_line out "yoke | sub/other.yaml: 1 service, runtime $(lines_of yoke | sed -n '1s/.*runtime //p')" "$what"
    expect_lines a "a.b in $folder/cwd/sub/deep as me from $folder/home"
}

nothing_to_do_is_done() {
    printf 'version: "1.0"\nservices: {}\n' >"$folder/cwd/services.yaml"
    up
    expect_status 0 "$what"
    expect_lines yoke "services.yaml: 0 services, runtime $(sed -n '1s/.*runtime //p' "$folder/out")" 'ended, code 0'
}

on_every_runtime dependencies_start_first
on_every_runtime chosen_services_bring_what_they_need
on_every_runtime streams_keep_their_order
on_every_runtime the_end_of_each_is_told
on_every_runtime a_signal_that_ends_a_service_is_the_exit_status
on_every_runtime the_environment_and_the_folder_are_the_services
on_every_runtime nothing_to_do_is_done
finish
