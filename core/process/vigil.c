/* SPDX-License-Identifier: MIT
 * vigil.c - see vigil.h. */
#include "core/process/vigil.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core/process/census.h"
#include "core/process/guardian.h"

#define LINE_BYTES_MAX    128
#define ENVIRON_BYTES_MAX ((size_t)4 * 1024 * 1024)
#define TARGETS_MAX       1024 /* found and awaited at once; the next look finds the rest */
#define PAUSE_MS          50   /* between two looks when nothing was found but something may come */
#define EMPTY_LOOKS       2 /* in a row: one may miss a child whose parent ended during the look */

struct group {
    pid_t number;
    uint64_t start; /* of its leader */
};

struct target {
    int pidfd; /* owned; -1: there are none here (census.h) */
    struct census_entry entry;
};

struct vigil {
    const char *run_id; /* borrowed */
    int grace_ms;
    uint32_t intents; /* children that are about to be started */
    size_t group_count;
    struct group *groups;               /* owned */
    uint64_t end_ticks;                 /* when the pipe ended: clock ticks since boot */
    struct target targets[TARGETS_MAX]; /* what was found by the last look */
    size_t found;
};

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail */
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- what the host tells ---------------------------------------------------------------------- */

static bool group_add(struct vigil *vigil, pid_t number, uint64_t start)
{
    if (vigil->group_count >= VIGIL_GROUPS_MAX || number <= 1)
        return false;
    struct group *groups = realloc(vigil->groups, (vigil->group_count + 1) * sizeof *groups);
    if (!groups)
        return false;
    vigil->groups = groups;
    groups[vigil->group_count++] = (struct group){.number = number, .start = start};
    return true;
}

static bool group_remove(struct vigil *vigil, pid_t number)
{
    for (size_t i = 0; i < vigil->group_count; i++) {
        if (vigil->groups[i].number == number) {
            vigil->groups[i] = vigil->groups[--vigil->group_count];
            return true;
        }
    }
    return false;
}

/* Returns 1 (go on), 0 (farewell), -EPROTO. */
static int line_take(struct vigil *vigil, const char *line)
{
    int number;
    unsigned long long start;
    char rest;
    if (strcmp(line, "farewell") == 0)
        return 0;
    if (strcmp(line, "intent") == 0) {
        vigil->intents++;
        return 1;
    }
    if (strcmp(line, "failed") == 0 && vigil->intents > 0) {
        vigil->intents--;
        return 1;
    }
    if (sscanf(line, "start %d %llu%c", &number, &start, &rest) == 2 && vigil->intents > 0) {
        vigil->intents--;
        return group_add(vigil, number, start) ? 1 : -EPROTO;
    }
    if (sscanf(line, "end %d%c", &number, &rest) == 1)
        return group_remove(vigil, number) ? 1 : -EPROTO;
    return -EPROTO;
}

