/* SPDX-License-Identifier: MIT
 * after_teardown.c - a goodbye that may take long, awaited in the session's task, with a deadline.
 * Before: before_teardown.c.
 *
 * Layer: docs/examples.  docs/MIGRATING.md quotes it.  An operation is one session: open, say
 * goodbye, get the answer, close. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include <yoke/channel.h>
#include <yoke/default.h>
#include <yoke/group.h>
#include <yoke/semaphore.h>

#include "docs/examples/migrating/stopwatch.h"
#include "docs/examples/unix_socket.h"

#define GOODBYE_BYTES 8
#define GOODBYE_MS    1000
#define IMPATIENT_MS  5
#define SESSIONS_MAX  32 /* at once */

struct session {
    struct unix_socket *socket; /* owned */
};

/* What the tasks of this program share. */
struct world {
    yk_channel *to_peer; /* borrowed: of struct unix_socket *, which the peer owns then */
    yk_semaphore room;   /* a permit for each session that may be opened */
};

/* ---- the peer: a task that answers each goodbye ---- */

static ssize_t take_goodbye(yk_task *self, struct unix_socket *socket, char bytes[GOODBYE_BYTES],
                            int64_t deadline)
{
    ssize_t len = 0, r = 1;
    while (r > 0 && len < GOODBYE_BYTES) {
        r = unix_socket_read(self, socket, bytes + len, (size_t)(GOODBYE_BYTES - len), deadline);
        len += r > 0 ? r : 0;
    }
    return r < 0 ? r : len;
}

static int peer_main(yk_task *self, void *arg)
{
    struct world *world = arg;
    struct unix_socket *next;
    int r;
    while ((r = yk_channel_receive(self, world->to_peer, &next, YK_NEVER)) == 0) {
        OWNED(unix_socket) struct unix_socket *socket = next;
        char bytes[GOODBYE_BYTES];
        ssize_t got = take_goodbye(self, socket, bytes, YK_NEVER);
        if (got == GOODBYE_BYTES)
            got = unix_socket_write(self, socket, bytes, sizeof bytes, YK_NEVER);
        if (got == -ECANCELED)
            return -ECANCELED; /* other errors are the session's own matter */
    }
    return r == -EPIPE ? 0 : r;
}

/* ---- a session ---- */

/* Frees at once, without a goodbye. */
static void session_free(struct session *take_session)
{
    if (!take_session)
        return;
    unix_socket_free(take_session->socket);
    free(take_session);
}
DEFINE_DROP(session, struct session)

/* Says goodbye, waits for the answer, and frees, whatever came of it.  Blocks; goes on when self is
 * cancelled, because a goodbye is what a cancelled session needs.
 *
 * Returns 0, -ETIMEDOUT (the peer did not answer), -EPIPE, -ECONNRESET. */
static int session_close(yk_task *self, struct session *take_session, int64_t deadline)
{
    OWNED(session) struct session *session = take_session;
    char bytes[GOODBYE_BYTES] = "goodbye";
    yk_shield_begin(self);
    int r = unix_socket_write(self, session->socket, bytes, sizeof bytes, deadline);
    ssize_t got = r < 0 ? r : take_goodbye(self, session->socket, bytes, deadline);
    yk_shield_end(self);
    return got < 0 ? (int)got : got < GOODBYE_BYTES ? -EPIPE : 0;
}

/* Opens a session.  The peer's end goes to the channel, or is left to the caller if there is
 * none. */
static int session_open(yk_task *self, yk_channel *to_peer, struct unix_socket **out_far,
                        struct session **out_session)
{
    OWNED(session) struct session *session = calloc(1, sizeof *session);
    OWNED(unix_socket) struct unix_socket *far = NULL;
    if (!session)
        return -ENOMEM;
    int r = unix_socket_pair(yk_task_spawner(self), &session->socket, &far);
    if (r == 0 && to_peer)
        r = yk_channel_send(self, to_peer, &far, YK_NEVER);
    if (r < 0)
        return r;
    struct unix_socket *sent = MOVE(far);
    if (out_far)
        *out_far = sent;
    *out_session = MOVE(session);
    return 0;
}

static int session_main(yk_task *self, void *arg)
{
    struct world *world = arg;
    struct session *session = NULL;
    int r = session_open(self, world->to_peer, NULL, &session);
    if (r == 0)
        r = session_close(self, session, yk_deadline_ms(self, GOODBYE_MS));
    yk_semaphore_release(&world->room);
    return r;
}

static int run_sessions(yk_task *self, struct world *world, int count)
{
    OWNED(yk_group) yk_group *sessions = NULL;
    int r = yk_group_new(self, NULL, &sessions);
    for (int i = 0; r == 0 && i < count; i++) {
        r = yk_semaphore_acquire(self, &world->room, YK_NEVER);
        if (r == 0)
            r = yk_group_spawn(sessions, "session", session_main, world);
    }
    return r < 0 ? r : yk_group_join(self, sessions, YK_NEVER);
}

/* A peer that never answers costs the deadline, and is told. */
static void expect_deadline(yk_task *self)
{
    OWNED(unix_socket) struct unix_socket *far = NULL;
    struct session *session = NULL;
    int r = session_open(self, NULL, &far, &session);
    assert(r == 0);
    r = session_close(self, session, yk_deadline_ms(self, IMPATIENT_MS));
    assert(r == -ETIMEDOUT);
}

static int program(yk_task *self, void *arg)
{
    int count = *(int *)arg;
    expect_deadline(self);

    OWNED(yk_channel) yk_channel *to_peer = NULL;
    OWNED(yk_group) yk_group *peer = NULL; /* dropped before the channel */
    int r = yk_channel_new(sizeof(struct unix_socket *), SESSIONS_MAX, &to_peer);
    if (r == 0)
        r = yk_group_new(self, NULL, &peer);
    if (r < 0)
        return r;
    struct world world = {.to_peer = to_peer};
    yk_semaphore_init(&world.room, SESSIONS_MAX);
    r = yk_group_spawn(peer, "peer", peer_main, &world);
    if (r < 0)
        return r;

    int64_t begin = stopwatch_now();
    r = run_sessions(self, &world, count);
    stopwatch_print(begin, count);

    yk_channel_close(to_peer);
    int ended = yk_group_join(self, peer, YK_NEVER);
    assert(r < 0 || ended == 0);
    return r;
}

int main(int argc, char **argv)
{
    int count = stopwatch_count(argc, argv, 200);
    yk_spawner *spawner = yk_default_spawner();
    return spawner && yk_run(spawner, program, &count) == 0 ? 0 : 1;
}
