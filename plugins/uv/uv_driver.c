/* SPDX-License-Identifier: MIT
 * uv_driver.c - libuv under the runtime kit: loop, poll, timer and async handles, nothing else of
 * it.
 *
 * Layer: plugins/uv.  Threads: as yk_kit_driver says.  Start at the table at the end.
 * Source: libuv's design overview and uv_poll_t; each comment below names the trait that it works
 * around. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include <yoke/kit.h>

#define MS_NS INT64_C(1000000)

struct uv_state {
    const yk_host *host; /* borrowed */
    uv_loop_t loop;
    uv_async_t async;
    uv_timer_t timer;
};

struct uv_watch {
    uv_poll_t poll;
    struct uv_state *state;
    yk_kit_watch *watch; /* the kit's; NULL when deleted */
};

static int from_uv(int code)
{
    return code; /* libuv's codes on Linux are negative errno values */
}

/* ---- loop ---- */

static void on_async(uv_async_t *async)
{
    (void)async; /* that uv_run() returned is all there is to it */
}

/* uv_run() looks at its timers before it polls: when this one is due by then, it must not poll
 * without end. */
static void on_timer(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

/* libuv 1.44 leaves its epoll descriptor open when uv_loop_init() fails after it was made. */
static void close_leaked_backend(uv_loop_t *loop)
{
#if UV_VERSION_HEX <= 0x012c02
    if (uv_backend_fd(loop) > 2)
        (void)close(uv_backend_fd(loop)); /* nothing to lose in it */
#else
    (void)loop;
#endif
}

static int uv_init_state(const yk_host *host, const yk_config *config, void **out_state,
                         yk_error *error)
{
    int r = yk_kit_refuse_options("uv", config, error);
    if (r < 0)
        return r;
    struct uv_state *state = host->alloc(sizeof *state);
    if (!state)
        return yk_kit_fail(error, -ENOMEM, "no memory for a libuv loop");
    memset(state, 0, sizeof *state);
    state->host = host;
    r = uv_loop_init(&state->loop);
    if (r < 0) {
        close_leaked_backend(&state->loop);
        host->free(state);
        return yk_kit_fail(error, from_uv(r), "libuv cannot make a loop: %s", uv_strerror(r));
    }
    r = uv_async_init(&state->loop, &state->async, on_async);
    if (r < 0) {
        (void)uv_loop_close(&state->loop); /* nothing is open in it */
        host->free(state);
        return yk_kit_fail(error, from_uv(r), "libuv cannot make an async handle: %s",
                           uv_strerror(r));
    }
    (void)uv_timer_init(&state->loop, &state->timer); /* cannot fail */
    *out_state = state;
    return 0;
}

static void uv_fini_state(void *opaque)
{
    struct uv_state *state = opaque;
    uv_close((uv_handle_t *)&state->async, NULL);
    uv_close((uv_handle_t *)&state->timer, NULL);
    /* uv_close() is asynchronous: run until every handle has been let go of. */
    while (uv_run(&state->loop, UV_RUN_NOWAIT) != 0)
        ;
    if (uv_loop_close(&state->loop) != 0)
        state->host->fatal("libuv keeps a handle that the uv runtime has closed");
    state->host->free(state);
}

/* libuv counts in milliseconds from the time of its last turn: rounds up, and never early by more
 * than the kit sees. */
static void uv_poll_turn(void *opaque, int64_t timeout_ns)
{
    struct uv_state *state = opaque;
    if (timeout_ns == 0) {
        (void)uv_run(&state->loop, UV_RUN_NOWAIT);
        return;
    }
    if (timeout_ns > 0) {
        uv_update_time(&state->loop);
        uint64_t ms = (uint64_t)((timeout_ns + MS_NS - 1) / MS_NS);
        (void)uv_timer_start(&state->timer, on_timer, ms, 0); /* fails only when closing */
    }
    (void)uv_run(&state->loop, UV_RUN_ONCE);
    if (timeout_ns > 0)
        (void)uv_timer_stop(&state->timer);
}

static void uv_wake(void *opaque)
{
    struct uv_state *state = opaque;
    (void)uv_async_send(
        &state->async); /* the only thread-safe call of libuv; cannot fail while open */
}

/* ---- descriptors ---- */

static int to_uv_events(uint32_t events)
{
    return (events & YK_IN ? UV_READABLE : 0) | (events & YK_OUT ? UV_WRITABLE : 0) |
           (events & YK_PRI ? UV_PRIORITIZED : 0);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct uv_watch *own = poll->data;
    if (!own->watch)
        return;
    /* libuv says UV_EBADF for what epoll calls EPOLLERR, and has stopped the handle: the task's own
     * system call tells what is wrong. */
    if (status < 0) {
        yk_kit_ready(own->watch, YK_ERR);
        yk_kit_disarmed(own->watch);
        return;
    }
    yk_kit_ready(own->watch, (events & UV_READABLE ? YK_IN : 0U) |
                                 (events & UV_WRITABLE ? YK_OUT : 0U) |
                                 (events & UV_PRIORITIZED ? YK_PRI : 0U));
}

static int uv_fd_set(void *opaque, void *handle, uint32_t events)
{
    (void)opaque;
    struct uv_watch *own = handle;
    return from_uv(events ? uv_poll_start(&own->poll, to_uv_events(events), on_ready)
                          : uv_poll_stop(&own->poll));
}

static void on_closed(uv_handle_t *handle)
{
    struct uv_watch *own = handle->data;
    own->state->host->free(own);
}

/* Stopping tells the kernel at once; only the handle's memory waits for libuv's next turn. */
static void uv_fd_del(void *opaque, void *handle)
{
    (void)opaque;
    struct uv_watch *own = handle;
    own->watch = NULL;
    (void)uv_poll_stop(&own->poll); /* cannot fail */
    uv_close((uv_handle_t *)&own->poll, on_closed);
}

static int uv_fd_add(void *opaque, int fd, uint32_t events, yk_kit_watch *watch, void **out_handle)
{
    struct uv_state *state = opaque;
    struct uv_watch *own = state->host->alloc(sizeof *own);
    if (!own)
        return -ENOMEM;
    memset(own, 0, sizeof *own);
    own->state = state;
    own->watch = watch;
    int r = uv_poll_init(&state->loop, &own->poll, fd);
    if (r < 0) {
        state->host->free(own);
        return from_uv(r);
    }
    own->poll.data = own;
    r = uv_fd_set(state, own, events);
    if (r < 0) {
        uv_fd_del(state, own);
        return r;
    }
    *out_handle = own;
    return 0;
}

static const yk_kit_driver driver = {
    .size = sizeof driver,
    .init = uv_init_state,
    .fini = uv_fini_state,
    .poll = uv_poll_turn,
    .wake = uv_wake,
    .fd_add = uv_fd_add,
    .fd_set = uv_fd_set,
    .fd_del = uv_fd_del,
    .timer_grain_ns = MS_NS,
};

#define TEXT(x)    #x
#define TEXT_OF(x) TEXT(x)
#define UV_VERSION_TEXT                                                                            \
    TEXT_OF(UV_VERSION_MAJOR) "." TEXT_OF(UV_VERSION_MINOR) "." TEXT_OF(UV_VERSION_PATCH)

YK_KIT_RUNTIME(uv, YK_PLUGIN_VERSION, "libuv " UV_VERSION_TEXT, YK_CAP_PRIORITY, &driver);
