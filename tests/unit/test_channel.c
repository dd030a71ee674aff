/* SPDX-License-Identifier: MIT
 * test_channel.c - bounded queues between tasks of any runtimes and threads.
 *
 * Layer: tests/unit.  Pure tests first, then on every runtime, then across every pair of them. */
#include "tests/support/support.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include <yoke/channel.h>
#include <yoke/offload.h>

#define PRODUCERS 4
#define CONSUMERS 4
#define MESSAGES  1000 /* a producer */

static yk_channel *channel_new(size_t item_bytes, size_t capacity)
{
    yk_channel *channel = NULL;
    ck_assert_int_eq(yk_channel_new(item_bytes, capacity, &channel), 0);
    ck_assert_ptr_nonnull(channel);
    return channel;
}

static yk_task *spawn(yk_task *self, yk_task_fn *fn, void *arg)
{
    yk_task *task = NULL;
    ck_assert_int_eq(yk_task_spawn(yk_task_spawner(self), "child", fn, arg, &task), 0);
    return task;
}

START_TEST(sizes_out_of_range_are_refused)
{
    yk_channel *channel = NULL;
    ck_assert_int_eq(yk_channel_new(0, 1, &channel), -EINVAL);
    ck_assert_int_eq(yk_channel_new(YK_CHANNEL_ITEM_BYTES_MAX + 1, 1, &channel), -EINVAL);
    ck_assert_int_eq(yk_channel_new(1, 0, &channel), -EINVAL);
    ck_assert_int_eq(yk_channel_new(1, (size_t)YK_CHANNEL_CAPACITY_MAX + 1, &channel), -EINVAL);
    ck_assert_int_eq(yk_channel_new(SIZE_MAX, SIZE_MAX, &channel), -EINVAL);
    ck_assert_ptr_null(channel);
    yk_channel_free(NULL);
}
END_TEST

START_TEST(sizes_at_the_limits_are_taken)
{
    static char big[YK_CHANNEL_ITEM_BYTES_MAX], out[YK_CHANNEL_ITEM_BYTES_MAX];
    memset(big, 'b', sizeof big);
    OWNED(yk_channel) yk_channel *wide = channel_new(sizeof big, 1);
    OWNED(yk_channel) yk_channel *narrow = channel_new(1, YK_CHANNEL_CAPACITY_MAX);
    ck_assert_int_eq(yk_channel_try_send(wide, big), 0);
    ck_assert_int_eq(yk_channel_try_receive(wide, out), 0);
    ck_assert_mem_eq(big, out, sizeof big);
    for (size_t i = 0; i < YK_CHANNEL_CAPACITY_MAX; i++)
        if (yk_channel_try_send(narrow, big) < 0)
            ck_abort_msg("full after %zu", i);
    ck_assert_int_eq(yk_channel_try_send(narrow, big), -EAGAIN);
}
END_TEST

START_TEST(a_channel_holds_as_many_messages_as_it_was_made_for)
{
    for (size_t capacity = 1; capacity < 10; capacity++) {
        OWNED(yk_channel) yk_channel *channel = channel_new(sizeof(size_t), capacity);
        for (size_t i = 0; i < capacity; i++) {
            ck_assert_uint_eq(yk_channel_count(channel), i);
            ck_assert_int_eq(yk_channel_try_send(channel, &i), 0);
        }
        ck_assert_int_eq(yk_channel_try_send(channel, &capacity), -EAGAIN);
        ck_assert_uint_eq(yk_channel_count(channel), capacity);
    }
}
END_TEST

START_TEST(messages_come_out_in_the_order_they_went_in)
{
    OWNED(yk_channel) yk_channel *channel = channel_new(sizeof(int), 5);
    int in = 0, out = 0, message;
    for (int round = 0; round < 30; round++) {
        for (int i = 0; i < round % 6; i++, in++)
            ck_assert_int_eq(yk_channel_try_send(channel, &in), 0);
        for (int i = 0; i < round % 6; i++) {
            ck_assert_int_eq(yk_channel_try_receive(channel, &message), 0);
            ck_assert_int_eq(message, out++);
        }
        ck_assert_int_eq(yk_channel_try_receive(channel, &message), -EAGAIN);
    }
}
END_TEST

START_TEST(a_closed_channel_gives_what_it_has_and_then_ends)
{
    OWNED(yk_channel) yk_channel *channel = channel_new(sizeof(int), 3);
    int message = 1, out = 0;
    ck_assert_int_eq(yk_channel_try_send(channel, &message), 0);
    yk_channel_close(channel);
    yk_channel_close(channel);
    ck_assert_int_eq(yk_channel_try_send(channel, &message), -EPIPE);
    ck_assert_int_eq(yk_channel_try_receive(channel, &out), 0);
    ck_assert_int_eq(out, 1);
    ck_assert_int_eq(yk_channel_try_receive(channel, &out), -EPIPE);
    ck_assert_int_eq(yk_channel_try_receive(channel, &out), -EPIPE);
}
END_TEST

