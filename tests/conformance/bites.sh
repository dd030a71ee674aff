#!/bin/sh
# SPDX-License-Identifier: MIT
# bites.sh - the conformance kit finds what is broken: each planted fault makes the behaviours fail that are named
# beside it, and what is not broken, or is allowed, makes none fail.
#
# Usage: bites.sh [RUNTIME...]   the good runtimes that are broken; default: the first of RUNTIMES
# Environment: builddir, srcdir, RUNTIMES, YOKE_TEST_PLUGIN_DIR; CHECK and BROKEN name the program and the folder of
# the planted plugins (default: below builddir).
set -u

: "${builddir:=.}" "${srcdir:=.}"
check=${CHECK:-$builddir/yoke-conformance}
broken=${BROKEN:-$builddir/tests/conformance/.libs}
plugins=${YOKE_TEST_PLUGIN_DIR:-$builddir/.libs}
at_once=4 # most of the time is waiting

# way: the behaviours that must fail; or "load", and a word of the sentence by which it is refused
ways='
wrong_magic: load magic
wrong_major: load major
newer_host_needed: load needs
short_entry: load bytes
crash_at_load: load Aborted
knows_any_extension: load.unknown_extension_is_null
thread_at_load: load.nothing_before_create
takes_any_option: load.unknown_option_refused
leaks_fd: create_destroy_leaks_nothing
leaks_memory: create_destroy_leaks_nothing
leaks_thread: create_destroy_leaks_nothing
never_refuses_destroy: destroy_with_live_task_EBUSY_and_still_usable destroy_with_task_handle_EBUSY destroy_with_open_io_EBUSY
hangs_in_destroy: block_on_returns_main_result
stats_overrun: load.stats_writes_no_more_than_asked
loses_main_result: block_on_returns_main_result
callers_stack: spawn_not_on_callers_stack short_task_not_on_callers_stack
runs_some_twice: spawn_runs_exactly_once
arg_not_copied: arg_copy_survives_callers_return
extra_not_copied: task_extra_copied
writes_task_on_failure: spawn_EAGAIN_at_tasks_max bad_options_refused
small_stacks: stack_size_honoured
frees_too_early: last_unref_counts
loses_wakeups: wake_race_litmus pingpong_loses_no_wakeup
two_tokens: double_unpark_one_token
early_timer: park_never_early timer_after_busy_task_not_early
early_io_timer: io_deadline_never_early
spins_when_idle: idle_uses_no_cpu
closed_not_told: io_close_while_waited_EBADF
pipe_error: pipe_reader_closed_OUT_ready_not_error
deaf_io_wait: unpark_interrupts_io_wait_EINTR
eats_token: readiness_beats_token
always_ready: deadline_past_does_one_check
polls_only_when_idle: ready_loop_polls_io
changes_fd_flags: flags_of_fd_unchanged
wrong_codes: bad_arguments_refused
jobs_inline: offload_runs_off_the_task
sigchld_handler: SIGCHLD_SIGPIPE_dispositions_untouched
changes_mask: signal_mask_of_task_unchanged
inherited_fd: child_inherits_no_fds
prints: prints_nothing
renames_caller: caller_is_as_before
no_thread_hooks: current_task_is_known
'
allowed=wakes_without_token # W1 allows it: nothing may be found

# Each of these prints one line: "ok" or "not found: ...".

expect_failures() { # $1 the way, the rest the behaviours that must fail
    way=$1
    shift
    only=
    for name; do
        only="$only --only $name"
    done
    # shellcheck disable=SC2086  # words
    out=$(YOKE_BROKEN_BY=$way "$check" "$broken/runtime_broken.so" --timeout-scale 0.4 $only 2>&1)
    for name; do
        if echo "$out" | grep -q "^fail  $name  ("; then
            echo ok
        else
            echo "not found: $way: $name does not fail: $(echo "$out" | head -n 1)"
        fi
    done
}

expect_not_loaded() { # $1 the way, $2 a word of the sentence, which names the file, too
    out=$(YOKE_BROKEN_BY=$1 "$check" "$broken/runtime_broken.so" --only load.entry_is_complete 2>&1)
    status=$?
    case $status:$out in
    2:*runtime_broken.so:*"$2"*) echo ok ;;
    *) echo "not found: $1: exit status $status, expected 2 and '$2': $(echo "$out" | head -n 1)" ;;
    esac
}

expect_no_failure() { # $1 what is true of the plugin
    if out=$("$check" "$broken/runtime_broken.so" --jobs "$at_once" 2>&1); then
        echo ok
    else
        echo "found something where nothing is wrong: $1: $(echo "$out" | grep '^fail' | tr '\n' ' ')"
    fi
}

expect_second_symbol_found() {
    if "$check" "$broken/runtime_broken_exports.so" --only load.only_one_symbol_exported |
        grep -q '^fail  load.only_one_symbol_exported  (.*broken_second_symbol'; then
        echo ok
    else
        echo "not found: a second exported symbol"
    fi
}

break_one() {
    names=$(echo "$ways" | sed -n "s/^$1: //p")
    # shellcheck disable=SC2086  # words
    case $names in
    '') echo "not found: way $1 is not in the list of $0" ;;
    'load '*) expect_not_loaded "$1" "${names#load }" ;;
    *) expect_failures "$1" $names ;;
    esac
}

# Every way that the planted plugin knows.
known_ways() {
    sed -n 's/^    {"\([a-z_]*\)",.*/\1/p' "$srcdir"/tests/conformance/broken/break_*.c | grep -v "^$allowed\$"
}

break_runtime() {
    YOKE_BROKEN_INNER=$plugins/runtime_$1.so
    export YOKE_BROKEN_INNER
    known_ways | xargs -P "$at_once" -I '{}' "$0" --way '{}'
    expect_second_symbol_found
    expect_no_failure "$1, forwarded, not broken"
    YOKE_BROKEN_BY=$allowed expect_no_failure "$1, woken without a token"
}

if [ "${1:-}" = --way ]; then
    break_one "$2"
    exit 0
fi
[ $# -gt 0 ] || set -- "${RUNTIMES%% *}"
results=$(for runtime; do break_runtime "$runtime"; done)
checks=$(echo "$results" | grep -c .)
failures=$(echo "$results" | grep -v '^ok$' | grep -c 'found')
echo "$results" | grep -v '^ok$'
echo "Checks: $checks, Failures: $failures, Errors: 0"
[ "$failures" -eq 0 ] && [ "$checks" -gt 40 ]
