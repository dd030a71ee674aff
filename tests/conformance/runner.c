/* SPDX-License-Identifier: MIT
 * runner.c - see runner.h. */
#include "tests/conformance/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/conformance/foreign.h"

/* One behaviour that runs. */
struct run {
    struct outcome *outcome; /* NULL: this place is free */
    pid_t pid;
    int output_fd;
    struct verdict_page *page; /* owned mapping */
    int64_t start_ns;
    int64_t deadline_ns;
};

static int64_t monotonic_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void die(const char *what)
{
    (void)fprintf(stderr, "yoke-conformance: %s: %s\n", what, strerror(errno));
    exit(2);
}

static void *shared_page(size_t bytes)
{
    void *page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        die("no shared memory");
    return page;
}

static void load_or_fail(struct bed *bed)
{
    char error[BED_ERROR_BYTES];
    if (bed_load(bed, error) < 0)
        FAIL("%s", error);
}

void runner_run_here(struct bed *bed, const struct behaviour *behaviour)
{
    if (behaviour->unloaded) {
        behaviour->unloaded(bed);
        verdict_pass();
    }
    load_or_fail(bed);
    if (behaviour->run)
        behaviour->run(bed);
    else
        bed_run(bed, NULL, behaviour->on_task);
    verdict_pass();
}

/* --- asking the plugin who it is -------------------------------------------------------------- */

struct probe_page {
    int answered; /* 1: facts, -1: error */
    struct plugin_facts facts;
    char error[BED_ERROR_BYTES];
};

static void probe_here(const struct bed *bed, struct probe_page *page)
{
    struct bed probed = *bed;
    if (bed_load(&probed, page->error) < 0) {
        page->answered = -1;
        _exit(1);
    }
    const yk_entry *entry = probed.entry;
    (void)snprintf(page->facts.id, sizeof page->facts.id, "%s", entry->id);
    (void)snprintf(page->facts.version, sizeof page->facts.version, "%s", entry->version);
    (void)snprintf(page->facts.build, sizeof page->facts.build, "%s", entry->build);
    page->facts.caps = entry->caps;
    page->answered = 1;
    _exit(0);
}

int runner_probe(const struct bed *bed, struct plugin_facts *facts,
                 char error[static BED_ERROR_BYTES])
{
    struct probe_page *page = shared_page(sizeof *page);
    pid_t pid = fork();
    if (pid < 0)
        die("fork");
    if (pid == 0) {
        (void)alarm(TIMEOUT_MS_USUAL / 1000);
        probe_here(bed, page);
    }
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    int answered = page->answered;
    *facts = page->facts;
    memcpy(error, page->error, BED_ERROR_BYTES);
    if (answered == 0)
        (void)snprintf(error, BED_ERROR_BYTES, "%s: loading it ended the process with %s",
                       bed->path, WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "exit()");
    (void)munmap(page, sizeof *page);
    return answered == 1 ? 0 : -1;
}

/* --- running them ----------------------------------------------------------------------------- */

static void *end_at_once(void *arg)
{
    return arg;
}

/* ThreadSanitizer starts a thread of its own with the first one of a process: before anybody
 * counts. */
static void start_tools_thread(void)
{
#ifdef __SANITIZE_THREAD__
    foreign_join(foreign_start(end_at_once, NULL));
#else
    (void)end_at_once;
#endif
}

/* SIGCHLD is awaited, so it is blocked here, and not in the children. */
static void block_sigchld(int how)
{
    sigset_t child;
    (void)sigemptyset(&child);
    (void)sigaddset(&child, SIGCHLD);
    (void)sigprocmask(how, &child, NULL);
}

static void run_in_child(const struct bed *bed, const struct run *run)
{
    (void)setpgid(0, 0);
    block_sigchld(SIG_UNBLOCK);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct rlimit no_core = {0};
    (void)setrlimit(RLIMIT_CORE, &no_core);
    int null = open("/dev/null", O_RDONLY);
    if (null < 0 || dup2(null, 0) < 0 || dup2(run->output_fd, 1) < 0 || dup2(run->output_fd, 2) < 0)
        _exit(1);
    if (syscall(SYS_close_range, 3, ~0U, 0) < 0) /* what others left open is not the plugin's */
        for (int fd = 3; fd < 1024; fd++)
            (void)close(fd);
    verdict_open(run->page);
    start_tools_thread();
    struct bed own = *bed;
    for (const char *c = run->outcome->behaviour->name; *c; c++)
        own.seed = own.seed * 31 + (unsigned char)*c;
    runner_run_here(&own, run->outcome->behaviour);
}

static void run_start(const struct bed *bed, struct run *run, struct outcome *outcome,
                      double patience)
{
    int timeout_ms =
        outcome->behaviour->timeout_ms ? outcome->behaviour->timeout_ms : TIMEOUT_MS_USUAL;
    *run = (struct run){.outcome = outcome, .start_ns = monotonic_ns()};
    run->deadline_ns = run->start_ns + (int64_t)(timeout_ms * patience) * 1000000;
    run->page = shared_page(sizeof *run->page);
    run->output_fd = memfd_create("output", MFD_CLOEXEC);
    if (run->output_fd < 0)
        die("memfd_create");
    (void)fflush(NULL);
    run->pid = fork();
    if (run->pid < 0)
        die("fork");
    if (run->pid == 0)
        run_in_child(bed, run);
    (void)setpgid(run->pid, run->pid); /* whoever is first */
}

