/* SPDX-License-Identifier: MIT
 * kit_options.h - what a configuration asks of the kit, checked.
 *
 * Layer: plugins/kit.  Threads: of create(). */
#pragma once

#include <yoke/spawner.h>

struct kit;

/* Takes sizes, limits and the kit's own options into `kit`; the options that are left go to `rest`,
 * which has room for all, for the driver to check.  Returns 0 or -EINVAL with a sentence in
 * *error. */
int kit_options_take(struct kit *kit, const yk_config *config, yk_option *rest, uint32_t *out_count,
                     yk_error *error);
