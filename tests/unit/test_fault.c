/* SPDX-License-Identifier: MIT
 * test_fault.c - a task that overflows its stack is named; each case in a process that ends by
 * it. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/runtime/fault.h"
#include "tests/support/support.h"

#define FRAME_BYTES 1024

/* Recursion that no compiler makes a loop of: each frame is read after the call. */
static int __attribute__((noinline)) sink(volatile char *outer, int depth)
{
    volatile char frame[FRAME_BYTES];
    for (size_t i = 0; i < sizeof frame; i++)
        frame[i] = (char)(depth & 0x7f);
    int below = depth > 0 ? sink(frame, depth - 1) : 0;
    return below + frame[depth % FRAME_BYTES] + outer[0];
}

static int overflow(yk_task *self, void *arg)
{
    (void)self, (void)arg;
    volatile char start = 0;
    return sink(&start, 1 << 20);
}

static int touch_nothing(yk_task *self, void *arg)
{
    (void)self;
    return *(volatile int *)arg;
}

struct plan {
    yk_task_fn *fn;
    void *arg;
};

static int spawn_it(yk_task *self, void *arg)
{
    struct plan *plan = arg;
    yk_task *task = NULL;
    ck_assert_int_eq(yk_task_spawn(self->spawner, "the deep one", plan->fn, plan->arg, &task), 0);
    return yk_task_join_free(self, task);
}

/* Runs the plan in a child and gives what it said and the signal that ended it. */
static int run_in_child(int runtime, struct plan plan, char *said, size_t said_bytes)
{
    int out[2];
    ck_assert_int_eq(pipe(out), 0);
    pid_t pid = fork();
    if (pid == 0) {
        /* Check's own handlers, and a core file, are of no use here. */
        ck_assert_int_eq(dup2(out[1], STDERR_FILENO), STDERR_FILENO);
        ck_assert_int_eq(fault_install(), 0);
        const yk_config config = {.stack_bytes = 64 * 1024};
        yk_spawner *spawner = support_spawner_with(support_runtime(runtime), &config);
        (void)!yk_run(spawner, spawn_it, &plan);
        _exit(0);
    }
    close(out[1]);
    size_t len = 0;
    for (ssize_t n;
         len < said_bytes - 1 && (n = read(out[0], said + len, said_bytes - 1 - len)) > 0;)
        len += (size_t)n;
    said[len] = '\0';
    close(out[0]);
    int status = 0;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFSIGNALED(status), "the child was not ended by a signal: status %d", status);
    return WTERMSIG(status);
}

START_TEST(a_task_that_overflows_its_stack_is_named)
{
    char said[1024];
    int sig = run_in_child(_i, (struct plan){.fn = overflow}, said, sizeof said);
    ck_assert(sig == SIGSEGV || sig == SIGBUS);
    ck_assert_msg(strstr(said, "task 'the deep one' overflowed its stack of "), "said: %s", said);
    ck_assert_msg(strstr(said, support_runtime(_i)), "said: %s", said);
    ck_assert_ptr_nonnull(strstr(said, "stack_size"));
}
END_TEST

START_TEST(a_task_that_touches_what_is_not_its_own_is_named)
{
    char said[1024];
    int sig =
        run_in_child(_i, (struct plan){.fn = touch_nothing, .arg = (void *)16}, said, sizeof said);
    ck_assert_int_eq(sig, SIGSEGV);
    ck_assert_msg(strstr(said, "segmentation fault at address 0x10 in task 'the deep one'"),
                  "said: %s", said);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fault");
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    suite_add_on_every_runtime(suite, a_task_that_overflows_its_stack_is_named);
    suite_add_on_every_runtime(suite, a_task_that_touches_what_is_not_its_own_is_named);
#endif
    return support_main(suite);
}
