#!/bin/bash
# SPDX-License-Identifier: MIT
# up_case.sh - sourced by the tests of yoke up: a stack, a run of it on each runtime, what it said.
#
# A test is a function that runs once on each runtime of RUNTIMES, `on_every_runtime NAME`; the runtime is $runtime.
# `stack` reads the services from its standard input.  A run is either whole, `up ARGUMENT...`, then $status and
# the files out and err of cli_case.sh; or step by step: `up_start`, `up_until TEXT`, `up_signal INT`, `up_end`.

# shellcheck source=tests/system/cli_case.sh
. "${srcdir:-.}/tests/system/cli_case.sh"
unset NO_COLOR YOKE_RUN_ID
LINE_SECONDS_MAX=60 # only a failure waits so long for a line
up_pid=
# shellcheck disable=SC2154
trap '[ -z "$up_pid" ] || kill -9 "$up_pid" 2>/dev/null; rm -rf "$folder"' EXIT

on_every_runtime() { # FUNCTION
    local name
    for name in ${RUNTIMES-uv ev threads}; do
        runtime=$name
        "$1"
    done
}

stack() {
    {
        printf 'version: "1.0"\nname: test\nservices:\n'
        cat
    } >"$folder/cwd/services.yaml"
}

up() {
    run up --data-dir "$folder/data" --runtime "$runtime" "$@"
    what="$runtime: ${FUNCNAME[1]}"
}

up_start() {
    what="$runtime: ${FUNCNAME[1]}"
    rm -f "$folder/pipe"
    mkfifo "$folder/pipe"
    : >"$folder/out"
    (cd "$folder/cwd" && exec "$yoke" up --data-dir "$folder/data" --runtime "$runtime" "$@") \
        >"$folder/pipe" 2>"$folder/err" </dev/null &
    up_pid=$!
    exec 3<"$folder/pipe"
}

# Reads lines until one has the text; $line is that one.
up_until() { # TEXT
    checks=$((checks + 1))
    while IFS= read -r -t "$LINE_SECONDS_MAX" -u 3 line; do
        printf '%s\n' "$line" >>"$folder/out"
        case $line in *"$1"*) return 0 ;; esac
    done
    complain "$what: there was no line with '$1'"
    return 1
}

up_signal() { # NAME
    kill -s "$1" "$up_pid"
}

# Reads the rest and waits for the end.
up_end() {
    cat <&3 >>"$folder/out"
    exec 3<&-
    wait "$up_pid"
    status=$?
    up_pid=
}

# The lines of one service, or of yoke itself.
lines_of() { # NAME
    sed -n "s/^$1 *| //p" "$folder/out"
}

# expect_lines NAME LINE...: these and no others, in this order; pids are told as N.
expect_lines() {
    local name=$1
    shift
    checks=$((checks + 1))
    if [ "$(lines_of "$name" | sed 's/pid [0-9]*/pid N/')" != "$(printf '%s\n' "$@")" ]; then
        complain "$what: the lines of $name are not"
        printf '    wanted| %s\n' "$@"
    fi
}

# expect_order TEXT...: lines with these texts stand in this order.
expect_order() {
    local text last=0 number
    checks=$((checks + 1))
    for text; do
        number=$(grep -nF -e "$text" "$folder/out" | head -n 1 | cut -d: -f1)
        if [ "${number:-0}" -le "$last" ]; then
            complain "$what: '$text' is not there, or too early"
            return
        fi
        last=$number
    done
}

# expect_gone PID WHAT: no such process, a zombie counts as gone.
expect_gone() {
    checks=$((checks + 1))
    case $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) in
    '' | Z*) ;;
    *) complain "$what: pid $1 ($2) is still there" ;;
    esac
}
