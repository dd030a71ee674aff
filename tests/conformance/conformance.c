/* SPDX-License-Identifier: MIT
 * conformance.c - yoke-conformance: does a runtime plugin do what <yoke/spawner.h> says?
 *
 * Layer: tests/conformance, the top.  Threads: one; each behaviour runs in a process of its own.
 * Start at main(); to learn what a clause means, read the check_THEME.c files from their tables
 * upwards. */
#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/conformance/outcomes.h"

#define EXIT_FAILED 1
#define EXIT_USAGE  2
#define ONLY_MAX    64
#define JOBS_USUAL  2
#define PATH_BYTES  4096

#if defined(__SANITIZE_THREAD__)
#define SLOWNESS_BUILT 10.0
#elif defined(__SANITIZE_ADDRESS__)
#define SLOWNESS_BUILT 3.0
#else
#define SLOWNESS_BUILT 1.0
#endif

static const char usage_text[] =
    "usage: yoke-conformance FILE [--only GLOB]... [--list] [--json] [--seed N] [--jobs N]\n"
    "                        [--timeout-scale X] [--workers N] [--option KEY=VALUE]... [--run "
    "NAME]\n"
    "\n"
    "Checks that the runtime plugin FILE does what <yoke/spawner.h> says.  Each behaviour runs\n"
    "in a process of its own; its one line of output is 'pass', 'fail', 'warn' (it works, but not\n"
    "well) or 'skip' (the capability that is absent), its name, and the reason with the clause's\n"
    "number.\n"
    "\n"
    "  --only GLOB        only behaviours, or themes, whose name matches; again for more\n"
    "  --list             print name, theme and meaning of each behaviour; FILE is not needed\n"
    "  --json             print one JSON object instead of lines\n"
    "  --seed N           the same random numbers as a run before; the seed is printed at the end\n"
    "  --jobs N           behaviours that run at a time, 1 to 64 (2)\n"
    "  --timeout-scale X  multiply every timeout\n"
    "  --workers N        loops of each spawner (1)\n"
    "  --option KEY=VALUE an option of the runtime, for each spawner; again for more\n"
    "  --run NAME         run one behaviour in this very process, for a debugger\n"
    "\n"
    "YOKE_TEST_SCALE=X says how much slower than usual this machine is: fewer rounds, more "
    "patience.\n"
    "Exit status: 0 nothing failed, 1 something did, 2 wrong usage or FILE cannot be loaded.\n";

static const struct theme *const themes[] = {
    &theme_load,    &theme_lifecycle, &theme_spawn,   &theme_task,      &theme_stack,
    &theme_park,    &theme_time,      &theme_io,      &theme_io_kinds,  &theme_io_close,
    &theme_offload, &theme_fairness,  &theme_inspect, &theme_isolation, &theme_loops,
};
#define THEMES_COUNT (sizeof themes / sizeof *themes)

struct wishes {
    const char *file;
    const char *only[ONLY_MAX];
    int only_count;
    bool list;
    bool json;
    uint64_t seed;
    int jobs;
    double timeout_scale;
    uint32_t workers;
    yk_option options[BED_OPTIONS_MAX];
    uint32_t options_count;
    const char *run;
};

static int refuse(const char *what, const char *value)
{
    (void)fprintf(stderr, "yoke-conformance: %s%s%s%s\nTry --help.\n", what, value ? " '" : "",
                  value ? value : "", value ? "'" : "");
    return -1;
}

static int parse_count(const char *text, uint64_t min, uint64_t max, uint64_t *out_count)
{
    char *end = NULL;
    errno = 0;
    uint64_t count = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end || text[0] == '-' || count < min || count > max)
        return refuse("not a number that is allowed here:", text);
    *out_count = count;
    return 0;
}

static int parse_factor(const char *text, double *out_factor)
{
    char *end = NULL;
    double factor = strtod(text, &end);
    if (end == text || *end || !(factor > 0) || factor > 1000)
        return refuse("not a factor above 0 and up to 1000:", text);
    *out_factor = factor;
    return 0;
}

/* "inner=uv"; the text is taken apart in place, it is argv's. */
static int parse_runtime_option(char *text, struct wishes *wishes)
{
    char *equals = strchr(text, '=');
    if (!equals || equals == text)
        return refuse("not KEY=VALUE:", text);
    if (wishes->options_count == BED_OPTIONS_MAX)
        return refuse("too many --option, the last is", text);
    *equals = '\0';
    wishes->options[wishes->options_count++] = (yk_option){.key = text, .value = equals + 1};
    return 0;
}

static int parse_option(int option, char *value, struct wishes *wishes)
{
    uint64_t count = 0;
    switch (option) {
    case 'o':
        if (wishes->only_count == ONLY_MAX)
            return refuse("too many --only, the last is", value);
        wishes->only[wishes->only_count++] = value;
        return 0;
    case 'l':
        wishes->list = true;
        return 0;
    case 'j':
        wishes->json = true;
        return 0;
    case 's':
        return parse_count(value, 0, UINT64_MAX, &wishes->seed);
    case 'n':
        if (parse_count(value, 1, RUNNER_JOBS_MAX, &count) < 0)
            return -1;
        wishes->jobs = (int)count;
        return 0;
    case 't':
        return parse_factor(value, &wishes->timeout_scale);
    case 'w':
        if (parse_count(value, 1, 1024, &count) < 0)
            return -1;
        wishes->workers = (uint32_t)count;
        return 0;
    case 'k':
        return parse_runtime_option(value, wishes);
    case 'r':
        wishes->run = value;
        return 0;
    case 'h':
        (void)fputs(usage_text, stdout);
        exit(EXIT_SUCCESS);
    default:
        return refuse("wrong usage", NULL); /* getopt has said what */
    }
}

