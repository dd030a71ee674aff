#!/bin/bash
# SPDX-License-Identifier: MIT
# test_demo.sh - the demo stack runs, and editing runtimes.conf alone changes the runtime that yoke up reports.
#
# shellcheck source=tests/system/up_case.sh
. "${srcdir:-.}/tests/system/up_case.sh"
demo=$srcdir/docs/examples/demo/services.yaml
conf=$folder/runtimes.conf
export DEMO_SECONDS=1 YOKE_RUNTIMES="$conf"
sum_before=$(cksum <"$builddir/yoke")
echo '[default]' >"$conf"
echo 'runtime = none' >>"$conf"

the_demo_runs_on_what_the_file_says() {
    sed -i "s/^runtime = .*/runtime = $runtime/" "$conf"
    run up --data-dir "$folder/data" -c "$demo"
    what=$runtime
    expect_status 0
    expect_lines clock 'tick 1'
    expect_lines sensor 'measured 2 degrees'
    expect_lines report 'waiting for what comes' 'nothing to complain of'
    expect_order "demo: 3 services, runtime $runtime " 'clock: started' 'sensor: started' \
        'report: started' 'ended, code 0'
}

on_every_runtime the_demo_runs_on_what_the_file_says
checks=$((checks + 1))
[ "$(cksum <"$builddir/yoke")" = "$sum_before" ] || complain "the program has changed"
finish
