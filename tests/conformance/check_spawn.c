/* SPDX-License-Identifier: MIT
 * check_spawn.c - behaviours of spawn: that a task runs, once, elsewhere, with what it was given.
 *
 * Layer: tests/conformance.  Source: <yoke/spawner.h>, T1 to T6, E3. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/conformance/behaviours.h"
#include "tests/conformance/foreign.h"
#include "tests/conformance/gate.h"
#include "tests/conformance/verbs.h"
#include "tests/conformance/verdict.h"

#define SAME_STACK_BYTES                                                                           \
    4096 /* a child's first frame is nearer than this only on its spawner's stack */
#define ALLOCS_MAX     1000
#define GROWTH_KIB_MAX 8192
#define NOBODY_UID     65534

static int32_t pass_entry(yk_task *self, void *arg)
{
    (void)self;
    gate_pass(arg);
    return 0;
}

struct counted {
    struct gate *gate;
    _Atomic int *runs;
    int number;
};

static int32_t counted_entry(yk_task *self, void *arg)
{
    (void)self;
    const struct counted *counted = arg;
    atomic_fetch_add(&counted->runs[counted->number], 1);
    gate_pass(counted->gate);
    return 0;
}

static void spawn_runs_exactly_once(yk_task *self, struct bed *bed)
{
    int count = bed_count(bed, 5000, 300);
    _Atomic int *runs = calloc((size_t)count, sizeof *runs);
    struct gate gate;
    gate_init(&gate, self, count);
    for (int i = 0; i < count; i++) {
        struct counted counted = {.gate = &gate, .runs = runs, .number = i};
        yk_spawn_options options = {.size = sizeof options, .arg_bytes = sizeof counted};
        EXPECT_CODE(spawn(self->spawner, &options, counted_entry, &counted, NULL), 0);
    }
    gate_wait(self, &gate, "every spawned task to run");
    bed_await_alone(self);
    for (int i = 0; i < count; i++)
        EXPECT(atomic_load(&runs[i]) == 1, "T5: task %d ran %d times", i, atomic_load(&runs[i]));
    free(runs);
}

struct frames {
    _Atomic uintptr_t child;
    _Atomic int released;
    struct gate gate;
};

static int32_t frame_entry(yk_task *self, void *arg)
{
    struct frames *frames = arg;
    atomic_store(&frames->child, (uintptr_t)__builtin_frame_address(0));
    while (!atomic_load(&frames->released))
        (void)park(self, YK_NEVER); /* on the spawner's stack this would hold up the spawner */
    gate_pass(&frames->gate);
    return 0;
}

static void spawn_not_on_callers_stack(yk_task *self, struct bed *bed)
{
    (void)bed;
    struct frames frames = {.released = 0};
    gate_init(&frames.gate, self, 1);
    uintptr_t own = (uintptr_t)__builtin_frame_address(0);
    verdict_step(
        "spawn of a task that waits: if spawn never returns, the child runs inside it (T2)");
    yk_task *child = bed_spawn_held(self->spawner, frame_entry, &frames);
    verdict_step("waiting for the child to run");
    while (!atomic_load(&frames.child)) {
        yield(self);
        (void)park(self, in_us(self->spawner, 100));
    }
    uintptr_t below = own - atomic_load(&frames.child);
    EXPECT(below > SAME_STACK_BYTES,
           "T2: the child's first frame lies %" PRIuPTR
           " bytes below its spawner's: the same stack",
           below);
    atomic_store(&frames.released, 1);
    unpark(child);
    gate_wait(self, &frames.gate, "the child to end");
    unref(child);
}

static int32_t at_once_entry(yk_task *self, void *arg)
{
    (void)self;
    atomic_store((_Atomic uintptr_t *)arg, (uintptr_t)__builtin_frame_address(0));
    return 0;
}

/* The same for a child that does not wait: it would not show by hanging. */
static void short_task_not_on_callers_stack(yk_task *self, struct bed *bed)
{
    (void)bed;
    _Atomic uintptr_t child = 0;
    uintptr_t own = (uintptr_t)__builtin_frame_address(0);
    for (int i = 0; i < 20; i++) {
        atomic_store(&child, 0);
        bed_spawn(self->spawner, at_once_entry, &child);
        bed_await_alone(self);
        uintptr_t frame = atomic_load(&child);
        EXPECT(frame, "T5: the child did not run");
        EXPECT(own - frame > SAME_STACK_BYTES,
               "T2: the child's first frame lies %" PRIuPTR
               " bytes below its spawner's: the same stack",
               own - frame);
    }
}

struct chain {
    struct gate *gate;
    int left;
};

