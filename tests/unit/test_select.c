/* SPDX-License-Identifier: MIT
 * test_select.c - exactly one of several things: on every runtime, and across two.
 *
 * Layer: tests/unit. */
#include "tests/support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <yoke/select.h>

#define CHANNELS 3
#define WORKERS  4
#define MESSAGES 600 /* a channel */

static yk_channel *channel_new(size_t capacity)
{
    yk_channel *channel = NULL;
    ck_assert_int_eq(yk_channel_new(sizeof(int), capacity, &channel), 0);
    return channel;
}

static yk_task *spawn(yk_task *self, yk_task_fn *fn, void *arg)
{
    yk_task *task = NULL;
    ck_assert_int_eq(yk_task_spawn(yk_task_spawner(self), "child", fn, arg, &task), 0);
    return task;
}

static void send_int(yk_channel *channel, int message)
{
    ck_assert_int_eq(yk_channel_try_send(channel, &message), 0);
}

TASK_TEST(a_number_of_cases_out_of_range_is_refused)
{
    OWNED(yk_channel) yk_channel *channel = channel_new(1);
    int out;
    yk_case cases[YK_CASES_MAX + 1];
    for (int i = 0; i <= YK_CASES_MAX; i++)
        cases[i] = (yk_case){.kind = YK_CASE_RECEIVE, .channel = channel, .item = &out};
    ck_assert_int_eq(yk_select(self, cases, 0, 0), -EINVAL);
    ck_assert_int_eq(yk_select(self, cases, YK_CASES_MAX + 1, 0), -EINVAL);
    ck_assert_int_eq(yk_select(self, cases, YK_CASES_MAX, 0), -ETIMEDOUT);
}

TASK_TEST(the_case_that_can_be_done_is_done)
{
    yk_channel *channels[YK_CASES_MAX];
    int out[YK_CASES_MAX];
    yk_case cases[YK_CASES_MAX];
    for (int i = 0; i < YK_CASES_MAX; i++) {
        channels[i] = channel_new(1);
        cases[i] = (yk_case){.kind = YK_CASE_RECEIVE, .channel = channels[i], .item = &out[i]};
    }
    for (int i = 0; i < YK_CASES_MAX; i++) {
        memset(out, 0, sizeof out);
        send_int(channels[i], i + 100);
        cases[i].result = -1;
        ck_assert_int_eq(yk_select(self, cases, YK_CASES_MAX, support_deadline(self)), i);
        ck_assert_int_eq(cases[i].result, 0);
        for (int k = 0; k < YK_CASES_MAX; k++)
            ck_assert_int_eq(out[k], k == i ? i + 100 : 0);
    }
    for (int i = 0; i < YK_CASES_MAX; i++)
        yk_channel_free(channels[i]);
}

TASK_TEST(a_send_case_sends_to_one_channel_only)
{
    OWNED(yk_channel) yk_channel *a = channel_new(1000);
    OWNED(yk_channel) yk_channel *b = channel_new(1000);
    for (int i = 0; i < 100; i++) {
        yk_case cases[] = {{.kind = YK_CASE_SEND, .channel = a, .item = &i},
                           {.kind = YK_CASE_SEND, .channel = b, .item = &i}};
        size_t a_count = yk_channel_count(a);
        int r = yk_select(self, cases, 2, support_deadline(self));
        ck_assert(r == 0 || r == 1);
        ck_assert_uint_eq(yk_channel_count(a) - a_count, r == 0);
        ck_assert_uint_eq(yk_channel_count(a) + yk_channel_count(b), (size_t)i + 1);
    }
}

