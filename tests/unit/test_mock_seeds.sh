#!/bin/sh
# SPDX-License-Identifier: MIT
# test_mock_seeds - the tests of tasks once more on the runtime mock, each with several orders of the tasks.
#
# Environment: builddir; YOKE_TEST_SEEDS (how many orders, default 3), YOKE_TEST_SEED (only this one, as a failure
# names it).
set -u
: "${builddir:=.}"
seeds=${YOKE_TEST_SEED:-$(seq "${YOKE_TEST_SEEDS:-3}")}

failed=0
for seed in $seeds; do
    for name in cancel cancel_loses_nothing channel condition group mutex offload select semaphore stress task timeout \
        wait_fd; do
        RUNTIMES=mock/$seed YOKE_TEST_SEED=$seed "$builddir/tests/unit/test_$name" && continue
        echo "failed with YOKE_TEST_SEED=$seed"
        failed=1
    done
done
exit $failed