static int receive_one(yk_task *self, void *arg)
{
    int message;
    int r = yk_channel_receive(self, arg, &message, YK_NEVER);
    return r < 0 ? r : message;
}

static int send_seven(yk_task *self, void *arg)
{
    int message = 7;
    return yk_channel_send(self, arg, &message, YK_NEVER);
}

TASK_TEST(a_receiver_that_waits_gets_the_next_message)
{
    OWNED(yk_channel) yk_channel *channel = channel_new(sizeof(int), 1);
    for (int i = 0; i < 50; i++) {
        yk_task *task = spawn(self, receive_one, channel);
        if (i % 2)
            support_settle(self);
        ck_assert_int_eq(yk_channel_send(self, channel, &i, support_deadline(self)), 0);
        ck_assert_int_eq(yk_task_join_free(self, task), i);
        ck_assert_uint_eq(yk_channel_count(channel), 0);
    }
}

TASK_TEST(a_sender_that_waits_goes_on_when_there_is_room)
{
    OWNED(yk_channel) yk_channel *channel = channel_new(sizeof(int), 2);
    for (int i = 0; i < 50; i++) {
        int message = 1;
        ck_assert_int_eq(yk_channel_try_send(channel, &message), 0);
        ck_assert_int_eq(yk_channel_try_send(channel, &message), 0);
        yk_task *task = spawn(self, send_seven, channel);
        if (i % 2)
            support_settle(self);
        ck_assert(!yk_task_finished(task));
        for (int k = 0; k < 3; k++) {
            ck_assert_int_eq(yk_channel_receive(self, channel, &message, support_deadline(self)),
                             0);
            ck_assert_int_eq(message, k < 2 ? 1 : 7);
        }
        ck_assert_int_eq(yk_task_join_free(self, task), 0);
    }
}

TASK_TEST(closing_wakes_every_receiver)
{
    OWNED(yk_channel) yk_channel *channel = channel_new(sizeof(int), 1);
    yk_task *tasks[10];
    for (int i = 0; i < 10; i++)
        tasks[i] = spawn(self, receive_one, channel);
    support_settle(self);
    yk_channel_close(channel);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(yk_task_join_free(self, tasks[i]), -EPIPE);
}

TASK_TEST(closing_wakes_every_sender_and_keeps_what_was_sent)
{
    OWNED(yk_channel) yk_channel *channel = channel_new(sizeof(int), 1);
    yk_task *tasks[10];
    int message = 1;
    ck_assert_int_eq(yk_channel_try_send(channel, &message), 0);
    for (int i = 0; i < 10; i++)
        tasks[i] = spawn(self, send_seven, channel);
    support_settle(self);
    yk_channel_close(channel);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(yk_task_join_free(self, tasks[i]), -EPIPE);
    ck_assert_int_eq(yk_channel_receive(self, channel, &message, support_deadline(self)), 0);
    ck_assert_int_eq(message, 1);
    ck_assert_int_eq(yk_channel_receive(self, channel, &message, support_deadline(self)), -EPIPE);
}

TASK_TEST(a_wait_that_times_out_takes_and_sends_nothing)
{
    OWNED(yk_channel) yk_channel *channel = channel_new(sizeof(int), 1);
    int message = 5;
    ck_assert_int_eq(yk_channel_receive(self, channel, &message, yk_now(self) + 100000),
                     -ETIMEDOUT);
    ck_assert_int_eq(message, 5);
    ck_assert_int_eq(yk_channel_send(self, channel, &message, support_deadline(self)), 0);
    ck_assert_int_eq(yk_channel_send(self, channel, &message, yk_now(self) + 100000), -ETIMEDOUT);
    ck_assert_uint_eq(yk_channel_count(channel), 1);
    ck_assert_int_eq(yk_channel_try_receive(channel, &message), 0);
    ck_assert_int_eq(yk_channel_try_receive(channel, &message), -EAGAIN);
}

/* Producers send {number, sequence}; consumers note each message and see each producer's in
 * order. */
struct message {
    int producer, sequence;
};

struct traffic {
    yk_channel *channel; /* owned by the test */
    int64_t patience_ns; /* of one wait; 0: for ever */
    int messages;        /* of each producer */
    _Atomic int producers_left;
    _Atomic int producer_number;
    _Atomic int timeouts;
    _Atomic unsigned char seen[PRODUCERS][MESSAGES];
};

