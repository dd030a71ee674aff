/* SPDX-License-Identifier: MIT
 * cmd_config.c - yoke config: the commands about configuration. */
#include <stddef.h>

#include "servers/host/command.h"

static const struct command *const parts[] = {&command_config_check, NULL};

const struct command command_config = {
    .name = "config",
    .summary = "check runtimes.conf",
    .help = "usage: yoke config COMMAND [ARGUMENT]...\n"
            "\n"
            "commands: check; `yoke config help COMMAND` says more.\n",
    .parts = parts,
};
