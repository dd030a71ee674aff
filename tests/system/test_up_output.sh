#!/bin/bash
# SPDX-License-Identifier: MIT
# test_up_output.sh - yoke up: lines of every kind come through, as text and as JSON.
# shellcheck disable=SC2016,SC2119,SC2317 # dollars are the services'; functions without arguments; called by name
set -u
# shellcheck source=tests/system/up_case.sh
. "${srcdir:-.}/tests/system/up_case.sh"

# A command of a service in a file of its own, so that nothing needs quoting.
script() { # NAME, from standard input
    cat >"$folder/cwd/$1"
}

one_service() {
    stack <<'END'
  a: {type: process, binary: sh, args: [script]}
END
}

same_bytes() { # FILE WHAT: the lines of a, without prefix, are these bytes
    checks=$((checks + 1))
    sed -n 's/^a    |[ +]//p' "$folder/out" | cmp -s - "$1" || complain_short "$2"
}

complain_short() {
    echo "FAIL: $what: $1 ($(wc -c <"$folder/out") bytes of output)"
    failures=$((failures + 1))
}

output_without_newline_is_shown() {
    one_service
    script script <<'END'
printf 'first\nlast'
printf 'on stderr' >&2
END
    up
    expect_status 0 "$what"
    expect_line out 'a    | first' "$what"
    expect_line out 'a    | last' "$what"
    expect_line out 'a    | on stderr' "$what"
    expect_order 'a    | last' 'a: exited'
}

long_lines_come_whole() {
    one_service
    head -c 1048576 /dev/zero | tr '\0' x >"$folder/cwd/mebibyte"
    script script <<'END'
cat mebibyte; echo
cat mebibyte; echo and more
echo short
END
    up
    expect_status 0 "$what"
    checks=$((checks + 4))
    [ "$(lines_of a | sed -n 1p | wc -c)" -eq 1048577 ] || complain_short "1 MiB did not come whole"
    [ "$(lines_of a | sed -n 2p | wc -c)" -eq 1048577 ] || complain_short "a longer line has no first piece of 1 MiB"
    grep -qx 'a    |+and more' "$folder/out" || complain_short "the second piece is not flagged"
    grep -qx 'a    | short' "$folder/out" || complain_short "the line behind it"
}

bytes_pass_unharmed() {
    one_service
    # shellcheck disable=SC2059
    for i in $(seq 0 255); do printf "\\$(printf %03o "$i")"; done >"$folder/cwd/bytes"
    printf '\nand again\r\n\n\033[31mred\n' >>"$folder/cwd/bytes"
    script script <<'END'
cat bytes
END
    up
    expect_status 0 "$what"
    same_bytes "$folder/cwd/bytes" "bytes were changed"
}

many_lines_are_all_there() {
    one_service
    script script <<'END'
seq 1 200000
END
    up
    expect_status 0 "$what"
    seq 1 200000 >"$folder/wanted"
    same_bytes "$folder/wanted" "lines are missing or out of order"
}

json_is_one_object_a_line() {
    stack <<'END'
  a: {type: process, binary: sh, args: [script]}
  b: {type: process, binary: sh, args: [-c, "exit 4"], dependencies: [a]}
END
    script script <<'END'
printf 'text "quoted" \303\244\n\377\376\n\nend'
echo error >&2
END
    up --json
    expect_status 4 "$what"
    expect_json() {
        checks=$((checks + 1))
        sed 's/"time":"[^"]*",//; s/"pid":[0-9]*/"pid":0/' "$folder/out" | grep -qxF -e "$1" || complain "$what: no $1"
    }
    expect_json '{"event":"started","service":"a","pid":0}'
    expect_json '{"event":"line","service":"a","stream":"stdout","text":"text \"quoted\" ä"}'
    expect_json '{"event":"line","service":"a","stream":"stdout","base64":"//4="}'
    expect_json '{"event":"line","service":"a","stream":"stdout","text":""}'
    expect_json '{"event":"line","service":"a","stream":"stdout","text":"end","unended":true}'
    expect_json '{"event":"line","service":"a","stream":"stderr","text":"error"}'
    expect_json '{"event":"exited","service":"b","pid":0,"code":4}'
    expect_json '{"event":"closed","code":4,"reason":"b was the first to fail"}'
    checks=$((checks + 1))
    ! grep -vq '^{"time":"20[0-9-]*T[0-9:.]*Z","event":".*}$' "$folder/out" || complain "$what: not an event"
    expect_text out "\"event\":\"opened\",\"stack\":\"test\",\"services\":2,\"runtime\":\"$runtime\"" "$what"
}