static int32_t chain_entry(yk_task *self, void *arg)
{
    struct chain next = *(const struct chain *)arg;
    if (next.left-- == 0) {
        gate_pass(next.gate);
        return 0;
    }
    yk_spawn_options options = {.size = sizeof options, .arg_bytes = sizeof next};
    EXPECT_CODE(spawn(self->spawner, &options, chain_entry, &next, NULL), 0);
    return 0;
}

static void spawn_inside_spawn(yk_task *self, struct bed *bed)
{
    struct gate gate;
    gate_init(&gate, self, 1);
    struct chain chain = {.gate = &gate, .left = bed_count(bed, 1000, 1000)};
    (void)chain_entry(self, &chain);
    gate_wait(self, &gate, "the last of a chain of tasks, each spawned by the one before");
}

struct foreign_spawn {
    yk_spawner *spawner;
    struct gate *gate;
    int count;
};

static void *spawn_some(void *arg)
{
    const struct foreign_spawn *some = arg;
    for (int i = 0; i < some->count; i++)
        bed_spawn(some->spawner, pass_entry, some->gate);
    return NULL;
}

static void spawn_from_foreign_thread(yk_task *self, struct bed *bed)
{
    struct gate gate;
    struct foreign_spawn some = {
        .spawner = self->spawner, .gate = &gate, .count = bed_count(bed, 2000, 200)};
    gate_init(&gate, self, 2 * some.count);
    pthread_t a = foreign_start(spawn_some, &some);
    pthread_t b = foreign_start(spawn_some, &some);
    gate_wait(self, &gate, "tasks that two foreign threads spawned");
    foreign_join(a);
    foreign_join(b);
}

struct spawning_job {
    yk_job job;
    struct foreign_spawn some;
};

static void run_spawning_job(yk_job *job)
{
    /* A copy: the job lies on the stack of a task that goes on as soon as the last one has run. */
    struct foreign_spawn some = ((struct spawning_job *)(void *)job)->some;
    (void)spawn_some(&some);
    gate_pass(some.gate);
}

static void spawn_from_offload_thread(yk_task *self, struct bed *bed)
{
    struct gate gate;
    int count = bed_count(bed, 200, 50);
    struct spawning_job job = {
        .job.run = run_spawning_job,
        .some = {.spawner = self->spawner, .gate = &gate, .count = count},
    };
    gate_init(&gate, self, count + 1);
    EXPECT_CODE(offload(self->spawner, &job.job), 0);
    gate_wait(self, &gate, "tasks that an offload job spawned");
}

static _Atomic int early_runs;

static int32_t early_entry(yk_task *self, void *arg)
{
    (void)self;
    (void)arg;
    atomic_fetch_add(&early_runs, 1);
    return 0;
}

static void do_nothing(yk_task *self, struct bed *bed)
{
    (void)self;
    (void)bed;
}

static void spawn_before_block_on(struct bed *bed)
{
    yk_spawner *spawner = bed_create(bed);
    for (int i = 0; i < 10; i++)
        bed_spawn(spawner, early_entry, NULL);
    bed_block_on(bed, spawner, do_nothing); /* waits for the others */
    EXPECT_EQUAL("T5: runs of 10 tasks spawned before block_on", atomic_load(&early_runs), 10);
    bed_close(spawner);
}

static void spawn_sequential_bounded_memory(yk_task *self, struct bed *bed)
{
    int count = bed_count(bed, 100000, 4000);
    int64_t resident = 0;
    for (int i = 0; i < count; i++) {
        if (i == count / 10)
            resident = resident_kib();
        struct gate gate;
        gate_init(&gate, self, 1);
        bed_spawn(self->spawner, pass_entry, &gate);
        gate_wait(self, &gate, "one task after another");
    }
    int64_t growth = resident_kib() - resident;
    EXPECT(bed_under_tool() || growth < GROWTH_KIB_MAX,
           "T3: %d tasks, one after another, took %" PRId64 " KiB more of memory", count, growth);
}

struct crowd {
    struct gate gate;
    _Atomic int released;
};

static int32_t crowd_entry(yk_task *self, void *arg)
{
    struct crowd *crowd = arg;
    while (!atomic_load(&crowd->released))
        (void)park(self, YK_NEVER);
    gate_pass(&crowd->gate);
    return 0;
}

/* Starts up to `count` tasks that wait; the code of the first refusal, or 0; all are released and
 * awaited. */
