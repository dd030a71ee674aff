#!/bin/sh
# SPDX-License-Identifier: MIT
# every_runtime.sh - each runtime that is built does what the spawner ABI says.
#
# Usage: every_runtime.sh [RUNTIME...]   default: RUNTIMES
# Environment: builddir, RUNTIMES, YOKE_TEST_PLUGIN_DIR; CHECK names the program (default: below builddir).
set -u

: "${builddir:=.}"
check=${CHECK:-$builddir/yoke-conformance}
plugins=${YOKE_TEST_PLUGIN_DIR:-$builddir/.libs}

# "uv 1.0 (...): 150 behaviours: 140 pass, 2 warn, 3 skip, 5 fail; seed 7" as the counts of a test program.
counts() {
    sed -n 's/.*: \([0-9]*\) behaviours: .* \([0-9]*\) skip, \([0-9]*\) fail; .*/Checks: \1, Failures: \3, Errors: 0, Skips: \2/p'
}

# shellcheck disable=SC2086  # words
[ $# -gt 0 ] || set -- ${RUNTIMES:?names the runtimes}
failed=0
for runtime; do
    out=$("$check" "$plugins/runtime_$runtime.so" --timeout-scale 3 2>&1) || failed=1
    echo "$out" | grep -v '^pass'
    echo "$out" | counts
done
exit $failed
