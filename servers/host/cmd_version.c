/* SPDX-License-Identifier: MIT
 * cmd_version.c - yoke version: what this program is. */
#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "config.h"
#include "core/config/runtimes_conf.h"
#include "core/runtime/spawner.h"
#include "servers/host/command.h"
#include "servers/host/json_text.h"

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

static int print_json(void)
{
    json_t *document = json_pack("{s:s, s:{s:i, s:i}, s:o, s:s}", "version", YOKE_VERSION, "abi",
                                 "major", YK_ABI_MAJOR, "minor", YK_ABI_MINOR, "runtimes_built",
                                 json_words(runtimes_built()), "compiler", COMPILER);
    if (json_print(document) < 0)
        return command_failed(&command_version, "out of memory");
    return 0;
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {0}};
    bool json = false;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":", options, NULL)) != -1;) {
        if (c != 'j')
            return command_misused_option(&command_version, c, argv, options);
        json = true;
    }
    if (optind < argc)
        return command_misused(&command_version, "it takes no argument '%s'", argv[optind]);
    if (json)
        return print_json();
    printf("yoke %s\n", YOKE_VERSION);
    printf("spawner ABI %d.%d\n", YK_ABI_MAJOR, YK_ABI_MINOR);
    printf("runtimes built: %s\n", runtimes_built()[0] != '\0' ? runtimes_built() : "none");
    printf("compiler: %s\n", COMPILER);
    return 0;
}

const struct command command_version = {
    .name = "version",
    .summary = "say what this program is",
    .help = "usage: yoke version [--json]\n"
            "\n"
            "Prints the version, the version of the spawner ABI that runtime plugins are compiled "
            "for,\n"
            "the runtimes that were built with this program, and the compiler.\n",
    .run = run,
};
