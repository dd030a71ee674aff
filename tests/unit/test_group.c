/* SPDX-License-Identifier: MIT
 * test_group.c - no child outlives its group, and the first failure ends the others: on every
 * runtime.
 *
 * Layer: tests/unit.  Behaviour 130 of spawner-abi.md 5.6. */
#include "tests/support/support.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>

#include <yoke/channel.h>
#include <yoke/group.h>

#define CHILDREN         10
#define GROWTH_BYTES_MAX ((size_t)100 * 1024) /* pools may; 2000 children are more */

static yk_group *group_new(yk_task *self)
{
    yk_group *group = NULL;
    ck_assert_int_eq(yk_group_new(self, NULL, &group), 0);
    ck_assert_ptr_nonnull(group);
    return group;
}

static int return_arg(yk_task *self, void *arg)
{
    (void)self;
    return (int)(intptr_t)arg;
}

/* Counts the tasks that were cancelled while they waited for ever. */
static int wait_for_cancel(yk_task *self, void *arg)
{
    int r = yk_task_sleep(self, YK_NEVER);
    if (arg && r == -ECANCELED)
        *(_Atomic int *)arg += 1;
    return r;
}

static int count_up(yk_task *self, void *arg)
{
    int r = yk_task_yield(self);
    if (r == 0)
        *(_Atomic int *)arg += 1;
    return r;
}

TASK_TEST(an_empty_group_joins_at_once)
{
    OWNED(yk_group) yk_group *group = group_new(self);
    ck_assert_uint_eq(yk_group_count(group), 0);
    ck_assert_int_eq(yk_group_join(self, group, 0), 0);
}

TASK_TEST(join_waits_for_every_child)
{
    _Atomic int count = 0;
    OWNED(yk_group) yk_group *group = group_new(self);
    for (int i = 0; i < CHILDREN; i++)
        ck_assert_int_eq(yk_group_spawn(group, "child", count_up, &count), 0);
    ck_assert_int_eq(yk_group_join(self, group, support_deadline(self)), 0);
    ck_assert_int_eq(count, CHILDREN);
    ck_assert_uint_eq(yk_group_count(group), 0);
}

TASK_TEST(a_joined_group_takes_children_again)
{
    _Atomic int count = 0;
    OWNED(yk_group) yk_group *group = group_new(self);
    for (int i = 0; i < CHILDREN; i++) {
        ck_assert_int_eq(yk_group_spawn(group, "child", count_up, &count), 0);
        ck_assert_int_eq(yk_group_join(self, group, support_deadline(self)), 0);
    }
    ck_assert_int_eq(count, CHILDREN);
}

TASK_TEST(a_result_above_zero_is_no_failure)
{
    OWNED(yk_group) yk_group *group = group_new(self);
    ck_assert_int_eq(yk_group_spawn(group, "child", return_arg, (void *)5), 0);
    ck_assert_int_eq(yk_group_join(self, group, support_deadline(self)), 0);
}

TASK_TEST(the_first_failure_cancels_the_others_and_is_the_groups_result)
{
    _Atomic int canceled = 0;
    OWNED(yk_group) yk_group *group = group_new(self);
    for (int i = 0; i < CHILDREN; i++)
        ck_assert_int_eq(yk_group_spawn(group, "child", wait_for_cancel, &canceled), 0);
    support_settle(self);
    ck_assert_int_eq(canceled, 0);
    ck_assert_int_eq(yk_group_spawn(group, "bad", return_arg, (void *)(intptr_t)-EIO), 0);
    ck_assert_int_eq(yk_group_join(self, group, support_deadline(self)), -EIO);
    ck_assert_int_eq(canceled, CHILDREN);
    ck_assert_uint_eq(yk_group_failures_dropped(group), 0);
}

TASK_TEST(a_cancelled_child_is_no_failure)
{
    _Atomic int canceled = 0;
    OWNED(yk_group) yk_group *group = group_new(self);
    ck_assert_int_eq(yk_group_spawn(group, "child", wait_for_cancel, &canceled), 0);
    yk_group_cancel(group);
    ck_assert_int_eq(yk_group_join(self, group, support_deadline(self)), 0);
    ck_assert_int_eq(canceled, 1);
}

static int fail_when_cancelled(yk_task *self, void *arg)
{
    int r = yk_task_sleep(self, YK_NEVER);
    ck_assert_int_eq(r, -ECANCELED);
    return (int)(intptr_t)arg;
}

