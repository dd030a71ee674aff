/* SPDX-License-Identifier: MIT
 * cmd_up.c - yoke up: brings a stack up in the foreground.
 *
 * Start at run(): what was typed, the stack, the lock, the runtime, then up_main() as the main
 * task. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yoke/signals.h>

#include "core/base/descriptors.h"
#include "core/base/file.h"
#include "core/base/run_lock.h"
#include "core/base/terminal.h"
#include "core/process/console.h"
#include "core/runtime/host.h"
#include "core/runtime/runtime.h"
#include "servers/host/command.h"
#include "servers/orchestrator/orchestrator.h"

#define STDOUT_FD          1
#define STACK_FILE_DEFAULT "services.yaml"

extern char **environ;

/* What was typed. */
struct up_arguments {
    const char *file;
    const char *data_dir; /* NULL: the user's runtime folder */
    struct runtimes_request request;
    bool no_color;
    bool json;
    bool dry_run;
    char **services; /* borrowed from argv, ends with NULL */
};

/* What is needed to run; dropped in reverse order. */
struct up {
    struct problems *problems;
    struct stack *stack;
    struct graph *graph;
    bool *chosen;
};

static void up_done(struct up *up)
{
    free(up->chosen);
    graph_free(up->graph);
    stack_free(up->stack);
    problems_free(up->problems);
}

static int failed(const char *text)
{
    return command_failed(&command_up, text);
}

/* ---- What was typed ---- */

/* Returns -1 when it makes sense, else the exit status. */
static int read_arguments(int argc, char **argv, struct up_arguments *arguments)
{
    enum { RUNTIME = 256, RUNTIMES, NO_COLOR, JSON, DATA_DIR, DRY_RUN };
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"runtime", required_argument, NULL, RUNTIME},
        {"runtimes", required_argument, NULL, RUNTIMES},
        {"data-dir", required_argument, NULL, DATA_DIR},
        {"no-color", no_argument, NULL, NO_COLOR},
        {"json", no_argument, NULL, JSON},
        {"dry-run", no_argument, NULL, DRY_RUN},
        {0},
    };
    *arguments = (struct up_arguments){.file = STACK_FILE_DEFAULT};
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":c:", options, NULL)) != -1;) {
        switch (c) {
        case 'c':
            arguments->file = optarg;
            break;
        case RUNTIME:
            arguments->request.runtime = optarg;
            break;
        case RUNTIMES:
            arguments->request.file = optarg;
            break;
        case DATA_DIR:
            arguments->data_dir = optarg;
            break;
        case NO_COLOR:
            arguments->no_color = true;
            break;
        case JSON:
            arguments->json = true;
            break;
        case DRY_RUN:
            arguments->dry_run = true;
            break;
        default:
            return command_misused_option(&command_up, c, argv, options);
        }
    }
    arguments->services = argv + optind;
    return -1;
}

/* ---- The stack ---- */

static int tell_problems(struct up *up)
{
    fputs(problems_text(up->problems), stderr);
    return 1;
}

/* Marks the services that were named, or all, and what they need.  Returns -1 or the exit
 * status. */
static int choose(struct up *up, char **names)
{
    up->chosen = calloc(up->stack->service_count + 1, sizeof up->chosen[0]);
    if (!up->chosen)
        return failed("out of memory");
    for (size_t i = 0; !names[0] && i < up->stack->service_count; i++)
        up->chosen[i] = true;
    for (size_t i = 0; names[i]; i++) {
        const struct service *service = stack_find(up->stack, names[i]);
        if (!service) {
            const char *meant = stack_suggest(up->stack, names[i]);
            fprintf(stderr, "%s: there is no service '%s'%s%s%s\n", up->stack->path, names[i],
                    meant ? "; did you mean '" : "", meant ? meant : "", meant ? "'?" : "");
            return 1;
        }
        up->chosen[stack_index(up->stack, service)] = true;
    }
    graph_select(up->graph, up->chosen);
    return -1;
}

/* Refuses what is chosen and cannot be run yet.  Returns -1 or the exit status. */
static int check_obstacles(struct up *up)
{
    for (size_t i = 0; i < up->stack->service_count; i++) {
        const struct service *service = &up->stack->services[i];
        if (!up->chosen[i])
            continue;
        for (const struct obstacle *obstacle = service->obstacles; obstacle;
             obstacle = obstacle->next)
            (void)problems_add(up->problems, obstacle->place, "service '%s': %s", service->name,
                               obstacle->sentence);
    }
    return problems_count(up->problems) > 0 ? tell_problems(up) : -1;
}

/* Reads the stack and says what is wrong.  Returns -1 or the exit status. */
static int load(struct up *up, const struct up_arguments *arguments)
{
    struct error err = {0};
    int r = problems_new(arguments->file, &up->problems);
    if (r < 0)
        return failed("out of memory");
    r = stack_load(arguments->file, (const char *const *)environ, up->problems, &up->stack, &err);
    if (r >= 0)
        r = graph_new(up->stack, up->problems, &up->graph);
    if (problems_count(up->problems) > 0)
        return tell_problems(up);
    if (r < 0)
        return failed(err.code < 0 ? err.text : error_words(r));
    int status = choose(up, arguments->services);
    return status < 0 ? check_obstacles(up) : status;
}

/* ---- The dry run ---- */

static int print_order(const struct up *up)
{
    struct graph_list order = graph_order(up->graph);
    for (size_t i = 0; i < order.count; i++) {
        if (!up->chosen[order.items[i]])
            continue;
        struct graph_list needs = graph_dependencies(up->graph, order.items[i]);
        printf("%s", up->stack->services[order.items[i]].name);
        for (size_t j = 0; j < needs.count; j++)
            printf("%s%s", j == 0 ? ", after " : " and ", up->stack->services[needs.items[j]].name);
        putchar('\n');
    }
    return 0;
}

