#!/bin/sh
# SPDX-License-Identifier: MIT
# test_docs.sh - what the pages say of the tree is so, and the check that says so catches each kind of untruth.
set -eu
: "${srcdir:?run me by make check}"
check=$srcdir/tools/check-docs
checks=0 failures=0

"$check" --root "$srcdir" || failures=$((failures + 1))
checks=$((checks + 1))

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/docs/adr" "$tree/core/base" "$tree/servers/host" "$tree/tests/unit"
cat >"$tree/core/base/ring.c" <<'CODE'
/* A ring. */
int ring_put(struct ring *ring,
             const void *message)
{
    int r = 0;
    return r;
}

int ring_take(struct ring *ring); /* only told of */

/* The end. */
CODE
: >"$tree/servers/host/twin.c"
: >"$tree/tests/unit/twin.c"

# said LINE: what stands in the page is refused by exactly that line.  fine: it is not refused.
said() {
    checks=$((checks + 1))
    if "$check" --root "$tree" >"$tree/said" || [ "$(cat "$tree/said")" != "$1" ]; then
        failures=$((failures + 1))
        printf 'wanted: %s\nsaid:   %s\n' "$1" "$(cat "$tree/said")"
    fi
}
fine() {
    checks=$((checks + 1))
    "$check" --root "$tree" || { failures=$((failures + 1)); echo "a true page was refused"; }
}
page() {
    printf '%s\n' "$@" >"$tree/docs/PAGE.md"
}

# 1. quotes
quote='<!-- quote core/base/ring.c -->'
page "$quote" '```c' 'int ring_put(struct ring *ring,' '             const void *message)' '```'; fine
page "$quote" '' '```c' '/* A ring. */' '...' '    return r;' '}' '...' '/* The end. */' '```'; fine
page '<!-- no quote: a sketch -->' '```c' 'int x;' '```'; fine
page '```sh' 'make' '```'; fine
page 'text' '```c' 'int x;' '```'; said 'docs/PAGE.md:2: code that quotes nothing, so that nothing compiles it'
page "$quote" 'text' '```c' 'int x;' '```'; said 'docs/PAGE.md:3: code that quotes nothing, so that nothing compiles it'
page "$quote" '```c' '/* A ring. */' 'int ring_put(void)' '```'
said 'docs/PAGE.md:4: is not what core/base/ring.c says there: int ring_put(void)'
page "$quote" '```c' '{' '    return r;' '```'
said 'docs/PAGE.md:4: is not what core/base/ring.c says there:     return r;'
page "$quote" '```c' '    return r;' '...' '/* A ring. */' '```'
said 'docs/PAGE.md:5: is not what core/base/ring.c says there: /* A ring. */'
page "$quote" '```c' '```'; said 'docs/PAGE.md:2: quotes nothing of core/base/ring.c'
page '<!-- quote core/base/gone.c -->' '```c' 'int x;' '```'; said 'docs/PAGE.md:2: quotes core/base/gone.c, which is not there'
page '<!-- quote core/base/ring.c -->' '```ini' 'a = b' '```'; said 'docs/PAGE.md:3: is not what core/base/ring.c says there: a = b'
page '```sh' 'make'; said 'docs/PAGE.md:1: a fence that does not end'

# 2. paths
page "see \`core/base/ring.c\`, \`core/base/\`, \`core/*/ring.c\`, \`plugins/NAME/x.c\`, \`make check\`"; fine
page '' "see \`core/base/gone.c\`"; said 'docs/PAGE.md:2: there is no core/base/gone.c'
page "see \`core/*/gone.c\`"; said 'docs/PAGE.md:1: there is no core/*/gone.c'

# 3. stops
page "1. \`ring.c:ring_put\`, 2. \`core/base/ring.c:ring_put\`"; fine
page "\`ring.c:ring_take\`"; said 'docs/PAGE.md:1: core/base/ring.c defines no function ring_take()'
page "\`gone.c:ring_put\`"; said 'docs/PAGE.md:1: there is no gone.c'
page "\`twin.c:ring_put\`"; said 'docs/PAGE.md:1: twin.c may be each of servers/host/twin.c tests/unit/twin.c'
page 'nothing'
printf '# a tour\n' >"$tree/docs/TOUR.md"; said 'docs/TOUR.md:1: has 0 stops, wanted are 10'
rm "$tree/docs/TOUR.md"

# 4. sentences
cat >"$tree/core/base/ring.h" <<'CODE'
/* "in a comment" */
int r = fail(err, -EINVAL, "ring '%s' is full: it has "
                           "%d slots", name, count);
CODE
head='<!-- sentences -->'
page "$head" "| said | why |" '|---|---|' "| \`ring '...' is full: it has ... slots\` | so |"; fine
page "$head" "| \`is full: it has\` | so |" 'text' "| \`is empty\` | not of the table |"; fine
page "$head" "| \`is empty\` | so |"; said "docs/PAGE.md:2: no source says 'is empty'"
page "$head" "| \`in a comment\` | so |"; said "docs/PAGE.md:2: no source says 'in a comment'"

# 5. width
wide=$(printf '%0101d' 0)
page "$wide"; said 'docs/PAGE.md:1: 101 columns, at most 100'
page "| $wide |" '```' "$wide" '```'; fine

echo "Checks: $checks, Failures: $failures, Errors: 0"
[ $failures -eq 0 ]
