/* SPDX-License-Identifier: MIT
 * command.h - a word of yoke's command line: what it is called, what help says of it, what runs.
 *
 * Layer: servers/host.  Threads: main's, before any other exists; a command blocks signals itself
 * before it starts some.  Start at command_run().
 *
 * A command is a file cmd_NAME.c that ends in one const struct command; main.c has the table. */
#pragma once

#include <getopt.h>

#define EXIT_STATUS_USAGE 2 /* what was typed makes no sense; 1: it does, and failed */

struct command {
    const char *name;
    const char *summary; /* one line without a full stop */
    const char *help;    /* "usage: yoke NAME ..." and what there is to say, ends in a newline */
    const struct command *const *parts; /* its own commands, a NULL behind them; NULL: it runs */
    /* argv[0] is the name.  Returns the exit status. */
    int (*run)(int argc, char **argv);
};

extern const struct command command_config;
extern const struct command command_config_check;
extern const struct command command_runtime;
extern const struct command command_runtime_check;
extern const struct command command_runtime_list;
extern const struct command command_up;
extern const struct command command_version;

/* Runs the command that argv[1] names, or says what there is.  --help and -h, up to a "--", print
 * help.
 *
 * path      what was typed up to here: "yoke", "yoke runtime"
 * commands  a NULL behind the last
 * Returns the exit status. */
int command_run(const char *path, const struct command *const *commands, int argc, char **argv);

/* Complains on stderr about how a command was used, and says where help is.  Returns
 * EXIT_STATUS_USAGE. */
int command_misused(const struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Complains about the option at which getopt_long() has returned '?' or ':', with what may have
 * been meant.  For that, opterr is 0 and the short options begin with ':'.  Returns
 * EXIT_STATUS_USAGE. */
int command_misused_option(const struct command *command, int returned, char **argv,
                           const struct option *options);

/* Complains on stderr that a command has failed.  Returns 1. */
int command_failed(const struct command *command, const char *text);
