/* SPDX-License-Identifier: MIT
 * inject_constructor.c - injection, first pattern: what has tasks of its own is given its spawner
 * when it is made.
 *
 * Layer: docs/examples, on installed headers only.  docs/INJECTION.md quotes it.  Start at
 * ticker_new(). */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <yoke/channel.h>
#include <yoke/default.h>

#define MS_NS          INT64_C(1000000)
#define TICKS_UNREAD   8
#define TICKS_TO_PRINT 3

/* Counts in the background, one number a period, until it is closed. */
struct ticker {
    int64_t period_ns;
    yk_channel *ticks; /* owned: the numbers */
    yk_task *task;     /* owned: the handle of ticker_main() */
};

/* Frees at once; its task has ended, or never began.  NULL is fine. */
static void ticker_free(struct ticker *take_ticker)
{
    if (!take_ticker)
        return;
    yk_channel_free(take_ticker->ticks);
    free(take_ticker);
}
DEFINE_DROP(ticker, struct ticker)

static int ticker_main(yk_task *self, void *arg)
{
    struct ticker *ticker = arg;
    int64_t next = yk_now(self);
    int r = 0;
    for (int number = 1; r == 0; number++) {
        next += ticker->period_ns;
        r = yk_task_sleep(self, next);
        if (r == 0)
            r = yk_channel_send(self, ticker->ticks, &number, YK_NEVER);
    }
    return r;
}

/* Makes a ticker whose task runs on `spawner`.
 *
 * out_ticker  caller owns, and gives it back by ticker_close(); written only on success
 * Returns 0, -ENOMEM, -EAGAIN (a limit of the spawner). */
static int ticker_new(yk_spawner *spawner, int period_ms, struct ticker **out_ticker)
{
    OWNED(ticker) struct ticker *ticker = calloc(1, sizeof *ticker);
    if (!ticker)
        return -ENOMEM;
    ticker->period_ns = period_ms * MS_NS;
    int r = yk_channel_new(sizeof(int), TICKS_UNREAD, &ticker->ticks);
    if (r == 0)
        r = yk_task_spawn(spawner, "ticker", ticker_main, ticker, &ticker->task);
    if (r < 0)
        return r;
    *out_ticker = MOVE(ticker);
    return 0;
}

/* The twin for who has no spawner at hand: it fetches the default one, and does nothing else. */
static int ticker_new_default(int period_ms, struct ticker **out_ticker)
{
    yk_spawner *spawner = yk_default_spawner();
    return spawner ? ticker_new(spawner, period_ms, out_ticker) : -ENOENT;
}

/* Ends the ticker's task, waits for that, and frees.  Blocks.  Returns what the task returned. */
static int ticker_close(yk_task *self, struct ticker *take_ticker)
{
    yk_task_cancel(take_ticker->task);
    int result = yk_task_join_free(self, take_ticker->task);
    ticker_free(take_ticker);
    return result;
}

/* Prints the first ticks and closes.  Blocks. */
static void watch(yk_task *self, const char *whose, struct ticker *take_ticker)
{
    for (int wanted = 1; wanted <= TICKS_TO_PRINT; wanted++) {
        int number = 0;
        int r = yk_channel_receive(self, take_ticker->ticks, &number, YK_NEVER);
        assert(r == 0 && number == wanted);
        printf("%s: tick %d\n", whose, number);
    }
    int result = ticker_close(self, take_ticker);
    assert(result == -ECANCELED);
}

static int program(yk_task *self, void *arg)
{
    (void)arg;
    struct ticker *given = NULL;
    int r = ticker_new(yk_task_spawner(self), 1, &given);
    if (r < 0)
        return r;
    watch(self, "given a spawner", given);

    struct ticker *twin = NULL;
    r = ticker_new_default(1, &twin);
    if (r < 0)
        return r;
    watch(self, "given none", twin);
    return 0;
}

int main(void)
{
    yk_spawner *spawner = yk_default_spawner(); /* the one place that chooses */
    return spawner && yk_run(spawner, program, NULL) == 0 ? 0 : 1;
}
