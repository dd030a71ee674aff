#!/bin/sh
# SPDX-License-Identifier: MIT
# every_runtime.sh - each runtime that is built does what the spawner ABI says; so does each inside of chaos.
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

check_one() { # the plugin's name, options
    name=$1
    shift
    out=$("$check" "$plugins/runtime_$name.so" --timeout-scale 3 "$@" 2>&1) || failed=1
    echo "$name $*"
    echo "$out" | grep -v '^pass'
    echo "$out" | counts
}

# shellcheck disable=SC2086  # words
[ $# -gt 0 ] || set -- ${RUNTIMES:?names the runtimes}
failed=0
for runtime; do
    check_one "$runtime"
done
# Everything that chaos does is allowed, so it must not matter; a runtime of the tests, built by them.
if [ -f "$plugins/runtime_chaos.so" ]; then
    for runtime; do
        check_one chaos --option "inner=$runtime" --option "seed=$$" --jobs 4
    done
fi
[ ! -f "$plugins/runtime_mock.so" ] || check_one mock
exit $failed
