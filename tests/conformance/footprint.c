/* SPDX-License-Identifier: MIT
 * footprint.c - see footprint.h. */
#include "tests/conformance/footprint.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/conformance/bed.h"
#include "tests/conformance/verdict.h"

#define SETTLE_MS_MAX              500
#define QUIET_VALGRIND_PERCENT_MAX 50
#define QUIET_CPU_PERCENT_MAX      10
#define QUIET_RUNNABLE_PERCENT_MAX 90 /* who spins has 100, whatever the load of the machine */
#define EXCESS_BYTES               400

static int directory_count(const char *path)
{
    DIR *directory = opendir(path);
    EXPECT(directory, "the kit cannot read %s", path);
    int count = 0;
    for (const struct dirent *entry = readdir(directory); entry; entry = readdir(directory))
        count += entry->d_name[0] != '.';
    (void)closedir(directory);
    return count;
}

int threads_now(void)
{
    return directory_count("/proc/self/task");
}

bool footprint_has_fd(const struct footprint *footprint, int fd)
{
    return footprint->fd_bits[fd / 64] & (UINT64_C(1) << (fd % 64));
}

void footprint_take(struct footprint *footprint)
{
    memset(footprint, 0, sizeof *footprint);
    DIR *directory = opendir("/proc/self/fd");
    EXPECT(directory, "the kit cannot read /proc/self/fd");
    for (const struct dirent *entry = readdir(directory); entry; entry = readdir(directory)) {
        int fd = (int)strtol(entry->d_name, NULL, 10);
        if (entry->d_name[0] == '.' || fd == dirfd(directory) || fd >= FOOTPRINT_FDS_MAX)
            continue;
        footprint->fd_bits[fd / 64] |= UINT64_C(1) << (fd % 64);
        footprint->fds++;
    }
    (void)closedir(directory);
    footprint->threads = threads_now();
    footprint->lent = lent_counts();
}

void footprint_settle(const struct footprint *before, struct footprint *now)
{
    for (int i = 0; i < SETTLE_MS_MAX && threads_now() > before->threads; i++)
        pause_ms(1); /* a joined thread leaves /proc a moment later */
    footprint_take(now);
}

/* "descriptor 7 (pipe:[123])" of the first that is new. */
static void new_fd_name(const struct footprint *before, const struct footprint *now, char *text,
                        size_t text_bytes)
{
    int fd = 0;
    while (fd < FOOTPRINT_FDS_MAX - 1 &&
           (footprint_has_fd(before, fd) || !footprint_has_fd(now, fd)))
        fd++;
    char link[64];
    char target[128] = "?";
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, target, sizeof target - 1);
    if (length >= 0)
        target[length] = '\0';
    (void)snprintf(text, text_bytes, "%d -> %s", fd, target);
}

const char *footprint_excess(const struct footprint *before, const struct footprint *now,
                             const struct footprint *allowed)
{
    static const struct footprint nothing;
    static char text[EXCESS_BYTES];
    if (!allowed)
        allowed = &nothing;
    text[0] = '\0';

    int fds = now->fds - before->fds;
    int64_t blocks = now->lent.blocks - before->lent.blocks;
    int64_t known_threads = now->lent.threads - before->lent.threads;
    if (fds > allowed->fds) {
        char name[200];
        new_fd_name(before, now, name, sizeof name);
        (void)snprintf(text, sizeof text, "%d descriptor(s) are left open, the first is %s", fds,
                       name);
    } else if (fds < 0) {
        (void)snprintf(text, sizeof text, "%d descriptor(s) of others were closed", -fds);
    } else if (now->threads - before->threads > allowed->threads) {
        (void)snprintf(text, sizeof text, "%d thread(s) are left running",
                       now->threads - before->threads);
    } else if (blocks > allowed->lent.blocks) {
        (void)snprintf(text, sizeof text,
                       "%lld block(s) of memory (%lld bytes) were not freed (H1)",
                       (long long)blocks, (long long)(now->lent.bytes - before->lent.bytes));
    } else if (known_threads != 0) {
        (void)snprintf(text, sizeof text, "%lld thread_start call(s) without thread_stop (H4)",
                       (long long)known_threads);
    }
    return text;
}

