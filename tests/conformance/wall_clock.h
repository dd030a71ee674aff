/* SPDX-License-Identifier: MIT
 * wall_clock.h - sets the time of day forward and back, for this process and its plugin alone.
 *
 * Layer: tests/conformance.  Threads: any. */
#pragma once

#include <stdint.h>

/* From now on CLOCK_REALTIME, gettimeofday() and time() say so many seconds more.  CLOCK_MONOTONIC
 * does not mind. */
void wall_clock_jump(int64_t seconds);
