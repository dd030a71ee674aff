/* SPDX-License-Identifier: MIT
 * fiber.c - see fiber.h. */
#include "plugins/kit/fiber.h"

#include <errno.h>
#include <string.h>

#include "plugins/kit/kit_state.h"

#define COLOR_BYTES 64
#define ALIGN_16(n) (((n) + 15) & ~(size_t)15)

/* Ids of tasks that a foreign thread spawned count from here, those of the loops below. */
#define FOREIGN_ID_BASE (UINT64_C(1) << 56)

/* ---- the block ---- */

struct kit_fiber *kit_fiber_on(const struct kit *kit, const struct kit_stack *stack)
{
    size_t block_bytes = ALIGN_16(sizeof(struct kit_fiber) + kit->extra_bytes);
    char *top = stack->low + stack->bytes - stack->color * COLOR_BYTES;
    return (struct kit_fiber *)(void *)(top - block_bytes);
}

static void fiber_main(void *arg);

static void copy_word(char *to, const char *from)
{
    memcpy(to, from, sizeof(uint64_t));
}

/* memcpy() for what the caller has written word by word just now: a wider load would have to wait
 * until those stores have left the processor's queue.  bytes is a multiple of 16 (ABI). */
static void copy_words(char *to, const char *from, size_t bytes)
{
    for (const char *end = from + bytes; from < end; from += 16, to += 16) {
        copy_word(to, from);
        copy_word(to + 8, from + 8);
    }
}

/* Lays out a task on `stack`: the block on top, then the copied argument, then the stack proper. */
static struct kit_fiber *fiber_make(struct kit_loop *loop, struct kit_stack *stack,
                                    const yk_spawn_options *options, yk_entry_fn *entry, void *arg)
{
    struct kit *kit = loop->kit;
    struct kit_fiber *fiber = kit_fiber_on(kit, stack);
    char *top = (char *)((uintptr_t)fiber & ~(uintptr_t)15);
    const void *extra = NULL;
    const char *name = NULL;
    if (options) {
        extra = options->extra;
        name = options->name;
        if (options->arg_bytes) {
            top -= ALIGN_16(options->arg_bytes);
            arg = memcpy(top, arg, options->arg_bytes);
        }
    }
    fiber->loop = loop;
    fiber->stack = stack;
    fiber->entry = entry;
    fiber->arg = arg;
    fiber->out_result = NULL;
    fiber->is_main = false;
    fiber->token = false;
    fiber->turns = 0;
    fiber->timer.prev = NULL;
    atomic_init(&fiber->refs, 1);
    atomic_init(&fiber->wake_sent, 0);
    fiber->task.magic = YK_TASK_MAGIC;
    fiber->task.loop = loop->number;
    fiber->task.ops = kit->spawner.ops;
    fiber->task.spawner = &kit->spawner;
    fiber->task.name = name ? name : "task";
    if (extra)
        copy_words(yk_task_extra(&fiber->task), extra, kit->extra_bytes);
    else
        memset(yk_task_extra(&fiber->task), 0, kit->extra_bytes);
    kit_context_init(&fiber->context, top, (size_t)(top - stack->low), fiber_main, fiber);
    return fiber;
}

/* Makes it one of the loop's tasks; on the loop's thread. */
static void fiber_begin(struct kit_fiber *fiber)
{
    struct kit_loop *loop = fiber->loop;
    fiber->live_next = loop->live;
    fiber->live_link = &loop->live;
    if (loop->live)
        loop->live->live_link = &fiber->live_next;
    loop->live = fiber;
    uint64_t live = atomic_load_explicit(&loop->live_count, memory_order_relaxed) + 1;
    atomic_store_explicit(&loop->live_count, live, memory_order_relaxed);
    if (live > loop->live_peak)
        loop->live_peak = live;
    loop->spawned++;
    kit_loop_ready(loop, fiber);
}

static void fiber_main(void *arg)
{
    struct kit_fiber *fiber = arg;
    struct kit_loop *loop = fiber->loop;
    kit_context_begin(&fiber->context);
    kit_loop_arrived(loop);
    int32_t result = fiber->entry(&fiber->task, fiber->arg);

    if (fiber->is_main) {
        if (fiber->out_result)
            *fiber->out_result = result;
        loop->stop = true;
    }
    fiber->state = KIT_ENDED;
    *fiber->live_link = fiber->live_next;
    if (fiber->live_next)
        fiber->live_next->live_link = fiber->live_link;
    uint64_t live = atomic_load_explicit(&loop->live_count, memory_order_relaxed);
    atomic_store_explicit(&loop->live_count, live - 1, memory_order_relaxed);
    if (loop->kit->tasks_max)
        atomic_fetch_sub_explicit(&loop->kit->tasks_counted, 1, memory_order_relaxed);
    kit_loop_leave_dead(loop, fiber);
}

