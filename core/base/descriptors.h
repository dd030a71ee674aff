/* SPDX-License-Identifier: MIT
 * descriptors.h - how many descriptors the process may have open.
 *
 * Layer: core/base.  Threads: any; first thing in a program that has many children. */
#pragma once

#include <stdint.h>

/* Raises the soft limit to the hard one.
 *
 * Returns the soft limit from before, which children should get back (it is small on purpose: some
 * programs close every descriptor up to it); 0 if it is not known or was not changed. */
uint64_t descriptors_raise_limit(void);
