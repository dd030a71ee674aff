/* SPDX-License-Identifier: MIT
 * disposition.c - see disposition.h. */
#include "core/base/disposition.h"

#include <signal.h>
#include <stddef.h>

bool disposition_is_ignored(int signal)
{
    struct sigaction action;
    return sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}