static int32_t crowd_run(yk_task *self, int count, int *out_started)
{
    static struct crowd crowd;
    yk_task **tasks = calloc((size_t)count, sizeof(yk_task *));
    atomic_store(&crowd.released, 0);
    gate_init(&crowd.gate, self, count);
    int32_t r = 0;
    int started = 0;
    yk_spawn_options options = {.size = sizeof options, .name = "crowd"};
    verdict_step("spawn until it refuses");
    while (r == 0 && started < count) {
        r = spawn(self->spawner, &options, crowd_entry, &crowd, &tasks[started]);
        EXPECT((r == 0) == (tasks[started] != NULL), "T5 E3: spawn gave %s and %s a task",
               code_name(r), tasks[started] ? "wrote" : "did not write");
        started += r == 0;
    }
    for (int i = started; i < count; i++)
        gate_pass(&crowd.gate);
    atomic_store(&crowd.released, 1);
    for (int i = 0; i < started; i++) {
        unpark(tasks[i]);
        unref(tasks[i]);
    }
    gate_wait(self, &crowd.gate, "all waiting tasks to go on");
    bed_await_alone(self);
    free(tasks);
    *out_started = started;
    return r;
}

static void spawn_many_live_or_clean_refusal(yk_task *self, struct bed *bed)
{
    int started = 0;
    int32_t r = crowd_run(self, bed_count(bed, 20000, 1000), &started);
    EXPECT(r == 0 || r == -ENOMEM || r == -EAGAIN, "T5: after %d live tasks spawn gave %s", started,
           code_name(r));
    EXPECT_CODE(crowd_run(self, 10, &started), 0); /* and it works again */
}

#define TASKS_MAX 50

static void refuse_at_tasks_max(yk_task *self, struct bed *bed)
{
    (void)bed;
    for (int round = 0; round < 3; round++) {
        int started = 0;
        int32_t r = crowd_run(self, TASKS_MAX + 10, &started);
        EXPECT(r == -EAGAIN, "T5: beyond tasks_max spawn gave %s, expected -EAGAIN", code_name(r));
        EXPECT_EQUAL("live tasks with tasks_max 50, main included", started + 1, TASKS_MAX);
    }
}

static void spawn_eagain_at_tasks_max(struct bed *bed)
{
    yk_config config = bed_config(bed);
    config.tasks_max = TASKS_MAX;
    bed_run(bed, &config, refuse_at_tasks_max);
}

static void refuse_at_stack_memory(yk_task *self, struct bed *bed)
{
    (void)bed;
    for (int round = 0; round < 3; round++) {
        int started = 0;
        int32_t r = crowd_run(self, 1000, &started);
        EXPECT(r == -ENOMEM,
               "T5: beyond stack_memory_max (after %d tasks) spawn gave %s, expected -ENOMEM",
               started, code_name(r));
        EXPECT(started >= 2 && started <= 128,
               "T5: %d tasks of 64 KiB fit into stack_memory_max of 8 MiB", started);
    }
}

static void spawn_enomem_at_stack_memory_max(struct bed *bed)
{
    yk_config config = bed_config(bed);
    config.stack_bytes = 64 * 1024;
    config.stack_memory_max = UINT64_C(8) * 1024 * 1024;
    bed_run(bed, &config, refuse_at_stack_memory);
}

static void spawn_enomem_no_side_effect(yk_task *self, struct bed *bed)
{
    (void)bed;
    for (int n = 1; n < ALLOCS_MAX; n++) {
        static _Atomic int runs;
        atomic_store(&runs, 0);
        struct gate gate;
        gate_init(&gate, self, 1);
        struct counted counted = {.gate = &gate, .runs = &runs};
        yk_spawn_options options = {.size = sizeof options,
                                    .stack_bytes =
                                        (uint32_t)(n * 4096 + 262144)}; /* no pooled one */
        yk_task *task = NULL;
        verdict_step("spawn with allocation %d failing", n);
        lent_fail_alloc(n);
        int32_t r = spawn(self->spawner, &options, counted_entry, &counted, &task);
        bool failed = lent_alloc_failed();
        lent_fail_alloc(0);
        if (r == 0) {
            gate_wait(self, &gate, "a task spawned after failures");
            unref(task);
        } else {
            EXPECT(r == -ENOMEM, "T5: spawn without memory gave %s, expected -ENOMEM",
                   code_name(r));
            EXPECT(!task, "E3: spawn failed, but wrote a task");
        }
        bed_await_alone(self);
        EXPECT_EQUAL("runs of the entry", atomic_load(&runs), r == 0);
        if (!failed)
            return;
    }
    FAIL("one spawn made %d allocations", ALLOCS_MAX);
}

