/* SPDX-License-Identifier: MIT
 * clock_trouble.h - trouble with the clocks, for this process and its plugin alone.
 *
 * Layer: tests/conformance.  Threads: any. */
#pragma once

#include <stdint.h>

/* From now on CLOCK_REALTIME, gettimeofday() and time() say so many seconds more.  CLOCK_MONOTONIC
 * does not mind. */
void clock_trouble_jump(int64_t seconds);

/* From now on `us` microseconds pass after each nth look at any clock, before the caller gets the
 * answer: as if another process had been given the CPU just then.  0: never. */
void clock_trouble_stall(uint32_t each_nth, int64_t us);
