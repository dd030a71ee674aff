#!/bin/bash
# SPDX-License-Identifier: MIT
# test_up_runtime.sh - yoke up: the runtime is what runtimes.conf says; nothing but its name is different.
# shellcheck disable=SC2016,SC2119,SC2317 # dollars are the services'; functions without arguments; called by name
set -u
# shellcheck source=tests/system/up_case.sh
. "${srcdir:-.}/tests/system/up_case.sh"

stack <<'END'
  db: {type: process, binary: sh, args: [-c, "echo db; echo warn >&2"]}
  web: {type: process, binary: sh, args: [-c, "seq 1 100; exit 3"], dependencies: [db]}
  top: {type: process, binary: sh, args: [-c, "printf end"], dependencies: [web]}
END
mkdir -p "$folder/home/.config/yoke"
conf=$folder/home/.config/yoke/runtimes.conf
before=$(cksum <"$yoke")

for runtime in ${RUNTIMES-uv ev threads}; do
    what=$runtime
    printf '[default]\nruntime = %s\n' "$runtime" >"$conf"
    run up --data-dir "$folder/data"
    expect_status 3 "$what"
    expect_empty err "$what"
    expect_text out "yoke | test: 3 services, runtime $runtime " "$what"
    # What each says, in its order; the runtime's name and the pids apart.
    for name in yoke/db yoke/web yoke/top yoke db web top; do
        echo "== $name"
        case $name in
        yoke/*) lines_of yoke | grep "^${name#yoke/}: " ;;
        yoke) lines_of yoke | grep -v '^[a-z]*: \(started\|exited\)' ;;
        *) lines_of "$name" | sort -s -k1,1 -t_ ;;
        esac | sed 's/pid [0-9]*/pid N/; s/runtime [a-z]* .*/runtime R/'
    done >"$folder/said.$runtime"
    first=${first:-$runtime}
    checks=$((checks + 1))
    cmp -s "$folder/said.$first" "$folder/said.$runtime" || {
        complain "$runtime says something else than $first"
        diff "$folder/said.$first" "$folder/said.$runtime"
    }
done
checks=$((checks + 2))
[ "$(cksum <"$yoke")" = "$before" ] || complain "the binary has changed"
[ "$(grep -c . "$folder/said.$first")" -gt 100 ] || complain "nothing was compared"
finish
