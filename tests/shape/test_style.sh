#!/bin/sh
# SPDX-License-Identifier: MIT
# test_style.sh - the tree is in style, and the check that says so catches each kind of violation.
set -eu
: "${srcdir:?run me by make check}"
check=$srcdir/tools/check-style
checks=0 failures=0

"$check" --root "$srcdir" || failures=$((failures + 1))
checks=$((checks + 1))

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/core/base" "$tree/servers/host" "$tree/tests/unit"

# said LINE: what was written is refused by exactly that line.  fine: it is not refused.
said() {
    checks=$((checks + 1))
    if "$check" --root "$tree" >"$tree/said" || [ "$(cat "$tree/said")" != "$1" ]; then
        failures=$((failures + 1))
        printf 'wanted: %s\nsaid:   %s\n' "$1" "$(cat "$tree/said")"
    fi
}
fine() {
    checks=$((checks + 1))
    "$check" --root "$tree" || { failures=$((failures + 1)); echo "a file in style was refused"; }
}

# source FILE LINE...: a file with a head in style.
source_file() {
    file=$1
    shift
    {
        printf '/* SPDX-License-Identifier: MIT\n * %s - planted. */\n' "${file##*/}"
        [ $# -eq 0 ] || printf '%s\n' "$@"
    } >"$tree/$file"
}
planted() {
    wanted=$1
    shift
    source_file core/base/planted.c "$@"
    said "core/base/planted.c:$wanted"
}
many() {
    seq "$1" | sed "s/.*/$2/"
}

# shellcheck disable=SC2016
source_file core/base/planted.c 'int f(void)' '{' '    const char *url = "http://x"; /* goto, strcpy(); // */' \
    "    char quote = '\"';" '    OWNED(ring) struct ring *ring =' '        NULL;' '    node->exit(1);' '    return 0;' '}'
fine

planted '5: // comment: only /* */ is committed' 'int f(void)' '{' '    return 0; // note' '}'
planted '5: goto: OWNED() drops by scope' 'int f(void)' '{' '    goto out;' '}'
planted '3: 101 columns, at most 100' "/* $(many 95 x | tr -d '\n') */"
planted '3: trailing space' 'int x; '
planted '3: tab' "$(printf '\tint x;')"
planted '4: OWNED without an initial value: it would drop what was never set' '' '    OWNED(ring) struct ring *ring;'
planted '3: FIX''ME is for your own notes; open matters go to docs/TODO' '/* FIX''ME: later. */'
planted '3: X''XX is for your own notes; open matters go to docs/TODO' '/* X''XX */'
planted '5: exit() outside main: return an error' 'void f(void)' '{' '    exit(1);' '}'
planted '5: _exit() outside main: return an error' 'void f(void)' '{' '    _exit(1);' '}'
planted '5: alloca(): task stacks are small' 'void f(void)' '{' '    g(alloca(10));' '}'
planted '5: longjmp(): cleanup runs on return only' 'void f(void)' '{' '    longjmp(b, 1);' '}'
planted '5: strcpy(): snprintf or memcpy' 'void f(void)' '{' '    strcpy(a, b);' '}'
planted '5: atoi(): a parser that reports errors' 'void f(void)' '{' '    x = atoi(b);' '}'
planted '5: strerror(): error_words' 'void f(void)' '{' '    x = strerror(b);' '}'
planted '4: f() has 61 lines, at most 60' 'void f(void)' '{' "$(many 61 '    g();')" '}'
planted '3: f() has 7 parameters, at most 6' 'int f(int a, int (*b)(int, int), int c, int d, int e, int g, int h)' '{' '}'
planted '9: f() is more than 4 levels deep' 'void f(void)' '{' '    if (a) {' '        if (b) {' \
    '            if (c) {' '                if (d) {' '                    if (e) {' '                        g();' \
    '                    }' '                }' '            }' '        }' '    }' '}'
planted '601: the file has 601 lines, at most 600: one file, one noun' "$(many 599 'int x;')"
printf 'int x;\n' >"$tree/core/base/planted.c"
checks=$((checks + 1))
"$check" --root "$tree" >"$tree/said" || :
if ! grep -Fqx 'core/base/planted.c:1: the first line is not /* SPDX-License-Identifier: MIT' "$tree/said" ||
    ! grep -Fqx "core/base/planted.c:2: the second line is not ' * planted.c - purpose'" "$tree/said"; then
    failures=$((failures + 1))
    echo "a missing head was not seen"
fi
source_file core/base/planted.c
printf '/* no end */' >>"$tree/core/base/planted.c"
said 'core/base/planted.c:3: no newline at the end'
rm "$tree/core/base/planted.c"

source_file core/base/planted.h 'int f(void);'
said 'core/base/planted.h:1: no #pragma once'
source_file core/base/planted.h '#pragma once'
source_file core/base/planted.c '#include <stdio.h>' '#include "core/base/planted.h"'
said 'core/base/planted.c:3: the own header core/base/planted.h is not the first to be included'
source_file core/base/planted.c '#include <yoke/planted.h>'
fine
source_file servers/host/planted.c
said 'servers/host/planted.c:1: the name planted is taken by core/base; file names are unique in the tree'
rm "$tree/servers/host/planted.c"
for name in util.c misc.h common.h helpers.c; do
    source_file core/base/$name '#pragma once'
    said "core/base/$name:1: the name $name says nothing: one file, one noun"
    rm "$tree/core/base/$name"
done
source_file servers/host/main.c 'int main(void)' '{' '    exit(1);' '}'
fine
source_file tests/unit/test_planted.c 'void f(void)' '{' '    usleep(1);' '}'
said 'tests/unit/test_planted.c:5: usleep() in a test: wait for the event, or move the simulated clock'
rm "$tree/tests/unit/test_planted.c"
printf '#!/bin/sh\n# a script\n' >"$tree/tests/planted.sh"
said 'tests/planted.sh:1: no SPDX-License-Identifier: MIT in the first three lines'
rm "$tree/tests/planted.sh"
fine
checks=$((checks + 1))
mkdir "$tree/empty"
! "$check" --root "$tree/empty" 2>/dev/null || { failures=$((failures + 1)); echo "an empty tree was found in style"; }

# wrap-comments: lists stay lists, what fits stays as it is, and a second time changes nothing.
cat >"$tree/long.c" <<'LONG'
/* One sentence that is longer than a hundred columns, because its author went on and on, as some do.
 * It has a second one.
 *
 * first   what the first parameter is for, and then some more words so that it is too long for a line
 * second  short
 * Returns 0. */
int f(int first, int second); /* a remark behind code that begins early enough, but is too long to fit */
#define LIMIT 10 /* a remark behind a definition, which is too long for the line that it was written on */
int g(const char *text); /* fits */
LONG
cat >"$tree/wanted.c" <<'WANTED'
/* One sentence that is longer than a hundred columns, because its author went on and on, as some
 * do.
 * It has a second one.
 *
 * first   what the first parameter is for, and then some more words so that it is too long for a
 *         line
 * second  short
 * Returns 0. */
int f(int first, int second); /* a remark behind code that begins early enough, but is too long to
                                 fit */
/* a remark behind a definition, which is too long for the line that it was written on */
#define LIMIT 10
int g(const char *text); /* fits */
WANTED
for time in first second; do
    checks=$((checks + 1))
    "$srcdir/tools/wrap-comments" "$tree/long.c"
    diff "$tree/wanted.c" "$tree/long.c" || { failures=$((failures + 1)); echo "wrap-comments, the $time time"; }
done

echo "Checks: $checks, Failures: $failures, Errors: 0"
[ $failures -eq 0 ]
