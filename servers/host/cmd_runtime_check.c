/* SPDX-License-Identifier: MIT
 * cmd_runtime_check.c - yoke runtime check: whether a plugin keeps the contract.
 *
 * The tests are a program of their own, yoke-conformance, which this one becomes. */
#include <getopt.h>
#include <stdbool.h>
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

#define CHECK_WORDS_MAX 64

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

/* The options are the program's own, and are passed on as they are. */
static const struct option options[] = {{"only", required_argument, NULL, 'o'},
                                        {"seed", required_argument, NULL, 's'},
                                        {"jobs", required_argument, NULL, 'n'},
                                        {"timeout-scale", required_argument, NULL, 't'},
                                        {"workers", required_argument, NULL, 'w'},
                                        {"run", required_argument, NULL, 'r'},
                                        {"json", no_argument, NULL, 'j'},
                                        {"list", no_argument, NULL, 'l'},
                                        {0}};

static const char *const option_words[] = {
    ['o'] = "--only",    ['s'] = "--seed", ['n'] = "--jobs", ['t'] = "--timeout-scale",
    ['w'] = "--workers", ['r'] = "--run",  ['j'] = "--json", ['l'] = "--list",
};

static int check_run(int argc, char **argv)
{
    const char *words[CHECK_WORDS_MAX + 2] = {NULL};
    int count = 0;
    bool lists = false;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":", options, NULL)) != -1;) {
        if (c == '?' || c == ':')
            return command_misused_option(&command_runtime_check, c, argv, options);
        if (count + 2 > CHECK_WORDS_MAX)
            return command_misused(&command_runtime_check, "there are too many options");
        lists = lists || c == 'l';
        words[count++] = option_words[c];
        if (optarg)
            words[count++] = optarg;
    }
    if (optind != argc - 1 && !(lists && optind == argc))
        return command_misused(&command_runtime_check, "it takes one FILE");

    struct error err = {0};
    char *path = NULL;
    if (optind < argc && find_checked(argv[optind], &path, &err) < 0)
        return command_failed(&command_runtime_check, err.text);
    words[count] = path;
    if (helper_exec("yoke-conformance", words, &err) < 0) /* returns only on failure */
        (void)command_failed(&command_runtime_check, err.text);
    free(path);
    return 1;
}

const struct command command_runtime_check = {
    .name = "check",
    .summary = "test whether a plugin keeps the contract of a runtime",
    .help =
        "usage: yoke runtime check FILE [--only PATTERN]... [--json] [--seed N] [--jobs N]\n"
        "                               [--workers N] [--timeout-scale X] [--run NAME]\n"
        "       yoke runtime check --list\n"
        "\n"
        "Runs the conformance tests against a runtime plugin, each in a process of its own: pass,\n"
        "fail, warn or skip.  FILE is its shared object, or the name of an installed runtime.\n"
        "\n"
        "  --only PATTERN     run the tests whose names fit, * and ? as in file names\n"
        "  --json             print a JSON document\n"
        "  --seed N           repeat a run whose seed was printed\n"
        "  --jobs N           run N tests at once\n"
        "  --workers N        give each spawner N loops\n"
        "  --timeout-scale X  multiply every timeout\n"
        "  --run NAME         run one test in this process, for a debugger\n"
        "  --list             print the names of the tests\n",
    .run = check_run,
};
