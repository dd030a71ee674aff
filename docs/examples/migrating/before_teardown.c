/* SPDX-License-Identifier: MIT
 * before_teardown.c - a goodbye that may take long, on a thread that teardown starts.  After:
 * after_teardown.c.
 *
 * Layer: docs/examples.  docs/MIGRATING.md quotes it.  An operation is one session: open, say
 * goodbye, get the answer, close. */
#include <assert.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "docs/examples/migrating/stopwatch.h"

#define GOODBYE_BYTES 8
#define SESSIONS_MAX  32 /* at once */

static sem_t closed; /* only this program has it: a library's caller never learns */

struct session {
    int fd; /* owned */
};

/* ---- the peer: a thread that answers each goodbye ---- */

static void *peer_thread(void *arg)
{
    int *sessions = arg; /* a pipe, on which the descriptors of new sessions come */
    int fd;
    char bytes[GOODBYE_BYTES];
    while (read(sessions[0], &fd, sizeof fd) == sizeof fd) {
        ssize_t got = recv(fd, bytes, sizeof bytes, MSG_WAITALL);
        if (got == GOODBYE_BYTES)
            (void)send(fd, bytes, sizeof bytes, MSG_NOSIGNAL);
        close(fd);
    }
    return NULL;
}

/* ---- a session ---- */

static struct session *session_open(int to_peer)
{
    int fds[2];
    struct session *session = malloc(sizeof *session);
    int r = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds);
    assert(session && r == 0);
    session->fd = fds[0];
    ssize_t sent = write(to_peer, &fds[1], sizeof fds[1]);
    assert(sent == sizeof fds[1]);
    return session;
}

static void *teardown_thread(void *arg)
{
    struct session *session = arg;
    char bytes[GOODBYE_BYTES] = "goodbye";
    (void)send(session->fd, bytes, sizeof bytes, MSG_NOSIGNAL);
    (void)recv(session->fd, bytes, sizeof bytes, MSG_WAITALL); /* waits for ever if there is none */
    close(session->fd);
    free(session);
    sem_post(&closed);
    return NULL;
}

/* Must not block its caller: so it lets a thread do it, whose failure nobody sees, and which dies
 * in the middle when the program ends. */
static void session_free(struct session *session)
{
    pthread_t thread;
    int r = pthread_create(&thread, NULL, teardown_thread, session);
    assert(r == 0);
    pthread_detach(thread);
}

int main(int argc, char **argv)
{
    int count = stopwatch_count(argc, argv, 200);
    int sessions[2];
    pthread_t peer;
    int r = pipe(sessions) | sem_init(&closed, 0, SESSIONS_MAX);
    assert(r == 0);
    r = pthread_create(&peer, NULL, peer_thread, sessions);
    assert(r == 0);

    int64_t begin = stopwatch_now();
    for (int i = 0; i < count; i++) {
        sem_wait(&closed);
        session_free(session_open(sessions[1]));
    }
    for (int i = 0; i < SESSIONS_MAX; i++)
        sem_wait(&closed);
    stopwatch_print(begin, count);

    close(sessions[1]);
    pthread_join(peer, NULL);
    return 0;
}