static int64_t patience(const yk_task *self, const struct traffic *traffic)
{
    return traffic->patience_ns ? yk_now(self) + traffic->patience_ns : support_deadline(self);
}

static void traffic_init(struct traffic *traffic, size_t capacity)
{
    memset(traffic, 0, sizeof *traffic);
    traffic->channel = channel_new(sizeof(struct message), capacity);
    traffic->producers_left = PRODUCERS;
    traffic->messages = support_rounds(MESSAGES);
}

static void traffic_done(struct traffic *traffic)
{
    for (int i = 0; i < PRODUCERS; i++)
        for (int k = 0; k < traffic->messages; k++)
            if (traffic->seen[i][k] != 1)
                ck_abort_msg("message %d of producer %d came %d times", k, i, traffic->seen[i][k]);
    ck_assert_uint_eq(yk_channel_count(traffic->channel), 0);
    yk_channel_free(traffic->channel);
}

/* The last producer closes the channel. */
static void producer_end(struct traffic *traffic)
{
    if (atomic_fetch_sub(&traffic->producers_left, 1) == 1)
        yk_channel_close(traffic->channel);
}

static int produce(yk_task *self, void *arg)
{
    struct traffic *traffic = arg;
    struct message message = {.producer = atomic_fetch_add(&traffic->producer_number, 1)};
    int r = 0;
    while (r >= 0 && message.sequence < traffic->messages) {
        r = yk_channel_send(self, traffic->channel, &message, patience(self, traffic));
        message.sequence += r == 0;
        traffic->timeouts += r == -ETIMEDOUT;
        if (r == -ETIMEDOUT && traffic->patience_ns)
            r = 0;
    }
    producer_end(traffic);
    return r;
}

/* Returns 0, or -EBADMSG if a producer's message is older than one that came before. */
static int message_note(struct traffic *traffic, const struct message *message, int last[PRODUCERS])
{
    traffic->seen[message->producer][message->sequence]++;
    int r = message->sequence > last[message->producer] ? 0 : -EBADMSG;
    last[message->producer] = message->sequence;
    return r;
}

static int consume(yk_task *self, void *arg)
{
    struct traffic *traffic = arg;
    int last[PRODUCERS] = {-1, -1, -1, -1}, r = 0;
    while (r >= 0) {
        struct message message;
        r = yk_channel_receive(self, traffic->channel, &message, patience(self, traffic));
        traffic->timeouts += r == -ETIMEDOUT;
        if (r == 0)
            r = message_note(traffic, &message, last);
        else if (r == -ETIMEDOUT && traffic->patience_ns)
            r = 0;
    }
    return r == -EPIPE ? 0 : r;
}

static int run_many(yk_task *self, yk_task_fn *fn, int count, void *arg)
{
    yk_task *tasks[PRODUCERS + CONSUMERS];
    int first_error = 0;
    for (int i = 0; i < count; i++)
        tasks[i] = spawn(self, fn, arg);
    for (int i = 0; i < count; i++) {
        int r = yk_task_join_free(self, tasks[i]);
        first_error = first_error ? first_error : r;
    }
    return first_error;
}

static int run_producers(yk_task *self, void *arg)
{
    return run_many(self, produce, PRODUCERS, arg);
}

static int run_consumers(yk_task *self, void *arg)
{
    return run_many(self, consume, CONSUMERS, arg);
}

static void run_traffic(yk_task *self, size_t capacity, int64_t patience_ns)
{
    static struct traffic traffic;
    traffic_init(&traffic, capacity);
    traffic.patience_ns = patience_ns;
    yk_task *producers = spawn(self, run_producers, &traffic);
    ck_assert_int_eq(run_consumers(self, &traffic), 0);
    ck_assert_int_eq(yk_task_join_free(self, producers), 0);
    traffic_done(&traffic);
}

TASK_TEST(every_message_arrives_exactly_once_and_in_order)
{
    run_traffic(self, 1, 0);
    run_traffic(self, 7, 0);
    run_traffic(self, 5000, 0);
}

TASK_TEST(every_message_arrives_exactly_once_among_impatient_tasks)
{
    run_traffic(self, 2, 1000);
}

START_TEST(every_message_arrives_exactly_once_between_two_runtimes)
{
    static struct traffic traffic;
    for (size_t capacity = 1; capacity <= 16; capacity += 15) {
        traffic_init(&traffic, capacity);
        support_run_pair(_i, run_producers, run_consumers, &traffic);
        traffic_done(&traffic);
    }
}
END_TEST