int64_t resident_kib(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    EXPECT(file, "the kit cannot read /proc/self/statm");
    long long total_pages = 0;
    long long resident_pages = 0;
    int found = fscanf(file, "%lld %lld", &total_pages, &resident_pages);
    (void)fclose(file);
    EXPECT(found == 2, "the kit cannot read /proc/self/statm");
    return resident_pages * (int64_t)(sysconf(_SC_PAGESIZE) / 1024);
}

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t runnable_ns_of(const char *tid)
{
    char path[64];
    long long run_ns = 0;
    long long wait_ns = 0;
    (void)snprintf(path, sizeof path, "/proc/self/task/%.20s/schedstat", tid);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0; /* not told, or it has ended */
    int found = fscanf(file, "%lld %lld", &run_ns, &wait_ns);
    (void)fclose(file);
    return found == 2 ? run_ns + wait_ns : 0;
}

/* Time that the threads of the process have run, or waited for a CPU because they wanted to; 0
 * where the kernel does not tell.  On a busy machine it shows who spins when the CPU time does not:
 * hardly any is given to a thread that yields all the time. */
static int64_t runnable_ns(void)
{
    DIR *directory = opendir("/proc/self/task");
    EXPECT(directory, "the kit cannot read /proc/self/task");
    int64_t sum_ns = 0;
    for (const struct dirent *entry = readdir(directory); entry; entry = readdir(directory))
        if (entry->d_name[0] != '.')
            sum_ns += runnable_ns_of(entry->d_name);
    (void)closedir(directory);
    return sum_ns;
}

struct quiet quiet_begin(void)
{
    return (struct quiet){
        .start_ns = clock_ns(CLOCK_MONOTONIC),
        .cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID),
        .runnable_ns = runnable_ns(),
    };
}

void quiet_end(const struct quiet *quiet, const char *what)
{
    int64_t took_us = (clock_ns(CLOCK_MONOTONIC) - quiet->start_ns) / 1000;
    int64_t cpu_us = (clock_ns(CLOCK_PROCESS_CPUTIME_ID) - quiet->cpu_ns) / 1000;
    int64_t runnable_us = (runnable_ns() - quiet->runnable_ns) / 1000;
    int cpu_percent_max = QUIET_CPU_PERCENT_MAX;
    bool wanted_to_run = runnable_us * 100 > took_us * QUIET_RUNNABLE_PERCENT_MAX;
    if (bed_under_valgrind()) { /* which itself runs a while, translating what is called here */
        cpu_percent_max = QUIET_VALGRIND_PERCENT_MAX;
        wanted_to_run = false;
    }
    EXPECT(cpu_us * 100 <= took_us * cpu_percent_max && !wanted_to_run,
           "%s: %lld us of waiting took %lld us of CPU, and something wanted to run for %lld us: "
           "it spins",
           what, (long long)took_us, (long long)cpu_us, (long long)runnable_us);
}

void pause_ms(int64_t ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (nanosleep(&pause, &pause) < 0)
        continue;
}

bool signal_must_be_blocked(int number)
{
    static const int free_ones[] = {SIGKILL, SIGSTOP, SIGILL,  SIGTRAP, SIGABRT,
                                    SIGBUS,  SIGFPE,  SIGSEGV, SIGSYS};
    for (size_t i = 0; i < sizeof free_ones / sizeof *free_ones; i++)
        if (free_ones[i] == number)
            return false;
    return number >= 1 && number <= 31;
}

void dispositions_take(struct dispositions *dispositions)
{
    memset(dispositions, 0, sizeof *dispositions);
    for (int number = 1; number < FOOTPRINT_SIGNALS; number++)
        (void)sigaction(number, NULL, &dispositions->actions[number]); /* 32, 33 are libc's own */
}

int dispositions_differ(const struct dispositions *before, const struct dispositions *now)
{
    for (int number = 1; number < FOOTPRINT_SIGNALS; number++)
        if (before->actions[number].sa_handler != now->actions[number].sa_handler ||
            before->actions[number].sa_flags != now->actions[number].sa_flags)
            return number;
    return 0;
}
