/* SPDX-License-Identifier: MIT
 * mock_fiber.c - see mock_fiber.h. */
#include "plugins/mock/mock_fiber.h"

#include <errno.h>
#include <string.h>

#include "plugins/mock/mock_schedule.h"

#define TURNS_MAX 61 /* ABI T7 */

/* ---- beginning and end ---- */

static void live_add(struct mock *mock, struct mock_fiber *fiber)
{
    fiber->live_prev = NULL;
    fiber->live_next = mock->live_first;
    if (mock->live_first)
        mock->live_first->live_prev = fiber;
    mock->live_first = fiber;
    if (++mock->live > mock->peak)
        mock->peak = mock->live;
    fiber->head.id = ++mock->spawned;
}

static void live_remove(struct mock *mock, struct mock_fiber *fiber)
{
    if (fiber->live_prev)
        fiber->live_prev->live_next = fiber->live_next;
    else
        mock->live_first = fiber->live_next;
    if (fiber->live_next)
        fiber->live_next->live_prev = fiber->live_prev;
    mock->live--;
}

static void fiber_main(void *arg)
{
    struct mock_fiber *fiber = arg;
    struct mock *mock = fiber->mock;
    kit_context_begin(&fiber->context);
    int32_t result = fiber->entry(&fiber->head, fiber->arg);
    pthread_mutex_lock(&mock->mutex);
    if (fiber == mock->main) {
        if (fiber->out_result)
            *fiber->out_result = result;
        mock->main = NULL;
    }
    fiber->state = MOCK_ENDED;
    live_remove(mock, fiber);
    mock->current = NULL;
    mock->dead = fiber;
    pthread_mutex_unlock(&mock->mutex);
    kit_context_leave(&fiber->context, &mock->context);
}

/* Whether the options ask for what there is.  Returns the class of the stack, or -EINVAL. */
static int check_options(const struct mock *mock, const yk_spawn_options *options)
{
    if (options->flags != 0 || options->arg_bytes > YK_ARG_BYTES_MAX ||
        options->placement > YK_PLACE_LOOP(0))
        return -EINVAL;
    return options->stack_bytes ? kit_stack_class(options->stack_bytes) : mock->stack_class;
}

static void fiber_fill(struct mock_fiber *fiber, struct mock *mock, struct kit_stack *stack,
                       const yk_spawn_options *options)
{
    memset(fiber, 0, offsetof(struct mock_fiber, arg_copy));
    fiber->mock = mock;
    fiber->state = MOCK_WAITING; /* for its first turn */
    fiber->stack = stack;
    fiber->refs = 1;
    fiber->head = (yk_task){
        .magic = YK_TASK_MAGIC,
        .ops = mock->head.ops,
        .spawner = &mock->head,
        .name = options->name ? options->name : "task",
    };
    if (options->extra)
        memcpy(yk_task_extra(&fiber->head), options->extra, mock->extra_bytes);
    else
        memset(yk_task_extra(&fiber->head), 0, mock->extra_bytes);
}

int mock_fiber_new(struct mock *mock, const yk_spawn_options *options, yk_entry_fn *entry,
                   void *arg, struct mock_fiber **out_fiber)
{
    yk_spawn_options known = {0};
    if (options)
        memcpy(&known, options, options->size < sizeof known ? options->size : sizeof known);
    int class = check_options(mock, &known);
    if (class < 0)
        return class;
    if (mock->tasks_max > 0 && mock->live >= mock->tasks_max)
        return -EAGAIN;
    if (mock_rounds_reserve(mock) < 0)
        return -ENOMEM;
    struct mock_fiber *fiber = mock->host->alloc(sizeof *fiber + mock->extra_bytes);
    struct kit_stack *stack = fiber ? kit_store_take(&mock->store, class) : NULL;
    if (!stack) {
        mock->host->free(fiber);
        return -ENOMEM;
    }
    fiber_fill(fiber, mock, stack, &known);
    fiber->entry = entry;
    fiber->arg = known.arg_bytes ? memcpy(fiber->arg_copy, arg, known.arg_bytes) : arg;
    kit_context_init(&fiber->context, stack->low + stack->bytes, stack->bytes, fiber_main, fiber);
    mock->blocks++;
    live_add(mock, fiber);
    mock_make_ready(fiber);
    *out_fiber = fiber;
    return 0;
}

