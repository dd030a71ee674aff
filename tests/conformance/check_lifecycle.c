/* SPDX-License-Identifier: MIT
 * check_lifecycle.c - behaviours of create, block_on and destroy.
 *
 * Layer: tests/conformance.  Source: <yoke/spawner.h>, C1, L1, L2, H1, H4. */
#include <errno.h>
#include <inttypes.h>
#include <sys/resource.h>

#include "tests/conformance/behaviours.h"
#include "tests/conformance/foreign.h"
#include "tests/conformance/gate.h"
#include "tests/conformance/verbs.h"
#include "tests/conformance/verdict.h"
#include "tests/conformance/wires.h"

#define ALLOCS_MAX     10000 /* more than any create makes */
#define CREATE_FDS_MAX 64    /* more than any create opens */
#define GROWTH_KIB_MAX 4096  /* of resident memory in a thousand rounds */
#define IDLE_MS        400
#define IDLE_POLLS_MAX 20 /* turns of a loop in IDLE_MS; one or two are needed */

static int32_t noop_entry(yk_task *self, void *arg)
{
    (void)self;
    (void)arg;
    return 0;
}

static int32_t pass_entry(yk_task *self, void *arg)
{
    (void)self;
    gate_pass(arg);
    return 0;
}

struct passing_job {
    yk_job job;
    struct gate *gate;
};

static void run_passing_job(yk_job *job)
{
    gate_pass(((struct passing_job *)(void *)job)->gate);
}

/* A little of everything, so that what is made on first use is made. */
static void use_a_little(yk_task *self, struct bed *bed)
{
    (void)bed;
    struct wire wire = wire_pipe();
    yk_io *io = open_io(self->spawner, wire.fd[0]);
    struct gate gate;
    struct passing_job job = {.job.run = run_passing_job, .gate = &gate};
    gate_init(&gate, self, 2);
    bed_spawn(self->spawner, pass_entry, &gate);
    EXPECT_CODE(offload(self->spawner, &job.job), 0);
    gate_wait(self, &gate, "one task and one job");
    (void)park(self, in_us(self->spawner, 100));
    (void)io_wait(self, io, YK_IN, in_us(self->spawner, 100), &(uint32_t){0});
    io_close(self->spawner, io);
    wire_close(&wire);
}

static void one_round(struct bed *bed, bool used)
{
    yk_spawner *spawner = bed_create(bed);
    if (used)
        bed_block_on(bed, spawner, use_a_little);
    bed_close(spawner);
}

static void create_destroy_leaks_nothing(struct bed *bed)
{
    static struct footprint before;
    static struct footprint after;
    int rounds = bed_count(bed, 1000, 1000);
    one_round(bed, true);
    footprint_take(&before);
    for (int i = 0; i < rounds / 10; i++)
        one_round(bed, i % 10 == 0);
    int64_t resident = resident_kib();
    for (int i = 0; i < rounds; i++)
        one_round(bed, i % 10 == 0);
    int64_t growth = resident_kib() - resident;
    footprint_settle(&before, &after);
    const char *excess = footprint_excess(&before, &after, NULL);
    EXPECT(!excess[0], "L2: after %d rounds of create and destroy %s", rounds + rounds / 10,
           excess);
    EXPECT(bed_under_tool() || growth < GROWTH_KIB_MAX,
           "L2: %d rounds of create and destroy took %" PRId64 " KiB more of memory", rounds,
           growth);
}

static void first_create_leaves_nothing(struct bed *bed)
{
    static struct footprint before;
    static struct footprint after;
    footprint_take(&before);
    one_round(bed, true);
    footprint_settle(&before, &after);
    const char *excess = footprint_excess(&before, &after, NULL);
    if (excess[0])
        verdict_warn("L2: once for the process, after the first destroy, %s", excess);
}

