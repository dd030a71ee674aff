/* SPDX-License-Identifier: MIT
 * epoll_driver.c - a runtime for yoke on epoll itself: what docs/PLUGINS.md builds in a day.
 *
 * Stands on the installed <yoke/kit.h> alone; see the Makefile beside it.
 * Threads: as yk_kit_driver says.  Start at the table at the end, then read upwards.
 * Source: epoll(7), eventfd(2). */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <yoke/kit.h>

#define MS_NS              INT64_C(1000000)
#define EVENTS_MAX         256 /* that one turn takes from the kernel */
#define EVENTS_MAX_DEFAULT 64

/* One descriptor on one loop. */
struct epoll_watch {
    yk_kit_watch *watch; /* the kit's */
    int fd;
    uint32_t wanted; /* YK_IN, YK_OUT, YK_PRI; 0: nothing, not even hang-ups */
};

/* One loop. */
struct epoll_state {
    const yk_host *host; /* borrowed */
    int epoll;           /* owned */
    int wake;            /* owned: an eventfd, registered without a watch */
    int events_max;      /* of runtimes.conf, or EVENTS_MAX_DEFAULT */
    struct epoll_event events[EVENTS_MAX];
};

/* ---- options: [runtime epoll] of runtimes.conf ---- */

static int read_options(const yk_config *config, int *out_events_max, yk_error *error)
{
    *out_events_max = EVENTS_MAX_DEFAULT;
    for (uint32_t i = 0; i < config->options_count; i++) {
        const yk_option *option = &config->options[i];
        char *end = NULL;
        if (strcmp(option->key, "events_max") != 0)
            return yk_kit_fail(error, -EINVAL,
                               "runtime epoll knows no option '%s'; it has events_max, and what "
                               "every runtime on the kit has",
                               option->key);
        long number = strtol(option->value, &end, 10);
        if (end == option->value || *end || number < 1 || number > EVENTS_MAX)
            return yk_kit_fail(error, -EINVAL, "events_max is a whole number, 1 to %d, not '%s'",
                               EVENTS_MAX, option->value);
        *out_events_max = (int)number;
    }
    return 0;
}

/* ---- the loop ---- */

static void state_free(struct epoll_state *state)
{
    if (state->wake >= 0)
        (void)close(state->wake);
    if (state->epoll >= 0)
        (void)close(state->epoll);
    state->host->free(state);
}

static int state_open(struct epoll_state *state)
{
    state->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (state->epoll < 0)
        return -errno;
    state->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (state->wake < 0)
        return -errno;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    return epoll_ctl(state->epoll, EPOLL_CTL_ADD, state->wake, &event) < 0 ? -errno : 0;
}

static int epoll_init(const yk_host *host, const yk_config *config, void **out_state,
                      yk_error *error)
{
    int events_max;
    int r = read_options(config, &events_max, error);
    if (r < 0)
        return r;
    struct epoll_state *state = host->alloc(sizeof *state);
    if (!state)
        return yk_kit_fail(error, -ENOMEM, "no memory for an epoll loop");
    *state = (struct epoll_state){.host = host, .epoll = -1, .wake = -1, .events_max = events_max};
    r = state_open(state);
    if (r < 0) {
        state_free(state);
        return yk_kit_fail(error, r, "cannot make an epoll loop: %s", strerror(-r));
    }
    *out_state = state;
    return 0;
}

static void epoll_fini(void *opaque)
{
    state_free(opaque);
}

/* Whole milliseconds, rounded up: a timeout may end late by timer_grain_ns, and the kit sees to
 * what is early. */
static int timeout_ms(int64_t timeout_ns)
{
    if (timeout_ns <= 0)
        return timeout_ns < 0 ? -1 : 0;
    int64_t ms = timeout_ns / MS_NS + (timeout_ns % MS_NS != 0);
    return ms < INT_MAX ? (int)ms : INT_MAX;
}

