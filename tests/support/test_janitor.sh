#!/bin/sh
# SPDX-License-Identifier: MIT
# test_janitor.sh - tests that end badly leave nothing behind: the planted leaks of planted_leaks.c, one by one.
#
# For each: the run fails, what was left is named on stderr, and it is gone.  The tidy one passes without a word.
set -u

janitor=${builddir:-.}/tests/support/janitor
planted=${builddir:-.}/tests/support/planted_leaks
[ -x "$planted" ] || { echo "planted_leaks is not built (no library check)"; exit 77; }
folder=$(mktemp -d) || exit 99
trap 'rm -rf "$folder"' EXIT
failures=0

complain() {
    echo "FAIL: $*"
    sed 's/^/    | /' "$folder/out" "$folder/err"
    failures=$((failures + 1))
}

# run CASE [COMMAND...]: runs one planted test under a janitor of its own; the status is in $status.
run() {
    PLANTED_PIDS=$folder/pids
    export PLANTED_PIDS
    : >"$PLANTED_PIDS"
    CK_RUN_CASE=$1 "$janitor" "$planted" >"$folder/out" 2>"$folder/err"
    status=$?
}

# alive PID: is it there, and not a zombie?
alive() {
    state=$(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null) && [ -n "$state" ] && [ "$state" != Z ]
}

# check CASE WORDS...: the case must fail, leave nothing, and say each of the words on one line with the child's pid.
check() {
    case=$1
    shift
    run "$case"
    pid=$(cat "$folder/pids")
    [ -n "$pid" ] || complain "$case: started no child"
    [ "$status" -ne 0 ] || complain "$case: the run counts as passed"
    if alive "$pid"; then
        complain "$case: its child $pid is still alive"
        kill -9 "$pid"
    fi
    line=$(grep "^janitor: .*pid $pid (sleep 1000) was left behind; killed\$" "$folder/err")
    [ -n "$line" ] || complain "$case: its child $pid was not named"
    for word in "$@"; do
        case $line in
        *"$word"*) ;;
        *) complain "$case: the line does not say '$word'" ;;
        esac
    done
}

check assertion group "'planted'"
check hang group "'planted'"
check kill group "'planted'"
check kill_program group "'planted'"
[ "$status" -eq 137 ] || complain "kill_program: exit status $status, not 137"
check group group "'planted'"
[ "$status" -eq 70 ] || complain "group: exit status $status, not 70"
check daemon daemon "'planted'"
[ "$status" -eq 70 ] || complain "daemon: exit status $status, not 70"
check orphan unregistered
[ "$status" -eq 70 ] || complain "orphan: exit status $status, not 70"
check forgotten unregistered
[ "$status" -eq 70 ] || complain "forgotten: exit status $status, not 70"

run tidy
[ "$status" -eq 0 ] || complain "tidy: exit status $status"
[ ! -s "$folder/err" ] || complain "tidy: something is said on stderr"

# A container engine that knows one container until it is removed.
cat >"$folder/engine" <<'END'
#!/bin/sh
echo "$*" >>"$ENGINE_LOG"
[ "$1" = rm ] && : >"$ENGINE_LOG.removed"
[ "$1" = rm ] || [ ! -e "$ENGINE_LOG.removed" ]
END
chmod +x "$folder/engine"
ENGINE_LOG=$folder/engine.log YOKE_TEST_DOCKER=$folder/engine
export ENGINE_LOG YOKE_TEST_DOCKER
run container
[ "$status" -eq 70 ] || complain "container: exit status $status, not 70"
grep -q "container planted-container .*left behind; removed" "$folder/err" || complain "container: not named"
grep -qx "rm -f planted-container" "$folder/engine.log" || complain "container: not removed"

# The janitor's own exit statuses and signals.
"$janitor" sh -c 'exit 3'
[ $? -eq 3 ] || complain "the program's exit status is lost"
"$janitor" sh -c 'exit 77'
[ $? -eq 77 ] || complain "a skip is lost"
# shellcheck disable=SC2016 # the inner shell expands
"$janitor" sh -c 'echo "add group 1 0 $$ x" >&$YOKE_JANITOR_FD' 2>/dev/null
[ $? -eq 99 ] || complain "a registration of init was taken"
"$janitor" /nonexistent/program 2>/dev/null
[ $? -eq 127 ] || complain "a program that cannot be started is not an error"

mkfifo "$folder/ready"
"$janitor" sh -c "sleep 1000 & echo \$! >'$folder/ready'; wait" 2>"$folder/err" &
running=$!
read -r pid <"$folder/ready"
kill -TERM "$running"
wait "$running"
[ $? -eq 143 ] || complain "terminated: wrong exit status"
alive "$pid" && { complain "terminated: the child is alive"; kill -9 "$pid"; }

[ "$failures" -eq 0 ] && echo "janitor: all planted leaks were stopped and named"
[ "$failures" -eq 0 ]
