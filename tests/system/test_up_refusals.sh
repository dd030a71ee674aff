#!/bin/bash
# SPDX-License-Identifier: MIT
# test_up_refusals.sh - yoke up: what it does not start, and the sentence that says why.
# shellcheck disable=SC2016,SC2119,SC2317 # dollars are the services'; functions without arguments; called by name
set -u
# shellcheck source=tests/system/up_case.sh
. "${srcdir:-.}/tests/system/up_case.sh"

refused() { # LINE...: on stderr these and no others, nothing on stdout, nothing is started
    expect_status 1 "$what"
    expect_empty out "$what"
    checks=$((checks + 1))
    [ "$(cat "$folder/err")" = "$(printf '%s\n' "$@")" ] || complain "$what: wanted is $*"
}

mistakes_in_the_file_are_told_at_once() {
    stack <<'END'
  web:
    type: process
    binray: sh
    args: [-c, "${NOT_SET} ${ALSO_NOT}"]
    dependencies: [bd]
  db: {type: proces}
END
    up
    refused "services.yaml:5:5: service 'web' (type process) needs the key 'binary'" \
        "services.yaml:6:5: service 'web' (type process) has no key 'binray'; did you mean 'binary'?" \
        "services.yaml:7:16: the variable 'NOT_SET' is not set; set it, or write \${NOT_SET:-default}" \
        "services.yaml:7:16: the variable 'ALSO_NOT' is not set; set it, or write \${ALSO_NOT:-default}" \
        "services.yaml:9:14: the type of service 'db' is process, docker, remote or package, not 'proces'; did you mean 'process'?"
}

cycles_are_told_by_their_path() {
    stack <<'END'
  a: {type: process, binary: "true", dependencies: [b]}
  b: {type: process, binary: "true", dependencies: [c]}
  c: {type: process, binary: "true", dependencies: [a]}
  d: {type: process, binary: "true", dependencies: [e]}
END
    up
    refused "services.yaml:7:53: service 'd' needs 'e', and there is no such service"
    stack <<'END'
  a: {type: process, binary: "true", dependencies: [b]}
  b: {type: process, binary: "true", dependencies: [c]}
  c: {type: process, binary: "true", dependencies: [a]}
END
    up
    refused "services.yaml:4:53: services need each other in a circle: a -> b -> c -> a ('a' needs 'b' at 4:53, 'b' needs 'c' at 5:53, 'c' needs 'a' at 6:53)"
}

what_is_not_supported_is_named() {
    stack <<'END'
  db: {type: docker, image: postgres, ports: [5432]}
  far: {type: remote, host: box, binary: /bin/x}
  web:
    type: process
    binary: sh
    user: nobody
    env: {DB: "${db.ip}"}
    health_check: {http: "http://localhost/"}
  good: {type: process, binary: sh, args: [-c, "echo fine"]}
END
    up
    refused "services.yaml:4:14: service 'db': type docker is not supported yet by this version" \
        "services.yaml:5:15: service 'far': type remote is not supported yet by this version" \
        "services.yaml:9:11: service 'web': 'user' is not supported yet by this version" \
        "services.yaml:10:15: service 'web': '\${db.ip}': the ip of service 'db' (type docker) is not known in this version" \
        "services.yaml:11:19: service 'web': 'health_check' is not supported yet by this version"
    up good # the others are not in its way
    expect_status 0 "$what"
    expect_lines good fine
    up nothing
    refused "services.yaml: there is no service 'nothing'"
    up goot
    refused "services.yaml: there is no service 'goot'; did you mean 'good'?"
}

a_program_that_is_missing_stops_the_stack() {
    stack <<'END'
  db: {type: process, binary: sh, args: [-c, "echo up; exec sleep 1000"], shutdown_timeout: 60}
  web: {type: process, binary: ./no-such-program, dependencies: [db]}
  top: {type: process, binary: sh, args: [-c, "echo never"], dependencies: [web]}
END
    up
    expect_status 1 "$what"
    expect_empty err "$what"
    expect_order 'yoke | db: started, pid' "yoke | web: failed: " 'yoke | stopping 1 service: web has failed' \
        'yoke | db: stopping, sent SIGTERM' 'yoke | db: stopped, signal 15 (SIGTERM)' \
        'yoke | ended, code 1: web was the first to fail'
    expect_text out "$folder/cwd/./no-such-program' does not exist" "$what"
    expect_line out 'yoke | top: not started' "$what"
    expect_no_text out never "$what"
}

a_second_run_of_a_stack_is_refused() {
    stack <<'END'
  a: {type: process, binary: sh, args: [-c, "echo up; exec sleep 1000"]}
END
    up_start
    up_until 'a    | up'
    cp "$folder/out" "$folder/first"
    ln -sf services.yaml "$folder/cwd/link.yaml"
    up -c ./link.yaml
    refused "yoke up: $folder/cwd/services.yaml is up already: process $up_pid runs it"
    cp "$folder/cwd/services.yaml" "$folder/cwd/copy.yaml"
    sed -i 's/exec sleep 1000/exit 0/' "$folder/cwd/copy.yaml"
    up -c copy.yaml # another file is another stack
    expect_status 0 "$what"
    up_signal TERM
    up_end
    expect_status 143 "$what"
    [ -z "$(ls "$folder/data/run")" ] || complain "$what: the lock is left behind"
}

the_command_line_is_checked() {
    up --cofnig x
    expect_status 2 "$what"
    expect_text err 'yoke up: there is no option --cofnig' "$what"
    up -c
    expect_status 2 "$what"
    up -c nothing.yaml
    refused 'yoke up: cannot read nothing.yaml: No such file or directory'
    stack <<'END'
  web: {type: process, binary: nothing, dependencies: [db]}
  db: {type: process, binary: nothing}
END
    up --dry-run
    expect_status 0 "$what"
    checks=$((checks + 1))
    [ "$(cat "$folder/out")" = "$(printf 'db\nweb, after db\n')" ] || complain "$what: the order"
    run up --runtime nosuch
    expect_status 1 "$what"
    expect_text err "yoke up: there is no runtime 'nosuch'" "$what"
}

on_every_runtime mistakes_in_the_file_are_told_at_once
on_every_runtime cycles_are_told_by_their_path
on_every_runtime what_is_not_supported_is_named
on_every_runtime a_program_that_is_missing_stops_the_stack
on_every_runtime a_second_run_of_a_stack_is_refused
on_every_runtime the_command_line_is_checked
finish