static void create_fails_cleanly_at_every_alloc(struct bed *bed)
{
    static struct footprint before;
    static struct footprint after;
    one_round(bed, false);
    one_round(bed, false);
    yk_config config = bed_config(bed);
    for (int n = 1; n < ALLOCS_MAX; n++) {
        yk_error error = {.size = sizeof error};
        yk_spawner *spawner = NULL;
        footprint_take(&before);
        verdict_step("create with allocation %d failing", n);
        lent_fail_alloc(n);
        int32_t r = bed_create_with(bed, &config, &spawner, &error);
        bool failed = lent_alloc_failed();
        lent_fail_alloc(0);
        if (r == 0)
            bed_close(spawner);
        else
            EXPECT(r == -ENOMEM && error.text[0],
                   "C1: create without memory (allocation %d) gave %s and the sentence '%s'", n,
                   code_name(r), error.text);
        footprint_settle(&before, &after);
        const char *excess = footprint_excess(&before, &after, NULL);
        EXPECT(!excess[0], "C1: create failed at allocation %d; %s", n, excess);
        if (!failed)
            return;
    }
    FAIL("create made %d allocations", ALLOCS_MAX);
}

/* Leaves so many more descriptors to open. */
static void limit_fds(int more)
{
    static struct footprint now;
    footprint_take(&now);
    int limit = 0;
    for (int free_fds = 0; free_fds < more || footprint_has_fd(&now, limit); limit++)
        free_fds += !footprint_has_fd(&now, limit);
    struct rlimit fds = {0};
    (void)getrlimit(RLIMIT_NOFILE, &fds);
    fds.rlim_cur = (rlim_t)limit;
    EXPECT(setrlimit(RLIMIT_NOFILE, &fds) == 0, "the kit cannot limit descriptors");
}

static void unlimit_fds(void)
{
    struct rlimit fds = {0};
    (void)getrlimit(RLIMIT_NOFILE, &fds);
    fds.rlim_cur = fds.rlim_max;
    EXPECT(setrlimit(RLIMIT_NOFILE, &fds) == 0, "the kit cannot raise the limit of descriptors");
}

static void create_fails_cleanly_at_every_fd(struct bed *bed)
{
    static struct footprint before;
    static struct footprint after;
    one_round(bed, false);
    one_round(bed, false);
    yk_config config = bed_config(bed);
    for (int more = 0; more < CREATE_FDS_MAX; more++) {
        yk_error error = {.size = sizeof error};
        yk_spawner *spawner = NULL;
        footprint_take(&before);
        verdict_step("create with %d descriptors to be had", more);
        limit_fds(more);
        int32_t r = bed_create_with(bed, &config, &spawner, &error);
        unlimit_fds();
        if (r == 0)
            bed_close(spawner);
        else
            EXPECT((r == -EMFILE || r == -ENOMEM) && error.text[0],
                   "C1: create with %d descriptors to be had gave %s and the sentence '%s'", more,
                   code_name(r), error.text);
        footprint_settle(&before, &after);
        const char *excess = footprint_excess(&before, &after, NULL);
        EXPECT(!excess[0], "C1: create failed after %d descriptors; %s", more, excess);
        if (r == 0)
            return;
    }
    FAIL("create opened %d descriptors", CREATE_FDS_MAX);
}

static int32_t result_entry(yk_task *self, void *arg)
{
    (void)self;
    return *(const int32_t *)arg;
}

static void block_on_returns_main_result(struct bed *bed)
{
    static const int32_t results[] = {0, 1, -1, 77, INT32_MAX, INT32_MIN, -ENOMEM};
    yk_spawner *spawner = bed_create(bed);
    for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
        int32_t wanted = results[i];
        int32_t found = wanted ^ 1;
        EXPECT_CODE(block_on(spawner, result_entry, &wanted, &found), 0);
        EXPECT_EQUAL("L1: the main task's result", found, wanted);
        EXPECT_CODE(block_on(spawner, result_entry, &wanted, NULL), 0); /* out_result may be NULL */
    }
    bed_close(spawner);
}

