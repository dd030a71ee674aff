/* SPDX-License-Identifier: MIT
 * break_tasks.c - ways to break spawn, handles, park and unpark.
 *
 * Layer: tests/conformance/broken.  Start at the table at the end; bites.sh says which behaviour
 * must notice each.
 * What is not broken is forwarded, so the good one is called by verbs that are not broken:
 * good.verb(). */
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "tests/conformance/broken/broken.h"

#define LOST_EACH     97 /* of so many wake-ups one is lost */
#define COUNTERS      4096
#define SPURIOUS_EACH 3

static int32_t block_on_without_result(yk_spawner *spawner, const yk_spawn_options *options,
                                       yk_entry_fn *entry, void *arg, int32_t *out_result)
{
    if (out_result)
        *out_result = 0;
    return good.block_on(spawner, options, entry, arg, NULL);
}

static void lose_main_result(yk_ops *ops)
{
    ops->block_on = block_on_without_result;
}

static int32_t nothing_entry(yk_task *self, void *arg)
{
    (void)self;
    (void)arg;
    return 0;
}

/* The child is called like a function; a task that has ended already stands in for it. */
static int32_t spawn_here(yk_spawner *spawner, const yk_spawn_options *options, yk_entry_fn *entry,
                          void *arg, yk_task **out_task)
{
    _Alignas(16) char copy[YK_ARG_BYTES_MAX];
    yk_task *task = NULL;
    int32_t r = good.spawn(spawner, options, nothing_entry, arg, &task);
    if (r < 0)
        return r;
    if (options->arg_bytes)
        arg = memcpy(copy, arg, options->arg_bytes);
    (void)entry(task, arg);
    if (out_task)
        *out_task = task;
    else
        good.unref(task);
    return 0;
}

static void run_on_callers_stack(yk_ops *ops)
{
    ops->spawn = spawn_here;
}

static int32_t spawn_sometimes_twice(yk_spawner *spawner, const yk_spawn_options *options,
                                     yk_entry_fn *entry, void *arg, yk_task **out_task)
{
    static _Atomic int count;
    if (options->arg_bytes && atomic_fetch_add(&count, 1) % 50 == 0)
        (void)good.spawn(spawner, options, entry, arg, NULL);
    return good.spawn(spawner, options, entry, arg, out_task);
}

static void run_some_twice(yk_ops *ops)
{
    ops->spawn = spawn_sometimes_twice;
}

static int32_t spawn_without_copy(yk_spawner *spawner, const yk_spawn_options *options,
                                  yk_entry_fn *entry, void *arg, yk_task **out_task)
{
    yk_spawn_options changed = *options;
    changed.arg_bytes = 0;
    return good.spawn(spawner, &changed, entry, arg, out_task);
}

static void do_not_copy_arg(yk_ops *ops)
{
    ops->spawn = spawn_without_copy;
}

static int32_t spawn_without_extra(yk_spawner *spawner, const yk_spawn_options *options,
                                   yk_entry_fn *entry, void *arg, yk_task **out_task)
{
    yk_spawn_options changed = *options;
    changed.extra = NULL;
    return good.spawn(spawner, &changed, entry, arg, out_task);
}

static void do_not_copy_extra(yk_ops *ops)
{
    ops->spawn = spawn_without_extra;
}

static int32_t spawn_writes_always(yk_spawner *spawner, const yk_spawn_options *options,
                                   yk_entry_fn *entry, void *arg, yk_task **out_task)
{
    int32_t r = good.spawn(spawner, options, entry, arg, out_task);
    if (r < 0 && out_task)
        *out_task = (yk_task *)(void *)spawner;
    return r;
}

static void write_task_on_failure(yk_ops *ops)
{
    ops->spawn = spawn_writes_always;
}

static int32_t spawn_small(yk_spawner *spawner, const yk_spawn_options *options, yk_entry_fn *entry,
                           void *arg, yk_task **out_task)
{
    yk_spawn_options changed = *options;
    changed.stack_bytes = 16 * 1024;
    return good.spawn(spawner, &changed, entry, arg, out_task);
}

static void give_small_stacks(yk_ops *ops)
{
    ops->spawn = spawn_small;
}

