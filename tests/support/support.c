/* SPDX-License-Identifier: MIT
 * support.c - see support.h. */
#include "tests/support/support.h"

#include <assert.h>
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/runtime/host.h"
#include "core/runtime/loader.h"
#include "core/runtime/runtime.h"
#include "core/task/waiting.h"

#define RUNTIMES_MAX            16
#define NAME_BYTES              32
#define PATH_BYTES              1024
#define LIBUV_FDS               2
#define SETTLE_YIELDS           30
#define FAILURE_MS              10000 /* what a test waits for takes far less */
#define TEST_SECONDS_MAX        30    /* of one test, by Check; only a broken one needs them */
#define SCALE_MAX               1000
#define SCALE_VALGRIND          20
#define SCALE_THREAD_SANITIZER  10
#define SCALE_ADDRESS_SANITIZER 3

#if defined(__SANITIZE_THREAD__)
#define SANITIZES_THREADS true
#else
#define SANITIZES_THREADS false
#endif
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZES_ADDRESSES true
#else
#define SANITIZES_ADDRESSES false
#endif

/* The names of RUNTIMES, read once. */
static struct {
    int count; /* 0: not read yet */
    char names[RUNTIMES_MAX][NAME_BYTES];
} runtimes;

/* Writes the path of a plugin.  Returns whether there is such a file. */
static bool plugin_find(const char *runtime, char path[PATH_BYTES])
{
    const char *folders = getenv("YOKE_TEST_PLUGIN_DIR");
    for (const char *begin = folders ? folders : ".libs"; *begin;) {
        size_t len = strcspn(begin, ":");
        (void)snprintf(path, PATH_BYTES, "%.*s/runtime_%s.so", (int)len, begin, runtime);
        if (access(path, R_OK) == 0)
            return true;
        begin += len + (begin[len] == ':');
    }
    return false;
}

static void runtimes_read(void)
{
    const char *wanted = getenv("RUNTIMES");
    bool name_is_wanted = wanted && *wanted;
    const char *words = name_is_wanted ? wanted : "uv ev threads";
    char path[PATH_BYTES];
    while (*(words += strspn(words, " ")) && runtimes.count < RUNTIMES_MAX) {
        size_t len = strcspn(words, " ");
        char *name = runtimes.names[runtimes.count];
        (void)snprintf(name, NAME_BYTES, "%.*s", (int)len, words);
        words += len;
        if (name_is_wanted || plugin_find(name, path))
            runtimes.count++;
    }
    if (runtimes.count > 0)
        return;
    (void)fprintf(stderr, "support: no runtime to test: RUNTIMES='%s', YOKE_TEST_PLUGIN_DIR='%s'\n",
                  wanted ? wanted : "", getenv("YOKE_TEST_PLUGIN_DIR"));
    exit(99);
}

int support_runtime_count(void)
{
    if (runtimes.count == 0)
        runtimes_read();
    return runtimes.count;
}

const char *support_runtime(int i)
{
    assert(i >= 0 &&
           i < support_runtime_count()); /* not Check's: also called before any test runs */
    return runtimes.names[i];
}

bool support_has_runtime(const char *runtime)
{
    char path[PATH_BYTES];
    return plugin_find(runtime, path);
}

yk_spawner *support_spawner(const char *runtime)
{
    return support_spawner_with(runtime, NULL);
}

/* ---- "uv/3": three loops, and each task on the emptiest one unless it says otherwise ---- */

static int32_t (*inner_spawn)(yk_spawner *spawner, const yk_spawn_options *options,
                              yk_entry_fn *entry, void *arg, yk_task **out_task);

static int32_t spawn_spread(yk_spawner *spawner, const yk_spawn_options *options,
                            yk_entry_fn *entry, void *arg, yk_task **out_task)
{
    yk_spawn_options spread = *options;
    if (spread.placement == YK_PLACE_INHERIT)
        spread.placement = YK_PLACE_ANY;
    return inner_spawn(spawner, &spread, entry, arg, out_task);
}

static yk_spawner *spread_spawner(const char *name, const char *slash, const yk_config *config)
{
    char runtime[NAME_BYTES] = "";
    ck_assert_uint_lt((size_t)(slash - name), sizeof runtime);
    memcpy(runtime, name, (size_t)(slash - name));
    yk_config spread = config ? *config : (yk_config){0};
    spread.workers = (uint32_t)strtoul(slash + 1, NULL, 10);
    yk_spawner *spawner = support_spawner_with(runtime, &spread);
    struct host_spawner *host = spawner->host_data;
    inner_spawn = host->ops.spawn;
    host->ops.spawn = spawn_spread;
    return spawner;
}