static void read_output(const struct run *run)
{
    char *output = run->outcome->output;
    off_t size = lseek(run->output_fd, 0, SEEK_END);
    off_t from = size > RUNNER_OUTPUT_BYTES - 1 ? size - (RUNNER_OUTPUT_BYTES - 1) : 0;
    ssize_t bytes = pread(run->output_fd, output, RUNNER_OUTPUT_BYTES - 1, from);
    output[bytes > 0 ? bytes : 0] = '\0';
}

/* The verdict, or what can be said when there is none. */
static void judge(const struct run *run, int status, bool timed_out)
{
    struct outcome *outcome = run->outcome;
    const struct verdict_page *page = run->page;
    outcome->verdict = (enum verdict)atomic_load(&page->verdict);
    (void)snprintf(outcome->reason, sizeof outcome->reason, "%s", page->reason);
    bool ended_well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (outcome->verdict == VERDICT_FAIL || (ended_well && outcome->verdict != VERDICT_NONE))
        return;
    char how[80];
    if (timed_out)
        (void)snprintf(how, sizeof how, "not over in time");
    else if (WIFSIGNALED(status))
        (void)snprintf(how, sizeof how, "killed by signal %d, %s", WTERMSIG(status),
                       strsignal(WTERMSIG(status)));
    else
        (void)snprintf(how, sizeof how, "the process ended with status %d", WEXITSTATUS(status));
    (void)snprintf(outcome->reason, sizeof outcome->reason, "%s%s%s", how,
                   page->step[0] ? "; last step: " : "", page->step);
    outcome->verdict = VERDICT_FAIL;
}

static void run_end(struct run *run, bool timed_out)
{
    int status = 0;
    (void)kill(-run->pid,
               SIGKILL); /* the group that we made: also what a behaviour has left behind */
    while (waitpid(run->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    run->outcome->ms = (monotonic_ns() - run->start_ns) / 1000000;
    judge(run, status, timed_out);
    if (run->outcome->verdict == VERDICT_FAIL)
        read_output(run);
    (void)close(run->output_fd);
    (void)munmap(run->page, sizeof *run->page);
    run->outcome = NULL;
}

static bool has_ended(const struct run *run)
{
    siginfo_t info = {.si_pid = 0};
    return waitid(P_PID, (id_t)run->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid;
}

/* Waits until one has ended or is out of time, and ends it. */
static void await_one(struct run *runs, int jobs)
{
    int64_t now_ns = monotonic_ns();
    int64_t wait_ns = INT64_MAX;
    for (int i = 0; i < jobs; i++)
        if (runs[i].outcome && runs[i].deadline_ns - now_ns < wait_ns)
            wait_ns = runs[i].deadline_ns - now_ns;
    if (wait_ns < 0)
        wait_ns = 0;
    struct timespec wait = {.tv_sec = wait_ns / 1000000000, .tv_nsec = wait_ns % 1000000000};
    sigset_t child;
    (void)sigemptyset(&child);
    (void)sigaddset(&child, SIGCHLD);
    (void)sigtimedwait(&child, NULL, &wait); /* whatever it says, all are looked at */
    now_ns = monotonic_ns();
    for (int i = 0; i < jobs; i++) {
        bool ended = runs[i].outcome && has_ended(&runs[i]);
        if (ended || (runs[i].outcome && now_ns >= runs[i].deadline_ns))
            run_end(&runs[i], !ended);
    }
}

/* "LOOPS", the first of the caps. */
static const char *cap_name(uint64_t caps)
{
    static const char *const names[] = {"PARALLEL",    "LOOPS",        "WORKERS",
                                        "BLOCKING_OK", "VIRTUAL_TIME", "PRIORITY"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (caps & (UINT64_C(1) << i))
            return names[i];
    return "?";
}

/* What the plugin does not claim it need not do; what it claims is never skipped. */
static bool skip_by_caps(uint64_t caps, struct outcome *outcome)
{
    uint64_t absent = outcome->behaviour->needs & ~caps;
    uint64_t present = outcome->behaviour->not_with & caps;
    if (!absent && !present)
        return false;
    outcome->verdict = VERDICT_SKIP;
    (void)snprintf(outcome->reason, sizeof outcome->reason, "YK_CAP_%s is %s",
                   cap_name(absent ? absent : present), absent ? "absent" : "there");
    return true;
}

static struct run *free_place(struct run *runs, int jobs)
{
    for (int i = 0; i < jobs; i++)
        if (!runs[i].outcome)
            return &runs[i];
    return NULL;
}

void runner_run(const struct run_plan *plan, struct outcome *outcomes, size_t count)
{
    struct run runs[RUNNER_JOBS_MAX] = {0};
    size_t started = 0;
    size_t told = 0;
    block_sigchld(SIG_BLOCK);
    while (told < count) {
        struct run *place = free_place(runs, plan->jobs);
        if (started < count && place) {
            if (!skip_by_caps(plan->caps, &outcomes[started]))
                run_start(plan->bed, place, &outcomes[started], plan->patience);
            started++;
        } else {
            await_one(runs, plan->jobs);
        }
        while (told < started && outcomes[told].verdict != VERDICT_NONE)
            plan->tell(&outcomes[told++]);
    }
}
