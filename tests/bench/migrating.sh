#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# migrating.sh - what each conversion of docs/MIGRATING.md costs or saves: time after it / time before it.
#
# Usage: migrating.sh BUILDDIR [ROUNDS]     (RUNTIMES: which; "uv ev threads" if not set)
# Prints a Markdown table: the median of ROUNDS (9) ratios, each of two runs one right after the other, and in brackets
# the least and the greatest.
set -euo pipefail
programs=$1/docs/examples/migrating
rounds=${2:-9}
export YOKE_PLUGIN_PATH=${YOKE_PLUGIN_PATH:-$(cd "$1" && pwd)/.libs}
read -ra runtimes <<<"${RUNTIMES:-uv ev threads}"

# conversion: operations of one run, about a fifth of a second of the slower side
pairs=(handler:10000 events:100000 stdin:20000 test_server:3000 teardown:4000)

# Prints the nanoseconds that an operation took.
run() {
    local line
    line=$("$@") || { echo "migrating.sh: $* failed" >&2; return 1; }
    [[ $line =~ ^[0-9]+\ operations,\ ([0-9]+)\ ns\ per\ operation$ ]] ||
        { echo "migrating.sh: $* printed '$line'" >&2; return 1; }
    echo "${BASH_REMATCH[1]}"
}

# ratio PAIR COUNT RUNTIME
ratio() {
    local i before after
    for ((i = 0; i < rounds; i++)); do
        if ((i % 2 == 0)); then
            before=$(run "$programs/before_$1" "$2")
            after=$(YOKE_RUNTIME=$3 run "$programs/after_$1" "$2")
        else
            after=$(YOKE_RUNTIME=$3 run "$programs/after_$1" "$2")
            before=$(run "$programs/before_$1" "$2")
        fi
        echo "$after $before"
    done | awk '{ print $1 / $2 }' | sort -g |
        awk '{ r[NR] = $1 } END { printf "%.2f (%.2f..%.2f)", (r[int((NR + 1) / 2)] + r[int(NR / 2) + 1]) / 2, r[1], r[NR] }'
}

printf '| conversion |'
printf ' %s |' "${runtimes[@]}"
printf '\n|---|'
printf -- '---|%.0s' "${runtimes[@]}"
printf '\n'
for pair in "${pairs[@]}"; do
    name=${pair%:*}
    if ! [[ -x $programs/before_$name ]]; then
        printf '| %s | not built |\n' "$name"
        continue
    fi
    printf '| %s |' "$name"
    for runtime in "${runtimes[@]}"; do
        result=$(ratio "$name" "${pair#*:}" "$runtime")
        printf ' %s |' "$result"
    done
    printf '\n'
done
