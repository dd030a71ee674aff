#!/bin/bash
# SPDX-License-Identifier: MIT
# test_dev.sh - ./dev asks for the packages that are missing, for no others, and says what it cannot do.
set -u
dev=${srcdir:?run me by make check}/dev
checks=0 failures=0
box=$(mktemp -d)
trap 'rm -rf "$box"' EXIT
mkdir "$box/bin"

# A machine that has all packages but those of $MISSING, and writes down what apt-get is asked for.
cat >"$box/bin/dpkg-query" <<'STUB'
#!/bin/bash
for name; do :; done
case " $MISSING " in *" $name "*) exit 1 ;; esac
printf installed
STUB
cat >"$box/bin/apt-get" <<'STUB'
#!/bin/bash
printf '%s\n' "$*" >>"$BOX/asked"
[ "${APT_FAILS:-}" != "$1" ]
STUB
cp "$box/bin/apt-get" "$box/bin/sudo"
sed -i 's/^printf.*/"$@"; exit/' "$box/bin/sudo"
chmod +x "$box"/bin/*
export BOX=$box PATH=$box/bin:$PATH MISSING=''

said() {
    : >"$box/asked"
    "$dev" "$@" >"$box/out" 2>&1 </dev/null
    status=$?
}
wants() { # WORDS STATUS TEXT: the status, and the text in what it said or in what apt-get was asked for
    checks=$((checks + 1))
    [ "$status" -eq "$2" ] && { [ -z "$3" ] || cat "$box/out" "$box/asked" | grep -qF -e "$3"; } && return
    failures=$((failures + 1))
    echo "FAIL: $1: status $status"
    sed 's/^/    | /' "$box/out" "$box/asked"
}
asked_nothing() {
    checks=$((checks + 1))
    [ ! -s "$box/asked" ] || { failures=$((failures + 1)) && echo "FAIL: $1: apt-get was called"; }
}

said setup
wants "nothing is missing" 0 ''
asked_nothing "nothing is missing"

MISSING='libuv1-dev check'
said setup
wants "two are missing" 0 '== installing libuv1-dev check'
wants "two are missing" 0 'install -q -y --no-install-recommends libuv1-dev check'
said --no-install setup
wants "--no-install" 0 'not installed, and --no-install was given: libuv1-dev check'
asked_nothing "--no-install"
export APT_FAILS=install
said setup
wants "apt-get fails" 1 'install -q -y'
unset APT_FAILS

MISSING=clang-tidy
said setup
asked_nothing "setup needs no tools of lint"

said nonsense
wants "an unknown word" 2 'usage: ./dev'
said sanitize memory
wants "an unknown sanitizer" 1 'the kinds are address and thread'
said test
wants "test without a name" 1 'needs the name of a test program'
said help
wants "help" 0 'run [ARG...]'
checks=$((checks + 1))
# shellcheck disable=SC2013
for word in $(sed -n 's/^  \([a-z]*\) .*/\1/p' "$box/out"); do
    grep -qE "(^|[ |(])$word( |\)|\(\))" <(sed -n '/^case \$command in/,$p' "$dev") ||
        { failures=$((failures + 1)) && echo "FAIL: help names $word, which dev does not know"; }
done

# What is counted: Check's lines, programs without such, a crash behind fine checks, what was left out.
mkdir "$box/results"
result() { # NAME RESULT LOG
    printf ':global-test-result: %s\n' "$2" >"$box/results/$1.trs"
    printf '%s\n' "$3" >"$box/results/$1.log"
}
counts() { # WANTED WORDS
    checks=$((checks + 1))
    local got
    got=$("${srcdir}/tools/count-results" "$box/results")
    [ "$got" = "$1" ] || { failures=$((failures + 1)) && echo "FAIL: $2: counted $got, wanted $1"; }
}
counts '0 0 0' 'no results'
result one PASS $'100%: Checks: 5, Failures: 0, Errors: 0\n100%: Checks: 2, Failures: 0, Errors: 0, Skips: 1'
counts '6 0 1' 'two suites'
result two FAIL '60%: Checks: 5, Failures: 1, Errors: 1'
counts '9 2 1' 'a failure and an error'
result three FAIL '100%: Checks: 5, Failures: 0, Errors: 0'
counts '13 3 1' 'fine checks, then a crash'
result four PASS 'no such line'
result five FAIL 'no such line'
result six SKIP 'objects of a sanitizer build'
result seven ERROR ''
counts '14 5 2' 'programs that count as one'

echo "Checks: $checks, Failures: $failures, Errors: 0"
[ "$failures" -eq 0 ]