static void refuse_without_threads(yk_task *self, struct bed *bed)
{
    (void)bed;
    int started = 0;
    int32_t r = crowd_run(self, 200, &started);
    EXPECT(r == 0 || r == -EAGAIN || r == -ENOMEM,
           "T5: at RLIMIT_NPROC spawn gave %s after %d tasks", code_name(r), started);
    struct rlimit all = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
    (void)getrlimit(RLIMIT_NPROC, &all);
    all.rlim_cur = all.rlim_max;
    EXPECT(setrlimit(RLIMIT_NPROC, &all) == 0, "the kit cannot raise RLIMIT_NPROC");
    EXPECT_CODE(crowd_run(self, 100, &started), 0);
}

static void spawn_eagain_at_rlimit_nproc(struct bed *bed)
{
    if (bed_under_tool())
        verdict_skip("tools need threads of their own");
    if (geteuid() == 0)
        EXPECT(setresuid(NOBODY_UID, NOBODY_UID, NOBODY_UID) == 0, "the kit cannot become nobody");
    struct rlimit few = {0};
    (void)getrlimit(RLIMIT_NPROC, &few);
    yk_spawner *spawner = bed_create(bed); /* threads that create makes may be made */
    rlim_t hard = few.rlim_max;
    few = (struct rlimit){.rlim_cur = 20 < hard ? 20 : hard, .rlim_max = hard};
    EXPECT(setrlimit(RLIMIT_NPROC, &few) == 0, "the kit cannot lower RLIMIT_NPROC");
    bed_block_on(bed, spawner, refuse_without_threads);
    bed_close(spawner);
}

struct given {
    struct gate *gate;
    unsigned char bytes[YK_ARG_BYTES_MAX - sizeof(void *)];
};

static int32_t given_entry(yk_task *self, void *arg)
{
    struct given *given = arg;
    EXPECT((uintptr_t)arg % 16 == 0, "T5: the copy of the argument lies at %p, not aligned to 16",
           arg);
    for (int look = 0; look < 3; look++) {
        for (size_t i = 0; i < sizeof given->bytes; i++)
            EXPECT(given->bytes[i] == (unsigned char)(i + 1),
                   "T5: byte %zu of the argument's copy changed", i);
        yield(self);
    }
    memset(given->bytes, 0, sizeof given->bytes); /* it is the task's own */
    gate_pass(given->gate);
    return 0;
}

__attribute__((noinline)) static void spawn_and_forget(yk_task *self, struct gate *gate, int count)
{
    struct given given = {.gate = gate};
    for (size_t i = 0; i < sizeof given.bytes; i++)
        given.bytes[i] = (unsigned char)(i + 1);
    yk_spawn_options options = {.size = sizeof options, .arg_bytes = sizeof given};
    for (int i = 0; i < count; i++)
        EXPECT_CODE(spawn(self->spawner, &options, given_entry, &given, NULL), 0);
    memset(&given, 0xee, sizeof given);
    __asm__ volatile("" : : "r"(&given) : "memory");
}

static void arg_copy_survives_callers_return(yk_task *self, struct bed *bed)
{
    struct gate gate;
    int count = bed_count(bed, 100, 50);
    gate_init(&gate, self, count);
    spawn_and_forget(self, &gate, count);
    gate_wait(self, &gate, "tasks with copied arguments");
}

struct odd {
    struct gate *gate;
    _Atomic uintptr_t seen;
};

static int32_t odd_entry(yk_task *self, void *arg)
{
    (void)self;
    EXPECT((uintptr_t)arg % 16 == 0, "T5: the copy of an argument lies at %p, not aligned to 16",
           arg);
    struct odd *odd;
    memcpy(&odd, arg, sizeof odd);
    atomic_store(&odd->seen, (uintptr_t)arg);
    gate_pass(odd->gate);
    return 0;
}

static int32_t pointer_entry(yk_task *self, void *arg)
{
    (void)self;
    struct odd *odd = arg;
    atomic_store(&odd->seen, (uintptr_t)arg);
    gate_pass(odd->gate);
    return 0;
}

static void arg_copy_alignment_16(yk_task *self, struct bed *bed)
{
    (void)bed;
    for (uint32_t bytes = sizeof(void *); bytes <= YK_ARG_BYTES_MAX; bytes++) {
        struct gate gate;
        gate_init(&gate, self, 1);
        struct odd odd = {.gate = &gate};
        char room[YK_ARG_BYTES_MAX] = {0};
        struct odd *pointer = &odd;
        memcpy(room, &pointer, sizeof pointer);
        yk_spawn_options options = {.size = sizeof options, .arg_bytes = bytes};
        EXPECT_CODE(spawn(self->spawner, &options, odd_entry, room, NULL), 0);
        gate_wait(self, &gate, "a task with an argument of odd length");
    }
    struct gate gate;
    gate_init(&gate, self, 1);
    struct odd odd = {.gate = &gate};
    bed_spawn(self->spawner, pointer_entry, &odd);
    gate_wait(self, &gate, "a task with an argument that is not copied");
    EXPECT(atomic_load(&odd.seen) == (uintptr_t)&odd,
           "T5: with arg_bytes 0 the entry got another pointer");
}

