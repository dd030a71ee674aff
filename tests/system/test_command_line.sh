#!/bin/sh
# SPDX-License-Identifier: MIT
# test_command_line.sh - the words of yoke: help, version, what is mistyped, and what cannot be printed.
set -u
. "${srcdir:-.}/tests/system/cli_case.sh"

run
expect_status 2 "no command"
expect_empty out "no command"
expect_line err "usage: yoke COMMAND [ARGUMENT]..." "no command"

for word in help --help -h; do
    run $word
    expect_status 0 "$word"
    expect_empty err "$word"
    expect_text out "  version " "$word"
    expect_text out "  runtime " "$word"
    expect_text out "  config " "$word"
done

run help runtime
expect_status 0 "help runtime"
expect_text out "usage: yoke runtime" "help runtime"
for words in "help runtime list" "runtime help list" "runtime list --help" "runtime list --json -h"; do
    # shellcheck disable=SC2086
    run $words
    expect_status 0 "$words"
    expect_text out "usage: yoke runtime list [--json]" "$words"
    expect_empty err "$words"
done

run --version
expect_status 0 "--version"
cp "$folder/out" "$folder/version"
expect_text out "yoke " "--version"
expect_line out "spawner ABI 1.0" "--version"
# shellcheck disable=SC2086
set -- ${YOKE_BUILT-uv ev threads}
built=$*
expect_line out "runtimes built: ${built:-none}" "--version"
run version
cmp -s "$folder/out" "$folder/version" || complain "version and --version differ"
run version --json
expect_status 0 "version --json"
expect_text out '"abi": {' "version --json"

mistake() { # SENTENCE ARGUMENT...
    sentence=$1
    shift
    run "$@"
    expect_status 2 "$*"
    expect_empty out "$*"
    expect_line err "$sentence" "$*"
}

mistake "yoke: there is no command 'verison' (did you mean 'version'?); see \`yoke help\`" verison
mistake "yoke: there is no command 'fly'; see \`yoke help\`" fly
mistake "yoke: there is no option '--fly'; see \`yoke help\`" --fly
mistake "yoke: there is no command 'fly'; see \`yoke help\`" help fly
mistake "yoke runtime: there is no command 'lst' (did you mean 'list'?); see \`yoke runtime help\`" runtime lst
mistake "yoke version: there is no option --jsn (did you mean --json?); see \`yoke version --help\`" version --jsn
mistake "yoke version: there is no option -j; see \`yoke version --help\`" version -j
mistake "yoke version: the option --json takes no value; see \`yoke version --help\`" version --json=1
mistake "yoke version: it takes no argument 'x'; see \`yoke version --help\`" version x
mistake "yoke runtime list: the option --runtimes needs a value; see \`yoke runtime list --help\`" \
    runtime list --runtimes
mistake "yoke runtime check: it takes one FILE; see \`yoke runtime check --help\`" runtime check
mistake "yoke runtime check: it takes one FILE; see \`yoke runtime check --help\`" runtime check a b
run runtime
expect_status 2 "runtime"
expect_line err "usage: yoke runtime COMMAND [ARGUMENT]..." "runtime"

if [ -w /dev/full ]; then
    "$yoke" version >/dev/full 2>"$folder/err"
    status=$?
    : >"$folder/out"
    expect_status 1 "a full disk"
    expect_line err "yoke: cannot write to standard output: No space left on device" "a full disk"
fi

# What yoke becomes for `runtime check`; its words arrive, and so does its status.
# shellcheck disable=SC2016
printf '#!/bin/sh\nprintf "<%%s>" "$@"\nexit 3\n' >"$folder/conformance"
chmod +x "$folder/conformance"
: >"$folder/cwd/mine.so"
YOKE_CONFORMANCE=$folder/conformance
export YOKE_CONFORMANCE
run runtime check --seed 7 mine.so --only 'spawn.*' --only b --json --jobs=2 --workers 3 --timeout-scale 1.5
expect_status 3 "runtime check"
expect_text out "<--seed><7><--only><spawn.*><--only><b><--json><--jobs><2><--workers><3><--timeout-scale><1.5>\
<$folder/cwd/mine.so>" "runtime check"
run runtime check --list
expect_status 3 "runtime check --list"
expect_text out "<--list>" "runtime check --list"
run runtime check ./none.so
expect_status 1 "runtime check of nothing"
expect_line err "yoke runtime check: cannot find ./none.so: No such file or directory" "runtime check of nothing"
YOKE_CONFORMANCE=$folder/none
run runtime check ./mine.so
expect_status 1 "runtime check without its program"
expect_line err "yoke runtime check: cannot run $folder/none: No such file or directory; \
YOKE_CONFORMANCE can name another" "runtime check without its program"
YOKE_CONFORMANCE=none
run runtime check ./mine.so
expect_line err "yoke runtime check: YOKE_CONFORMANCE: 'none' is not an absolute path" "a relative program"

finish