static void tell(const struct epoll_watch *own, uint32_t events)
{
    if (own->wanted) /* else the last word of a watch that epoll_fd_set() has silenced */
        yk_kit_ready(own->watch,
                     (events & EPOLLIN ? YK_IN : 0U) | (events & EPOLLOUT ? YK_OUT : 0U) |
                         (events & EPOLLPRI ? YK_PRI : 0U) | (events & EPOLLERR ? YK_ERR : 0U) |
                         (events & EPOLLHUP ? YK_HUP : 0U));
}

static void epoll_poll(void *opaque, int64_t timeout_ns)
{
    struct epoll_state *state = opaque;
    int count = epoll_wait(state->epoll, state->events, state->events_max, timeout_ms(timeout_ns));
    if (count < 0 && errno != EINTR)
        state->host->fatal("runtime epoll: epoll_wait failed on a descriptor of its own");
    for (int i = 0; i < count; i++) {
        const struct epoll_watch *own = state->events[i].data.ptr;
        uint64_t wakes;
        if (own)
            tell(own, state->events[i].events);
        else if (read(state->wake, &wakes, sizeof wakes) < 0 && errno != EAGAIN)
            state->host->fatal("runtime epoll: its eventfd cannot be read");
    }
}

static void epoll_wake(void *opaque)
{
    struct epoll_state *state = opaque;
    const uint64_t one = 1;
    ssize_t written = write(state->wake, &one, sizeof one);
    (void)written; /* fails only when the counter is full: then a wake is under way anyhow */
}

/* ---- descriptors ---- */

/* Tells the kernel what is wanted.  EPOLLHUP and EPOLLERR cannot be declined, so a watch that wants
 * nothing is EPOLLONESHOT: it may say one thing more, which tell() drops.  Taking it out instead
 * would mean that putting it back can fail for want of memory. */
static int control(const struct epoll_state *state, int operation, struct epoll_watch *own)
{
    struct epoll_event event = {
        .events = own->wanted ? (own->wanted & YK_IN ? EPOLLIN : 0U) |
                                    (own->wanted & YK_OUT ? EPOLLOUT : 0U) |
                                    (own->wanted & YK_PRI ? EPOLLPRI : 0U)
                              : EPOLLONESHOT,
        .data.ptr = own,
    };
    return epoll_ctl(state->epoll, operation, own->fd, &event) < 0 ? -errno : 0;
}

static int epoll_fd_add(void *opaque, int fd, uint32_t events, yk_kit_watch *watch,
                        void **out_handle)
{
    struct epoll_state *state = opaque;
    struct epoll_watch *own = state->host->alloc(sizeof *own);
    if (!own)
        return -ENOMEM;
    *own = (struct epoll_watch){.watch = watch, .fd = fd, .wanted = events};
    int r = control(state, EPOLL_CTL_ADD, own); /* -EPERM: a regular file, as the kit wants it */
    if (r < 0) {
        state->host->free(own);
        return r;
    }
    *out_handle = own;
    return 0;
}

static int epoll_fd_set(void *opaque, void *handle, uint32_t events)
{
    struct epoll_watch *own = handle;
    own->wanted = events;
    return control(opaque, EPOLL_CTL_MOD, own);
}

static void epoll_fd_del(void *opaque, void *handle)
{
    struct epoll_state *state = opaque;
    struct epoll_watch *own = handle;
    (void)epoll_ctl(state->epoll, EPOLL_CTL_DEL, own->fd, NULL); /* fails if it was closed: gone */
    state->host->free(own);
}

static const yk_kit_driver driver = {
    .size = sizeof driver,
    .init = epoll_init,
    .fini = epoll_fini,
    .poll = epoll_poll,
    .wake = epoll_wake,
    .fd_add = epoll_fd_add,
    .fd_set = epoll_fd_set,
    .fd_del = epoll_fd_del,
    .timer_grain_ns = MS_NS,
};

YK_KIT_RUNTIME(epoll, "1.0.0", "epoll of Linux", YK_CAP_PRIORITY, &driver);
