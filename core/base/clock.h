/* SPDX-License-Identifier: MIT
 * clock.h - the time of day, for people and logs.  Deadlines are counted by yk_now().
 *
 * Layer: core/base.  Threads: any. */
#pragma once

#include <stdint.h>

/* Milliseconds since 1970 in UTC; may jump. */
int64_t clock_wall_ms(void);

#define CLOCK_TEXT_BYTES 32

/* Writes the time as "2026-11-22T18:43:05.123Z" (RFC 3339). */
void clock_text(int64_t wall_ms, char out_text[CLOCK_TEXT_BYTES]);