static void no_ref(yk_task *task)
{
    (void)task;
}

static void free_too_early(yk_ops *ops)
{
    ops->ref = no_ref;
}

static void unpark_mostly(yk_task *task)
{
    static _Atomic unsigned count;
    if (atomic_fetch_add(&count, 1) % LOST_EACH != LOST_EACH - 1)
        good.unpark(task);
}

static void lose_wakeups(yk_ops *ops)
{
    ops->unpark = unpark_mostly;
}

static int32_t block_on_by_two(yk_spawner *spawner, const yk_spawn_options *options,
                               yk_entry_fn *entry, void *arg, int32_t *out_result)
{
    int32_t r = good.block_on(spawner, options, entry, arg, out_result);
    return r == -EBUSY ? 0 : r;
}

static void admit_second_driver(yk_ops *ops)
{
    ops->block_on = block_on_by_two;
}

static int32_t spawn_unnamed(yk_spawner *spawner, const yk_spawn_options *options,
                             yk_entry_fn *entry, void *arg, yk_task **out_task)
{
    yk_spawn_options changed = *options;
    changed.name = NULL;
    return good.spawn(spawner, &changed, entry, arg, out_task);
}

static void lose_names(yk_ops *ops)
{
    ops->spawn = spawn_unnamed;
}

/* Gives the new task an id before its entry runs. */
struct renumbered {
    yk_entry_fn *entry;
    void *arg;
};

static int32_t renumbered_entry(yk_task *self, void *arg)
{
    struct renumbered *one = arg;
    self->id = 7;
    return one->entry(self, one->arg);
}

static int32_t spawn_renumbered(yk_spawner *spawner, const yk_spawn_options *options,
                                yk_entry_fn *entry, void *arg, yk_task **out_task)
{
    if (options->arg_bytes)
        return good.spawn(spawner, options, entry, arg, out_task);
    struct renumbered one = {.entry = entry, .arg = arg};
    yk_spawn_options changed = *options;
    changed.arg_bytes = sizeof one;
    return good.spawn(spawner, &changed, renumbered_entry, &one, out_task);
}

static void give_all_one_id(yk_ops *ops)
{
    ops->spawn = spawn_renumbered;
}

static int32_t spawn_uncounted(yk_spawner *spawner, const yk_spawn_options *options,
                               yk_entry_fn *entry, void *arg, yk_task **out_task)
{
    int32_t r = good.spawn(spawner, options, entry, arg, out_task);
    if (r == 0 && out_task)
        good.unref(*out_task);
    return r;
}

static void do_not_count_handle(yk_ops *ops)
{
    ops->spawn = spawn_uncounted;
}

static int32_t spawn_of_owner(yk_spawner *spawner, const yk_spawn_options *options,
                              yk_entry_fn *entry, void *arg, yk_task **out_task)
{
    return break_is_owner_thread() ? good.spawn(spawner, options, entry, arg, out_task) : -EAGAIN;
}

static void refuse_foreign_spawns(yk_ops *ops)
{
    ops->spawn = spawn_of_owner;
}

static _Atomic int inside_block_on;

static int32_t block_on_noting(yk_spawner *spawner, const yk_spawn_options *options,
                               yk_entry_fn *entry, void *arg, int32_t *out_result)
{
    atomic_fetch_add(&inside_block_on, 1);
    int32_t r = good.block_on(spawner, options, entry, arg, out_result);
    atomic_fetch_sub(&inside_block_on, 1);
    return r;
}

static int32_t spawn_when_driven(yk_spawner *spawner, const yk_spawn_options *options,
                                 yk_entry_fn *entry, void *arg, yk_task **out_task)
{
    return atomic_load(&inside_block_on) ? good.spawn(spawner, options, entry, arg, out_task) : 0;
}

static void drop_early_spawns(yk_ops *ops)
{
    ops->block_on = block_on_noting;
    ops->spawn = spawn_when_driven;
}

static void yield_nothing(yk_task *self)
{
    (void)self;
}

static void do_not_yield(yk_ops *ops)
{
    ops->yield = yield_nothing;
}

/* A count for each task instead of one token. */
static _Atomic int counters[COUNTERS];