TASK_TEST(each_ready_case_has_its_turn)
{
    OWNED(yk_channel) yk_channel *a = channel_new(1000);
    OWNED(yk_channel) yk_channel *b = channel_new(1000);
    OWNED(yk_channel) yk_channel *c = channel_new(1000);
    int turns[3] = {0, 0, 0}, out = 0;
    yk_channel_close(c); /* always ready, with -EPIPE */
    for (int i = 0; i < 1000; i++) {
        send_int(a, i);
        send_int(b, i);
        yk_case cases[] = {{.kind = YK_CASE_RECEIVE, .channel = a, .item = &out},
                           {.kind = YK_CASE_RECEIVE, .channel = b, .item = &out},
                           {.kind = YK_CASE_RECEIVE, .channel = c, .item = &out}};
        int r = yk_select(self, cases, 3, support_deadline(self));
        ck_assert_int_ge(r, 0);
        ck_assert_int_lt(r, 3);
        turns[r]++;
    }
    for (int i = 0; i < 3; i++)
        ck_assert_int_ge(turns[i], 100);
}

TASK_TEST(a_closed_channel_is_a_case_that_is_done)
{
    OWNED(yk_channel) yk_channel *open = channel_new(1);
    OWNED(yk_channel) yk_channel *closed = channel_new(1);
    int out = 5;
    send_int(closed, 8);
    yk_channel_close(closed);
    yk_case cases[] = {{.kind = YK_CASE_RECEIVE, .channel = open, .item = &out},
                       {.kind = YK_CASE_RECEIVE, .channel = closed, .item = &out}};
    ck_assert_int_eq(yk_select(self, cases, 2, support_deadline(self)), 1);
    ck_assert_int_eq(cases[1].result, 0);
    ck_assert_int_eq(out, 8);
    ck_assert_int_eq(yk_select(self, cases, 2, support_deadline(self)), 1);
    ck_assert_int_eq(cases[1].result, -EPIPE);
    cases[1].kind = YK_CASE_SEND;
    ck_assert_int_eq(yk_select(self, cases, 2, support_deadline(self)), 1);
    ck_assert_int_eq(cases[1].result, -EPIPE);
}

/* Waits in a select over two channels, for whichever comes. */
struct pair {
    yk_channel *a, *b; /* owned by the test */
    yk_task *task;     /* to be joined, or NULL */
};

static int receive_either(yk_task *self, void *arg)
{
    struct pair *pair = arg;
    int out[2] = {0, 0};
    yk_case cases[] = {{.kind = YK_CASE_RECEIVE, .channel = pair->a, .item = &out[0]},
                       {.kind = YK_CASE_RECEIVE, .channel = pair->b, .item = &out[1]}};
    int r = yk_select(self, cases, 2, YK_NEVER);
    if (r < 0)
        return r;
    return cases[r].result < 0 ? cases[r].result : out[r];
}

TASK_TEST(a_select_that_waits_is_woken_by_any_of_its_channels)
{
    OWNED(yk_channel) yk_channel *a = channel_new(1);
    OWNED(yk_channel) yk_channel *b = channel_new(1);
    struct pair pair = {a, b, NULL};
    for (int i = 0; i < 50; i++) {
        yk_task *task = spawn(self, receive_either, &pair);
        if (i % 3)
            support_settle(self);
        int message = i + 1;
        ck_assert_int_eq(yk_channel_send(self, i % 2 ? a : b, &message, support_deadline(self)), 0);
        ck_assert_int_eq(yk_task_join_free(self, task), i + 1);
    }
}

TASK_TEST(closing_wakes_a_select)
{
    OWNED(yk_channel) yk_channel *a = channel_new(1);
    OWNED(yk_channel) yk_channel *b = channel_new(1);
    struct pair pair = {a, b, NULL};
    yk_task *task = spawn(self, receive_either, &pair);
    support_settle(self);
    yk_channel_close(b);
    ck_assert_int_eq(yk_task_join_free(self, task), -EPIPE);
}

static int receive_one(yk_task *self, void *arg)
{
    int message;
    int r = yk_channel_receive(self, arg, &message, YK_NEVER);
    return r < 0 ? r : message;
}

