/* SPDX-License-Identifier: MIT
 * break_process.c - ways to break the file, its entry, what is left, the rest of the process.
 *
 * Layer: tests/conformance/broken.  Start at the table at the end; bites.sh says which behaviour
 * must notice each.
 * What is not broken is forwarded, so the good one is called by verbs that are not broken:
 * good.verb(). */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tests/conformance/broken/broken.h"

static void wrong_magic(yk_entry *entry)
{
    entry->magic[4] = '\n'; /* as if a line end had been converted */
}

static void wrong_major(yk_entry *entry)
{
    entry->abi_major = YK_ABI_MAJOR + 1;
}

static void newer_host_needed(yk_entry *entry)
{
    entry->host_minor_min = YK_ABI_MINOR + 1;
}

static void short_entry(yk_entry *entry)
{
    entry->size = YK_ENTRY_BYTES_V1_0 - 8;
}

static void crash_at_load(yk_entry *entry)
{
    (void)entry;
    (void)raise(SIGABRT);
}

static const void *extension_by_prefix(const char *id)
{
    return strncmp(id, "yoke.", 5) == 0 ? &good : NULL;
}

static void knows_any_extension(yk_entry *entry)
{
    entry->extension = extension_by_prefix;
}

static void *wait_for_ever(void *arg)
{
    (void)arg;
    for (;;)
        (void)poll(NULL, 0, -1);
    return NULL;
}

static void start_a_thread(const yk_host *host)
{
    pthread_t thread;
    (void)host;
    if (pthread_create(&thread, NULL, wait_for_ever, NULL) == 0)
        (void)pthread_detach(thread);
}

static void thread_at_load(yk_entry *entry)
{
    (void)entry;
    start_a_thread(NULL);
}

static void make_global(yk_entry *entry)
{
    Dl_info info;
    if (dladdr(entry, &info))
        (void)dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL);
}

static void wrong_id(yk_entry *entry)
{
    entry->id = "Broken Runtime";
}

static void understate_extra(yk_entry *entry)
{
    entry->extra_bytes_max = 16;
}

static void claim_virtual_time(yk_entry *entry)
{
    entry->caps |= YK_CAP_VIRTUAL_TIME;
}

static void hide_workers(yk_entry *entry)
{
    entry->caps &= ~YK_CAP_WORKERS;
}

static void refuse_longer_config(yk_config *config)
{
    if (config->size != sizeof *config)
        config->stack_bytes = UINT32_MAX; /* which no runtime takes */
}

static void leave_a_verb_out(yk_ops *ops)
{
    ops->walk = NULL;
}

static void take_any_option(yk_config *config)
{
    config->options_count = 0;
}

static void leak_fd(void)
{
    (void)open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void leak_memory(const yk_host *host)
{
    (void)host->alloc(100);
}

static int32_t destroy_all_the_same(yk_spawner *spawner)
{
    int32_t r = good.destroy(spawner);
    return r == -EBUSY ? 0 : r;
}

static void never_refuse_destroy(yk_ops *ops)
{
    ops->destroy = destroy_all_the_same;
}

static int32_t destroy_hangs(yk_spawner *spawner)
{
    (void)spawner;
    (void)wait_for_ever(NULL);
    return 0;
}

static void hang_in_destroy(yk_ops *ops)
{
    ops->destroy = destroy_hangs;
}

static void stats_overrun(yk_spawner *spawner, yk_stats *out_stats)
{
    yk_stats all = {.size = sizeof all};
    good.stats(spawner, &all);
    memcpy((char *)out_stats + 8, (char *)&all + 8, sizeof all - 8);
}

static void write_all_stats(yk_ops *ops)
{
    ops->stats = stats_overrun;
}

static int32_t offload_here(yk_spawner *spawner, yk_job *job)
{
    (void)spawner;
    job->run(job);
    return 0;
}

static void run_jobs_inline(yk_ops *ops)
{
    ops->offload = offload_here;
}

static void on_child(int number)
{
    (void)number;
}

static void ignore_sigchld(const yk_host *host)
{
    (void)host;
    (void)signal(SIGCHLD, SIG_IGN); /* the kernel reaps all children */
}

static void unblock_signals(const yk_host *host)
{
    sigset_t all;
    (void)host;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_UNBLOCK, &all, NULL);
}

static int32_t offload_and_refuse(yk_spawner *spawner, yk_job *job)
{
    int32_t r = good.offload(spawner, job);
    return r == 0 ? -EAGAIN : r;
}