/* ---- The run ---- */

struct up_task {
    struct orchestrator *orchestrator;
    struct error err;
};

static int up_main(yk_task *self, void *arg)
{
    struct up_task *task = arg;
    return orchestrator_run(self, task->orchestrator, &task->err);
}

static void set_log_level(const struct stack *stack)
{
    static const char *const levels[] = {"error", "warn", "info", "debug",
                                         NULL}; /* as host_log() counts */
    const char *wanted = stack->settings.log_level;
    if (!wanted)
        return;
    int32_t level = 0;
    while (levels[level] && strcmp(levels[level], wanted) != 0)
        level++;
    host_log_level_set(level < 3 ? level : 3); /* "trace" is as "debug" */
}

/* Returns the exit status. */
static int run_on(yk_spawner *spawner, const struct up *up, const struct up_arguments *arguments,
                  uint64_t descriptors_max)
{
    const yk_entry *entry = runtime_entry(spawner);
    const struct orchestrator_options options = {
        .stack = up->stack,
        .graph = up->graph,
        .chosen = up->chosen,
        .env = (const char *const *)environ,
        .report = {.fd = STDOUT_FD,
                   .json = arguments->json,
                   .format = {.terminal = terminal_is(STDOUT_FD),
                              .colours = !arguments->no_color && terminal_has_colours(STDOUT_FD)}},
        .descriptors_max = descriptors_max,
        .runtime = entry->id,
        .runtime_version = entry->version,
        .runtime_build = entry->build,
    };
    struct up_task task = {0};
    OWNED(orchestrator) struct orchestrator *orchestrator = NULL;
    int r = orchestrator_new(spawner, &options, &orchestrator);
    if (r < 0)
        return failed(error_words(r));
    task.orchestrator = orchestrator;
    int status = yk_run(spawner, up_main, &task);
    if (status < 0 || task.err.code < 0)
        (void)failed(task.err.code < 0 ? task.err.text : error_words(status));
    return status < 0 ? 1 : status;
}

static int open_and_run(const struct up *up, const struct up_arguments *arguments)
{
    struct error err = {0};
    uint64_t descriptors_max = descriptors_raise_limit();
    OWNED(runtimes_conf) struct runtimes_conf *conf = NULL;
    yk_spawner *spawner = NULL;
    int r = runtimes_conf_load(&arguments->request, &conf, &err);
    if (r >= 0)
        r = runtime_open_configured(conf, "up", &spawner, &err);
    if (r < 0)
        return failed(err.text);
    int status = run_on(spawner, up, arguments, descriptors_max);
    r = runtime_close(spawner);
    if (r < 0 && status == 0)
        return failed("the runtime cannot be taken apart: something of it is still in use");
    return status;
}

static void free_string(char **string)
{
    free(*string);
}

/* One run at a time of a stack. */
static int lock_and_run(const struct up *up, const struct up_arguments *arguments)
{
    struct error err = {0};
    __attribute__((cleanup(free_string))) char *path = NULL;
    OWNED(run_lock) struct run_lock *lock = NULL;
    pid_t holder = 0;
    int r = file_real_path(arguments->file, &path, &err);
    if (r >= 0)
        r = run_lock_take(path, arguments->data_dir, &lock, &holder, &err);
    if (r == -EWOULDBLOCK && holder > 0)
        (void)fail(&err, r, "%s is up already: process %d runs it", path, (int)holder);
    if (r < 0)
        return failed(err.text);
    return open_and_run(up, arguments);
}

static int run(int argc, char **argv)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGPIPE, 0};
    struct up_arguments arguments;
    int status = read_arguments(argc, argv, &arguments);
    if (status >= 0)
        return status;
    int r = console_hold_standard_fds();
    if (r >= 0)
        r = yk_signals_block(signals); /* before there is another thread */
    if (r < 0)
        return failed(error_words(r));

    __attribute__((cleanup(up_done))) struct up up = {0};
    status = load(&up, &arguments);
    if (status >= 0)
        return status;
    if (arguments.dry_run)
        return print_order(&up);
    set_log_level(up.stack);
    return lock_and_run(&up, &arguments);
}

const struct command command_up = {
    .name = "up",
    .summary = "bring a stack up in the foreground, show its output, take it down",
    .help =
        "usage: yoke up [-c FILE] [--runtime NAME] [--json] [OPTION]... [SERVICE]...\n"
        "\n"
        "Starts the services of a stack in the order of their dependencies and shows every line "
        "that\n"
        "they write behind the service's name.  With SERVICEs, only these and what they need.  "
        "Ends when\n"
        "every service has ended; Ctrl-C stops them in reverse order, a second one kills at once.\n"
        "\n"
        "  -c, --config FILE  the stack; default: services.yaml in this folder\n"
        "  --runtime NAME     the runtime, over YOKE_RUNTIME and runtimes.conf\n"
        "  --runtimes FILE    this runtimes.conf and no other\n"
        "  --data-dir DIR     keep the lock of the run in DIR/run, not in the user's runtime "
        "folder\n"
        "  --no-color         no colours on a terminal; NO_COLOR does the same\n"
        "  --json             lines and events as JSON, one object a line\n"
        "  --dry-run          only say what would be started, in which order\n"
        "\n"
        "Exit status: 0 when every service has ended well, else that of the first that has not "
        "(128 and\n"
        "the number of the signal that ended it); 1 if one could not be started or something else "
        "went\n"
        "wrong; 2 for a wrong command line; 130 and 143 after Ctrl-C and SIGTERM.\n",
    .run = run,
};