static _Atomic int *counter_of(const yk_task *task)
{
    return &counters[task->id * 2654435761U % COUNTERS];
}

static void unpark_counting(yk_task *task)
{
    atomic_fetch_add(counter_of(task), 1);
    good.unpark(task);
}

static bool take_count(const yk_task *task)
{
    int count = atomic_load(counter_of(task));
    return count > 0 && atomic_fetch_sub(counter_of(task), 1) > 0;
}

static int32_t park_counting(yk_task *self, int64_t deadline)
{
    if (take_count(self))
        return 0;
    int32_t r = good.park(self, deadline);
    (void)take_count(self);
    return r;
}

static void keep_two_tokens(yk_ops *ops)
{
    ops->unpark = unpark_counting;
    ops->park = park_counting;
}

static int32_t park_swallowing(yk_task *self, int64_t deadline)
{
    int32_t r = good.park(self, deadline);
    if (r == 0 && atomic_exchange(counter_of(self), 0) && deadline <= break_now_ns())
        return -ETIMEDOUT; /* the token that came after a time-out is gone */
    if (r == -ETIMEDOUT)
        atomic_store(counter_of(self), 1);
    return r;
}

static void swallow_token_after_timeout(yk_ops *ops)
{
    ops->park = park_swallowing;
}

static int32_t park_never_timed_out(yk_task *self, int64_t deadline)
{
    int32_t r = good.park(self, deadline);
    return deadline <= 1 ? 0 : r;
}

static void say_0_for_a_look(yk_ops *ops)
{
    ops->park = park_never_timed_out;
}

static int32_t park_early(yk_task *self, int64_t deadline)
{
    return good.park(self, break_earlier(deadline));
}

static void park_times_out_early(yk_ops *ops)
{
    ops->park = park_early;
}

static int32_t park_spinning(yk_task *self, int64_t deadline)
{
    int32_t r = good.park(self, 0);
    while (r == -ETIMEDOUT && break_now_ns() < deadline) {
        good.yield(self);
        r = good.park(self, 0);
    }
    return r;
}

static void spin_when_idle(yk_ops *ops)
{
    ops->park = park_spinning;
}

/* What the contract allows, and callers must be able to bear: park returns 0 without a token. */
static int32_t park_spurious(yk_task *self, int64_t deadline)
{
    static _Atomic unsigned count;
    if (deadline > 0 && atomic_fetch_add(&count, 1) % SPURIOUS_EACH == 0) {
        (void)good.park(self, break_now_ns() + 20000); /* takes the token if it comes */
        return 0;
    }
    return good.park(self, deadline);
}

static void wake_without_token(yk_ops *ops)
{
    ops->park = park_spurious;
}

const struct break_way break_task_ways[] = {
    {"admits_second_driver", .break_ops = admit_second_driver},
    {"loses_names", .break_ops = lose_names},
    {"one_id", .break_ops = give_all_one_id},
    {"handle_not_counted", .break_ops = do_not_count_handle},
    {"refuses_foreign_spawns", .break_ops = refuse_foreign_spawns},
    {"drops_early_spawns", .break_ops = drop_early_spawns},
    {"does_not_yield", .break_ops = do_not_yield},
    {"swallows_token", .break_ops = swallow_token_after_timeout},
    {"says_0_for_a_look", .break_ops = say_0_for_a_look},
    {"loses_main_result", .break_ops = lose_main_result},
    {"callers_stack", .break_ops = run_on_callers_stack},
    {"runs_some_twice", .break_ops = run_some_twice},
    {"arg_not_copied", .break_ops = do_not_copy_arg},
    {"extra_not_copied", .break_ops = do_not_copy_extra},
    {"writes_task_on_failure", .break_ops = write_task_on_failure},
    {"small_stacks", .break_ops = give_small_stacks},
    {"frees_too_early", .break_ops = free_too_early},
    {"loses_wakeups", .break_ops = lose_wakeups},
    {"two_tokens", .break_ops = keep_two_tokens},
    {"early_timer", .break_ops = park_times_out_early},
    {"spins_when_idle", .break_ops = spin_when_idle},
    {"wakes_without_token", .break_ops = wake_without_token}, /* allowed: nothing may be found */
    {.name = NULL},
};