static void run_refused_jobs(yk_ops *ops)
{
    ops->offload = offload_and_refuse;
}

static int32_t offload_of_owner(yk_spawner *spawner, yk_job *job)
{
    return break_is_owner_thread() ? good.offload(spawner, job) : -EAGAIN;
}

static void refuse_foreign_jobs(yk_ops *ops)
{
    ops->offload = offload_of_owner;
}

/* A job of ours that runs the host's, and looks at it once more. */
struct touching_job {
    yk_job job;
    yk_job *inner;
    const yk_host *host;
};

static void run_and_touch(yk_job *job)
{
    struct touching_job *own = (struct touching_job *)(void *)job;
    const yk_host *host = own->host;
    own->inner->run(own->inner);
    own->inner->next = NULL;
    host->free(own);
}

static int32_t offload_touching(yk_spawner *spawner, yk_job *job)
{
    struct touching_job *own = spawner->host->alloc(sizeof *own);
    if (!own)
        return -ENOMEM;
    *own = (struct touching_job){.job.run = run_and_touch, .inner = job, .host = spawner->host};
    return good.offload(spawner, &own->job);
}

static void touch_freed_jobs(yk_ops *ops)
{
    ops->offload = offload_touching;
}

static void handle_sigchld(const yk_host *host)
{
    (void)host;
    (void)signal(SIGCHLD, on_child);
}

static void block_a_signal(const yk_host *host)
{
    sigset_t set;
    (void)host;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static int inherited = -1;

static void open_without_cloexec(const yk_host *host)
{
    (void)host;
    if (inherited < 0)
        inherited = open("/dev/null", O_RDONLY);
}

static void close_inherited(void)
{
    (void)close(inherited);
    inherited = -1;
}

static void print_hello(const yk_host *host)
{
    (void)host;
    (void)printf("a fine runtime is ready\n");
    (void)fflush(stdout);
}

static void rename_caller(const yk_host *host)
{
    (void)host;
    (void)prctl(PR_SET_NAME, "loop 0");
}

static void thread_start_nothing(const char *role, yk_task *const *current)
{
    (void)role;
    (void)current;
}

static void thread_stop_nothing(void)
{
}

static void call_no_thread_hooks(yk_host *host)
{
    host->thread_start = thread_start_nothing;
    host->thread_stop = thread_stop_nothing;
}

const struct break_way break_process_ways[] = {
    {"wrong_magic", .break_entry = wrong_magic},
    {"wrong_major", .break_entry = wrong_major},
    {"newer_host_needed", .break_entry = newer_host_needed},
    {"short_entry", .break_entry = short_entry},
    {"crash_at_load", .break_entry = crash_at_load},
    {"knows_any_extension", .break_entry = knows_any_extension},
    {"thread_at_load", .break_entry = thread_at_load},
    {"makes_itself_global", .break_entry = make_global},
    {"wrong_id", .break_entry = wrong_id},
    {"understates_extra", .break_entry = understate_extra},
    {"claims_virtual_time", .break_entry = claim_virtual_time},
    {"hides_workers", .break_entry = hide_workers},
    {"refuses_longer_config", .break_config = refuse_longer_config},
    {"leaves_a_verb_out", .break_ops = leave_a_verb_out},
    {"ignores_sigchld", .break_create = ignore_sigchld},
    {"unblocks_signals", .break_create = unblock_signals},
    {"runs_refused_jobs", .break_ops = run_refused_jobs},
    {"refuses_foreign_jobs", .break_ops = refuse_foreign_jobs},
    {"touches_freed_jobs", .break_ops = touch_freed_jobs},
    {"takes_any_option", .break_config = take_any_option},
    {"leaks_fd", .break_destroyed = leak_fd},
    {"leaks_memory", .break_create = leak_memory},
    {"leaks_thread", .break_create = start_a_thread},
    {"never_refuses_destroy", .break_ops = never_refuse_destroy},
    {"hangs_in_destroy", .break_ops = hang_in_destroy},
    {"stats_overrun", .break_ops = write_all_stats},
    {"jobs_inline", .break_ops = run_jobs_inline},
    {"sigchld_handler", .break_create = handle_sigchld},
    {"changes_mask", .break_create = block_a_signal},
    {"inherited_fd", .break_create = open_without_cloexec, .break_destroyed = close_inherited},
    {"prints", .break_create = print_hello},
    {"renames_caller", .break_create = rename_caller},
    {"no_thread_hooks", .break_host = call_no_thread_hooks},
    {.name = NULL},
};