TASK_TEST(the_end_of_a_task_is_a_case)
{
    OWNED(yk_channel) yk_channel *gate = channel_new(1);
    OWNED(yk_channel) yk_channel *quiet = channel_new(1);
    for (int i = 0; i < 30; i++) {
        yk_task *task = spawn(self, receive_one, gate);
        int out;
        yk_case cases[] = {{.kind = YK_CASE_RECEIVE, .channel = quiet, .item = &out},
                           {.kind = YK_CASE_JOIN, .task = task}};
        ck_assert_int_eq(yk_select(self, cases, 2, 0), -ETIMEDOUT);
        send_int(gate, i);
        ck_assert_int_eq(yk_select(self, cases, 2, support_deadline(self)), 1);
        ck_assert_int_eq(cases[1].result, i);
        ck_assert_int_eq(yk_select(self, cases, 2, 0), 1);
        ck_assert_int_eq(yk_task_join_free(self, task), i);
    }
}

struct plumbing {
    int fds[2];
    yk_fd *in; /* owned; the end to read from */
};

static void plumbing_init(yk_task *self, struct plumbing *plumbing)
{
    ck_assert_int_eq(pipe2(plumbing->fds, O_NONBLOCK | O_CLOEXEC), 0);
    ck_assert_int_eq(yk_fd_open(yk_task_spawner(self), plumbing->fds[0], &plumbing->in), 0);
}

static void plumbing_done(struct plumbing *plumbing)
{
    yk_fd_free(plumbing->in);
    ck_assert_int_eq(close(plumbing->fds[0]), 0);
    ck_assert_int_eq(close(plumbing->fds[1]), 0);
}

static int write_byte(yk_task *self, void *arg)
{
    struct plumbing *plumbing = arg;
    int r = yk_task_yield(self);
    return r < 0 ? r : write(plumbing->fds[1], "x", 1) == 1 ? 0 : -EIO;
}

TASK_TEST(a_descriptor_is_a_case_beside_a_channel)
{
    OWNED(yk_channel) yk_channel *channel = channel_new(1);
    struct plumbing plumbing;
    char byte;
    int out = 0;
    plumbing_init(self, &plumbing);
    for (int i = 0; i < 30; i++) {
        yk_case cases[] = {{.kind = YK_CASE_FD, .fd = plumbing.in, .events = YK_IN},
                           {.kind = YK_CASE_RECEIVE, .channel = channel, .item = &out}};
        ck_assert_int_eq(yk_select(self, cases, 2, 0), -ETIMEDOUT);
        yk_task *task = spawn(self, write_byte, &plumbing);
        /* Stale readiness is allowed: the read tells. */
        do {
            ck_assert_int_eq(yk_select(self, cases, 2, support_deadline(self)), 0);
            ck_assert(cases[0].result & (int)YK_IN);
        } while (read(plumbing.fds[0], &byte, 1) != 1);
        ck_assert_int_eq(yk_task_join_free(self, task), 0);
        send_int(channel, i);
        ck_assert_int_eq(yk_select(self, cases, 2, support_deadline(self)), 1);
        ck_assert_int_eq(out, i);
    }
    plumbing_done(&plumbing);
}

struct doorbell {
    struct plumbing plumbing;
    yk_channel *channel; /* owned by the test */
};

static int wait_at_door(yk_task *self, void *arg)
{
    struct doorbell *door = arg;
    int out = 0;
    yk_case cases[] = {{.kind = YK_CASE_FD, .fd = door->plumbing.in, .events = YK_IN},
                       {.kind = YK_CASE_RECEIVE, .channel = door->channel, .item = &out}};
    int r = yk_select(self, cases, 2, YK_NEVER);
    return r < 0 ? r : r == 1 ? out : -EIO;
}

TASK_TEST(a_message_wakes_a_select_that_waits_for_a_descriptor)
{
    OWNED(yk_channel) yk_channel *channel = channel_new(1);
    struct doorbell door = {.channel = channel};
    plumbing_init(self, &door.plumbing);
    for (int i = 0; i < 50; i++) {
        yk_task *task = spawn(self, wait_at_door, &door);
        if (i % 3)
            support_settle(self);
        send_int(channel, i);
        ck_assert_int_eq(yk_task_join_free(self, task), i);
    }
    plumbing_done(&door.plumbing);
}

