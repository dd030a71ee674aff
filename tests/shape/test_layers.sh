#!/bin/sh
# SPDX-License-Identifier: MIT
# test_layers.sh - the tree obeys core/LAYERS, and the check that says so catches each kind of violation.
#
# Works on a copy: plants one violation at a time, wants exactly its line, takes it out again.
set -eu
[ -z "${YOKE_SANITIZER:-}" ] || { echo "objects of a sanitizer build need the sanitizer's symbols"; exit 77; }
: "${srcdir:?run me by make check}" "${builddir:?}"
check=$srcdir/tools/check-layers
checks=0 failures=0

"$check" "$srcdir" "$builddir" || failures=$((failures + 1))
checks=$((checks + 1))

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir -p "$copy"/src/docs "$copy"/build/core "$copy"/build/servers
(cd "$srcdir" && find core/LAYERS configure.ac core servers plugins tests docs \
    \( -name '*.[ch]' -o -name LAYERS -o -name configure.ac \) -print | tar cf - -T -) | tar xf - -C "$copy/src"
(cd "$builddir" && find core servers -name '*.o' 2>/dev/null | tar cf - -T -) | tar xf - -C "$copy/build"
chmod -R u+w "$copy"
cp "$copy/src/core/LAYERS" "$copy/LAYERS"
"$check" "$copy/src" "$copy/build" >"$copy/before" || :

# wants LINE: the check says it, beside what it says of the tree as it is.
wants() {
    checks=$((checks + 1))
    if "$check" "$copy/src" "$copy/build" >"$copy/after" || ! grep -Fqx -- "$1" "$copy/after"; then
        failures=$((failures + 1))
        echo "not caught: $1"
        diff "$copy/before" "$copy/after" || :
    fi
}

# text FILE LINE WANTED: a file whose only line is LINE.
text() {
    mkdir -p "$copy/src/${1%/*}"
    printf '%s\n' "$2" >"$copy/src/$1"
    wants "$3"
    rm "$copy/src/$1"
}

# code FILE CODE WANTED: a source with its object.
code() {
    mkdir -p "$copy/src/${1%/*}" "$copy/build/${1%/*}"
    printf '%s\n' "$2" >"$copy/src/$1"
    # shellcheck disable=SC2086
    ${CC:-cc} -O2 -w -x c -c "$copy/src/$1" -o "$copy/build/${1%.c}.o"
    wants "$3"
    rm "$copy/src/$1" "$copy/build/${1%.c}.o"
}

# 1. layers
text core/base/planted.h '#include "core/task/task.h"' \
    'core/base/planted.h: layer core/base may not include core/task/task.h'
text core/base/planted.h '#include <yoke/task.h>' \
    'core/base/planted.h: layer core/base may not include core/task/task.h'
text core/task/planted.h '  #  include  "servers/stack/stack.h"' \
    'core/task/planted.h: layer core/task may not include servers/stack/stack.h'
text servers/executor/planted.h '#include "servers/host/host.h"' \
    'servers/executor/planted.h: layer servers/executor may not include servers/host/host.h'
text plugins/uv/planted.h '#include "core/base/error.h"' \
    'plugins/uv/planted.h: layer plugins/uv may not include core/base/error.h'
text plugins/kit/planted.h '#include "plugins/uv/uv.h"' \
    'plugins/kit/planted.h: layer plugins/kit may not include plugins/uv/uv.h'
text core/task/planted.h '#include "task.h"' \
    'core/task/planted.h: includes "task.h", which is not a path from the root'
text core/task/planted.h '#include <yoke/nowhere.h>' \
    'core/task/planted.h: includes <yoke/nowhere.h>, which configure.ac does not link'
text core/strange/planted.h '#include <stdint.h>' 'core/strange/planted.h: is in no layer'