a_terminal_is_spared_what_would_drive_it() {
    one_service
    script script <<'END'
printf 'plain\n\033[32mgreen\n\033]0;title\007\033[2J\n'
END
    command -v script >/dev/null || return 0
    run_in_terminal() { # ENVIRONMENT ARGUMENT...
        local variable=$1
        shift
        (cd "$folder/cwd" && TERM=xterm env "$variable" script -qec \
            "'$yoke' up --data-dir '$folder/data' --runtime $runtime $*" /dev/null) </dev/null |
            tr -d '\r' >"$folder/out"
        what="$runtime: ${FUNCNAME[1]} $variable $*"
    }
    run_in_terminal A=1
    expect_line out "$(printf '\033[36ma    |\033[0m plain')" "$what"
    expect_line out "$(printf '\033[36ma    |\033[0m \033[32mgreen\033[0m')" "$what"
    expect_line out "$(printf '\033[36ma    |\033[0m ^[]0;title^G^[[2J')" "$what"
    run_in_terminal NO_COLOR=1
    expect_line out 'a    | plain' "$what"
    expect_line out 'a    | green' "$what"
    run_in_terminal A=1 --no-color
    expect_line out 'a    | green' "$what"
    expect_line out 'a    | ^[]0;title^G^[[2J' "$what"
}

nobody_reads_and_the_stack_stops() {
    stack <<'END'
  a: {type: process, binary: sh, args: [-c, "yes | head -n 100000; exec sleep 1000"]}
END
    what="$runtime: ${FUNCNAME[0]}"
    checks=$((checks + 1))
    (
        cd "$folder/cwd" || exit 99
        "$yoke" up --data-dir "$folder/data" --runtime "$runtime" 2>"$folder/err"
        echo $? >"$folder/status"
    ) | head -n 1 >"$folder/out"
    [ "$(cat "$folder/status")" -eq 141 ] || complain "$what: exit status $(cat "$folder/status"), wanted is 141"
    expect_empty err "$what"
}

a_full_disk_is_told() {
    stack <<'END'
  a: {type: process, binary: sh, args: [-c, "echo hello"]}
END
    what="$runtime: ${FUNCNAME[0]}"
    (cd "$folder/cwd" && "$yoke" up --data-dir "$folder/data" --runtime "$runtime" >/dev/full 2>"$folder/err")
    status=$?
    : >"$folder/out"
    expect_status 1 "$what"
    expect_line err 'yoke up: cannot write to standard output: No space left on device' "$what"
}

# More than the console keeps, to a reader that reads nothing until all of it is written.
a_reader_that_pauses_is_told_what_it_missed() { # MARKER [ARGUMENT]
    one_service
    script script <<'END'
yes "$(printf %010000d 0)" | head -n 2000
echo all >gate
read x <gate
echo after
END
    rm -f "$folder/cwd/gate"
    mkfifo "$folder/cwd/gate"
    local marker=$1
    shift
    up_start "$@"
    read -r _ <"$folder/cwd/gate"
    line=$(timeout 60 grep -m 1 'not shown: the terminal did not take them' <&3) # there is nothing behind it
    checks=$((checks + 1))
    [[ $line =~ $marker ]] || complain_short "the marker is: $line"
    echo go >"$folder/cwd/gate"
    up_end
    expect_status 0 "$what"
    expect_text out after "$what"
}
a_text_reader_that_pauses() {
    a_reader_that_pauses_is_told_what_it_missed '^yoke \| [1-9][0-9]* lines were not shown: [a-z ]*$'
}
a_json_reader_that_pauses() {
    a_reader_that_pauses_is_told_what_it_missed \
        '^\{"event":"note","reason":"[1-9][0-9]* lines were not shown: [a-z ]*"\}$' --json
}

an_escaped_process_does_not_hold_the_end() {
    command -v setsid >/dev/null || return 0
    one_service
    script script <<'END'
mkfifo gate
setsid sh -c 'echo $$ >escaped; echo escaped; read x <gate' &
read x <ready
echo leaving
END
    rm -f "$folder/cwd/gate" "$folder/cwd/ready" "$folder/cwd/escaped"
    mkfifo "$folder/cwd/ready"
    up_start
    up_until 'a    | escaped'
    echo go >"$folder/cwd/ready"
    up_end
    expect_status 0 "$what"
    expect_text out 'a: something that it started has left its process group and holds its output open' "$what"
    kill -9 "$(cat "$folder/cwd/escaped")" 2>/dev/null
}

on_every_runtime output_without_newline_is_shown
on_every_runtime long_lines_come_whole
on_every_runtime bytes_pass_unharmed
on_every_runtime many_lines_are_all_there
on_every_runtime json_is_one_object_a_line
on_every_runtime a_terminal_is_spared_what_would_drive_it
on_every_runtime nobody_reads_and_the_stack_stops
on_every_runtime a_full_disk_is_told
on_every_runtime a_text_reader_that_pauses
on_every_runtime a_json_reader_that_pauses
on_every_runtime an_escaped_process_does_not_hold_the_end
finish