static int32_t nested_entry(yk_task *self, void *arg)
{
    (void)arg;
    return block_on(self->spawner, noop_entry, NULL, NULL);
}

static void nested_block_on_edeadlk(struct bed *bed)
{
    yk_spawner *spawner = bed_create(bed);
    int32_t found = 0;
    EXPECT_CODE(block_on(spawner, nested_entry, NULL, &found), 0);
    EXPECT(found == -EDEADLK, "L1: block_on on a task gave %s, expected -EDEADLK",
           code_name(found));
    bed_close(spawner);
}

struct second {
    yk_spawner *spawner;
    yk_task *main;
    _Atomic int done;
    int32_t code;
};

static void *second_block_on(void *arg)
{
    struct second *second = arg;
    second->code = block_on(second->spawner, noop_entry, NULL, NULL);
    atomic_store(&second->done, 1);
    unpark(second->main);
    return NULL;
}

static void block_on_from_second_thread_ebusy(yk_task *self, struct bed *bed)
{
    (void)bed;
    struct second second = {.spawner = self->spawner, .main = self};
    pthread_t thread = foreign_start(second_block_on, &second);
    flag_wait(self, &second.done, "block_on on a second thread to be refused");
    foreign_join(thread);
    EXPECT(second.code == -EBUSY, "L1: block_on on a second thread gave %s, expected -EBUSY",
           code_name(second.code));
}

/* Tasks that outlive a main task. */
static yk_task *left_behind;
static _Atomic int released;
static _Atomic int ended;

static int32_t until_released_entry(yk_task *self, void *arg)
{
    (void)arg;
    while (!atomic_load(&released))
        (void)park(self, YK_NEVER);
    atomic_store(&ended, 1);
    return 0;
}

static void leave_one_behind(yk_task *self, struct bed *bed)
{
    (void)bed;
    left_behind = bed_spawn_held(self->spawner, until_released_entry, NULL);
    yield(self);
    (void)park(self, in_ms(self->spawner, 5));
}

static void release_it(yk_task *self, struct bed *bed)
{
    (void)bed;
    EXPECT(!atomic_load(&ended), "L1: the task that was left behind has ended by itself");
    atomic_store(&released, 1);
    unpark(left_behind);
    bed_await_alone(self);
    EXPECT(atomic_load(&ended), "L1: the task that was left behind did not go on");
}

static void main_returns_while_children_parked(struct bed *bed)
{
    yk_spawner *spawner = bed_create(bed);
    bed_block_on_only(bed, spawner, leave_one_behind);
    bed_block_on(bed, spawner, release_it);
    unref(left_behind);
    bed_close(spawner);
}

static void destroy_with_live_task_ebusy(struct bed *bed)
{
    yk_spawner *spawner = bed_create(bed);
    bed_block_on_only(bed, spawner, leave_one_behind);
    for (int i = 0; i < 3; i++) {
        int32_t r = bed_destroy(spawner);
        EXPECT(r == -EBUSY, "L2: destroy with a live task gave %s, expected -EBUSY", code_name(r));
    }
    bed_block_on(bed, spawner, release_it); /* nothing was done: it is as good as before */
    unref(left_behind);
    bed_close(spawner);
}

static void hold_an_ended_task(yk_task *self, struct bed *bed)
{
    (void)bed;
    left_behind = bed_spawn_held(self->spawner, noop_entry, NULL);
}

static void destroy_with_task_handle_ebusy(struct bed *bed)
{
    yk_spawner *spawner = bed_create(bed);
    bed_block_on(bed, spawner, hold_an_ended_task);
    int32_t r = bed_destroy(spawner);
    EXPECT(r == -EBUSY, "L2: destroy while a task is referenced gave %s, expected -EBUSY",
           code_name(r));
    unref(left_behind);
    bed_close(spawner);
}

