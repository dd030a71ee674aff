/* SPDX-License-Identifier: MIT
 * own.h - who owns what: scopes that drop, and passing ownership on.
 *
 * Layer: core/base.  Threads: none.  Installed as <yoke/own.h>.
 *
 *     OWNED(ring) struct ring *ring = NULL;     dropped by ring_free() when the scope is left
 *     *out_ring = MOVE(ring);                   handed on; ring is NULL now
 *
 * Drops run in reverse order of declaration and on return only; there is no goto beside them. */
#pragma once

#define MUST_USE    __attribute__((warn_unused_result))

#define OWNED(noun) __attribute__((cleanup(noun##_drop)))

#define DEFINE_DROP(noun, type)                                                                    \
    __attribute__((unused)) static inline void noun##_drop(type **slot)                            \
    {                                                                                              \
        noun##_free(*slot);                                                                        \
    }

#define MOVE(variable)                                                                             \
    __extension__({                                                                                \
        __typeof__(variable) moved_ = (variable);                                                  \
        (variable) = NULL;                                                                         \
        moved_;                                                                                    \
    })