# 2. fences
text core/task/planted.h '#include <uv.h>' 'core/task/planted.h: includes <uv.h>, which is fenced'
text plugins/uv/planted.h '#include <ev.h>' 'plugins/uv/planted.h: includes <ev.h>, which is fenced'
text core/base/planted.h '#include <pthread.h>' 'core/base/planted.h: includes <pthread.h>, which is fenced'
text servers/stack/planted.h '#include <dlfcn.h>' 'servers/stack/planted.h: includes <dlfcn.h>, which is fenced'
text core/config/planted.h '#include <wolfssl/ssl.h>' \
    'core/config/planted.h: includes <wolfssl/ssl.h>, which is fenced'

# 3. the purity of servers
for folder in executor stack orchestrator host; do
    code servers/$folder/planted.c 'long read(int, void *, unsigned long); long f(void) { return read(0, 0, 0); }' \
        "servers/$folder/planted.c: needs read, which is not on the list of servers"
done
code servers/stack/planted.c 'long __read_chk(int, void *, long, long); long f(void) { return __read_chk(0, 0, 0, 0); }' \
    'servers/stack/planted.c: needs read, which is not on the list of servers'
code servers/stack/planted.c 'int open64(const char *, int); int f(void) { return open64("", 0); }' \
    'servers/stack/planted.c: needs open, which is not on the list of servers'
for call in close poll posix_spawn pthread_create uv_run ev_run fopen dlsym something_new; do
    code servers/stack/planted.c "int $call(void); int f(void) { return $call(); }" \
        "servers/stack/planted.c: needs $call, which is not on the list of servers"
done

# 4. core's callers
for call in write posix_spawn waitid getaddrinfo epoll_wait pthread_mutex_lock uv_run dlopen; do
    code core/task/planted.c "int $call(void); int f(void) { return $call(); }" \
        "core/task/planted.c: needs $call; core/LAYERS does not name it as a caller"
done
echo 'caller core/task/planted.c read : planted' >>"$copy/src/core/LAYERS"
code core/task/planted.c 'int read(void), write(void); int f(void) { return read() + write(); }' \
    'core/task/planted.c: needs write; core/LAYERS does not name it as a caller'
wants 'core/LAYERS: caller core/task/planted.c: has no read'
cp "$copy/LAYERS" "$copy/src/core/LAYERS"

# 5. writable globals
code core/base/planted.c 'int planted_data = 1;' 'core/base/planted.c: writable global planted_data'
code core/base/planted.c 'int planted_bss;' 'core/base/planted.c: writable global planted_bss'
code core/base/planted.c 'int f(void) { static int planted_local; return planted_local++; }' \
    'core/base/planted.c: writable global planted_local'
code core/base/planted.c '_Thread_local int planted_tls;' 'core/base/planted.c: writable global planted_tls'
code servers/stack/planted.c 'const char *planted_names[] = {"a"};' \
    'servers/stack/planted.c: writable global planted_names'
echo 'state core/base/planted.c one : planted' >>"$copy/src/core/LAYERS"
code core/base/planted.c 'int one, two;' 'core/base/planted.c: writable global two'
wants 'core/LAYERS: state core/base/planted.c: has no one'
cp "$copy/LAYERS" "$copy/src/core/LAYERS"

# 6. a source that nobody builds, an object of a source that is gone, no objects at all
text core/base/planted.c 'int f(void);' 'core/base/planted.c: has no object; is it in its local.mk?'
printf 'int planted;\n' | ${CC:-cc} -x c -c - -o "$copy/build/core/base/gone.o"
"$check" "$copy/src" "$copy/build" >"$copy/after" || :
checks=$((checks + 1))
cmp "$copy/before" "$copy/after" || { failures=$((failures + 1)); echo "an old object was taken for a violation"; }
checks=$((checks + 1))
r=0
"$check" "$copy/src" "$copy/nothing" >/dev/null 2>&1 || r=$?
[ $r -eq 2 ] || { failures=$((failures + 1)); echo "no objects: status $r, wanted 2"; }

echo "Checks: $checks, Failures: $failures, Errors: 0"
[ $failures -eq 0 ]
