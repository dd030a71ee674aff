/* SPDX-License-Identifier: MIT
 * direct_verbs.h - core's calls to its runtime as plain calls of the kit's functions: the native
 * side of the spawn benchmark, for core/task/runtime_verbs.h. */
#pragma once

#include "plugins/kit/fiber.h"

#define VERB(object, verb) kit_##verb
