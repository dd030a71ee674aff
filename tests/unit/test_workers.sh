#!/bin/sh
# SPDX-License-Identifier: MIT
# test_workers - the tests of tasks once more, on runtimes with three loops and tasks spread over them.
set -u
runtimes=
for runtime in $RUNTIMES; do
    case $runtime in uv | ev) runtimes="$runtimes $runtime/3" ;; esac
done
[ -n "$runtimes" ] || exit 77 # no runtime with loops is under test

failed=0
for name in cancel cancel_loses_nothing channel child child_end condition console group mutex offload reaper \
    run select semaphore stress task timeout wait_fd; do
    RUNTIMES=$runtimes "$builddir/tests/unit/test_$name" || failed=1
done
exit $failed
