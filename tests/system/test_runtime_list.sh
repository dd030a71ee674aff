#!/bin/sh
# SPDX-License-Identifier: MIT
# test_runtime_list.sh - yoke runtime list: what is ready, what is refused and why, which one is the default.
set -u
. "${srcdir:-.}/tests/system/cli_case.sh"

# shellcheck disable=SC2086
set -- ${YOKE_BUILT-uv ev threads}
run runtime list
expect_status 0 "list"
expect_empty err "list"
for name in uv ev threads; do
    case " $* " in
    *" $name "*)
        grep -q "^$name  *ready " "$folder/out" || complain "$name was built and is not ready"
        expect_text out " $builddir/.libs/runtime_$name.so" "list of $name"
        ;;
    *) grep -q "^$name  *not built" "$folder/out" || complain "$name was not built and that is not said" ;;
    esac
done
if [ $# -gt 0 ]; then
    expect_line out "default: $1 (built in)" "the default"
    expect_line out "built:   $*" "what was built"
fi

run runtime list --json
expect_status 0 "list --json"
if command -v jq >/dev/null; then
    for name; do
        found=$(jq -r ".runtimes[] | select(.name == \"$name\") | .state, .built, .abi" "$folder/out" | tr '\n' ' ')
        [ "$found" = "ready true 1.0 " ] || complain "list --json says of $name: $found"
    done
    [ "$(jq '[.runtimes[] | select(.default)] | length' "$folder/out")" = 1 ] || complain "not one default"
fi

# Where the default comes from is said.
printf '[default]\n\nruntime = threads\n' >"$folder/r.conf"
run runtime list --runtimes "$folder/r.conf"
expect_line out "default: threads ($folder/r.conf:3)" "the default of a file"
run runtime list --runtimes "$folder/r.conf" --runtime ev
expect_line out "default: ev (--runtime)" "the default of the option"
YOKE_RUNTIME=uv "$yoke" runtime list --runtimes "$folder/r.conf" >"$folder/out" 2>"$folder/err"
expect_line out "default: uv (YOKE_RUNTIME)" "the default of the variable"

# What cannot be loaded is listed with its reason; the second of a name is hidden by the first.
planted=$builddir/tests/unit/plugins/.libs/runtime_planted.so
if [ -f "$planted" ]; then
    mkdir "$folder/one" "$folder/two"
    cp "$planted" "$folder/one/runtime_planted.so"
    cp "$planted" "$folder/one/runtime_other.so"
    cp "$planted" "$folder/two/runtime_planted.so"
    echo "no shared object" >"$folder/two/runtime_text.so"
    cp "$planted" "$folder/two/runtime_open.so"
    chmod 664 "$folder/two/runtime_open.so"
    printf '[default]\nplugin_dir = %s/one\n' "$folder" >"$folder/r.conf"
    YOKE_PLUGIN_PATH=$folder/two
    run runtime list --runtimes "$folder/r.conf"
    expect_status 0 "list with refusals"
    expect_text out "planted    ready          1.2.3 (for tests)" "a good one"
    grep -q "^planted  *hidden  *$folder/two/runtime_planted.so" "$folder/out" || complain "the second is not hidden"
    expect_text out "other      refused        $folder/one/runtime_other.so is the runtime 'planted'; wanted is \
'other', as its file is named" "another name"
    expect_text out "text       refused        $folder/two/runtime_text.so cannot be loaded: " "no shared object"
    expect_text out "open       refused        $folder/two/runtime_open.so may be changed by its group (mode 0664)" \
        "a file that others may change"
fi

# Plugins that only a compiler can plant.
cc=${CC:-cc}
if command -v "${cc%% *}" >/dev/null; then
    mkdir "$folder/made"
    echo 'const int yoke_runtime_v1 = 1;' >"$folder/tiny.c"
    echo 'int gone(void); int gone(void) { return 1; }' >"$folder/gone.c"
    echo 'int gone(void); int user(void); int user(void) { return gone(); }' >"$folder/user.c"
    # shellcheck disable=SC2086
    {
        $cc -shared -fPIC -o "$folder/made/runtime_tiny.so" "$folder/tiny.c" &&
            $cc -shared -fPIC -Wl,-soname,libgone.so.1 -o "$folder/libgone.so" "$folder/gone.c" &&
            $cc -shared -fPIC -o "$folder/made/runtime_user.so" "$folder/user.c" "$folder/libgone.so" &&
            $cc -shared -fPIC -o "$folder/made/runtime_undefined.so" "$folder/user.c"
    } >"$folder/out" 2>"$folder/err" || complain "the compiler does not make plugins"
    YOKE_PLUGIN_PATH=$folder/made
    run runtime list
    expect_text out "$folder/made/runtime_tiny.so: its yoke_runtime_v1 has 4 bytes; wanted are 72 or more" "tiny"
    expect_text out "$folder/made/runtime_user.so cannot be loaded: libgone.so.1: cannot open shared object file" \
        "a missing library"
    expect_text out "$folder/made/runtime_undefined.so cannot be loaded: " "a missing symbol"
    expect_text out "undefined symbol: gone" "a missing symbol"
fi

run runtime list --runtimes "$folder/none.conf"
expect_status 1 "list with a missing file"
expect_line err "yoke runtime list: cannot read $folder/none.conf: No such file or directory (named by --runtimes)" \
    "list with a missing file"

finish
