#!/bin/sh
# SPDX-License-Identifier: MIT
# test_man.sh - man pages say what the program says of itself: each command, option, key and section.
#
# shellcheck source=tests/system/cli_case.sh
. "${srcdir:-.}/tests/system/cli_case.sh"
man=${srcdir:-.}/docs/man

# plain FILE: the page as words, without mdoc's marks.
plain() {
    sed -E 's/^\.(It|Op|Ic|Cm|Fl|Li|Nm|Ev|Pa|Xr) //; s/(^| )Fl /\1-/g; s/ (Ar|Op|Ns|Pa|Cm) / /g' "$1"
}
plain "$man/yoke.1" >"$folder/yoke.1"
plain "$man/runtimes.conf.5" >"$folder/runtimes.conf.5"
plain "$man/services.yaml.5" >"$folder/services.yaml.5"

# has PAGE WORD
has() {
    checks=$((checks + 1))
    grep -qwF -e "$2" "$folder/$1" || complain "$1 does not have $2"
}

# page COMMAND...: the help of a command, and of those below it, is in yoke(1).
page() {
    run "$@" --help
    expect_status 0 "yoke $* --help"
    if grep -q '^commands:$' "$folder/out"; then
        # shellcheck disable=SC2013
        for word in $(sed -n 's/^  \([a-z]*\)  .*/\1/p' "$folder/out"); do
            page "$@" "$word"
        done
    else
        has yoke.1 "$*"
        for option in $(grep -oE '(^|[ [,])--?[a-z][a-z-]*' "$folder/out" | tr -d ' [,' | sort -u); do
            has yoke.1 "$option"
        done
    fi
}

page
echo 'key = value' >"$folder/conf"
# shellcheck disable=SC2013
for key in $(sed -n 's/^#\([a-z_]*\) = .*/\1/p' "${srcdir:-.}/runtimes.conf"); do
    has runtimes.conf.5 "$key"
done
# shellcheck disable=SC2013
for key in $(sed -n 's/^ *{"\([a-z_]*\)", [a-z_]*, .*/\1/p' "${srcdir:-.}"/servers/stack/*.c | sort -u); do
    has services.yaml.5 "$key"
done
printf '[x]\n' >"$folder/conf"
run config check --runtimes "$folder/conf"
for section in $(sed -n 's/.*there are: //p' "$folder/err" | tr -d ,); do
    has runtimes.conf.5 "$section"
done
checks=$((checks + 1))
[ "$checks" -gt 30 ] || complain "only $checks things were compared"

if [ -n "${MANDOC:-}" ]; then
    checks=$((checks + 1))
    "$MANDOC" -Tlint -Wwarning "$man"/*.[0-9] || complain "mandoc has something to say"
fi
finish
