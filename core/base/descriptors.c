/* SPDX-License-Identifier: MIT
 * descriptors.c - see descriptors.h. */
#include "core/base/descriptors.h"

#include <sys/resource.h>

uint64_t descriptors_raise_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= limit.rlim_max)
        return 0;
    uint64_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? 0 : before;
}
