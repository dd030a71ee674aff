/* SPDX-License-Identifier: MIT
 * place.h - where in services.yaml something is written.
 *
 * Layer: servers/stack. */
#pragma once

#include <stdint.h>

struct place {
    uint32_t line;   /* from 1; 0: nowhere */
    uint32_t column; /* from 1, in characters */
};
