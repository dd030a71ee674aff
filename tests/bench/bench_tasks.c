/* SPDX-License-Identifier: MIT
 * bench_tasks.c - what tasks cost.
 *
 * Usage: bench_tasks RUNTIME WHAT COUNT
 * Prints "WHAT NANOSECONDS": of one operation, the mean over COUNT of them.
 *
 *   cycle     spawn, run, first wait, wake, end, join of one task at a time: the contract of the 5
 *             % gate
 *   spawn     spawn, run, end, join, in batches of 1,000
 *   pingpong  a message there and back over two channels of one slot
 *   yield     one switch between two tasks that yield to each other
 *   parked    prints resident bytes, not nanoseconds, of each of COUNT tasks that wait
 *   spin      the loop around it all, for the instruction counts */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <yoke/channel.h>
#include <yoke/group.h>
#include <yoke/semaphore.h>
#include <yoke/task.h>

#include "tests/bench/side.h"

#define BATCH 1000

struct bench {
    const char *what;
    long count;
    double result;
};

static void demand(int r, const char *what)
{
    if (r >= 0)
        return;
    fprintf(stderr, "bench: %s: %s\n", what, strerror(-r));
    exit(1);
}

/* ---- cycle ---- */

static int wait_once(yk_task *self, void *arg)
{
    return yk_semaphore_acquire(self, arg, YK_NEVER);
}

static void cycle(yk_task *self, struct bench *bench)
{
    yk_semaphore go;
    yk_semaphore_init(&go, 0);
    for (long i = 0; i < bench->count; i++) {
        yk_task *task = NULL;
        demand(yk_task_spawn(self->spawner, "bench", wait_once, &go, &task), "spawn");
        demand(yk_task_yield(self), "yield");
        yk_semaphore_release(&go);
        demand(yk_task_join_free(self, task), "join");
    }
}

/* ---- spawn ---- */

static int end_at_once(yk_task *self, void *arg)
{
    (void)self, (void)arg;
    return 0;
}

static void spawn(yk_task *self, struct bench *bench)
{
    static yk_task *tasks[BATCH];
    for (long done = 0; done < bench->count; done += BATCH) {
        for (int i = 0; i < BATCH; i++)
            demand(yk_task_spawn(self->spawner, "bench", end_at_once, NULL, &tasks[i]), "spawn");
        for (int i = 0; i < BATCH; i++)
            demand(yk_task_join_free(self, tasks[i]), "join");
    }
}

/* ---- pingpong ---- */

struct table {
    yk_channel *there;
    yk_channel *back;
};

static int answer(yk_task *self, void *arg)
{
    struct table *table = arg;
    uintptr_t ball;
    int r;
    while ((r = yk_channel_receive(self, table->there, &ball, YK_NEVER)) == 0)
        demand(yk_channel_send(self, table->back, &ball, YK_NEVER), "send");
    return r == -EPIPE ? 0 : r;
}

static void pingpong(yk_task *self, struct bench *bench)
{
    struct table table = {0};
    demand(yk_channel_new(sizeof(uintptr_t), 1, &table.there), "channel");
    demand(yk_channel_new(sizeof(uintptr_t), 1, &table.back), "channel");
    yk_task *task = NULL;
    demand(yk_task_spawn(self->spawner, "answer", answer, &table, &task), "spawn");
    for (long i = 0; i < bench->count; i++) {
        uintptr_t ball = (uintptr_t)i;
        demand(yk_channel_send(self, table.there, &ball, YK_NEVER), "send");
        demand(yk_channel_receive(self, table.back, &ball, YK_NEVER), "receive");
    }
    yk_channel_close(table.there);
    demand(yk_task_join_free(self, task), "join");
    yk_channel_free(table.there);
    yk_channel_free(table.back);
}

/* ---- yield ---- */

static int yield_often(yk_task *self, void *arg)
{
    for (long i = *(long *)arg; i > 0; i--)
        demand(yk_task_yield(self), "yield");
    return 0;
}

static void yield(yk_task *self, struct bench *bench)
{
    long half = bench->count / 2;
    yk_task *task = NULL;
    demand(yk_task_spawn(self->spawner, "yield", yield_often, &half, &task), "spawn");
    demand(yield_often(self, &half), "yield");
    demand(yk_task_join_free(self, task), "join");
}

/* ---- parked ---- */

static long resident_bytes(void)
{
    long total, resident;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%ld %ld", &total, &resident) != 2)
        demand(-EIO, "/proc/self/statm");
    fclose(file);
    return resident * sysconf(_SC_PAGESIZE);
}

static int park(yk_task *self, void *arg)
{
    yk_semaphore_release(arg);
    return yk_task_sleep(self, YK_NEVER);
}

static void parked(yk_task *self, struct bench *bench)
{
    yk_semaphore started;
    yk_semaphore_init(&started, 0);
    yk_group *group = NULL;
    demand(yk_group_new(self, NULL, &group), "group");
    long before = resident_bytes();
    for (long i = 0; i < bench->count; i++)
        demand(yk_group_spawn(group, "parked", park, &started), "spawn");
    for (long i = 0; i < bench->count; i++)
        demand(yk_semaphore_acquire(self, &started, YK_NEVER), "start");
    bench->result = (double)(resident_bytes() - before) / (double)bench->count;
    yk_group_free(group);
}

static void spin(yk_task *self, struct bench *bench)
{
    (void)self, (void)bench;
}

static int run(yk_task *self, void *arg)
{
    static const struct {
        const char *name;
        void (*run)(yk_task *self, struct bench *bench);
    } table[] = {{"cycle", cycle}, {"spawn", spawn},   {"pingpong", pingpong},
                 {"yield", yield}, {"parked", parked}, {"spin", spin}};
    struct bench *bench = arg;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(table[i].name, bench->what) != 0)
            continue;
        int64_t start = yk_now(self);
        table[i].run(self, bench);
        if (bench->result == 0)
            bench->result = (double)(yk_now(self) - start) / (double)bench->count;
        return 0;
    }
    return -EINVAL;
}

int main(int argc, char **argv)
{
    long count = argc == 4 ? strtol(argv[3], NULL, 10) : 0;
    if (count <= 0) {
        fprintf(stderr,
                "usage: bench_tasks RUNTIME cycle|spawn|pingpong|yield|parked|spin COUNT\n");
        return 2;
    }
    struct bench bench = {.what = argv[2], .count = count};
    yk_spawner *spawner = side_open(argv[1]);
    int r = yk_run(spawner, run, &bench);
    side_close(spawner);
    demand(r, bench.what);
    printf("%s %.2f\n", bench.what, bench.result);
    return 0;
}