/* ---- "chaos/uv": the runtime uv inside chaos ---- */

static yk_spawner *chaos_spawner(const char *inner, const yk_config *config)
{
    ck_assert(!config || config->options_count == 0);
    const char *stale = getenv("YOKE_TEST_STALE");
    const yk_option options[] = {{"inner", inner}, {"stale", stale ? stale : "1"}};
    yk_config around = config ? *config : (yk_config){0};
    around.options = options;
    around.options_count = 2;
    return support_spawner_with("chaos", &around);
}

/* ---- "mock/7": mock with the order of seed 7, and patience with foreign threads ---- */

static yk_spawner *mock_spawner(const char *seed, const yk_config *config)
{
    ck_assert(!config || config->options_count == 0);
    const yk_option options[] = {{"seed", seed}, {"grace_ms", "10000"}};
    yk_config seeded = config ? *config : (yk_config){0};
    seeded.options = options;
    seeded.options_count = 2;
    return support_spawner_with("mock", &seeded);
}

yk_spawner *support_spawner_with(const char *runtime, const yk_config *config)
{
    const char *slash = runtime[0] == '/' ? NULL : strchr(runtime, '/');
    if (slash && strncmp(runtime, "chaos/", 6) == 0)
        return chaos_spawner(slash + 1, config);
    if (slash && strncmp(runtime, "mock/", 5) == 0)
        return mock_spawner(slash + 1, config);
    if (slash)
        return spread_spawner(runtime, slash, config);
    char path[PATH_BYTES];
    if (!plugin_find(runtime, path))
        ck_abort_msg("no runtime_%s.so in YOKE_TEST_PLUGIN_DIR", runtime);
    char *absolute = realpath(path, NULL);
    ck_assert_ptr_nonnull(absolute);
    const yk_entry *entry = NULL;
    yk_spawner *spawner = NULL;
    struct error err = {.text = ""};
    int r = loader_open_file(absolute, &entry, NULL, &err);
    free(absolute);
    if (r == 0)
        r = runtime_open(entry, config, &spawner, &err);
    ck_assert_msg(r == 0, "%s: %s: %s", runtime, error_name(r), err.text);
    return spawner;
}

uint64_t support_caps(const yk_spawner *spawner)
{
    return runtime_entry(spawner)->caps;
}

void support_close(yk_spawner *take_spawner)
{
    int r = runtime_close(take_spawner);
    ck_assert_msg(r == 0, "runtime_close: %s: something is left alive", error_name(r));
}

void support_run(int i, yk_task_fn *fn, void *arg)
{
    ck_assert_int_eq(support_run_on(support_runtime(i), fn, arg), 0);
}

static void *do_nothing(void *arg)
{
    return arg;
}

