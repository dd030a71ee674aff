/* SPDX-License-Identifier: MIT
 * thread_token.c - see thread_token.h. */
#include "plugins/threads/thread_token.h"

#include <errno.h>
#include <sys/eventfd.h>

#include "plugins/threads/thread_futex.h"

enum { EMPTY, TOKEN, PARKED, IN_IO, KICKED };

static bool move(struct token *token, uint32_t from, uint32_t to)
{
    return atomic_compare_exchange_strong_explicit(&token->word, &from, to, memory_order_seq_cst,
                                                   memory_order_acquire);
}

bool token_give(struct token *token)
{
    uint32_t before = atomic_exchange_explicit(&token->word, TOKEN, memory_order_seq_cst);
    if (before == PARKED)
        futex_wake(&token->word);
    return before == IN_IO; /* of KICKED a write is on its way */
}

bool token_kick(struct token *token)
{
    return move(token, IN_IO, KICKED);
}

void token_wake_io(int wake_fd)
{
    (void)eventfd_write(wake_fd, 1); /* blocks only beyond 2^64 - 2 writes, and each is read */
}

bool token_take(struct token *token)
{
    return move(token, TOKEN, EMPTY);
}

int token_park(struct token *token, int64_t deadline)
{
    if (token_take(token))
        return 0;
    if (deadline <= 0 || !move(token, EMPTY, PARKED))
        return token_take(token) ? 0 : -ETIMEDOUT;
    int r = 0;
    while (r == 0 && atomic_load_explicit(&token->word, memory_order_acquire) == PARKED)
        r = futex_wait_until(&token->word, PARKED, deadline);
    if (r < 0 && move(token, PARKED, EMPTY))
        return -ETIMEDOUT;
    (void)token_take(token); /* it is there: only the owner takes */
    return 1;
}

bool token_asleep(struct token *token)
{
    uint32_t word = atomic_load_explicit(&token->word, memory_order_relaxed);
    return word == PARKED || word == IN_IO;
}

bool token_io_begin(struct token *token)
{
    return move(token, EMPTY, IN_IO);
}

bool token_io_moved(struct token *token)
{
    return atomic_load_explicit(&token->word, memory_order_acquire) != IN_IO;
}

bool token_io_end(struct token *token, int wake_fd)
{
    if (move(token, IN_IO, EMPTY))
        return false;
    (void)move(token, KICKED, EMPTY);
    eventfd_t count;
    while (eventfd_read(wake_fd, &count) < 0 && errno == EINTR)
        ; /* the write has come or is a few instructions away */
    return true;
}
