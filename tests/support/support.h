/* SPDX-License-Identifier: MIT
 * support.h - what every test stands on: the runtimes under test, a spawner for each, and teardown
 * that cannot leak.
 *
 * Layer: tests/support.  Threads: the test's own, unless said.  Start at
 * suite_add_on_every_runtime(), support_run().
 *
 *     TASK_TEST(a_sentence_about_what_holds)
 *     {
 *         ck_assert_int_eq(yk_task_yield(self), 0);
 *     }
 *     int main(void)
 *     {
 *         Suite *suite = suite_create("channel");
 *         suite_add_on_every_runtime(suite, a_sentence_about_what_holds);
 *         return support_main(suite);
 *     }
 *
 * Asserting in a task is fine on every runtime: Check ends the test's process there.
 * Environment: RUNTIMES ("uv threads uv/3 chaos/ev mock/7": the third has three loops and tasks
 * spread over them, the last runs them in the order of seed 7; default: those built),
 * YOKE_TEST_PLUGIN_DIR (folders with
 * runtime_NAME.so, separated by colons), YOKE_TEST_SCALE (how much slower than usual everything
 * is), CK_RUN_CASE=uv (one runtime). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <check.h>
#undef fail /* Check's old word for ck_abort(); ours is a function of core/base/error.h */

#include <yoke/task.h>
#include <yoke/wait.h>

/* The runtimes under test.  Static names. */
int support_runtime_count(void);
const char *support_runtime(int i);

/* Whether there is such a plugin: for those that are not built yet, or not everywhere. */
bool support_has_runtime(const char *runtime);

/* Opens a runtime by name: one under test, or "mock", "failing".  Never NULL: what goes wrong fails
 * the test. config: NULL for the defaults; extra_bytes is filled in. */
yk_spawner *support_spawner(const char *runtime);
yk_spawner *support_spawner_with(const char *runtime, const yk_config *config);

/* What the plugin says that it can do: YK_CAP_*. */
uint64_t support_caps(const yk_spawner *spawner);

/* Destroys the spawner, which must have nothing left alive. */
void support_close(yk_spawner *take_spawner);

/* Opens runtime `i`, runs `fn` as its main task, demands the result 0, closes, and demands that the
 * process has as many threads and descriptors as before. */
void support_run(int i, yk_task_fn *fn, void *arg);

/* The same by name, and with a result. */
int support_run_on(const char *runtime, yk_task_fn *fn, void *arg);

/* A test whose body is the main task of the runtime `_i`: the block after it, with `yk_task *self`.
 */
#define TASK_TEST(name)                                                                            \
    static void name##_body(yk_task *self);                                                        \
    static int name##_main(yk_task *self, void *arg)                                               \
    {                                                                                              \
        (void)arg;                                                                                 \
        name##_body(self);                                                                         \
        return 0;                                                                                  \
    }                                                                                              \
    START_TEST(name)                                                                               \
    {                                                                                              \
        support_run(_i, name##_main, NULL);                                                        \
    }                                                                                              \
    END_TEST                                                                                       \
    static void name##_body(yk_task *self)

/* Two spawners in one process, each running on a thread of its own: opens pair `i`, runs both main
 * tasks with `arg`, demands the result 0 of both, closes both. */
void support_run_pair(int i, yk_task_fn *first, yk_task_fn *second, void *arg);

/* Adds a test to the suite once for each runtime, as a case that is named like the runtime; `_i` is
 * its index. */
void suite_add_on_every_runtime(Suite *suite, const TTest *test);

/* Adds a test once for each ordered pair of runtimes, each with itself included; `_i` is for
 * support_run_pair(). */
void suite_add_on_every_pair(Suite *suite, const TTest *test);

/* Adds a test that needs no runtime. */
void suite_add(Suite *suite, const TTest *test);

/* Runs the suite, each test in a process of its own, and frees it.  Returns main's exit status. */
int support_main(Suite *take_suite);

/* How much slower than a plain build on a quiet machine things are here: 1; more under sanitizers
 * and valgrind. */
int support_scale(void);

/* How many rounds to do: `count`, but a tenth of that where each is slow (valgrind). */
int support_rounds(int count);

/* A deadline that only a failure reaches: 10 s times the scale from now. */
int64_t support_deadline(const yk_task *self);

/* Yields often enough for every other task to have come to its next wait, most likely.  Nothing may
 * depend on it: it makes the interesting order of a race the usual one.  Shielded, so that it can
 * be used in a cancelled task. */
void support_settle(yk_task *self);

/* How many stand in the line of a mutex, condition or semaphore.  [any] */
int support_waiters(yk_wait_queue *queue);

/* Counts of this process.  [any] */
int support_fd_count(void);
int support_thread_count(void);

/* Fails the test unless the counts are, or within a moment become, as given: a joined thread leaves
 * /proc late. */
void support_expect_counts(int fd_count, int thread_count);

/* The janitor stops what a test leaves behind, names it and fails the run; see janitor.c.  Register
 * right after the start, with the group's leader, the daemon's pid, the container's or network
 * namespace's name; forget once it is known to be gone.  `label` is for people: one word.
 * Registered things belong to the calling process: when it ends, however it does, they are stopped.
 * Fails the test if no janitor runs.  [any] */
void support_register_group(pid_t leader, const char *label);
void support_forget_group(pid_t leader);
void support_register_daemon(pid_t pid, const char *label);
void support_forget_daemon(pid_t pid);
void support_register_container(const char *name);
void support_forget_container(const char *name);
void support_register_namespace(const char *name);
void support_forget_namespace(const char *name);

/* Makes the nth allocation from now (1: the next) of this process return NULL, once; 0: none.
 * Counts malloc, calloc, realloc, strdup and posix_memalign of the program and, through the host
 * table, of the plugins.  Assert nothing while it is armed: Check allocates too.  The program must
 * be linked with $(LDFLAGS_SUPPORT_WRAP).  [any]
 *
 *     for (uint64_t n = 1;; n++) {
 *         support_fail_nth_alloc(n);
 *         int r = what_is_tested();
 *         if (!support_fail_nth_done())
 *             break;
 *         ck_assert_int_eq(r, -ENOMEM);
 *     } */
void support_fail_nth_alloc(uint64_t n);

/* Disarms; whether an allocation was failed since the last call of support_fail_nth_alloc().  [any]
 */
bool support_fail_nth_done(void);
