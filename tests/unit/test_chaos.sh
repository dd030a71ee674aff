#!/bin/sh
# SPDX-License-Identifier: MIT
# test_chaos - the tests of tasks once more, on each runtime inside chaos: random yields, wake-ups without a cause,
# stale readiness and delays.
set -u
runtimes=
for runtime in $RUNTIMES; do
    runtimes="$runtimes chaos/$runtime"
done

# run STALE NAME...: one runtime at a time, since chaos holds one a process.
failed=0
run() {
    stale=$1
    shift
    for name; do
        for runtime in $runtimes; do
            RUNTIMES=$runtime YOKE_TEST_STALE=$stale "$builddir/tests/unit/test_$name" || failed=1
        done
    done
}
run 1 cancel_loses_nothing channel child condition mutex offload semaphore stress task
run 0 select wait_fd # they say when a descriptor is not ready
exit $failed