TASK_TEST(two_descriptors_in_one_select_are_refused)
{
    struct plumbing a, b;
    plumbing_init(self, &a);
    plumbing_init(self, &b);
    yk_case cases[] = {{.kind = YK_CASE_FD, .fd = a.in, .events = YK_IN},
                       {.kind = YK_CASE_FD, .fd = b.in, .events = YK_IN}};
    ck_assert_int_eq(yk_select(self, cases, 2, 0), -EINVAL);
    plumbing_done(&a);
    plumbing_done(&b);
}

TASK_TEST(a_select_does_not_end_before_its_deadline)
{
    OWNED(yk_channel) yk_channel *channel = channel_new(1);
    int out;
    yk_case cases[] = {{.kind = YK_CASE_RECEIVE, .channel = channel, .item = &out}};
    for (int i = 0; i < 20; i++) {
        int64_t deadline = yk_now(self) + (int64_t)i * 48611;
        ck_assert_int_eq(yk_select(self, cases, 1, deadline), -ETIMEDOUT);
        ck_assert_int_ge(yk_now(self), deadline);
    }
}

TASK_TEST(one_channel_may_be_in_several_cases)
{
    OWNED(yk_channel) yk_channel *channel = channel_new(1);
    struct pair pair = {channel, channel, NULL};
    for (int i = 0; i < 30; i++) {
        yk_task *task = spawn(self, receive_either, &pair);
        if (i % 2)
            support_settle(self);
        int message = i + 1;
        ck_assert_int_eq(yk_channel_send(self, channel, &message, support_deadline(self)), 0);
        ck_assert_int_eq(yk_task_join_free(self, task), i + 1);
        ck_assert_uint_eq(yk_channel_count(channel), 0);
    }
}

/* Many tasks select over the same channels: each number goes in once and comes out once. */
struct traffic {
    yk_channel *channels[CHANNELS]; /* owned by the test */
    int64_t patience_ns;            /* of one select; 0: for ever */
    int messages;                   /* in all */
    _Atomic int next, senders_left;
    _Atomic unsigned char seen[CHANNELS * MESSAGES];
};

static void traffic_init(struct traffic *traffic, int64_t patience_ns)
{
    memset(traffic, 0, sizeof *traffic);
    for (int i = 0; i < CHANNELS; i++)
        traffic->channels[i] = channel_new((size_t)i + 1);
    traffic->senders_left = WORKERS;
    traffic->patience_ns = patience_ns;
    traffic->messages = support_rounds(CHANNELS * MESSAGES);
}

static void traffic_done(struct traffic *traffic)
{
    for (int i = 0; i < traffic->messages; i++)
        if (traffic->seen[i] != 1)
            ck_abort_msg("message %d came %d times", i, traffic->seen[i]);
    for (int i = 0; i < CHANNELS; i++)
        yk_channel_free(traffic->channels[i]);
}

static int select_one(yk_task *self, struct traffic *traffic, yk_case_kind kind, int item[CHANNELS])
{
    yk_case cases[CHANNELS];
    for (int i = 0; i < CHANNELS; i++)
        cases[i] = (yk_case){.kind = kind, .channel = traffic->channels[i], .item = &item[i]};
    int64_t deadline =
        traffic->patience_ns ? yk_now(self) + traffic->patience_ns : support_deadline(self);
    int r = yk_select(self, cases, CHANNELS, deadline);
    if (r == -ETIMEDOUT && traffic->patience_ns)
        return -EAGAIN;
    return r >= 0 && cases[r].result < 0 ? cases[r].result : r;
}

static int send_all(yk_task *self, void *arg)
{
    struct traffic *traffic = arg;
    int r = 0;
    for (int number;
         r >= 0 && (number = atomic_fetch_add(&traffic->next, 1)) < traffic->messages;) {
        int item[CHANNELS] = {number, number, number};
        do
            r = select_one(self, traffic, YK_CASE_SEND, item);
        while (r == -EAGAIN);
    }
    if (atomic_fetch_sub(&traffic->senders_left, 1) == 1)
        for (int i = 0; i < CHANNELS; i++)
            yk_channel_close(traffic->channels[i]);
    return r;
}

