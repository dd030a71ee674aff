#!/bin/sh
# SPDX-License-Identifier: MIT
# test_contexts - the kit's other ways of changing stacks: ucontext, and aarch64 under qemu-user.
#
# Builds tasks, kit and the epoll driver of docs/examples in one program each, and runs it.
set -eu
: "${srcdir:?}" "${builddir:?}" "${CC:?}"
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
failed=0

# build COMPILER FLAG...: makes $work/tasks.
build() {
    compiler=$1
    shift
    # shellcheck disable=SC2086 # the compiler may come with arguments
    (cd "$srcdir" && $compiler -std=gnu11 -O2 -D_GNU_SOURCE -DYK_PLUGIN_VERSION='"test"' \
        -DYOKE_VERBS_HEADER='"tests/bench/direct_verbs.h"' -I. -I"$builddir/include" "$@" -o "$work/tasks" \
        tests/bench/bench_tasks.c tests/bench/side_native.c core/base/lock.c core/runtime/host.c \
        core/task/channel.c core/task/group.c core/task/run.c core/task/semaphore.c core/task/task.c \
        core/task/waiting.c plugins/kit/*.c docs/examples/epoll/epoll_driver.c -lpthread)
}

# try NAME RUNNER: each kind of work ends, and ends well.
try() {
    for what in cycle spawn pingpong yield parked; do
        # shellcheck disable=SC2086 # no runner is no word
        if timeout 60 $2 "$work/tasks" epoll $what 2000 >"$work/out" 2>&1; then
            echo "ok - $1 $what"
        else
            echo "not ok - $1 $what"
            cat "$work/out"
            failed=1
        fi
    done
}

build "$CC" -DKIT_CONTEXT_PORTABLE && try ucontext ""
if command -v aarch64-linux-gnu-gcc >/dev/null && command -v qemu-aarch64 >/dev/null; then
    build aarch64-linux-gnu-gcc -static && try aarch64 qemu-aarch64
else
    echo "skipped - aarch64: aarch64-linux-gnu-gcc or qemu-aarch64 is not installed"
fi
exit $failed
