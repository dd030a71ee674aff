/* SPDX-License-Identifier: MIT
 * inject_test.c - injection, third pattern: a test and its tools get the spawner from a helper of
 * the tests, so that they run on every runtime.
 *
 * Layer: docs/examples, with tests/support.  docs/INJECTION.md quotes it.  Start at the first
 * TASK_TEST(). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <yoke/group.h>

#include "docs/examples/unix_socket.h"
#include "tests/support/support.h"

#define BYTES_MAX 64

/* A tool for tests: a peer that sends back what it is sent. */
struct echo_peer {
    struct unix_socket *near; /* owned: the test's end */
    struct unix_socket *far;  /* owned: the peer's */
    yk_group *group;          /* owned: the peer's task */
};

/* Ends the peer's task and frees.  Blocks, as the drop of a group does. */
static void echo_peer_free(struct echo_peer *take_peer)
{
    if (!take_peer)
        return;
    yk_group_free(take_peer->group); /* first: its task uses the others */
    unix_socket_free(take_peer->near);
    unix_socket_free(take_peer->far);
    free(take_peer);
}
DEFINE_DROP(echo_peer, struct echo_peer)

static int echo_peer_main(yk_task *self, void *arg)
{
    struct echo_peer *peer = arg;
    char bytes[BYTES_MAX];
    ssize_t r;
    while ((r = unix_socket_read(self, peer->far, bytes, sizeof bytes, YK_NEVER)) > 0)
        r = unix_socket_write(self, peer->far, bytes, (size_t)r, YK_NEVER);
    return (int)r;
}

/* Starts a peer on the spawner of the test's task.  Never NULL: what goes wrong fails the test. */
static struct echo_peer *echo_peer_new(yk_task *self)
{
    yk_spawner *spawner = yk_task_spawner(self);
    struct echo_peer *peer = calloc(1, sizeof *peer);
    ck_assert_ptr_nonnull(peer);
    ck_assert_int_eq(unix_socket_pair(spawner, &peer->near, &peer->far), 0);
    ck_assert_int_eq(yk_group_new(self, spawner, &peer->group), 0);
    ck_assert_int_eq(yk_group_spawn(peer->group, "echo peer", echo_peer_main, peer), 0);
    return peer;
}

TASK_TEST(a_peer_sends_back_what_it_was_sent)
{
    OWNED(echo_peer) struct echo_peer *peer = echo_peer_new(self);
    char bytes[BYTES_MAX] = "";

    ck_assert_int_eq(unix_socket_write(self, peer->near, "hello", 5, support_deadline(self)), 0);
    ck_assert_int_eq(
        unix_socket_read(self, peer->near, bytes, sizeof bytes, support_deadline(self)), 5);
    ck_assert_str_eq(bytes, "hello");
}

TASK_TEST(a_peer_that_is_waiting_is_ended_by_its_drop)
{
    OWNED(echo_peer) struct echo_peer *peer = echo_peer_new(self);
    support_settle(self);

    ck_assert_uint_eq(yk_group_count(peer->group), 1);
}

static int answer(yk_task *self, void *arg)
{
    (void)self;
    return *(int *)arg;
}

/* Where a test wants the spawner itself. */
START_TEST(a_main_task_gives_its_result)
{
    int wanted = 42;
    yk_spawner *spawner = support_spawner(support_runtime(_i));

    ck_assert_int_eq(yk_run(spawner, answer, &wanted), 42);

    support_close(spawner);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("inject_test");
    suite_add_on_every_runtime(suite, a_peer_sends_back_what_it_was_sent);
    suite_add_on_every_runtime(suite, a_peer_that_is_waiting_is_ended_by_its_drop);
    suite_add_on_every_runtime(suite, a_main_task_gives_its_result);
    return support_main(suite);
}
