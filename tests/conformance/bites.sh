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
makes_itself_global: load.rtld_now_local
wrong_id: load.entry_is_complete
understates_extra: load.too_large_extra_refused
claims_virtual_time: load.known_extensions_fit
hides_workers: workers_without_cap_refused
refuses_longer_config: load.longer_structs_accepted
leaves_a_verb_out: load.verbs_are_complete
takes_any_option: load.unknown_option_refused
leaks_fd: create_destroy_leaks_nothing
leaks_memory: create_destroy_leaks_nothing
leaks_thread: create_destroy_leaks_nothing
never_refuses_destroy: destroy_with_live_task_EBUSY_and_still_usable destroy_with_task_handle_EBUSY destroy_with_open_io_EBUSY
hangs_in_destroy: block_on_returns_main_result
stats_overrun: load.stats_writes_no_more_than_asked
loses_main_result: block_on_returns_main_result
admits_second_driver: block_on_from_second_thread_EBUSY
loses_names: name_is_told
one_id: head_is_filled
handle_not_counted: task_ends_while_handle_held
refuses_foreign_spawns: spawn_from_foreign_thread spawn_from_offload_thread
drops_early_spawns: spawn_before_block_on
does_not_yield: yield_lets_ready_tasks_run
swallows_token: token_outlives_a_deadline
says_0_for_a_look: park_deadline_past_returns_at_once
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
edges_only: ready_before_wait
ignores_hang_ups: pipe_writer_closed_IN_ready half_close_is_ready hang_up_only_is_ready unconnected_socket
hangs_in_foreign_close: io_close_unwaited_by_foreign_thread
changes_fd_flags: flags_of_fd_unchanged
wrong_codes: bad_arguments_refused
jobs_inline: offload_runs_off_the_task
runs_refused_jobs: offload_result_and_wake_race
refuses_foreign_jobs: offload_from_foreign_thread
touches_freed_jobs: offload_job_may_free_itself
ignores_sigchld: fork_in_task_exec_works fork_from_offload_thread
unblocks_signals: signalfd
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
        elif echo "$out" | grep -q "^skip  $name  ("; then
            echo "left out: $way: $runtime lacks what $name needs"
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
    if out=$("$check" "$broken/runtime_broken.so" --jobs "$at_once" --timeout-scale 3 2>&1); then
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
    runtime=$1
    YOKE_BROKEN_INNER=$plugins/runtime_$1.so
    export YOKE_BROKEN_INNER runtime
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
failures=$(echo "$results" | grep -c 'found')
skips=$(echo "$results" | grep -c '^left out')
echo "$results" | grep -v '^ok$'
echo "Checks: $checks, Failures: $failures, Errors: 0, Skips: $skips"
[ "$failures" -eq 0 ] && [ "$checks" -gt 60 ]