/* A closed channel says so although another has messages: so each is drained at the end. */
static int receive_all(yk_task *self, void *arg)
{
    struct traffic *traffic = arg;
    int item[CHANNELS], r = 0;
    while (r >= 0 || r == -EAGAIN) {
        r = select_one(self, traffic, YK_CASE_RECEIVE, item);
        if (r >= 0)
            traffic->seen[item[r]]++;
    }
    for (int i = 0; r == -EPIPE && i < CHANNELS; i++)
        while (yk_channel_receive(self, traffic->channels[i], &item[0], support_deadline(self)) ==
               0)
            traffic->seen[item[0]]++;
    return r == -EPIPE ? 0 : r;
}

static int run_workers(yk_task *self, yk_task_fn *fn, void *arg)
{
    yk_task *tasks[WORKERS];
    int first_error = 0;
    for (int i = 0; i < WORKERS; i++)
        tasks[i] = spawn(self, fn, arg);
    for (int i = 0; i < WORKERS; i++) {
        int r = yk_task_join_free(self, tasks[i]);
        first_error = r < 0 && first_error == 0 ? r : first_error;
    }
    return first_error;
}

static int run_senders(yk_task *self, void *arg)
{
    return run_workers(self, send_all, arg);
}

static int run_receivers(yk_task *self, void *arg)
{
    return run_workers(self, receive_all, arg);
}

static void run_traffic(yk_task *self, int64_t patience_ns)
{
    static struct traffic traffic;
    traffic_init(&traffic, patience_ns);
    yk_task *senders = spawn(self, run_senders, &traffic);
    ck_assert_int_eq(run_receivers(self, &traffic), 0);
    ck_assert_int_eq(yk_task_join_free(self, senders), 0);
    traffic_done(&traffic);
}

TASK_TEST(selects_that_race_lose_and_double_nothing)
{
    run_traffic(self, 0);
}

TASK_TEST(impatient_selects_that_race_lose_and_double_nothing)
{
    run_traffic(self, 1000);
}

START_TEST(selects_of_two_runtimes_lose_and_double_nothing)
{
    static struct traffic traffic;
    traffic_init(&traffic, 0);
    support_run_pair(_i, run_senders, run_receivers, &traffic);
    traffic_done(&traffic);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("select");
    suite_add_on_every_runtime(suite, a_number_of_cases_out_of_range_is_refused);
    suite_add_on_every_runtime(suite, the_case_that_can_be_done_is_done);
    suite_add_on_every_runtime(suite, a_send_case_sends_to_one_channel_only);
    suite_add_on_every_runtime(suite, each_ready_case_has_its_turn);
    suite_add_on_every_runtime(suite, a_closed_channel_is_a_case_that_is_done);
    suite_add_on_every_runtime(suite, a_select_that_waits_is_woken_by_any_of_its_channels);
    suite_add_on_every_runtime(suite, closing_wakes_a_select);
    suite_add_on_every_runtime(suite, the_end_of_a_task_is_a_case);
    suite_add_on_every_runtime(suite, a_descriptor_is_a_case_beside_a_channel);
    suite_add_on_every_runtime(suite, a_message_wakes_a_select_that_waits_for_a_descriptor);
    suite_add_on_every_runtime(suite, two_descriptors_in_one_select_are_refused);
    suite_add_on_every_runtime(suite, a_select_does_not_end_before_its_deadline);
    suite_add_on_every_runtime(suite, one_channel_may_be_in_several_cases);
    suite_add_on_every_runtime(suite, selects_that_race_lose_and_double_nothing);
    suite_add_on_every_runtime(suite, impatient_selects_that_race_lose_and_double_nothing);
    suite_add_on_every_pair(suite, selects_of_two_runtimes_lose_and_double_nothing);
    return support_main(suite);
}
