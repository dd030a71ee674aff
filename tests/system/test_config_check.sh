#!/bin/sh
# SPDX-License-Identifier: MIT
# test_config_check.sh - yoke config check: which file counts, what it says, whether it works.
set -u
. "${srcdir:-.}/tests/system/cli_case.sh"

# shellcheck disable=SC2086
set -- ${YOKE_BUILT-uv ev threads}
[ $# -gt 0 ] || { echo "no runtime was built"; exit 77; }

# Which file counts.  The current folder never does.
mkdir -p "$folder/home/.config/yoke" "$folder/xdg/yoke" "$folder/cwd/yoke"
echo 'nonsense' >"$folder/cwd/runtimes.conf"
echo 'nonsense' >"$folder/cwd/yoke/runtimes.conf"
run config check
expect_status 0 "no file"
expect_text out "file: none (neither $folder/home/.config/yoke/runtimes.conf nor " "no file"
expect_line out "ok" "no file"
expect_empty err "no file"

file_of() { # PLACE: a file that can be told by its workers
    printf '[default]\nworkers = 1\n' >"$1"
}
home=$folder/home/.config/yoke/runtimes.conf xdg=$folder/xdg/yoke/runtimes.conf
file_of "$home"
file_of "$xdg"
file_of "$folder/variable.conf"
file_of "$folder/option.conf"
run config check
expect_line out "file: $home (found in the user's configuration folder)" "HOME"
XDG_CONFIG_HOME=$folder/xdg
export XDG_CONFIG_HOME
run config check
expect_line out "file: $xdg (found in the user's configuration folder)" "XDG_CONFIG_HOME"
YOKE_RUNTIMES=$folder/variable.conf
export YOKE_RUNTIMES
run config check
expect_line out "file: $folder/variable.conf (named by YOKE_RUNTIMES)" "YOKE_RUNTIMES"
run config check --runtimes "$folder/option.conf"
expect_line out "file: $folder/option.conf (named by --runtimes)" "--runtimes"
YOKE_RUNTIMES=$folder/none.conf
run config check
expect_status 1 "a missing file"
expect_line err "yoke config check: cannot read $folder/none.conf: No such file or directory (named by YOKE_RUNTIMES)" \
    "a missing file"
YOKE_RUNTIMES=

# Editing that file alone changes the runtime, of the same binary.
before=$(cksum <"$yoke")
for name; do
    printf '[default]\nruntime = %s\n' "$name" >"$xdg"
    run config check
    expect_status 0 "runtime = $name"
    expect_line out "  runtime          $name$(printf '%*s' $((12 - ${#name})) '') line 2" "runtime = $name"
    expect_text out ", $builddir/.libs/runtime_$name.so" "runtime = $name"
done
[ "$(cksum <"$yoke")" = "$before" ] || complain "the binary has changed"

# A mistake is one line, and nothing else.
printf '[default]\nworkers = 0\n' >"$xdg"
run config check
expect_status 1 "a mistake"
expect_empty out "a mistake"
expect_line err "yoke config check: $xdg:2: workers = '0' is not allowed; allowed is a whole number, 1 to 256" "a mistake"
run config check --json
expect_status 1 "a mistake in JSON"
expect_text out '"ok": false' "a mistake in JSON"
expect_text out "\"error\": \"$xdg:2: workers = '0' is not allowed" "a mistake in JSON"

# Every section is tried; the plugin judges its own keys; what has no effect is noted.
cat >"$xdg" <<END
[default]
runtime = $1
[up]
runtime = nosuch
[runtime $1]
no_such_key = 1
END
run config check
expect_status 1 "sections that do not work"
expect_text err "yoke config check: [default]: $xdg:6: runtime $1" "a key that the plugin refuses"
expect_text err "no_such_key" "a key that the plugin refuses"
expect_text err "yoke config check: [up]: there is no runtime 'nosuch': no file runtime_nosuch.so in " "a missing one"
expect_line out "2 of 2 sections do not work" "sections that do not work"
expect_line out "[keeper] is as [default]" "a section that is not there"

case " $* " in
*" threads "*)
    printf '[default]\nruntime = threads\nworkers = 4\n[runtime threads]\nidle_ms = 50\n' >"$xdg"
    run config check
    expect_status 0 "workers on threads"
    expect_line out "  note: workers = 4 has no effect: the runtime threads has no loops, each task is a thread" \
        "workers on threads"
    expect_line out "  idle_ms          50           line 5, [runtime threads]" "workers on threads"
    ;;
esac

# A section of a runtime that no server uses is tried as well.
printf '[default]\nruntime = %s\n[runtime nosuch]\n' "$1" >"$xdg"
run config check
expect_status 1 "an unused runtime"
expect_text err "yoke config check: [runtime nosuch]: there is no runtime 'nosuch'" "an unused runtime"

# The example that is installed works.
run config check --runtimes "${srcdir:-.}/runtimes.conf"
expect_status 0 "the example"
sed 's/^#\([a-z[]\)/\1/' "${srcdir:-.}/runtimes.conf" >"$folder/all.conf"
case " $* " in
" uv ev threads ")
    run config check --runtimes "$folder/all.conf"
    expect_status 0 "the example with everything in it"
    ;;
esac

if command -v jq >/dev/null; then
    printf '[default]\nstack_size = 64K\n[echo]\ntasks_max = 10\n' >"$xdg"
    run config check --json
    found=$(jq -r '.ok, (.sections[] | select(.section == "echo") | .settings.stack_size.value,
        .settings.stack_size.line, .settings.tasks_max.value)' "$folder/out" | tr '\n' ' ')
    [ "$found" = "true 65536 2 10 " ] || complain "config check --json says $found"
fi

finish
