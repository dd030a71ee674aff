/* SPDX-License-Identifier: MIT
 * side.h - where a benchmark gets its spawner: through host, loader and table, or linked straight
 * in.
 *
 * Layer: tests.  One of side_table.c and side_native.c is linked. */
#pragma once

#include <yoke/spawner.h>

/* The spawner of the runtime that the command line names; ends the program with a sentence if there
 * is none. */
yk_spawner *side_open(const char *runtime);

void side_close(yk_spawner *spawner);