static int parse(int argc, char **argv, struct wishes *wishes)
{
    static const struct option options[] = {
        {"only", required_argument, NULL, 'o'},
        {"list", no_argument, NULL, 'l'},
        {"json", no_argument, NULL, 'j'},
        {"seed", required_argument, NULL, 's'},
        {"jobs", required_argument, NULL, 'n'},
        {"timeout-scale", required_argument, NULL, 't'},
        {"workers", required_argument, NULL, 'w'},
        {"run", required_argument, NULL, 'r'},
        {"option", required_argument, NULL, 'k'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    for (int option = 0; (option = getopt_long(argc, argv, "h", options, NULL)) != -1;)
        if (parse_option(option, optarg, wishes) < 0)
            return -1;
    if (argc - optind > 1)
        return refuse("one FILE at a time, not also", argv[optind + 1]);
    wishes->file = argv[optind];
    if (!wishes->file && !wishes->list)
        return refuse("FILE is missing", NULL);
    return 0;
}

static bool is_wanted(const struct wishes *wishes, const struct theme *theme,
                      const struct behaviour *behaviour)
{
    for (int i = 0; i < wishes->only_count; i++)
        if (fnmatch(wishes->only[i], behaviour->name, 0) == 0 ||
            fnmatch(wishes->only[i], theme->name, 0) == 0)
            return true;
    return wishes->only_count == 0;
}

static size_t behaviours_count(void)
{
    size_t count = 0;
    for (size_t i = 0; i < THEMES_COUNT; i++)
        count += themes[i]->count;
    return count;
}

/* The behaviours that are wanted, in order; an array of the caller's. */
static size_t choose(const struct wishes *wishes, struct outcome *outcomes)
{
    size_t count = 0;
    for (size_t i = 0; i < THEMES_COUNT; i++)
        for (size_t j = 0; j < themes[i]->count; j++)
            if (is_wanted(wishes, themes[i], &themes[i]->behaviours[j])) {
                outcomes[count].theme = themes[i];
                outcomes[count++].behaviour = &themes[i]->behaviours[j];
            }
    return count;
}

static void print_list(const struct outcome *outcomes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)printf("%s  [%s, %s]  %s\n", outcomes[i].behaviour->name, outcomes[i].theme->name,
                     CLASS_PLUGIN, outcomes[i].behaviour->summary);
}

static void tell_nothing(const struct outcome *outcome)
{
    (void)outcome;
}

static uint64_t new_seed(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return ((uint64_t)now.tv_nsec ^ (uint64_t)getpid() << 16) % 1000000000;
}

/* Shows what one behaviour says, and what a plugin prints, as they come. */
static int run_here(struct bed *bed, const char *name, const struct outcome *outcomes, size_t count)
{
    static struct verdict_page page;
    for (size_t i = 0; i < count; i++)
        if (strcmp(outcomes[i].behaviour->name, name) == 0) {
            verdict_open(&page);
            verdict_on_stderr();
            runner_run_here(bed, outcomes[i].behaviour);
        }
    (void)refuse("there is no behaviour", name);
    return EXIT_USAGE;
}

static int check_plugin(struct bed *bed, const struct wishes *wishes, struct outcome *outcomes,
                        size_t count)
{
    struct plugin_facts facts;
    char error[BED_ERROR_BYTES] = "";
    if (runner_probe(bed, &facts, error) < 0) {
        (void)fprintf(stderr, "yoke-conformance: %s\n", error);
        return EXIT_USAGE;
    }
    struct run_plan plan = {
        .bed = bed,
        .caps = facts.caps,
        .jobs = wishes->jobs,
        .patience = bed_patience() * wishes->timeout_scale,
        .tell = wishes->json ? tell_nothing : outcome_print,
    };
    runner_run(&plan, outcomes, count);
    if (wishes->json)
        outcomes_print_json(bed, &facts, outcomes, count);
    else
        outcomes_print_summary(bed, &facts, outcomes, count);
    return outcomes_total(outcomes, count).fail > 0 ? EXIT_FAILED : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct wishes wishes = {.seed = new_seed(), .jobs = JOBS_USUAL, .timeout_scale = 1};
    double slowness = 1;
    const char *scale = getenv("YOKE_TEST_SCALE");
    if (parse(argc, argv, &wishes) < 0 || (scale && parse_factor(scale, &slowness) < 0))
        return EXIT_USAGE;
    slowness = (slowness > 1 ? slowness : 1) * SLOWNESS_BUILT;
    bed_patience_set(slowness);

    struct outcome *outcomes = calloc(behaviours_count(), sizeof *outcomes);
    if (!outcomes)
        return EXIT_USAGE;
    size_t count = choose(&wishes, outcomes);
    char *path = wishes.file ? realpath(wishes.file, NULL) : NULL;
    struct bed bed = {
        .path = path, .seed = wishes.seed, .slowness = slowness, .workers = wishes.workers};
    bed.options_count = wishes.options_count;
    memcpy(bed.options, wishes.options, sizeof wishes.options);
    int status = EXIT_SUCCESS;
    if (count == 0) {
        (void)refuse("no behaviour has a name that matches", wishes.only[0]);
        status = EXIT_USAGE;
    } else if (wishes.list) {
        print_list(outcomes, count);
    } else if (!path) {
        (void)fprintf(stderr, "yoke-conformance: %s: %s\n", wishes.file, strerror(errno));
        status = EXIT_USAGE;
    } else if (wishes.run) {
        status = run_here(&bed, wishes.run, outcomes, count);
    } else {
        status = check_plugin(&bed, &wishes, outcomes, count);
    }
    free(path);
    free(outcomes);
    return status;
}
