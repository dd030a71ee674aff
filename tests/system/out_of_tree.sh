#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# out_of_tree.sh - somebody else's runtime: docs/examples/epoll is built from the installed files alone, keeps the
# contract, and runs what the runtimes of the tree run.
set -euo pipefail
: "${srcdir:?run me by make check}" "${builddir:?}"
[[ -z ${YOKE_SANITIZER:-} ]] || { echo "programs of a sanitizer build need the sanitizer's library"; exit 77; }
checks=0 failures=0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# wants WORDS COMMAND...: the command ends well; what it printed is in $folder/said.
wants() {
    local words=$1
    shift
    checks=$((checks + 1))
    "$@" >"$folder/said" 2>&1 </dev/null && return
    echo "FAIL ($?): $words: $*"
    sed 's/^/    /' "$folder/said"
    failures=$((failures + 1))
}

# says TEXT: so did the last command.
says() {
    checks=$((checks + 1))
    grep -qF -- "$1" "$folder/said" && return
    echo "FAIL: nowhere '$1' in:"
    sed 's/^/    /' "$folder/said"
    failures=$((failures + 1))
}

make_() { MAKEFLAGS='' MAKELEVEL='' "${MAKE:-make}" --no-print-directory "$@"; }

# --- what is installed, and nothing else -------------------------------------------------------------------------------
bindir='' libdir='' pkglibexecdir='' pkgincludedir=''
eval "$(make_ -s -C "$builddir" print-directories | grep '=')"
dest=$folder/root yoke=$folder/root$bindir/yoke
make_ -s -C "$builddir" DESTDIR="$dest" install >"$folder/said" 2>&1 || { cat "$folder/said"; exit 1; }
export PKG_CONFIG_PATH=$dest$libdir/pkgconfig PKG_CONFIG_SYSROOT_DIR=$dest
export YOKE_CONFORMANCE=$dest$pkglibexecdir/yoke-conformance

plugin=$folder/epoll
cp -r "$srcdir/docs/examples/epoll" "$plugin"
chmod -R u+w "$plugin"
cd "$plugin"

# headers_from FILE: each <yoke/x.h> that it includes is an installed one.
headers_from() {
    # shellcheck disable=SC2046
    ${CC:-cc} -M $(pkg-config --cflags yoke-kit) "$1" | tr -s '[:space:]' '\n' | grep '/yoke/' >"$folder/headers"
    [[ -s $folder/headers ]] && ! grep -vF "$dest$pkgincludedir/" "$folder/headers"
}

exports_one_symbol() {
    [[ $(${NM:-nm} -D --defined-only runtime_epoll.so | awk '{ print $NF }') == yoke_runtime_v1 ]]
}

wants "it compiles without a warning" make_ CC="${CC:-cc}" CFLAGS='-O2 -g -Wall -Wextra -Werror'
wants "its headers are the installed ones" headers_from epoll_driver.c
wants "it exports one symbol" exports_one_symbol

# --- it keeps the contract ---------------------------------------------------------------------------------------------
wants "yoke runtime check" make_ check YOKE="$yoke"
says ' 0 fail'

# --- it is one of the runtimes -----------------------------------------------------------------------------------------
export YOKE_PLUGIN_PATH=$plugin
wants "yoke runtime list" "$yoke" runtime list
says 'epoll      ready          1.0.0 (epoll of Linux)'

# conf LINE...: a runtimes.conf
conf() { printf '%s\n' "$@" >"$folder/runtimes.conf"; }
conf '[default]' 'runtime = epoll' '[runtime epoll]' 'events_max = 16' 'census = yes' 'watchdog_ms = 100'
wants "its own keys" "$yoke" config check --runtimes "$folder/runtimes.conf"
conf '[default]' 'runtime = epoll' '[runtime epoll]' 'events_max = many'
wants "a bad value of its own" bash -c '! "$@"' - "$yoke" config check --runtimes "$folder/runtimes.conf"
says "events_max is a whole number, 1 to 256, not 'many'"
conf '[default]' 'runtime = epoll' '[runtime epoll]' 'evnets_max = 16'
wants "a key that nobody knows" bash -c '! "$@"' - "$yoke" config check --runtimes "$folder/runtimes.conf"
says "runtime epoll knows no option 'evnets_max'; it has events_max, and what every runtime on the kit has"
conf '[default]' 'runtime = epoll'
export YOKE_RUNTIMES=$folder/runtimes.conf

# --- a program of somebody else runs on it -----------------------------------------------------------------------------
# shellcheck disable=SC2046,SC2086
wants "a program compiles" ${CC:-cc} -Wall -Wextra -Werror $(pkg-config --cflags yoke) -o "$folder/program" \
    "$srcdir/docs/examples/inject_constructor.c" $(pkg-config --libs yoke)
wants "the program runs" env LD_LIBRARY_PATH="$dest$libdir" "$folder/program"
says 'given none: tick 3'

# --- and so does yoke up -----------------------------------------------------------------------------------------------
export DEMO_SECONDS=1
wants "yoke up" "$yoke" up -c "$srcdir/docs/examples/demo/services.yaml"
says 'demo: 3 services, runtime epoll 1.0.0 (epoll of Linux)'
says 'report | nothing to complain of'
says 'yoke   | ended, code 0'

echo "Checks: $checks, Failures: $failures, Errors: 0"
[[ $failures -eq 0 ]]