/* Reads lines until the farewell (0), the end of the pipe (1) or a bad line (-EPROTO). */
static int lines_read(struct vigil *vigil)
{
    char line[LINE_BYTES_MAX];
    size_t len = 0;
    for (;;) {
        ssize_t n = read(STDIN_FILENO, line + len, sizeof line - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return 1;
        len += (size_t)n;
        for (char *end = memchr(line, '\n', len); end; end = memchr(line, '\n', len)) {
            *end = '\0';
            int r = line_take(vigil, line);
            if (r <= 0)
                return r;
            len -= (size_t)(end + 1 - line);
            memmove(line, end + 1, len);
        }
        if (len == sizeof line)
            return -EPROTO;
    }
}

/* --- what is of the run ----------------------------------------------------------------------- */

/* Whether an environment, strings that end with NUL, has the run's id. */
static bool environ_matches(const struct vigil *vigil, const char *bytes, size_t len)
{
    size_t id_len = strlen(vigil->run_id);
    const char *end = bytes + len;
    for (const char *at = bytes; at < end; at += strnlen(at, (size_t)(end - at)) + 1) {
        size_t left = strnlen(at, (size_t)(end - at));
        if (left < sizeof GUARDIAN_VARIABLE + id_len ||
            memcmp(at, GUARDIAN_VARIABLE "=", sizeof GUARDIAN_VARIABLE) != 0)
            continue;
        const char *value = at + sizeof GUARDIAN_VARIABLE;
        size_t value_len = left - sizeof GUARDIAN_VARIABLE;
        if (memcmp(value, vigil->run_id, id_len) == 0 &&
            (value_len == id_len || value[id_len] == '/'))
            return true;
    }
    return false;
}

static bool has_run_id(const struct vigil *vigil, pid_t pid, char *buffer)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/environ", (int)pid); /* fits */
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false; /* gone, or another user's */
    size_t len = 0;
    for (ssize_t n = 1; n > 0 && len<ENVIRON_BYTES_MAX; len += n> 0 ? (size_t)n : 0)
        n = read(fd, buffer + len, ENVIRON_BYTES_MAX - len);
    (void)close(fd);
    return environ_matches(vigil, buffer, len);
}

/* Whether the number is still that of the group that was told of. */
static bool group_is_same(const struct vigil *vigil, const struct group *group,
                          const struct census *census)
{
    bool old_member = false;
    for (size_t i = 0; i < census->count; i++) {
        const struct census_entry *entry = &census->entries[i];
        if (entry->pid == group->number && entry->start != group->start)
            return false;
        old_member |= entry->group == group->number && entry->start <= vigil->end_ticks;
    }
    return old_member;
}

static bool is_of_run(const struct vigil *vigil, const struct census_entry *entry,
                      const struct census *census, char *buffer)
{
    for (size_t i = 0; i < vigil->group_count; i++) {
        if (vigil->groups[i].number == entry->group &&
            group_is_same(vigil, &vigil->groups[i], census))
            return true;
    }
    return has_run_id(vigil, entry->pid, buffer);
}

static void found_close(struct vigil *vigil)
{
    for (size_t i = 0; i < vigil->found; i++) {
        if (vigil->targets[i].pidfd >= 0)
            (void)close(vigil->targets[i].pidfd);
    }
    vigil->found = 0;
}

/* Opens a pidfd of everything of the run that is alive.  Returns the count, or an error. */
static int look(struct vigil *vigil, char *buffer)
{
    OWNED(census) struct census *census = NULL;
    found_close(vigil);
    int r = census_take(&census);
    if (r < 0)
        return r;
    for (size_t i = 0; i < census->count && vigil->found < TARGETS_MAX; i++) {
        const struct census_entry *entry = &census->entries[i];
        if (!entry->alive || entry->pid == getpid() || !is_of_run(vigil, entry, census, buffer))
            continue;
        int fd = census_open(entry);
        if (fd >= 0 || fd == -ENOSYS)
            vigil->targets[vigil->found++] =
                (struct target){.pidfd = fd >= 0 ? fd : -1, .entry = *entry};
        else if (fd == -EMFILE || fd == -ENFILE)
            break; /* the next look finds the rest */
    }
    return (int)vigil->found;
}

static bool target_is_there(const struct target *target)
{
    struct census_entry now;
    return census_look(target->entry.pid, &now) == 0 && now.start == target->entry.start &&
           now.alive;
}

static void signal_found(const struct vigil *vigil, int signal)
{
    for (size_t i = 0; i < vigil->found; i++) { /* who has gone is fine */
        const struct target *target = &vigil->targets[i];
        if (target->pidfd >= 0)
            (void)syscall(SYS_pidfd_send_signal, target->pidfd, signal, NULL, 0);
        else if (target_is_there(target))
            (void)kill(target->entry.pid, signal);
    }
}

static void pause_ms(int ms)
{
    (void)poll(NULL, 0, ms);
}