/* The thread sanitizer starts a thread of its own with the first that a process makes. */
static void sanitizer_settle(void)
{
    pthread_t thread;
    if (!SANITIZES_THREADS)
        return;
    ck_assert_int_eq(pthread_create(&thread, NULL, do_nothing, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

/* libuv opens a pipe with the first loop of a process and keeps it (uv__signal_global_once_init):
 * not a leak of the spawner.  So it is made to do so before anything is counted, and may not open
 * more than that. */
static void library_settle(const char *runtime)
{
    if (!strstr(runtime, "uv"))
        return;
    int fds = support_fd_count();
    support_close(support_spawner(runtime));
    ck_assert_int_le(support_fd_count(), fds + LIBUV_FDS);
}

int support_run_on(const char *runtime, yk_task_fn *fn, void *arg)
{
    sanitizer_settle();
    library_settle(runtime);
    int fds = support_fd_count(), threads = support_thread_count();
    yk_spawner *spawner = support_spawner(runtime);
    int r = yk_run(spawner, fn, arg);
    support_close(spawner);
    support_expect_counts(fds, threads);
    return r;
}

/* One of the two main tasks of support_run_pair(). */
struct side {
    yk_spawner *spawner;
    yk_task_fn *fn;
    void *arg;
    int result;
};

static void *side_run(void *arg)
{
    struct side *side = arg;
    side->result = yk_run(side->spawner, side->fn, side->arg);
    return NULL;
}

void support_run_pair(int i, yk_task_fn *first, yk_task_fn *second, void *arg)
{
    int count = support_runtime_count();
    sanitizer_settle();
    library_settle(support_runtime(i / count));
    library_settle(support_runtime(i % count));
    int fds = support_fd_count(), threads = support_thread_count();
    struct side a = {
        .spawner = support_spawner(support_runtime(i / count)), .fn = first, .arg = arg};
    struct side b = {
        .spawner = support_spawner(support_runtime(i % count)), .fn = second, .arg = arg};
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, side_run, &b), 0);
    (void)side_run(&a);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(a.result, 0);
    ck_assert_int_eq(b.result, 0);
    support_close(b.spawner);
    support_close(a.spawner);
    support_expect_counts(fds, threads);
}

void suite_add_on_every_runtime(Suite *suite, const TTest *test)
{
    for (int i = 0; i < support_runtime_count(); i++) {
        TCase *tcase = tcase_create(support_runtime(i));
        tcase_set_timeout(tcase, TEST_SECONDS_MAX * support_scale());
        tcase_add_loop_test(tcase, test, i, i + 1);
        suite_add_tcase(suite, tcase);
    }
}

void suite_add_on_every_pair(Suite *suite, const TTest *test)
{
    static char names[RUNTIMES_MAX * RUNTIMES_MAX][2 * NAME_BYTES];
    int count = support_runtime_count();
    for (int i = 0; i < count * count; i++) {
        (void)snprintf(names[i], sizeof names[i], "%s+%s", support_runtime(i / count),
                       support_runtime(i % count));
        TCase *tcase = tcase_create(names[i]); /* which keeps the pointer */
        tcase_set_timeout(tcase, TEST_SECONDS_MAX * support_scale());
        tcase_add_loop_test(tcase, test, i, i + 1);
        suite_add_tcase(suite, tcase);
    }
}

void suite_add(Suite *suite, const TTest *test)
{
    TCase *tcase = tcase_create("any");
    tcase_set_timeout(tcase, TEST_SECONDS_MAX * support_scale());
    tcase_add_test(tcase, test);
    suite_add_tcase(suite, tcase);
}

int support_main(Suite *take_suite)
{
    SRunner *runner = srunner_create(take_suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner), run = srunner_ntests_run(runner);
    srunner_free(runner);
    if (run == 0)
        (void)fprintf(stderr, "support: no test ran (CK_RUN_CASE?)\n");
    return failed > 0 || run == 0;
}

static bool under_valgrind(void)
{
    const char *preloads = getenv("LD_PRELOAD");
    return preloads && strstr(preloads, "vgpreload");
}

int support_scale(void)
{
    const char *text = getenv("YOKE_TEST_SCALE");
    long scale = text ? strtol(text, NULL, 10) : 0;
    if (scale > 0 && scale <= SCALE_MAX)
        return (int)scale;
    if (under_valgrind())
        return SCALE_VALGRIND;
    return SANITIZES_THREADS     ? SCALE_THREAD_SANITIZER
           : SANITIZES_ADDRESSES ? SCALE_ADDRESS_SANITIZER
                                 : 1;
}

int support_rounds(int count)
{
    return support_scale() < SCALE_VALGRIND ? count : count < 10 ? 1 : count / 10;
}

int64_t support_deadline(const yk_task *self)
{
    return yk_deadline_ms(self, (int64_t)FAILURE_MS * support_scale());
}

void support_settle(yk_task *self)
{
    yk_shield_begin(self);
    for (int i = 0; i < SETTLE_YIELDS; i++)
        ck_assert_int_eq(yk_task_yield(self), 0);
    yk_shield_end(self);
}

int support_waiters(yk_wait_queue *queue)
{
    int count = 0;
    lock_take(wait_queue_lock(queue));
    for (struct wait_node *node = queue->line.first; node; node = node->next)
        count++;
    lock_give(wait_queue_lock(queue));
    return count;
}

static int folder_count(const char *path)
{
    DIR *folder = opendir(path);
    ck_assert_msg(folder != NULL, "%s: %m", path);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count += entry->d_name[0] != '.';
    (void)closedir(folder);
    return count;
}

int support_fd_count(void)
{
    return folder_count("/proc/self/fd") - 1; /* the folder itself is open meanwhile */
}

int support_thread_count(void)
{
    return folder_count("/proc/self/task");
}

void support_expect_counts(int fd_count, int thread_count)
{
    int64_t deadline = support_deadline(NULL);
    while (support_thread_count() != thread_count && yk_now(NULL) < deadline)
        (void)sched_yield();
    ck_assert_msg(support_thread_count() == thread_count, "%d threads, there were %d before",
                  support_thread_count(), thread_count);
    ck_assert_msg(support_fd_count() == fd_count, "%d descriptors are open, there were %d before",
                  support_fd_count(), fd_count);
}
