/* SPDX-License-Identifier: MIT
 * inject_detect.c - detection, the fallback: a callback of a foreign library, to which nothing can
 * be handed.
 *
 * Layer: docs/examples, on installed headers only.  docs/INJECTION.md quotes it.  Start at
 * on_node().
 * Source: tsearch(3): the function that twalk() calls gets the node, and no argument of its
 * user's. */
#include <assert.h>
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <string.h>

#include <yoke/default.h>
#include <yoke/task.h>

#define JOBS 3

/* A node of the tree: a word, and the task that works on it. */
struct job {
    const char *word;
    int started;   /* what starting the task gave */
    yk_task *task; /* owned: a handle */
};

static int job_compare(const void *a, const void *b)
{
    return strcmp(((const struct job *)a)->word, ((const struct job *)b)->word);
}

static int job_main(yk_task *self, void *arg)
{
    const struct job *job = arg;
    (void)self;
    return (int)strlen(job->word);
}

/* The spawner of the task that this thread runs; the default one if it runs none. */
static yk_spawner *spawner_here(void)
{
    yk_spawner *spawner = yk_current_spawner();
    return spawner ? spawner : yk_default_spawner();
}

/* Starts a job's task.  It may start tasks but not wait: frames of twalk() lie on the stack. */
static void on_node(const void *node, VISIT visit, int depth)
{
    (void)depth;
    if (visit != postorder && visit != leaf)
        return; /* twalk() comes by an inner node three times */
    struct job *job = *(struct job *const *)node;
    yk_spawner *spawner = spawner_here();
    job->started = spawner ? yk_task_spawn(spawner, job->word, job_main, job, &job->task) : -ENOENT;
}

static void no_free(void *node)
{
    (void)node; /* the jobs lie on a stack */
}

static int program(yk_task *self, void *arg)
{
    struct job jobs[JOBS] = {{.word = "pear"}, {.word = "fig"}, {.word = "orange"}};
    void *root = NULL;
    (void)arg;
    for (int i = 0; i < JOBS; i++)
        if (!tsearch(&jobs[i], &root, job_compare)) {
            tdestroy(root, no_free);
            return -ENOMEM;
        }

    assert(yk_self() == self && yk_current_spawner() == yk_task_spawner(self));
    twalk(root, on_node);

    for (int i = 0; i < JOBS; i++) {
        assert(jobs[i].started == 0);
        int letters = yk_task_join_free(self, jobs[i].task);
        assert(letters == (int)strlen(jobs[i].word));
        printf("%s: %d letters\n", jobs[i].word, letters);
    }
    tdestroy(root, no_free);
    return 0;
}

int main(void)
{
    assert(!yk_self() && !yk_current_spawner()); /* off a task there is nothing to detect */
    yk_spawner *spawner = yk_default_spawner();
    return spawner && yk_run(spawner, program, NULL) == 0 ? 0 : 1;
}
