/* SPDX-License-Identifier: MIT
 * stopwatch.h - how long an operation takes: what each pair of programs prints, so that they can be
 * compared.
 *
 * Layer: docs/examples. */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define STOPWATCH_COUNT_MAX 10000000

/* The program's only argument, a number of operations, or `otherwise` if there is none.  Ends the
 * program with status 2 if it is no number of 1 to STOPWATCH_COUNT_MAX. */
static inline int stopwatch_count(int argc, char **argv, int otherwise)
{
    char *end = NULL;
    long count = argc < 2 ? otherwise : strtol(argv[1], &end, 10);
    if (argc <= 2 && (argc < 2 || (*argv[1] && !*end)) && count >= 1 &&
        count <= STOPWATCH_COUNT_MAX)
        return (int)count;
    (void)fprintf(stderr, "usage: %s [OPERATIONS, 1 to %d]\n", argv[0], STOPWATCH_COUNT_MAX);
    exit(2);
}

static inline int64_t stopwatch_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail */
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Prints the line that tests/bench/migrating.sh reads. */
static inline void stopwatch_print(int64_t begin, int count)
{
    double ns = (double)(stopwatch_now() - begin);
    printf("%d operations, %.0f ns per operation\n", count, ns / count);
}