static void note_depth(struct kit *kit, const struct kit_stack *stack)
{
    uint64_t depth = kit_stack_depth(stack);
    uint64_t peak = atomic_load(&kit->stack_depth_peak);
    while (depth > peak && !atomic_compare_exchange_weak(&kit->stack_depth_peak, &peak, depth))
        ;
}

void kit_fiber_unref(struct kit_fiber *fiber)
{
    /* Whoever sees 1 is the last holder: nobody without a reference can make another. */
    if (atomic_load_explicit(&fiber->refs, memory_order_acquire) != 1 &&
        atomic_fetch_sub_explicit(&fiber->refs, 1, memory_order_acq_rel) != 1)
        return;
    struct kit_loop *loop = fiber->loop;
    struct kit_stack *stack = fiber->stack;
    fiber->task.magic = 0;
    if (loop->kit->census)
        note_depth(loop->kit, stack);
    if (kit_loop_here == loop && !stack->foreign)
        kit_shelf_give(&loop->shelf, stack);
    else
        kit_store_give(&loop->kit->store, stack);
}

/* ---- spawn ---- */

/* Tasks that live on the loop, and those on their way to it. */
static uint64_t tasks_of(struct kit_loop *loop)
{
    return atomic_load_explicit(&loop->live_count, memory_order_relaxed) +
           atomic_load_explicit(&loop->coming, memory_order_relaxed);
}

static struct kit_loop *emptiest_loop(struct kit *kit)
{
    struct kit_loop *best = &kit->loops[0];
    uint64_t best_count = tasks_of(best);
    for (uint32_t i = 1; i < kit->loops_count; i++) {
        struct kit_loop *loop = &kit->loops[i];
        uint64_t count = tasks_of(loop);
        if (count < best_count) {
            best = loop;
            best_count = count;
        }
    }
    return best;
}

/* The loop that the options ask for; NULL if there is no such loop. */
static struct kit_loop *choose_loop(struct kit *kit, uint32_t placement)
{
    struct kit_loop *here = kit_loop_here;
    if (placement == YK_PLACE_INHERIT && here && here->kit == kit)
        return here;
    if (placement <= YK_PLACE_ANY)
        return emptiest_loop(kit);
    uint32_t number = placement - YK_PLACE_LOOP(0);
    return number < kit->loops_count ? &kit->loops[number] : NULL;
}

static bool count_task(struct kit *kit)
{
    if (atomic_fetch_add_explicit(&kit->tasks_counted, 1, memory_order_relaxed) < kit->tasks_max)
        return true;
    atomic_fetch_sub_explicit(&kit->tasks_counted, 1, memory_order_relaxed);
    return false;
}

/* Makes a task for `loop`, not yet begun.  Returns 0, -EINVAL, -EAGAIN, -ENOMEM. */
static int32_t fiber_new(struct kit_loop *loop, const yk_spawn_options *options, yk_entry_fn *entry,
                         void *arg, struct kit_fiber **out_fiber)
{
    struct kit *kit = loop->kit;
    int class = kit->stack_class;
    if (options) {
        if (options->arg_bytes > YK_ARG_BYTES_MAX || options->flags)
            return -EINVAL;
        if (options->stack_bytes)
            class = kit_stack_class(options->stack_bytes);
        if (class < 0)
            return class;
    }
    if (kit->tasks_max && !count_task(kit))
        return -EAGAIN;
    struct kit_stack *stack = kit_loop_here == loop ? kit_shelf_take(&loop->shelf, class)
                                                    : kit_store_take(&kit->store, class);
    if (!stack) {
        if (kit->tasks_max)
            atomic_fetch_sub_explicit(&kit->tasks_counted, 1, memory_order_relaxed);
        return -ENOMEM;
    }
    *out_fiber = fiber_make(loop, stack, options, entry, arg);
    return 0;
}

static void deliver_start(struct kit_note *note)
{
    struct kit_fiber *fiber =
        (struct kit_fiber *)(void *)((char *)note - offsetof(struct kit_fiber, start_note));
    atomic_fetch_sub_explicit(&fiber->loop->coming, 1, memory_order_relaxed);
    fiber_begin(fiber);
}

