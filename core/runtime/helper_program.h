/* SPDX-License-Identifier: MIT
 * helper_program.h - the programs that belong to yoke and are not on PATH.
 *
 * Layer: core/runtime; one of the files that core/LAYERS names for process calls.  Threads: a
 * program with one. */
#pragma once

#include "core/base/error.h"
#include "core/base/own.h"

/* Becomes the program `name` of the folder for helpers.  In a tree that is not installed, the
 * variable YOKE_NAME (yoke-conformance: YOKE_CONFORMANCE) holds its path; it does not count in a
 * program that runs with other rights than its caller's.
 *
 * words  its arguments, a NULL behind the last
 * Returns only on failure: -EINVAL (a path that is not absolute), -ENOENT, -EACCES ..., -ENOMEM. */
MUST_USE int helper_exec(const char *name, const char *const *words, struct error *err);
