/* SPDX-License-Identifier: MIT
 * cmd_runtime_check.c - yoke runtime check: whether a plugin keeps the contract.
 *
 * The tests are a program of their own, yoke-conformance, which this one becomes. */
#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/own.h"
#include "core/config/runtimes_conf.h"
#include "core/runtime/helper_program.h"
#include "core/runtime/plugin_path.h"
#include "servers/host/command.h"

#define CHECK_WORDS_MAX 16

/* The absolute path of what was named: a file, or a runtime by its name. */
static int find_checked(const char *word, char **out_path, struct error *err)
{
    if (strchr(word, '/') || !runtimes_name_valid(word))
        return file_real_path(word, out_path, err);
    OWNED(runtimes_conf) struct runtimes_conf *conf = NULL;
    OWNED(plugin_path) struct plugin_path *path = NULL;
    struct runtimes_settings settings;
    int r = runtimes_conf_load(NULL, &conf, err);
    if (r == 0)
        r = runtimes_conf_settings(conf, "default", &settings, err);
    if (r == 0)
        r = plugin_path_new(settings.values[RUNTIMES_PLUGIN_DIR].text, &path, err);
    return r < 0 ? r : plugin_path_find(path, word, out_path, err);
}

static int check_run(int argc, char **argv)
{
    static const struct option options[] = {
        {"only", required_argument, NULL, 'o'}, {"seed", required_argument, NULL, 's'},
        {"jobs", required_argument, NULL, 'n'}, {"json", no_argument, NULL, 'j'},
        {"list", no_argument, NULL, 'l'},       {0}};
    const char *words[CHECK_WORDS_MAX + 1] = {NULL};
    int count = 1; /* the file comes first */
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":", options, NULL)) != -1;) {
        if (c == '?' || c == ':')
            return command_misused_option(&command_runtime_check, c, argv, options);
        if (count + 2 > CHECK_WORDS_MAX)
            return command_misused(&command_runtime_check, "there are too many options");
        words[count++] = c == 'o'   ? "--only"
                         : c == 's' ? "--seed"
                         : c == 'n' ? "--jobs"
                         : c == 'j' ? "--json"
                                    : "--list";
        if (optarg)
            words[count++] = optarg;
    }
    if (optind != argc - 1)
        return command_misused(&command_runtime_check, "it takes one FILE");

    struct error err = {0};
    char *path = NULL;
    if (find_checked(argv[optind], &path, &err) < 0)
        return command_failed(&command_runtime_check, err.text);
    words[0] = path;
    if (helper_exec("yoke-conformance", words, &err) < 0) /* returns only on failure */
        (void)command_failed(&command_runtime_check, err.text);
    free(path);
    return 1;
}

const struct command command_runtime_check = {
    .name = "check",
    .summary = "test whether a plugin keeps the contract of a runtime",
    .help =
        "usage: yoke runtime check FILE [--only PATTERN] [--json] [--seed N] [--jobs N] [--list]\n"
        "\n"
        "Runs the conformance tests against a runtime plugin, each in a process of its own: pass,\n"
        "fail, warn or skip.  FILE is its shared object, or the name of an installed runtime.\n"
        "\n"
        "  --only PATTERN  run the tests whose names fit, * and ? as in file names\n"
        "  --json          print a JSON document\n"
        "  --seed N        repeat a run whose seed was printed\n"
        "  --jobs N        run N tests at once\n"
        "  --list          print the names of the tests\n",
    .run = check_run,
};