/* A wake-up that comes when nobody drives the loops any more must not hold the task's memory. */
static void late_unpark_does_not_hold_up_destroy(struct bed *bed)
{
    yk_spawner *spawner = bed_create(bed);
    bed_block_on(bed, spawner, hold_an_ended_task);
    for (int i = 0; i < 3; i++)
        unpark(left_behind); /* it has ended; W2 is [any] */
    unref(left_behind);
    int32_t r = bed_destroy(spawner);
    EXPECT(r == 0,
           "L2 T6: an ended task was unparked after block_on, then given back: destroy gave %s, "
           "expected 0",
           code_name(r));
}

static void destroy_with_open_io_ebusy(struct bed *bed)
{
    struct wire wire = wire_pipe();
    yk_spawner *spawner = bed_create(bed);
    yk_io *io = open_io(spawner, wire.fd[0]); /* I1 is [any]: also before the first block_on */
    bed_block_on(bed, spawner, use_a_little);
    int32_t r = bed_destroy(spawner);
    EXPECT(r == -EBUSY, "L2: destroy with an open yk_io gave %s, expected -EBUSY", code_name(r));
    io_close(spawner, io); /* I3 is [any]: also when nobody is in block_on */
    bed_close(spawner);
    wire_close(&wire);
}

static int32_t destroying_entry(yk_task *self, void *arg)
{
    (void)arg;
    return self->spawner->ops->destroy(self->spawner);
}

static void destroy_from_task_refused(struct bed *bed)
{
    yk_spawner *spawner = bed_create(bed);
    int32_t found = 0;
    EXPECT_CODE(block_on(spawner, destroying_entry, NULL, &found), 0);
    EXPECT(found == -EDEADLK, "L2: destroy on a task gave %s, expected -EDEADLK", code_name(found));
    bed_block_on(bed, spawner, use_a_little);
    bed_close(spawner);
}

/* Two spawners of one plugin, each with a thread of its own, whose tasks wake each other. */
struct side {
    struct bed *bed;
    yk_task *_Atomic task;
    struct side *other;
    pthread_barrier_t *both_done;
    int rounds;
    _Atomic int turn; /* how often the other has come by */
};

static int32_t side_entry(yk_task *self, void *arg)
{
    struct side *side = arg;
    ref(self);
    atomic_store(&side->task, self);
    while (!atomic_load(&side->other->task))
        (void)park(self, in_us(self->spawner, 100));
    for (int i = 0; i < side->rounds; i++) {
        atomic_fetch_add(&side->other->turn, 1);
        unpark(atomic_load(&side->other->task));
        while (atomic_load(&side->turn) <= i)
            EXPECT(park(self, in_ms(self->spawner, GATE_MS_MAX)) == 0,
                   "W2: a wake-up from a task of another spawner was lost in round %d", i);
    }
    return 0;
}

static void *side_thread(void *arg)
{
    struct side *side = arg;
    yk_spawner *spawner = bed_create(side->bed);
    EXPECT_CODE(block_on(spawner, side_entry, side, NULL), 0);
    (void)pthread_barrier_wait(side->both_done);
    unref(atomic_load(&side->task));
    bed_close(spawner);
    return NULL;
}

static void two_spawners_in_one_process(struct bed *bed)
{
    pthread_barrier_t both_done;
    (void)pthread_barrier_init(&both_done, NULL, 2);
    struct side a = {.bed = bed, .both_done = &both_done, .rounds = bed_count(bed, 2000, 2000)};
    struct side b = {.bed = bed, .both_done = &both_done, .rounds = a.rounds, .other = &a};
    a.other = &b;
    pthread_t thread = foreign_start(side_thread, &b);
    (void)side_thread(&a);
    foreign_join(thread);
    (void)pthread_barrier_destroy(&both_done);
}

static int32_t parked_entry(yk_task *self, void *arg)
{
    const _Atomic int *stop = arg;
    while (!atomic_load(stop))
        (void)park(self, YK_NEVER);
    return 0;
}