static void bad_options_refused(yk_task *self, struct bed *bed)
{
    _Atomic int runs = 0;
    struct gate gate;
    gate_init(&gate, self, 1);
    struct counted counted = {.gate = &gate, .runs = &runs};
    yk_spawn_options too_long = {.size = sizeof too_long, .arg_bytes = YK_ARG_BYTES_MAX + 1};
    char room[YK_ARG_BYTES_MAX + 1] = {0};
    yk_spawn_options flags = {.size = sizeof flags, .flags = 1U << 31};
    yk_spawn_options place = {.size = sizeof place, .placement = YK_PLACE_LOOP(1000)};
    yk_task *task = NULL;
    int32_t r = spawn(self->spawner, &too_long, counted_entry, room, &task);
    EXPECT(r == -EINVAL, "T5: arg_bytes %d gave %s, expected -EINVAL", YK_ARG_BYTES_MAX + 1,
           code_name(r));
    r = spawn(self->spawner, &flags, counted_entry, &counted, &task);
    EXPECT(r == -EINVAL, "T5: an unknown flag gave %s, expected -EINVAL", code_name(r));
    if (bed_has(bed, YK_CAP_LOOPS)) {
        r = spawn(self->spawner, &place, counted_entry, &counted, &task);
        EXPECT(r == -EINVAL, "T5: placement on loop 1000 gave %s, expected -EINVAL", code_name(r));
    }
    bed_await_alone(self);
    EXPECT(!task && atomic_load(&runs) == 0, "E3: a refused spawn made or ran a task");
}

static const struct behaviour behaviours[] = {
    {"spawn_runs_exactly_once", "T5 T3: each spawned task runs, once",
     .on_task = spawn_runs_exactly_once},
    {"spawn_not_on_callers_stack", "T2: a child that waits does not hold up spawn",
     .on_task = spawn_not_on_callers_stack},
    {"short_task_not_on_callers_stack",
     "T2: a child that does not wait has a stack of its own, too",
     .on_task = short_task_not_on_callers_stack},
    {"spawn_inside_spawn", "T5: a chain of tasks, each spawned by the one before",
     .on_task = spawn_inside_spawn},
    {"spawn_from_foreign_thread", "T5: spawn is [any]: two threads that are no tasks",
     .not_with = YK_CAP_VIRTUAL_TIME, .on_task = spawn_from_foreign_thread},
    {"spawn_from_offload_thread", "T5 O1: spawn is [any]: a job of the pool",
     .on_task = spawn_from_offload_thread},
    {"spawn_before_block_on", "T5 L1: what is spawned before block_on runs, once",
     .run = spawn_before_block_on},
    {"spawn_sequential_bounded_memory", "T3: an ended task gives its memory back",
     .on_task = spawn_sequential_bounded_memory},
    {"spawn_many_live_or_clean_refusal", "T5: thousands of waiting tasks, or -ENOMEM or -EAGAIN",
     .timeout_ms = 30000, .on_task = spawn_many_live_or_clean_refusal},
    {"spawn_EAGAIN_at_tasks_max", "T5: the limit tasks_max, main included, again and again",
     .run = spawn_eagain_at_tasks_max},
    {"spawn_ENOMEM_at_stack_memory_max", "T5: the limit stack_memory_max, again and again",
     .run = spawn_enomem_at_stack_memory_max},
    {"spawn_ENOMEM_no_side_effect",
     "T5 E3: without memory nothing runs, nothing is written; then it works",
     .on_task = spawn_enomem_no_side_effect},
    {"spawn_EAGAIN_at_RLIMIT_NPROC", "T5 E3: without threads -EAGAIN or no matter; then it works",
     .not_with = YK_CAP_VIRTUAL_TIME, .run = spawn_eagain_at_rlimit_nproc},
    {"arg_copy_survives_callers_return", "T5: the entry gets a copy of arg_bytes bytes",
     .on_task = arg_copy_survives_callers_return},
    {"arg_copy_alignment_16", "T5: of any length, aligned to 16; 0: the pointer itself",
     .on_task = arg_copy_alignment_16},
    {"bad_options_refused", "T5 E3: arg_bytes, flags, placement out of range are -EINVAL",
     .on_task = bad_options_refused},
};

THEME(spawn, behaviours);
