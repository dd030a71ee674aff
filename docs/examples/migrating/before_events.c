/* SPDX-License-Identifier: MIT
 * before_events.c - background work on events that other threads publish, as libev watchers.
 * After: after_events.c.
 *
 * Layer: docs/examples.  docs/MIGRATING.md quotes it.  An operation is one event, published and
 * added up. */
#include <assert.h>
#include <ev.h>
#include <pthread.h>
#include <stdbool.h>

#include "docs/examples/migrating/stopwatch.h"

#define EVENTS_UNREAD 64
#define REPORT_S      0.001

/* A queue that the threads share, and what the loop adds up. */
struct event_log {
    pthread_mutex_t mutex; /* guards the queue and `closed` */
    pthread_cond_t room;   /* signalled when the queue is no longer full */
    int queue[EVENTS_UNREAD];
    int first, count;
    bool closed;

    struct ev_loop *loop; /* the rest is the loop's thread's */
    ev_async arrival;
    ev_timer report;
    int64_t sum;
    int reports;
};

static void on_arrival(struct ev_loop *loop, ev_async *arrival, int events)
{
    struct event_log *log = arrival->data;
    (void)events;
    pthread_mutex_lock(&log->mutex);
    for (; log->count > 0; log->count--) {
        log->sum += log->queue[log->first];
        log->first = (log->first + 1) % EVENTS_UNREAD;
    }
    bool closed = log->closed;
    pthread_cond_signal(&log->room);
    pthread_mutex_unlock(&log->mutex);
    if (closed)
        ev_break(loop, EVBREAK_ALL);
}

static void on_report(struct ev_loop *loop, ev_timer *report, int events)
{
    struct event_log *log = report->data;
    (void)loop, (void)events;
    log->reports++;
}

static void *log_thread(void *arg)
{
    struct event_log *log = arg;
    ev_run(log->loop, 0);
    return NULL;
}

static void log_start(struct event_log *log, pthread_t *out_thread)
{
    pthread_mutex_init(&log->mutex, NULL);
    pthread_cond_init(&log->room, NULL);
    log->loop = ev_loop_new(EVFLAG_AUTO);
    assert(log->loop);
    ev_async_init(&log->arrival, on_arrival);
    log->arrival.data = log;
    ev_async_start(log->loop, &log->arrival);
    ev_timer_init(&log->report, on_report, REPORT_S, REPORT_S);
    log->report.data = log;
    ev_timer_start(log->loop, &log->report);
    int r = pthread_create(out_thread, NULL, log_thread, log);
    assert(r == 0);
}

static void log_publish(struct event_log *log, int event)
{
    pthread_mutex_lock(&log->mutex);
    while (log->count == EVENTS_UNREAD)
        pthread_cond_wait(&log->room, &log->mutex);
    log->queue[(log->first + log->count++) % EVENTS_UNREAD] = event;
    pthread_mutex_unlock(&log->mutex);
    ev_async_send(log->loop, &log->arrival);
}

static void log_stop(struct event_log *log, pthread_t thread)
{
    pthread_mutex_lock(&log->mutex);
    log->closed = true;
    pthread_mutex_unlock(&log->mutex);
    ev_async_send(log->loop, &log->arrival);
    pthread_join(thread, NULL);
    ev_loop_destroy(log->loop);
    pthread_cond_destroy(&log->room);
    pthread_mutex_destroy(&log->mutex);
}

int main(int argc, char **argv)
{
    int count = stopwatch_count(argc, argv, 2000);
    struct event_log log = {.count = 0};
    pthread_t thread;
    log_start(&log, &thread);

    int64_t begin = stopwatch_now();
    for (int event = 1; event <= count; event++)
        log_publish(&log, event);
    log_stop(&log, thread);
    stopwatch_print(begin, count);

    assert(log.sum == (int64_t)count * (count + 1) / 2);
    return 0;
}