TASK_TEST(failures_after_the_first_are_counted)
{
    OWNED(yk_group) yk_group *group = group_new(self);
    for (int i = 0; i < CHILDREN; i++)
        ck_assert_int_eq(
            yk_group_spawn(group, "child", fail_when_cancelled, (void *)(intptr_t)-ENOSPC), 0);
    support_settle(self);
    ck_assert_int_eq(yk_group_spawn(group, "bad", return_arg, (void *)(intptr_t)-EIO), 0);
    ck_assert_int_eq(yk_group_join(self, group, support_deadline(self)), -EIO);
    ck_assert_uint_eq(yk_group_failures_dropped(group), CHILDREN);
}

TASK_TEST(a_cancelled_group_refuses_new_children)
{
    _Atomic int count = 0;
    OWNED(yk_group) yk_group *group = group_new(self);
    yk_group_cancel(group);
    ck_assert_int_eq(yk_group_spawn(group, "child", count_up, &count), -ECANCELED);
    ck_assert_uint_eq(yk_group_count(group), 0);
    ck_assert_int_eq(yk_group_join(self, group, support_deadline(self)), 0);
    ck_assert_int_eq(count, 0);
}

TASK_TEST(freeing_a_group_cancels_its_children_and_waits_for_them)
{
    _Atomic int canceled = 0;
    for (int i = 0; i < 20; i++) {
        OWNED(yk_group) yk_group *group = group_new(self);
        for (int k = 0; k < CHILDREN; k++)
            ck_assert_int_eq(yk_group_spawn(group, "child", wait_for_cancel, &canceled), 0);
        if (i % 2)
            support_settle(self);
        yk_group_free(MOVE(group));
        ck_assert_int_eq(canceled, (i + 1) * CHILDREN);
    }
    yk_group_free(NULL);
}

/* Owns a group and is cancelled: the drop must still wait for the children. */
static int own_a_group(yk_task *self, void *arg)
{
    OWNED(yk_group) yk_group *group = NULL;
    int r = yk_group_new(self, NULL, &group);
    for (int i = 0; r == 0 && i < CHILDREN; i++)
        r = yk_group_spawn(group, "child", wait_for_cancel, arg);
    return r < 0 ? r : yk_group_join(self, group, YK_NEVER);
}

TASK_TEST(a_cancelled_owner_waits_for_its_children)
{
    _Atomic int canceled = 0;
    for (int i = 0; i < 20; i++) {
        yk_task *owner = NULL;
        canceled = 0;
        ck_assert_int_eq(
            yk_task_spawn(yk_task_spawner(self), "owner", own_a_group, &canceled, &owner), 0);
        if (i % 2)
            support_settle(self);
        yk_task_cancel(owner);
        ck_assert_int_eq(yk_task_join_free(self, owner), -ECANCELED);
        ck_assert_int_eq(canceled, CHILDREN);
    }
}

static int own_groups_of_groups(yk_task *self, void *arg)
{
    OWNED(yk_group) yk_group *group = NULL;
    int r = yk_group_new(self, NULL, &group);
    for (int i = 0; r == 0 && i < 3; i++)
        r = yk_group_spawn(group, "middle", own_a_group, arg);
    return r < 0 ? r : yk_group_join(self, group, YK_NEVER);
}

TASK_TEST(a_cancel_goes_down_a_tree_of_groups)
{
    _Atomic int canceled = 0;
    OWNED(yk_group) yk_group *group = group_new(self);
    ck_assert_int_eq(yk_group_spawn(group, "top", own_groups_of_groups, &canceled), 0);
    support_settle(self);
    yk_group_cancel(group);
    ck_assert_int_eq(yk_group_join(self, group, support_deadline(self)), 0);
    ck_assert_int_eq(canceled, 3 * CHILDREN);
}

TASK_TEST(the_children_go_on_when_a_join_ends_by_its_deadline)
{
    _Atomic int canceled = 0;
    OWNED(yk_group) yk_group *group = group_new(self);
    ck_assert_int_eq(yk_group_spawn(group, "child", wait_for_cancel, &canceled), 0);
    ck_assert_int_eq(yk_group_join(self, group, 0), -ETIMEDOUT);
    ck_assert_int_eq(yk_group_join(self, group, yk_now(self) + 100000), -ETIMEDOUT);
    support_settle(self);
    ck_assert_uint_eq(yk_group_count(group), 1);
    ck_assert_int_eq(canceled, 0);
}

struct joined {
    yk_channel *channel; /* owned by the test */
    yk_task *owner;      /* to be cancelled */
};

static int cancel_owner(yk_task *self, void *arg)
{
    struct joined *joined = arg;
    int message = 1;
    yk_task_cancel(joined->owner);
    return yk_channel_receive(self, joined->channel, &message, support_deadline(self));
}

