#!/bin/sh
# SPDX-License-Identifier: MIT
# cli_case.sh - sourced by tests of the program yoke: runs it, compares status, output and errors.
#
# After `run ARGUMENT...`: $status, and the files $folder/out and $folder/err.  At the end: finish.
# Nothing of the user's environment counts: HOME is an empty folder, the runtimes are those of the build folder.

builddir=${builddir:-.}
yoke=$builddir/yoke
[ -x "$yoke" ] || { echo "there is no $yoke"; exit 99; }
folder=$(mktemp -d) || exit 99
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/home" "$folder/cwd"
HOME=$folder/home
YOKE_PLUGIN_PATH=$builddir/.libs
export HOME YOKE_PLUGIN_PATH
unset YOKE_RUNTIME YOKE_RUNTIMES XDG_CONFIG_HOME YOKE_CONFORMANCE
checks=0 failures=0

complain() {
    echo "FAIL: $*"
    sed 's/^/    out| /' "$folder/out"
    sed 's/^/    err| /' "$folder/err"
    failures=$((failures + 1))
}

run() {
    (cd "$folder/cwd" && "$yoke" "$@") >"$folder/out" 2>"$folder/err" </dev/null
    status=$?
}

# expect_status N WHAT
expect_status() {
    checks=$((checks + 1))
    [ "$status" -eq "$1" ] || complain "$2: exit status $status, wanted is $1"
}

# expect_line FILE LINE WHAT: the file (out, err) has that line, whole.
expect_line() {
    checks=$((checks + 1))
    grep -qxF -e "$2" "$folder/$1" || complain "$3: std$1 has no line '$2'"
}

# expect_text FILE TEXT WHAT: the file has that text.
expect_text() {
    checks=$((checks + 1))
    grep -qF -e "$2" "$folder/$1" || complain "$3: std$1 does not say '$2'"
}

# expect_no_text FILE TEXT WHAT
expect_no_text() {
    checks=$((checks + 1))
    ! grep -qF -e "$2" "$folder/$1" || complain "$3: std$1 says '$2'"
}

# expect_empty FILE WHAT
expect_empty() {
    checks=$((checks + 1))
    [ ! -s "$folder/$1" ] || complain "$2: std$1 is not empty"
}

finish() {
    echo "Checks: $checks, Failures: $failures, Errors: 0"
    [ "$failures" -eq 0 ]
    exit
}