static int32_t reading_entry(yk_task *self, void *arg)
{
    const struct wire *wire = arg;
    yk_io *io = open_io(self->spawner, wire->fd[0]);
    must_be_ready(self, io, wire->fd[0], YK_IN, "the end of the idle time");
    io_close(self->spawner, io);
    return 0;
}

static void idle_uses_no_cpu(yk_task *self, struct bed *bed)
{
    (void)bed;
    _Atomic int stop = 0;
    struct wire wire = wire_pipe();
    bed_spawn(self->spawner, reading_entry, &wire);
    yk_task *parked = bed_spawn_held(self->spawner, parked_entry, &stop);
    (void)park(self, in_ms(self->spawner, 20)); /* everybody has gone to wait */

    struct quiet quiet = quiet_begin();
    uint64_t polls = stats(self->spawner).polls;
    int64_t end = in_ms(self->spawner, IDLE_MS);
    while (park(self, end) != -ETIMEDOUT)
        continue;
    uint64_t polls_more = stats(self->spawner).polls - polls;
    quiet_end(&quiet, "W1: all tasks wait");

    atomic_store(&stop, 1);
    unpark(parked);
    unref(parked);
    put_byte(wire.fd[1]);
    bed_await_alone(self);
    wire_close(&wire);
    EXPECT(polls_more <= IDLE_POLLS_MAX,
           "M2: with all tasks waiting, its loops turned %" PRIu64 " times in %d ms", polls_more,
           IDLE_MS);
}

static const struct behaviour behaviours[] = {
    {"create_destroy_leaks_nothing",
     "C1 L2 H1 H4: a thousand rounds leave no descriptor, thread, memory",
     .run = create_destroy_leaks_nothing},
    {"first_create_leaves_nothing", "L2: what its libraries keep once for the process (a warning)",
     .run = first_create_leaves_nothing},
    {"create_fails_cleanly_at_every_alloc",
     "C1 H1: without memory: -ENOMEM, a sentence, nothing left",
     .run = create_fails_cleanly_at_every_alloc},
    {"create_fails_cleanly_at_every_fd",
     "C1: without descriptors: -EMFILE, a sentence, nothing left",
     .run = create_fails_cleanly_at_every_fd},
    {"two_spawners_in_one_process", "W2: tasks of two spawners on two threads wake each other",
     .not_with = YK_CAP_VIRTUAL_TIME, .run = two_spawners_in_one_process},
    {"block_on_returns_main_result",
     "L1: again and again, whatever the result, out_result may be NULL",
     .run = block_on_returns_main_result},
    {"nested_block_on_EDEADLK", "L1: block_on on a task is -EDEADLK",
     .run = nested_block_on_edeadlk},
    {"block_on_from_second_thread_EBUSY", "L1: while one thread is inside, another gets -EBUSY",
     .not_with = YK_CAP_VIRTUAL_TIME, .on_task = block_on_from_second_thread_ebusy},
    {"main_returns_while_children_parked", "L1: the others go on when block_on is called again",
     .run = main_returns_while_children_parked},
    {"destroy_with_live_task_EBUSY_and_still_usable", "L2 E3: refused, and nothing was done",
     .run = destroy_with_live_task_ebusy},
    {"destroy_with_task_handle_EBUSY", "L2 T6: refused while an ended task is referenced",
     .run = destroy_with_task_handle_ebusy},
    {"late_unpark_does_not_hold_up_destroy",
     "L2 T6 W2: unpark of an ended task when block_on is over",
     .run = late_unpark_does_not_hold_up_destroy},
    {"destroy_with_open_io_EBUSY", "L2 I1 I3: refused while a yk_io is open; off task both work",
     .run = destroy_with_open_io_ebusy},
    {"destroy_from_task_refused", "L2: on a task it is -EDEADLK, and nothing was done",
     .run = destroy_from_task_refused},
    {"idle_uses_no_cpu", "W1 I2: while all tasks wait, nothing turns",
     .not_with = YK_CAP_VIRTUAL_TIME, .on_task = idle_uses_no_cpu},
};

THEME(lifecycle, behaviours);
