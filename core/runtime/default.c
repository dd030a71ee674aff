/* SPDX-License-Identifier: MIT
 * default.c - see default.h. */
#include "core/runtime/default.h"

#include <stdatomic.h>
#include <stddef.h>

#include "core/base/error.h"
#include "core/base/own.h"
#include "core/config/runtimes_conf.h"
#include "core/runtime/host.h"
#include "core/runtime/runtime.h"

static _Atomic(yk_spawner *) default_spawner; /* once set, for ever */

static int open_default(yk_spawner **out_spawner, struct error *err)
{
    OWNED(runtimes_conf) struct runtimes_conf *conf = NULL;
    int r = runtimes_conf_load(NULL, &conf, err);
    if (r < 0)
        return r;
    return runtime_open_configured(conf, "default", out_spawner, err);
}

yk_spawner *yk_default_spawner(void)
{
    yk_spawner *known = atomic_load_explicit(&default_spawner, memory_order_acquire);
    if (known)
        return known;
    struct error err = {0};
    yk_spawner *spawner = NULL;
    if (open_default(&spawner, &err) < 0) {
        host_log(0, "no default spawner: %s", err.text);
        return NULL;
    }
    /* No lock is held while a plugin loads: of two that race, the later takes its own apart again.
     */
    if (atomic_compare_exchange_strong_explicit(&default_spawner, &known, spawner,
                                                memory_order_acq_rel, memory_order_acquire))
        return spawner;
    if (runtime_close(spawner) < 0)
        host_log(1, "a second default spawner cannot be taken apart");
    return known;
}
