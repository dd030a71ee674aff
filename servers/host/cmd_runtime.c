/* SPDX-License-Identifier: MIT
 * cmd_runtime.c - yoke runtime: the commands about runtimes. */
#include <stddef.h>

#include "servers/host/command.h"

static const struct command *const parts[] = {&command_runtime_list, &command_runtime_check, NULL};

const struct command command_runtime = {
    .name = "runtime",
    .summary = "show and test runtimes, the event loops that everything runs on",
    .help = "usage: yoke runtime COMMAND [ARGUMENT]...\n"
            "\n"
            "commands: list, check; `yoke runtime help COMMAND` says more.\n",
    .parts = parts,
};