START_TEST(impatient_tasks_of_two_runtimes_lose_nothing)
{
    static struct traffic traffic;
    traffic_init(&traffic, 2);
    traffic.patience_ns = 1000;
    support_run_pair(_i, run_producers, run_consumers, &traffic);
    traffic_done(&traffic);
}
END_TEST

/* The same without a task: on a thread of the test, and on one of the offload pool. */
static int produce_off_task(void *arg)
{
    struct traffic *traffic = arg;
    struct message message = {.producer = atomic_fetch_add(&traffic->producer_number, 1)};
    int r = 0;
    while (r >= 0 && message.sequence < traffic->messages) {
        r = yk_channel_try_send(traffic->channel, &message);
        message.sequence += r == 0;
        if (r == -EAGAIN)
            r = sched_yield();
    }
    producer_end(traffic);
    return r;
}

static int consume_off_task(void *arg)
{
    struct traffic *traffic = arg;
    int last[PRODUCERS] = {-1, -1, -1, -1}, r = 0;
    while (r >= 0) {
        struct message message;
        r = yk_channel_try_receive(traffic->channel, &message);
        if (r == 0)
            r = message_note(traffic, &message, last);
        else if (r == -EAGAIN)
            r = sched_yield();
    }
    return r == -EPIPE ? 0 : r;
}

static void *produce_on_thread(void *arg)
{
    return produce_off_task(arg) < 0 ? arg : NULL;
}

static void *consume_on_thread(void *arg)
{
    return consume_off_task(arg) < 0 ? arg : NULL;
}

static void threads_run(yk_task *self, void *(*body)(void *), yk_task_fn *other_side)
{
    static struct traffic traffic;
    pthread_t threads[PRODUCERS];
    traffic_init(&traffic, 3);
    for (int i = 0; i < PRODUCERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, body, &traffic), 0);
    ck_assert_int_eq(other_side(self, &traffic), 0);
    for (int i = 0; i < PRODUCERS; i++) {
        void *bad;
        ck_assert_int_eq(pthread_join(threads[i], &bad), 0);
        ck_assert_ptr_null(bad);
    }
    traffic_done(&traffic);
}

TASK_TEST(any_thread_may_try_to_send)
{
    threads_run(self, produce_on_thread, run_consumers);
}

TASK_TEST(any_thread_may_try_to_receive)
{
    threads_run(self, consume_on_thread, run_producers);
}

static int offload_production(yk_task *self, void *arg)
{
    int result = 0;
    int r = yk_offload(self, produce_off_task, arg, &result);
    return r < 0 ? r : result;
}

static int run_offloaded_producers(yk_task *self, void *arg)
{
    return run_many(self, offload_production, PRODUCERS, arg);
}

TASK_TEST(an_offloaded_job_may_try_to_send)
{
    static struct traffic traffic;
    traffic_init(&traffic, 3);
    yk_task *producers = spawn(self, run_offloaded_producers, &traffic);
    ck_assert_int_eq(run_consumers(self, &traffic), 0);
    ck_assert_int_eq(yk_task_join_free(self, producers), 0);
    traffic_done(&traffic);
}

int main(void)
{
    Suite *suite = suite_create("channel");
    suite_add(suite, sizes_out_of_range_are_refused);
    suite_add(suite, sizes_at_the_limits_are_taken);
    suite_add(suite, a_channel_holds_as_many_messages_as_it_was_made_for);
    suite_add(suite, messages_come_out_in_the_order_they_went_in);
    suite_add(suite, a_closed_channel_gives_what_it_has_and_then_ends);
    suite_add_on_every_runtime(suite, a_receiver_that_waits_gets_the_next_message);
    suite_add_on_every_runtime(suite, a_sender_that_waits_goes_on_when_there_is_room);
    suite_add_on_every_runtime(suite, closing_wakes_every_receiver);
    suite_add_on_every_runtime(suite, closing_wakes_every_sender_and_keeps_what_was_sent);
    suite_add_on_every_runtime(suite, a_wait_that_times_out_takes_and_sends_nothing);
    suite_add_on_every_runtime(suite, every_message_arrives_exactly_once_and_in_order);
    suite_add_on_every_runtime(suite, every_message_arrives_exactly_once_among_impatient_tasks);
    suite_add_on_every_runtime(suite, any_thread_may_try_to_send);
    suite_add_on_every_runtime(suite, any_thread_may_try_to_receive);
    suite_add_on_every_runtime(suite, an_offloaded_job_may_try_to_send);
    suite_add_on_every_pair(suite, every_message_arrives_exactly_once_between_two_runtimes);
    suite_add_on_every_pair(suite, impatient_tasks_of_two_runtimes_lose_nothing);
    return support_main(suite);
}