static int join_while_cancelled(yk_task *self, void *arg)
{
    struct joined *joined = arg;
    int message = 1;
    joined->owner = self;
    OWNED(yk_group) yk_group *group = group_new(self);
    ck_assert_int_eq(yk_group_spawn(group, "child", cancel_owner, joined), 0);
    ck_assert_int_eq(yk_group_join(self, group, YK_NEVER), -ECANCELED);
    ck_assert_uint_eq(yk_group_count(group), 1);
    ck_assert_int_eq(yk_channel_try_send(joined->channel, &message), 0);
    yk_shield_begin(self);
    ck_assert_int_eq(yk_group_join(self, group, support_deadline(self)), 0);
    yk_shield_end(self);
    return 0;
}

TASK_TEST(the_children_go_on_when_a_join_is_cancelled)
{
    OWNED(yk_channel) yk_channel *channel = NULL;
    ck_assert_int_eq(yk_channel_new(sizeof(int), 1, &channel), 0);
    struct joined joined = {.channel = channel};
    yk_task *task = NULL;
    ck_assert_int_eq(
        yk_task_spawn(yk_task_spawner(self), "owner", join_while_cancelled, &joined, &task), 0);
    ck_assert_int_eq(yk_task_join_free(self, task), 0);
}

struct tree {
    yk_group *group;
    _Atomic int count;
};

struct branch {
    struct tree *tree;
    int depth;
};

static int grow(yk_task *self, void *arg)
{
    struct branch *branch = arg;
    branch->tree->count++;
    if (branch->depth == 0)
        return yk_task_yield(self);
    struct branch next = {branch->tree, branch->depth - 1};
    yk_task_options options = {.name = "branch", .arg_bytes = sizeof next};
    int r = yk_group_spawn_with(branch->tree->group, &options, grow, &next);
    return r < 0 ? r : yk_group_spawn_with(branch->tree->group, &options, grow, &next);
}

TASK_TEST(a_child_may_spawn_into_its_own_group)
{
    OWNED(yk_group) yk_group *group = group_new(self);
    struct tree tree = {.group = group};
    struct branch root = {&tree, 6};
    yk_task_options options = {.name = "root", .arg_bytes = sizeof root};
    ck_assert_int_eq(yk_group_spawn_with(group, &options, grow, &root), 0);
    ck_assert_int_eq(yk_group_join(self, group, support_deadline(self)), 0);
    ck_assert_int_eq(tree.count, (1 << 7) - 1);
}

static void *spawn_from_thread(void *arg)
{
    struct tree *tree = arg;
    for (int i = 0; i < 100; i++)
        if (yk_group_spawn(tree->group, "child", count_up, &tree->count) < 0)
            return arg;
    return NULL;
}

TASK_TEST(any_thread_may_spawn_into_a_group)
{
    OWNED(yk_group) yk_group *group = group_new(self);
    struct tree tree = {.group = group};
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, spawn_from_thread, &tree), 0);
    for (int i = 0; i < 3; i++) {
        void *bad;
        ck_assert_int_eq(pthread_join(threads[i], &bad), 0);
        ck_assert_ptr_null(bad);
    }
    ck_assert_int_eq(yk_group_join(self, group, support_deadline(self)), 0);
    ck_assert_int_eq(tree.count, 300);
}

static void *cancel_from_thread(void *arg)
{
    yk_group_cancel(arg);
    return NULL;
}

TASK_TEST(a_cancel_from_another_thread_races_with_spawns_and_misses_no_child)
{
    for (int i = 0; i < 20; i++) {
        _Atomic int canceled = 0;
        int spawned = 0, r = 0;
        OWNED(yk_group) yk_group *group = group_new(self);
        pthread_t thread;
        ck_assert_int_eq(pthread_create(&thread, NULL, cancel_from_thread, group), 0);
        while (r == 0 && spawned < 200) {
            r = yk_group_spawn(group, "child", wait_for_cancel, &canceled);
            spawned += r == 0;
        }
        ck_assert(r == 0 || r == -ECANCELED);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        ck_assert_int_eq(yk_group_join(self, group, support_deadline(self)), 0);
        ck_assert_int_eq(canceled, spawned);
    }
}

/* Bytes that the process has allocated and not freed. */
static size_t heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