void mock_fiber_bury(struct mock_fiber *fiber)
{
    kit_context_done(&fiber->context);
    kit_store_give(&fiber->mock->store, fiber->stack);
    fiber->stack = NULL;
    mock_fiber_unref(fiber);
}

void mock_fiber_unref(struct mock_fiber *fiber)
{
    if (--fiber->refs > 0)
        return;
    struct mock *mock = fiber->mock;
    fiber->head.magic = 0;
    mock->blocks--;
    mock->host->free(fiber);
}

/* ---- waiting ---- */

bool mock_fiber_take_token(struct mock_fiber *fiber)
{
    bool had = fiber->token || fiber->foreign_token;
    fiber->token = false;
    fiber->foreign_token = false;
    return had;
}

/* Leaves the running task for the scheduler. */
static void leave(struct mock_fiber *fiber)
{
    struct mock *mock = fiber->mock;
    mock->current = NULL;
    pthread_mutex_unlock(&mock->mutex);
    kit_context_switch(&fiber->context, &mock->context);
    pthread_mutex_lock(&mock->mutex);
}

void mock_fiber_wait(struct mock_fiber *fiber, int64_t deadline)
{
    struct mock *mock = fiber->mock;
    fiber->turns = 0;
    fiber->state = MOCK_WAITING;
    if (deadline != YK_NEVER)
        kit_timers_add(&mock->timers, &fiber->timer, deadline);
    leave(fiber);
    if (kit_timer_armed(&fiber->timer))
        kit_timers_remove(&mock->timers, &fiber->timer);
}

static void yield_locked(struct mock_fiber *fiber)
{
    fiber->turns = 0;
    mock_make_ready_later(fiber);
    leave(fiber);
}

void mock_fiber_be_fair(struct mock_fiber *fiber)
{
    if (++fiber->turns >= TURNS_MAX)
        yield_locked(fiber);
}

/* ---- verbs ---- */

int32_t mock_spawn(yk_spawner *head, const yk_spawn_options *options, yk_entry_fn *entry, void *arg,
                   yk_task **out_task)
{
    struct mock *mock = mock_of(head);
    if (mock->inert)
        return -EOWNERDEAD;
    struct mock_fiber *fiber;
    pthread_mutex_lock(&mock->mutex);
    int r = mock_fiber_new(mock, options, entry, arg, &fiber);
    if (r == 0 && out_task) {
        fiber->refs++;
        *out_task = &fiber->head;
    }
    if (r == 0)
        mock_kick(mock);
    pthread_mutex_unlock(&mock->mutex);
    return r;
}

void mock_ref(yk_task *task)
{
    struct mock *mock = mock_of(task->spawner);
    pthread_mutex_lock(&mock->mutex);
    mock_fiber_of(task)->refs++;
    pthread_mutex_unlock(&mock->mutex);
}

void mock_unref(yk_task *task)
{
    struct mock *mock = mock_of(task->spawner);
    pthread_mutex_lock(&mock->mutex);
    mock_fiber_unref(mock_fiber_of(task));
    pthread_mutex_unlock(&mock->mutex);
}

void mock_yield(yk_task *self)
{
    struct mock_fiber *fiber = mock_fiber_of(self);
    if (fiber->mock->inert)
        return;
    pthread_mutex_lock(&fiber->mock->mutex);
    yield_locked(fiber);
    pthread_mutex_unlock(&fiber->mock->mutex);
}

int32_t mock_park(yk_task *self, int64_t deadline)
{
    struct mock_fiber *fiber = mock_fiber_of(self);
    struct mock *mock = fiber->mock;
    if (mock->inert)
        return -EOWNERDEAD;
    pthread_mutex_lock(&mock->mutex);
    bool had = mock_fiber_take_token(fiber);
    if (had || deadline <= mock_time(mock))
        mock_fiber_be_fair(fiber);
    if (!had) {
        if (deadline > mock_time(mock))
            mock_fiber_wait(fiber, deadline);
        had = mock_fiber_take_token(fiber);
    }
    pthread_mutex_unlock(&mock->mutex);
    return had ? 0 : -ETIMEDOUT;
}

void mock_unpark(yk_task *task)
{
    struct mock_fiber *fiber = mock_fiber_of(task);
    struct mock *mock = fiber->mock;
    if (mock->inert)
        return;
    pthread_mutex_lock(&mock->mutex);
    if (mock_here() == mock) {
        fiber->token = true;
        mock_make_ready(fiber);
    } else {
        mock_post(fiber);
    }
    pthread_mutex_unlock(&mock->mutex);
}
