/* SPDX-License-Identifier: MIT
 * thread_token.h - a task's token: what park waits for and unpark gives.
 *
 * Layer: plugins/threads.  Threads: token_give() and token_kick() from any; the rest by the task
 * that owns the token.
 *
 * One word says all:
 *
 *     EMPTY      no token
 *     TOKEN      there is one
 *     PARKED     none, and its owner sleeps on the word
 *     IN_IO      none, and its owner sleeps in ppoll with its wake descriptor
 *     KICKED     none, but the owner is to look at its descriptor's handle again
 *
 * Who moves the word out of IN_IO writes the wake descriptor once, and nobody else does; an owner
 * that finds the word moved reads the descriptor, waiting for that write if need be.  So no write
 * comes late, into another's descriptor. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct token {
    _Atomic uint32_t word;
};

static inline void token_init(struct token *token)
{
    atomic_init(&token->word, 0);
}

/* Gives the token.  What was written before is visible to who takes it.  Wakes the owner if it
 * parks; true: it sleeps in ppoll, and the caller is to call token_wake_io() at once.  Else the
 * owner may be gone when this returns. */
bool token_give(struct token *token);

/* Makes an owner that sleeps in ppoll look again, without a token.  Returns as token_give(). */
bool token_kick(struct token *token);

/* Wakes the owner, as token_give() or token_kick() asked; it stays until this has been called. */
void token_wake_io(int wake_fd);

/* Takes the token if there is one. */
bool token_take(struct token *token);

/* Waits for the token and takes it.  Blocks the thread.  Returns 0 (there was one), 1 (it came and
 * woke the thread) or -ETIMEDOUT. */
int token_park(struct token *token, int64_t deadline);

/* Whether the owner sleeps.  May be out of date at once. */
bool token_asleep(struct token *token);

/* Before ppoll: returns false if a token is there, so that there is nothing to wait for. */
bool token_io_begin(struct token *token);

/* During: whether a token or a kick has come. */
bool token_io_moved(struct token *token);

/* After, if token_io_begin() said true.  A token stays; a kick is forgotten.  Returns whether
 * either came. */
bool token_io_end(struct token *token, int wake_fd);