int32_t kit_spawn(yk_spawner *spawner, const yk_spawn_options *options, yk_entry_fn *entry,
                  void *arg, yk_task **out_task)
{
    struct kit *kit = kit_of(spawner);
    if (__builtin_expect(kit->inert, 0))
        return -EOWNERDEAD;
    struct kit_loop *loop = kit_loop_here;
    if (!loop || loop->kit != kit || (options && options->placement != YK_PLACE_INHERIT))
        loop = choose_loop(kit, options ? options->placement : YK_PLACE_INHERIT);
    if (!loop)
        return -EINVAL;
    struct kit_fiber *fiber = NULL;
    int32_t r = fiber_new(loop, options, entry, arg, &fiber);
    if (r < 0)
        return r;
    if (out_task) {
        atomic_store_explicit(&fiber->refs, 2, memory_order_relaxed);
        *out_task = &fiber->task;
    }
    if (loop == kit_loop_here) {
        fiber->task.id = ++loop->next_id * kit->loops_count + loop->number;
        fiber_begin(fiber);
    } else {
        fiber->task.id = FOREIGN_ID_BASE + atomic_fetch_add(&kit->foreign_ids, 1);
        atomic_fetch_add_explicit(&loop->coming, 1, memory_order_relaxed);
        fiber->start_note.deliver = deliver_start;
        kit_loop_post(loop, &fiber->start_note);
    }
    return 0;
}

int32_t kit_spawn_main(struct kit_loop *loop, const yk_spawn_options *options, yk_entry_fn *entry,
                       void *arg, int32_t *out_result)
{
    struct kit_fiber *fiber = NULL;
    int32_t r = fiber_new(loop, options, entry, arg, &fiber);
    if (r < 0)
        return r;
    fiber->task.id = ++loop->next_id * loop->kit->loops_count;
    fiber->is_main = true;
    fiber->out_result = out_result;
    fiber_begin(fiber);
    return 0;
}

void kit_ref(yk_task *task)
{
    atomic_fetch_add_explicit(&kit_fiber_of(task)->refs, 1, memory_order_relaxed);
}

void kit_unref(yk_task *task)
{
    kit_fiber_unref(kit_fiber_of(task));
}

/* ---- waiting ---- */

void kit_fiber_be_fair(struct kit_fiber *fiber)
{
    if (++fiber->turns < KIT_SWITCHES_PER_TURN)
        return;
    fiber->turns = 0;
    kit_yield(&fiber->task);
}

bool kit_fiber_is_past(const struct kit_fiber *fiber, int64_t deadline)
{
    if (deadline <= fiber->loop->now)
        return true;
    return deadline - fiber->loop->now < KIT_TURN_NS_MAX && deadline <= kit_now();
}

void kit_yield(yk_task *self)
{
    struct kit_fiber *fiber = kit_fiber_of(self);
    if (__builtin_expect(fiber->loop->inert, 0))
        return;
    kit_fiber_look(fiber);
    kit_loop_ready(fiber->loop, fiber);
    kit_loop_leave(fiber->loop, fiber);
}

int32_t kit_park(yk_task *self, int64_t deadline)
{
    struct kit_fiber *fiber = kit_fiber_of(self);
    if (__builtin_expect(fiber->loop->inert, 0))
        return -EOWNERDEAD;
    kit_fiber_look(fiber);
    if (kit_fiber_take_token(fiber)) {
        kit_fiber_be_fair(fiber);
        return 0;
    }
    if (deadline != YK_NEVER && kit_fiber_is_past(fiber, deadline)) {
        kit_fiber_be_fair(fiber);
        return kit_fiber_take_token(fiber) ? 0 : -ETIMEDOUT;
    }
    kit_fiber_wait(fiber, KIT_PARKED, deadline);
    return kit_fiber_take_token(fiber) ? 0 : -ETIMEDOUT;
}

static void deliver_wake(struct kit_note *note)
{
    struct kit_fiber *fiber =
        (struct kit_fiber *)(void *)((char *)note - offsetof(struct kit_fiber, wake_note));
    atomic_store(&fiber->wake_sent, 0); /* who comes after this sends another */
    fiber->token = true;
    kit_fiber_wake(fiber);
    kit_fiber_unref(fiber);
}

void kit_unpark(yk_task *task)
{
    struct kit_fiber *fiber = kit_fiber_of(task);
    if (kit_loop_here == fiber->loop) {
        fiber->token = true;
        kit_fiber_wake(fiber);
        return;
    }
    if (atomic_exchange(&fiber->wake_sent, 1))
        return; /* one token is one token */
    kit_ref(task);
    fiber->wake_note.deliver = deliver_wake;
    kit_loop_post(fiber->loop, &fiber->wake_note);
}
