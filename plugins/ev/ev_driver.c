/* SPDX-License-Identifier: MIT
 * ev_driver.c - libev under the runtime kit: loop, io, timer and async watchers, nothing else of
 * it.
 *
 * Layer: plugins/ev.  Threads: as yk_kit_driver says.  Start at the table at the end.
 * Source: ev(3); each comment below names the trait that it works around. */
#include <errno.h>
#include <ev.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <yoke/kit.h>

#define MS_NS     INT64_C(1000000)
#define SECOND_NS 1e9

struct ev_state {
    const yk_host *host; /* borrowed */
    struct ev_loop *loop;
    ev_async async;
    ev_timer timer;
};

struct ev_watch {
    ev_io io;
    yk_kit_watch *watch; /* the kit's */
};

/* ---- loop ---- */

static void on_async(struct ev_loop *loop, ev_async *async, int events)
{
    (void)loop, (void)async, (void)events; /* that ev_run() returned is all there is to it */
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop, (void)timer, (void)events;
}

/* ev_async_start() ends the process when it gets no descriptor: sees first that there is one. */
static int reserve_descriptor(void)
{
    int fd = eventfd(0, EFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    (void)close(fd); /* only made to be closed */
    return 0;
}

static int ev_init_state(const yk_host *host, const yk_config *config, void **out_state,
                         yk_error *error)
{
    int r = yk_kit_refuse_options("ev", config, error);
    if (r < 0)
        return r;
    struct ev_state *state = host->alloc(sizeof *state);
    if (!state)
        return yk_kit_fail(error, -ENOMEM, "no memory for a libev loop");
    memset(state, 0, sizeof *state);
    state->host = host;
    /* NOENV: LIBEV_FLAGS may not change a daemon's loop.  NOSIGMASK: signals are core's. */
    state->loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV | EVFLAG_NOSIGMASK | EVFLAG_NOINOTIFY);
    if (!state->loop) {
        host->free(state);
        return yk_kit_fail(error, -EMFILE,
                           "libev cannot make an epoll loop: out of descriptors or memory");
    }
    r = reserve_descriptor();
    if (r < 0) {
        ev_loop_destroy(state->loop);
        host->free(state);
        return yk_kit_fail(error, r, "no descriptor for libev to wake its loop by: %s",
                           strerror(-r));
    }
    ev_async_init(&state->async, on_async);
    ev_async_start(state->loop, &state->async);
    ev_timer_init(&state->timer, on_timer, 0., 0.);
    *out_state = state;
    return 0;
}

static void ev_fini_state(void *opaque)
{
    struct ev_state *state = opaque;
    ev_async_stop(state->loop, &state->async);
    ev_loop_destroy(state->loop);
    state->host->free(state);
}

static void ev_poll_turn(void *opaque, int64_t timeout_ns)
{
    struct ev_state *state = opaque;
    if (timeout_ns == 0) {
        (void)ev_run(state->loop, EVRUN_NOWAIT);
        return;
    }
    if (timeout_ns > 0) {
        ev_now_update(state->loop); /* libev counts from the time of its last turn */
        ev_timer_set(&state->timer, (double)timeout_ns / SECOND_NS, 0.);
        ev_timer_start(state->loop, &state->timer);
    }
    (void)ev_run(state->loop, EVRUN_ONCE);
    if (timeout_ns > 0)
        ev_timer_stop(state->loop, &state->timer);
}

static void ev_wake(void *opaque)
{
    struct ev_state *state = opaque;
    ev_async_send(state->loop, &state->async); /* the only thread-safe call of libev */
}

/* ---- descriptors ---- */

static int to_ev_events(uint32_t events)
{
    return (events & YK_IN ? EV_READ : 0) | (events & YK_OUT ? EV_WRITE : 0);
}

static void on_ready(struct ev_loop *loop, ev_io *io, int events)
{
    (void)loop;
    struct ev_watch *own = io->data;
    if (events & EV_ERROR) { /* libev gave up on the descriptor and stopped the watcher */
        yk_kit_ready(own->watch, YK_ERR);
        yk_kit_disarmed(own->watch);
        return;
    }
    yk_kit_ready(own->watch, (events & EV_READ ? YK_IN : 0U) | (events & EV_WRITE ? YK_OUT : 0U));
}

/* Stopping and starting within one turn costs no system call: libev tells the kernel before its
 * next poll. */
static int ev_fd_set(void *opaque, void *handle, uint32_t events)
{
    struct ev_state *state = opaque;
    struct ev_watch *own = handle;
    if (events & YK_PRI)
        return -ENOSYS;
    ev_io_stop(state->loop, &own->io);
    if (events) {
        ev_io_modify(&own->io, to_ev_events(events));
        ev_io_start(state->loop, &own->io);
    }
    return 0;
}

/* libev would call such a descriptor ready once a turn, without a sleep. */
static bool always_ready(int fd)
{
    struct stat file;
    return fstat(fd, &file) == 0 && (S_ISREG(file.st_mode) || S_ISDIR(file.st_mode));
}

static int ev_fd_add(void *opaque, int fd, uint32_t events, yk_kit_watch *watch, void **out_handle)
{
    struct ev_state *state = opaque;
    if (events & YK_PRI)
        return -ENOSYS; /* libev does not know of priority data */
    if (always_ready(fd))
        return -EPERM;
    struct ev_watch *own = state->host->alloc(sizeof *own);
    if (!own)
        return -ENOMEM;
    memset(own, 0, sizeof *own);
    own->watch = watch;
    ev_io_init(&own->io, on_ready, fd, to_ev_events(events));
    own->io.data = own;
    ev_io_start(state->loop, &own->io);
    *out_handle = own;
    return 0;
}

/* libev leaves the kernel's registration to the close of the descriptor, and sees through events of
 * a number that is used again by a generation count; ev_io_init() of the next user sets it anew. */
static void ev_fd_del(void *opaque, void *handle)
{
    struct ev_state *state = opaque;
    struct ev_watch *own = handle;
    ev_io_stop(state->loop, &own->io);
    state->host->free(own);
}

static const yk_kit_driver driver = {
    .size = sizeof driver,
    .init = ev_init_state,
    .fini = ev_fini_state,
    .poll = ev_poll_turn,
    .wake = ev_wake,
    .fd_add = ev_fd_add,
    .fd_set = ev_fd_set,
    .fd_del = ev_fd_del,
    .timer_grain_ns = MS_NS,
};

#define TEXT(x)         #x
#define TEXT_OF(x)      TEXT(x)
#define EV_VERSION_TEXT TEXT_OF(EV_VERSION_MAJOR) "." TEXT_OF(EV_VERSION_MINOR)

YK_KIT_RUNTIME(ev, YK_PLUGIN_VERSION, "libev " EV_VERSION_TEXT, 0, &driver);
