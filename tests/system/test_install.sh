#!/bin/sh
# SPDX-License-Identifier: MIT
# test_install.sh - make install into a DESTDIR: what must be there is, what must not be is not, and it works.
set -eu
: "${builddir:?run me by make check}" "${srcdir:?}"
[ -z "${YOKE_SANITIZER:-}" ] || { echo "programs of a sanitizer build need the sanitizer's library"; exit 77; }
checks=0 failures=0
dest=$(mktemp -d)
trap 'rm -rf "$dest"' EXIT

check() {
    checks=$((checks + 1))
    "$@" || { failures=$((failures + 1)); echo "not so: $*"; }
}
# shellcheck disable=SC2317  # they are called by check
no() { ! "$@"; }
# shellcheck disable=SC2317
is_empty() { [ -z "$1" ]; }
make_() { MAKEFLAGS='' MAKELEVEL='' "${MAKE:-make}" -s --no-print-directory -C "$builddir" "$@"; }

bindir='' libdir='' pkglibdir='' pkglibexecdir='' pkgincludedir='' pkgsysconfdir='' mandir='' VERSION=''
eval "$(make_ print-directories)"
mkdir -p "$dest$libdir" # the system's
umask 002               # of an installer who shares all with a group
make_ DESTDIR="$dest" install >"$dest/log" 2>&1 || { cat "$dest/log"; exit 1; }
umask 022

# 1. what is there
for file in "$bindir/yoke" "$libdir/libyoke.so" "$libdir/libyoke.a" "$libdir/libyoke-kit.a" \
    "$libdir/pkgconfig/yoke.pc" "$libdir/pkgconfig/yoke-kit.pc" "$pkgsysconfdir/runtimes.conf" \
    "$mandir/man1/yoke.1" "$mandir/man5/runtimes.conf.5" "$mandir/man7/yoke-runtime.7"; do
    check test -s "$dest$file"
done
for runtime in $YOKE_BUILT; do
    check test -s "$dest$pkglibdir/runtime_$runtime.so"
done
for header in "$builddir"/include/yoke/*.h; do
    check cmp "$header" "$dest$pkgincludedir/${header##*/}"
done
[ ! -x "$builddir/yoke-conformance" ] || check test -x "$dest$pkglibexecdir/yoke-conformance"

# 2. what is not
check is_empty "$(find "$dest$pkglibdir" ! -name 'runtime_*.so' ! -type d)"
check is_empty "$(find "$dest$pkglibdir" -perm /022)"
check is_empty "$(find "$dest" -name '*mock*' -o -name '*failing*' -o -name '*planted*')"
check is_empty "$(find "$dest$pkgincludedir" -type l)"

# 3. it works from where it was put
YOKE_PLUGIN_PATH=$dest$pkglibdir
XDG_CONFIG_HOME=$dest/nowhere
export YOKE_PLUGIN_PATH XDG_CONFIG_HOME
check test "$("$dest$bindir/yoke" version | head -n 1)" = "yoke $VERSION"
for runtime in $YOKE_BUILT; do
    "$dest$bindir/yoke" runtime list >"$dest/list"
    check grep -q "^$runtime  *ready" "$dest/list"
done
YOKE_RUNTIMES=$dest$pkgsysconfdir/runtimes.conf check "$dest$bindir/yoke" config check >"$dest/log"

# 4. the operator's file stays
echo '# mine' >"$dest$pkgsysconfdir/runtimes.conf"
make_ DESTDIR="$dest" install >"$dest/log" 2>&1 || { cat "$dest/log"; exit 1; }
check test "$(cat "$dest$pkgsysconfdir/runtimes.conf")" = '# mine'

# 5. a program and a plugin of somebody else, from the installed files alone
export PKG_CONFIG_PATH="$dest$libdir/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$dest"
cat >"$dest/program.c" <<'PROGRAM'
#include <stdio.h>
#include <yoke/default.h>
#include <yoke/task.h>

static int hello(yk_task *self, void *arg)
{
    (void)self;
    *(int *)arg = 42;
    return 7;
}

int main(void)
{
    int told = 0;
    yk_spawner *spawner = yk_default_spawner();
    int r = spawner ? yk_run(spawner, hello, &told) : -1;
    printf("%d %d\n", r, told);
    return 0;
}
PROGRAM
# shellcheck disable=SC2046,SC2086
check ${CC:-cc} -Wall -Wextra -Werror -o "$dest/program" "$dest/program.c" $(pkg-config --cflags --libs yoke)
# shellcheck disable=SC2046,SC2086
check ${CC:-cc} -Wall -Wextra -Werror -o "$dest/program_static" "$dest/program.c" $(pkg-config --cflags yoke) \
    "$dest$libdir/libyoke.a" -linih
for runtime in $YOKE_BUILT; do
    export YOKE_RUNTIME="$runtime"
    check test "$(LD_LIBRARY_PATH="$dest$libdir" "$dest/program")" = '7 42'
    check test "$("$dest/program_static")" = '7 42'
done
unset YOKE_RUNTIME
for header in "$dest$pkgincludedir"/*.h; do # each stands alone
    printf '#include <yoke/%s>\n' "${header##*/}" >"$dest/alone.c"
    # shellcheck disable=SC2046,SC2086
    check ${CC:-cc} -std=c11 -Wall -Wextra -Werror -fsyntax-only $(pkg-config --cflags yoke) "$dest/alone.c"
done

# 6. nothing is left
make_ DESTDIR="$dest" uninstall >"$dest/log" 2>&1 || { cat "$dest/log"; exit 1; }
rm "$dest$pkgsysconfdir/runtimes.conf" # it was changed, so it was kept
check is_empty "$(find "$dest" -mindepth 2 ! -type d)"

echo "Checks: $checks, Failures: $failures, Errors: 0"
[ $failures -eq 0 ]
