/* SPDX-License-Identifier: MIT
 * tidy.h - what clang's analyzer cannot see across files; `./dev lint` includes it before each.
 *
 * fail() returns the negative code that it is given: without that, every caller that stops at r < 0
 * seems to go on. */
#pragma once

#include "core/base/error.h"

#define fail(err, code, ...) ((void)(fail)(err, code, __VA_ARGS__), -1)