TASK_TEST(a_group_that_lives_long_does_not_grow)
{
    OWNED(yk_group) yk_group *group = group_new(self);
    size_t before = 0;
    for (int i = 0; i < 3000; i++) {
        if (yk_group_spawn(group, "child", return_arg, NULL) < 0)
            ck_abort_msg("spawn %d", i);
        if (i % 10 == 9 && yk_group_join(self, group, support_deadline(self)) < 0)
            ck_abort_msg("join %d", i);
        if (i == 1000)
            before = heap_bytes();
    }
    ck_assert_uint_le(heap_bytes(), before + GROWTH_BYTES_MAX);
}

struct other_side {
    yk_channel *ready;      /* carries yk_spawner * */
    yk_channel *done;       /* closed by the one that owns the group */
    _Atomic int own, right; /* children; those that found themselves on the right spawner */
};

struct placed {
    struct other_side *side;
    yk_spawner *expected;
};

static int check_spawner(yk_task *self, void *arg)
{
    struct placed *placed = arg;
    placed->side->own++;
    placed->side->right += yk_task_spawner(self) == placed->expected;
    return yk_task_sleep(self, YK_NEVER);
}

static int lend_spawner(yk_task *self, void *arg)
{
    struct other_side *side = arg;
    yk_spawner *spawner = yk_task_spawner(self);
    char nothing;
    ck_assert_int_eq(yk_channel_send(self, side->ready, &spawner, support_deadline(self)), 0);
    ck_assert_int_eq(yk_channel_receive(self, side->done, &nothing, support_deadline(self)),
                     -EPIPE);
    return 0;
}

static int own_children_elsewhere(yk_task *self, void *arg)
{
    struct other_side *side = arg;
    yk_spawner *spawner = NULL;
    ck_assert_int_eq(yk_channel_receive(self, side->ready, &spawner, support_deadline(self)), 0);
    for (int round = 0; round < 10; round++) {
        OWNED(yk_group) yk_group *group = NULL;
        ck_assert_int_eq(yk_group_new(self, spawner, &group), 0);
        struct placed placed = {side, spawner};
        yk_task_options options = {.name = "child", .arg_bytes = sizeof placed};
        for (int i = 0; i < CHILDREN; i++)
            ck_assert_int_eq(yk_group_spawn_with(group, &options, check_spawner, &placed), 0);
        ck_assert_int_eq(yk_group_join(self, group, 0), -ETIMEDOUT);
    }
    ck_assert_int_eq(side->own, 10 * CHILDREN);
    ck_assert_int_eq(side->right, 10 * CHILDREN);
    yk_channel_close(side->done);
    return 0;
}

START_TEST(a_group_may_have_its_children_on_another_spawner)
{
    struct other_side side = {.own = 0};
    ck_assert_int_eq(yk_channel_new(sizeof(yk_spawner *), 1, &side.ready), 0);
    ck_assert_int_eq(yk_channel_new(1, 1, &side.done), 0);
    support_run_pair(_i, own_children_elsewhere, lend_spawner, &side);
    yk_channel_free(side.ready);
    yk_channel_free(side.done);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("group");
    suite_add_on_every_runtime(suite, an_empty_group_joins_at_once);
    suite_add_on_every_runtime(suite, join_waits_for_every_child);
    suite_add_on_every_runtime(suite, a_joined_group_takes_children_again);
    suite_add_on_every_runtime(suite, a_result_above_zero_is_no_failure);
    suite_add_on_every_runtime(suite,
                               the_first_failure_cancels_the_others_and_is_the_groups_result);
    suite_add_on_every_runtime(suite, a_cancelled_child_is_no_failure);
    suite_add_on_every_runtime(suite, failures_after_the_first_are_counted);
    suite_add_on_every_runtime(suite, a_cancelled_group_refuses_new_children);
    suite_add_on_every_runtime(suite, freeing_a_group_cancels_its_children_and_waits_for_them);
    suite_add_on_every_runtime(suite, a_cancelled_owner_waits_for_its_children);
    suite_add_on_every_runtime(suite, a_cancel_goes_down_a_tree_of_groups);
    suite_add_on_every_runtime(suite, the_children_go_on_when_a_join_ends_by_its_deadline);
    suite_add_on_every_runtime(suite, the_children_go_on_when_a_join_is_cancelled);
    suite_add_on_every_runtime(suite, a_child_may_spawn_into_its_own_group);
    suite_add_on_every_runtime(suite, any_thread_may_spawn_into_a_group);
    suite_add_on_every_runtime(suite,
                               a_cancel_from_another_thread_races_with_spawns_and_misses_no_child);
    suite_add_on_every_runtime(suite, a_group_that_lives_long_does_not_grow);
    suite_add_on_every_pair(suite, a_group_may_have_its_children_on_another_spawner);
    return support_main(suite);
}