/* Waits until everything that was found has ended. */
static void found_wait(const struct vigil *vigil, int64_t deadline_ms)
{
    for (size_t i = 0; i < vigil->found; i++) {
        const struct target *target = &vigil->targets[i];
        while (target->pidfd < 0 && target_is_there(target) && now_ms() < deadline_ms)
            pause_ms(PAUSE_MS);
        struct pollfd poll_fd = {.fd = target->pidfd, .events = POLLIN};
        int64_t left = deadline_ms - now_ms();
        if (left <= 0)
            return;
        if (target->pidfd >= 0)
            (void)poll(&poll_fd, 1, (int)left);
    }
}

/* --- the end of the host ---------------------------------------------------------------------- */

/* Looks and signals until nothing is found, or the deadline.  Returns whether nothing is left. */
static bool end_all(struct vigil *vigil, char *buffer, const int *signals, int64_t deadline_ms,
                    int64_t intent_end_ms)
{
    for (int empty = 0; now_ms() < deadline_ms;) {
        int r = look(vigil, buffer);
        if (r > 0) {
            empty = 0;
            for (const int *signal = signals; *signal; signal++)
                signal_found(vigil, *signal);
            found_wait(vigil, deadline_ms);
        } else if (r == 0 && ++empty >= EMPTY_LOOKS && now_ms() >= intent_end_ms) {
            return true;
        }
        if (r <= 0)
            pause_ms(empty < EMPTY_LOOKS && r == 0 ? 0 : PAUSE_MS);
    }
    return false;
}

static int host_gone(struct vigil *vigil)
{
    static const int gently[] = {SIGTERM, SIGCONT, 0};
    static const int surely[] = {SIGKILL, 0};
    char *buffer = malloc(ENVIRON_BYTES_MAX);
    if (!buffer)
        return 1;
    int64_t start_ms = now_ms();
    int64_t intent_end_ms = vigil->intents > 0 ? start_ms + VIGIL_INTENT_MS : start_ms;
    bool gone = end_all(vigil, buffer, gently, start_ms + vigil->grace_ms, intent_end_ms) ||
                end_all(vigil, buffer, surely, now_ms() + VIGIL_KILL_MS, intent_end_ms);
    found_close(vigil);
    free(buffer);
    return gone ? 0 : 1;
}

static uint64_t now_ticks(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_BOOTTIME, &now); /* cannot fail */
    uint64_t a_second = (uint64_t)sysconf(_SC_CLK_TCK);
    return (uint64_t)now.tv_sec * a_second + (uint64_t)now.tv_nsec * a_second / 1000000000;
}

/* A terminal's Ctrl-C, its hang-up and `killall` are the host's to answer: it says farewell
 * then. */
static void stay(void)
{
    static const int ignored[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGPIPE,
                                  SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        (void)sigaction(ignored[i], &ignore, NULL); /* these may be ignored */
    (void)prctl(PR_SET_NAME, "yk-guardian", 0, 0,
                0); /* so that `killall -9 yoke` is the host's end only */
    if (chdir("/") < 0)
        return; /* it only keeps a folder busy */
}

int vigil_run(int argc, char **argv)
{
    if (argc != 4 || !argv[2][0])
        return 2;
    char *end;
    long grace_ms = strtol(argv[3], &end, 10);
    if (*end || end == argv[3] || grace_ms < 0 || grace_ms > VIGIL_GRACE_MS_MAX)
        return 2;
    stay();
    if (write(STDOUT_FILENO, VIGIL_GREETING, strlen(VIGIL_GREETING)) < 0)
        return 2; /* the host has gone before its first child */
    struct vigil *vigil = calloc(1, sizeof *vigil);
    if (!vigil)
        return 2;
    vigil->run_id = argv[2];
    vigil->grace_ms = (int)grace_ms;
    int r = lines_read(vigil);
    if (r > 0) {
        vigil->end_ticks = now_ticks();
        r = host_gone(vigil);
    } else if (r < 0) {
        r = 2;
    }
    free(vigil->groups);
    free(vigil);
    return r;
}
