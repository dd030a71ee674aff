/* SPDX-License-Identifier: MIT
 * main.c - the program yoke: one word after it says what to do.
 *
 * Layer: servers/host.  A new command: a file cmd_NAME.c, a line in command.h and one here. */
#include <stdio.h>
#include <string.h>

#include "core/process/guardian.h"
#include "core/process/vigil.h"
#include "core/runtime/fault.h"
#include "servers/host/command.h"

static const struct command *const commands[] = {
    &command_up,
    &command_runtime,
    &command_config,
    &command_version,
    NULL,
};

static int check_output(int status);

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], GUARDIAN_COMMAND) == 0)
        return vigil_run(argc, argv); /* started by ourselves, see guardian.h */
    if (fault_install() < 0)
        fputs("yoke: warning: a task that overflows its stack will not be named\n", stderr);
    int status = command_run("yoke", commands, argc, argv);
    return check_output(status);
}

/* What could not be printed was not done: a full disk is a failure. */
static int check_output(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    perror("yoke: cannot write to standard output");
    return status == 0 ? 1 : status;
}
