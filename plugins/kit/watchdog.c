/* SPDX-License-Identifier: MIT
 * watchdog.c - see watchdog.h. */
#include "plugins/kit/watchdog.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "plugins/kit/kit_state.h"
#include "plugins/kit/thread.h"

#define MS_NS     INT64_C(1000000)
#define SECOND_NS INT64_C(1000000000)

/* What `word` says. */
enum { AWAKE, ASLEEP, ENDING };

/* What was seen of one loop at the last look. */
struct sight {
    uint64_t beats;
    int64_t since; /* when this count of beats was first seen */
    int64_t named; /* how long the task had held the loop when it was last named; 0: not yet */
};

struct kit_watchdog {
    struct kit *kit; /* borrowed */
    int64_t limit_ns;
    pthread_t thread;
    _Atomic uint32_t word;
    struct sight sights[]; /* by loop number */
};

static void sleep_on(struct kit_watchdog *watchdog, uint32_t value, int64_t ns)
{
    struct timespec time = {.tv_sec = ns / SECOND_NS, .tv_nsec = ns % SECOND_NS};
    (void)syscall(SYS_futex, &watchdog->word, FUTEX_WAIT_PRIVATE, value, ns < 0 ? NULL : &time,
                  NULL, 0);
}

void kit_watchdog_stir(struct kit_watchdog *watchdog)
{
    uint32_t expected = ASLEEP;
    if (atomic_load(&watchdog->word) != ASLEEP ||
        !atomic_compare_exchange_strong(&watchdog->word, &expected, AWAKE))
        return;
    (void)syscall(SYS_futex, &watchdog->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* Names the task that holds the loop.  It is alive: had it ended, the loop had counted a beat.
 * Which task runs is the loop's own; a stale answer is no harm. */
__attribute__((no_sanitize("thread"))) static void name_task(struct kit_loop *loop, int64_t held_ns)
{
    char line[256];
    const yk_task *task = __atomic_load_n(&loop->current, __ATOMIC_RELAXED);
    (void)snprintf(
        line, sizeof line,
        "task '%s' has held loop %u for %lld ms: whatever it does belongs into an offload",
        task ? task->name : "(none)", loop->number, (long long)(held_ns / MS_NS));
    loop->kit->host->log(1, line);
}

/* Looks at one loop.  Returns whether it is busy. */
static bool look(struct kit_watchdog *watchdog, struct kit_loop *loop, int64_t now)
{
    struct sight *sight = &watchdog->sights[loop->number];
    uint64_t beats = atomic_load_explicit(&loop->beats, memory_order_relaxed);
    if (atomic_load(&loop->sleeping) || beats != sight->beats) {
        *sight = (struct sight){.beats = beats, .since = now};
        return !atomic_load(&loop->sleeping);
    }
    int64_t held = now - sight->since;
    if (held >= watchdog->limit_ns && held >= 2 * sight->named) { /* again when it has doubled */
        sight->named = held;
        name_task(loop, held);
    }
    return true;
}

static void *watch(void *arg)
{
    struct kit_watchdog *watchdog = arg;
    struct kit *kit = watchdog->kit;
    while (atomic_load(&watchdog->word) != ENDING) {
        bool busy = false;
        int64_t now = kit_now();
        for (uint32_t i = 0; i < kit->loops_count; i++)
            busy |= look(watchdog, &kit->loops[i], now);
        if (busy) {
            sleep_on(watchdog, AWAKE, watchdog->limit_ns / 2);
            continue;
        }
        uint32_t expected = AWAKE;
        if (!atomic_compare_exchange_strong(&watchdog->word, &expected, ASLEEP))
            continue;
        /* A loop that woke before it could see ASLEEP is seen here; one that wakes later stirs
         * us. */
        for (uint32_t i = 0; i < kit->loops_count; i++)
            if (!atomic_load(&kit->loops[i].sleeping))
                kit_watchdog_stir(watchdog);
        sleep_on(watchdog, ASLEEP, -1);
    }
    return NULL;
}

int kit_watchdog_start(struct kit *kit, int64_t limit_ms, struct kit_watchdog **out_watchdog)
{
    size_t bytes = sizeof(struct kit_watchdog) + kit->loops_count * sizeof(struct sight);
    struct kit_watchdog *watchdog = kit->host->alloc(bytes);
    if (!watchdog)
        return -ENOMEM;
    memset(watchdog, 0, bytes);
    watchdog->kit = kit;
    watchdog->limit_ns = limit_ms * MS_NS;
    int r = kit_thread_start("yoke-watchdog", 0, watch, watchdog, &watchdog->thread);
    if (r < 0) {
        kit->host->free(watchdog);
        return r;
    }
    *out_watchdog = watchdog;
    return 0;
}

void kit_watchdog_stop(struct kit_watchdog *watchdog)
{
    if (!watchdog)
        return;
    atomic_store(&watchdog->word, ENDING);
    (void)syscall(SYS_futex, &watchdog->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    pthread_join(watchdog->thread, NULL);
    watchdog->kit->host->free(watchdog);
}
