/* SPDX-License-Identifier: MIT
 * spawner.h - the contract between Yoke and a runtime plugin: the spawner ABI, version 1.0.
 *
 * Installed as <yoke/spawner.h>.  A plugin is a shared object that exports one symbol, the data
 * object `yoke_runtime_v1` of type yk_entry.  Everything else is reached through the tables below.
 * Start at yk_entry, then read yk_ops in order: that is the whole contract.
 *
 * Version rules
 *   V1  The host takes a plugin whose magic fits, whose abi_major equals YK_ABI_MAJOR and whose
 *       host_minor_min is at most YK_ABI_MINOR, and whose entry is at least YK_ENTRY_BYTES_V1_0
 *       bytes long.
 *   V2  Structs only grow, at their end, and begin with their size.  Who reads one reads min(size,
 *       its own sizeof); a tail that the reader does not know is ignored; a member that the writer
 *       did not know reads as zero.
 *   V3  Zero always means "the default".  No bit fields, no enums in structs, no `long`, no `#if`
 *       in structs.
 *   V4  What a plugin has beyond this page is an extension: a string id, a const struct behind it,
 *       NULL if unknown.  An id never changes its meaning; a new form is a new id ("yoke.dump/2").
 *   V5  The host copies the plugin's ops into a table of its own and never reads the plugin's
 *       again.
 *   V6  A plugin is loaded once and never unloaded.
 *
 * Thread rules, stated for each function
 *   [any]     any thread, on a task or off
 *   [task]    on a task of this spawner; `self` is that task and no other
 *   [thread]  a thread that is not inside a task
 *   [owner]   the thread that called create, off any task
 *
 * Errors
 *   E1  Every verb that can fail returns 0 or one of the negative codes listed at yk_ops; never
 *       through errno.
 *   E2  errno is unspecified after every verb: other tasks ran in between.
 *   E3  A verb that fails has done nothing.
 *
 * Tasks
 *   T1  A task never changes its OS thread.
 *   T2  The entry function never runs on the stack of its spawner; it may start before or after
 *       spawn returns.
 *   T3  A task ends when its entry function returns, and only then: nothing abandons a live stack.
 *   T4  The task's memory begins with struct yk_task, then yk_config.extra_bytes bytes that are the
 *       host's. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define YK_ABI_MAJOR 1
#define YK_ABI_MINOR 0

/* 8 bytes with the final NUL; breaks when a file is mangled as text. */
#define YK_ENTRY_MAGIC   "YKRT\r\n\x1a"
#define YK_TASK_MAGIC    UINT32_C(0x594b5441)
#define YK_SPAWNER_MAGIC UINT32_C(0x594b5350)

/* Deadlines are absolute CLOCK_MONOTONIC times in nanoseconds. */
#define YK_NEVER         INT64_MAX

#define YK_ARG_BYTES_MAX 128 /* what spawn copies at the most */

typedef struct yk_spawner yk_spawner;
typedef struct yk_task yk_task;
typedef struct yk_io yk_io; /* the runtime's own: one descriptor that can be waited for */
typedef struct yk_ops yk_ops;
typedef struct yk_host yk_host;

/* A task's body.  The runtime hands the main task's result to block_on's caller and drops the
 * others'. */
typedef int32_t yk_entry_fn(yk_task *self, void *arg);

/* A task.  The runtime allocates it and fills in this head before the entry function can run; the
 * head's layout is fixed for ever.  The host's bytes follow at yk_task_extra(); the runtime keeps
 * its own fields elsewhere, for example in front of the head. */
struct yk_task {
    uint32_t magic;    /* YK_TASK_MAGIC from before the entry runs until the memory is given back */
    uint32_t loop;     /* number of the loop it runs on; 0 where there is one or none */
    const yk_ops *ops; /* = spawner->ops */
    yk_spawner *spawner; /* borrowed */
    const char *name;    /* borrowed from the spawn options, for people; never NULL */
    uint64_t id;         /* unique in its spawner, not reused; for people and logs */
    uint64_t reserved;
};
#define YK_TASK_HEAD_BYTES 48

static inline void *yk_task_extra(yk_task *task)
{
    return (char *)task + YK_TASK_HEAD_BYTES;
}

/* A loaded runtime, ready to spawn on.  create() fills in magic; the host fills in the rest before
 * the first verb. */
struct yk_spawner {
    uint32_t magic;
    uint32_t reserved;
    const yk_ops *ops;   /* the host's copy (V5) */
    const yk_host *host; /* borrowed, outlives the spawner */
    void *host_data;     /* the host's own; a runtime never touches it */
};

/* What goes wrong in create(), for people. */
typedef struct {
    uint32_t size;
    int32_t code;
    char text[240]; /* one sentence, NUL-terminated, no final newline */
} yk_error;

/* One runtime-specific key of runtimes.conf. */
typedef struct {
    const char *key;
    const char *value;
} yk_option;

/* What the host asks for.  All borrowed for the call of create(). */
typedef struct {
    uint32_t size;
    uint32_t workers;             /* loops, 1..; 0: 1.  Runtimes without loops ignore it */
    uint32_t stack_bytes;         /* default stack of a task; 0: the runtime's default */
    uint32_t extra_bytes;         /* bytes reserved for the host in each task; a multiple of 16 */
    uint32_t tasks_max;           /* live tasks; beyond it spawn returns -EAGAIN; 0: no limit */
    uint32_t offload_threads_max; /* 0: the runtime's default */
    uint64_t stack_memory_max;    /* bytes of address space for stacks; beyond it spawn returns
                                     -ENOMEM; 0: no limit */
    const yk_option *options;     /* the runtime refuses a key that it does not know: -EINVAL, named
                                     in the text */
    uint32_t options_count;
    uint32_t reserved;
} yk_config;

#define YK_PLACE_INHERIT 0 /* the loop of the spawning task, else as YK_PLACE_ANY */
#define YK_PLACE_ANY     1 /* the loop with the fewest tasks */
#define YK_PLACE_LOOP(n) (2 + (n))

typedef struct {
    uint32_t size;
    uint32_t flags;       /* none yet: 0 */
    uint32_t stack_bytes; /* 0: the spawner's default; rounded up to what the runtime has */
    uint32_t placement;   /* YK_PLACE_*; ignored without loops */
    const char *name;     /* must outlive the task; NULL: "task" */
    const void *extra;  /* extra_bytes bytes copied into the task before its entry is visible; NULL:
                           zeroes */
    uint32_t arg_bytes; /* 1..YK_ARG_BYTES_MAX: that many bytes at `arg` are copied, the entry gets
                           the copy, aligned to 16; 0: the entry gets `arg` itself */
    uint32_t reserved;
} yk_spawn_options;

/* Readiness.  ERR and HUP are hints that come beside readiness; they are never asked for. */
#define YK_IN  1U
#define YK_OUT 2U
#define YK_PRI 4U
#define YK_ERR 8U
#define YK_HUP 16U

/* A piece of work for a thread of the offload pool.  The caller owns it until run returns; run is
 * the last that touches it, so run may free it or tell its owner that it may. */
typedef struct yk_job {
    void (*run)(struct yk_job *job); /* on a pool thread, off any task; may block */
    struct yk_job *next;             /* the runtime's while the job is queued */
} yk_job;

typedef struct {
    uint32_t size;
    uint32_t loops;      /* 0: none, each task is a thread */
    uint64_t tasks_live; /* the main task included */
    uint64_t tasks_peak;
    uint64_t tasks_spawned;
    uint64_t polls;           /* turns of all loops */
    uint64_t wakes_sent;      /* wake-ups that needed a system call */
    uint64_t watches_changed; /* times a descriptor's registration was changed */
    uint64_t timer_grain_ns;  /* how late a deadline may be by design */
    uint64_t offload_threads;
    uint64_t offload_queued;
    uint64_t stack_bytes_peak; /* deepest use of a stack seen, where it is measured; else 0 */
    uint64_t stacks_mapped;    /* stacks that hold memory, in use or pooled */
} yk_stats;

/* The verbs.  `size` is sizeof(yk_ops) where the plugin was compiled.  All are required but for
 * those marked. */
struct yk_ops {
    uint32_t size;
    uint32_t reserved;

    /* L1 block_on [thread]: runs `entry` as the main task, returns when it has returned; blocks
     * until then.  Other tasks may still be alive; they go on when block_on is called again.
     * `out_result` may be NULL.
     * 0, -EDEADLK (called on a task), -EBUSY (another thread is inside it), -ENOMEM, -EAGAIN. */
    int32_t (*block_on)(yk_spawner *spawner, const yk_spawn_options *options, yk_entry_fn *entry,
                        void *arg, int32_t *out_result);

    /* L2 destroy [owner]: frees everything; threads, descriptors and memory are as before create().
     * 0, -EBUSY (a task, a task handle or an open yk_io is left: nothing was done), -EDEADLK (on a
     * task). */
    int32_t (*destroy)(yk_spawner *spawner);

    /* T5 spawn [any]: starts a task.  `out_task`, if not NULL, gets one reference that the caller
     * must unref.
     * 0, -ENOMEM, -EAGAIN (a limit), -EINVAL (an option out of range). */
    int32_t (*spawn)(yk_spawner *spawner, const yk_spawn_options *options, yk_entry_fn *entry,
                     void *arg, yk_task **out_task);

    /* T6 ref, unref [any]: a referenced task's memory stays, and unpark of it stays harmless, after
     * its end. */
    void (*ref)(yk_task *task);
    void (*unref)(yk_task *task);

    /* T7 yield [task]: tasks that are ready now run before it returns.  Whatever tasks do,
     * descriptors and timers are looked at again within 61 switches. */
    void (*yield)(yk_task *self);

    /* W1 park [task]: waits for the task's token and takes it.  A deadline of the past only looks.
     * May return 0 without a token, so callers check what they wait for.
     * 0, -ETIMEDOUT.  Never early. */
    int32_t (*park)(yk_task *self, int64_t deadline);

    /* W2 unpark [any]: gives the task its token; any number of calls before the park give one.
     * What was written before unpark is visible after the park.  Wakes io_wait too.  Never
     * blocks. */
    void (*unpark)(yk_task *task);

    /* I1 io_open [any]: registers `fd`, which is already O_NONBLOCK; its flags are never changed.
     * One handle per descriptor and spawner.  What cannot be polled (a regular file) counts as
     * always ready.
     * 0, -EBUSY (there is a handle), -EBADF, -ENOMEM, -EINVAL (flags; none yet: 0). */
    int32_t (*io_open)(yk_spawner *spawner, int32_t fd, uint32_t flags, yk_io **out_io);

    /* I2 io_wait [task]: waits until `fd` may be ready for one of `events` (YK_IN, YK_OUT, YK_PRI).
     * The readiness may be stale: the system call that follows tells.  Errors and hang-ups count as
     * all that was asked for.  A deadline of the past means one look.  When several things hold,
     * the first of this list is told:
     * -EBADF (io_close ran), 0 (ready; *out_ready is not 0), -EINTR (a token, taken), -ETIMEDOUT.
     * Also -EBUSY (another task waits in that direction), -ENOSYS (YK_PRI without YK_CAP_PRIORITY),
     * -ENOMEM, -EINVAL. */
    int32_t (*io_wait)(yk_task *self, yk_io *io, uint32_t events, int64_t deadline,
                       uint32_t *out_ready);

    /* I3 io_close [any]: its waiters get -EBADF; when it returns the kernel knows nothing of the
     * descriptor, whose number may be closed and used again by any thread.  Does not close the
     * descriptor.  The handle is gone.  May wait for another loop: a task parks then, a thread
     * blocks. */
    void (*io_close)(yk_io *io);

    /* O1 offload [any]: queues `job` for a thread of the pool; never runs it here.  The pool is
     * bounded, the queue is not.  Never blocks.
     * 0, -EAGAIN or -ENOMEM (no pool thread could be started). */
    int32_t (*offload)(yk_spawner *spawner, yk_job *job);

    /* M1 walk [any]: calls `visit` for each live task.  The task cannot end during the visit; visit
     * may ref, unpark and read, and must not block, spawn or walk.  On another thread than the
     * loop's it may wait for the loop. */
    void (*walk)(yk_spawner *spawner, void (*visit)(yk_task *task, void *arg), void *arg);

    /* M2 stats [any]: fills in min(out->size, sizeof) bytes; out->size is set by the caller. */
    void (*stats)(yk_spawner *spawner, yk_stats *out_stats);

    /* M3 after_fork_child [thread]: in a forked child that will not exec; every verb but destroy
     * then returns -EOWNERDEAD or does nothing.  Optional. */
    void (*after_fork_child)(yk_spawner *spawner);

    /* M4 blocking [task]: tells that the task is about to hold its thread (1) or has done (0).
     * Optional. */
    void (*blocking)(yk_task *self, int32_t begins);

    /* M5 extension [any]: by id, NULL if unknown (V4). */
    const void *(*extension)(yk_spawner *spawner, const char *id);
};

/* What the host lends to a runtime. */
struct yk_host {
    uint32_t size;
    uint16_t abi_major, abi_minor;

    /* H1 alloc, free [any]: the only allocator that a runtime uses for what it keeps; NULL when
     * there is no memory. */
    void *(*alloc)(uint64_t bytes);
    void (*free)(void *memory);

    /* H2 log [any]: one line for people.  level: 0 error, 1 warning, 2 notice, 3 debug. */
    void (*log)(int32_t level, const char *line);

    /* H3 fatal [any]: does not return; for a broken invariant only. */
    void (*fatal)(const char *line);

    /* H4 thread_start, thread_stop: called by each thread that runs tasks or jobs, first and last
     * thing; block_on calls them on its caller's thread too.  `current` is where the runtime keeps
     * the running task of that thread (NULL there: none), and stays valid until thread_stop; NULL
     * for a pool thread.  Sets up the signal stack.  Threads made by a runtime block all
     * signals but those of a fault of their own: SEGV, BUS, FPE, ILL, TRAP, SYS, ABRT. */
    void (*thread_start)(const char *role, yk_task *const *current);
    void (*thread_stop)(void);

    /* H5 extension [any]: by id, NULL if unknown. */
    const void *(*extension)(const char *id);
};

/* The one exported symbol. */
typedef struct {
    uint32_t size;
    uint16_t abi_major, abi_minor; /* compiled against */
    uint16_t host_minor_min;       /* the oldest host minor that will do */
    uint16_t reserved;
    uint32_t extra_bytes_max; /* most host bytes in a task that it can give */
    char magic[8];            /* YK_ENTRY_MAGIC */
    const char *id;           /* "uv": the file is runtime_uv.so */
    const char *version;      /* of the plugin */
    const char *build;        /* "libuv 1.44.2; gcc 12.2.0": for people */
    uint64_t caps;            /* YK_CAP_* */

    /* C1 create [thread]: makes a spawner.  May start threads.  On failure nothing is left and
     * *error says why.
     * 0, -EINVAL, -ENOMEM, -EAGAIN, -EMFILE, -ENOSYS. */
    int32_t (*create)(const yk_host *host, const yk_config *config, yk_spawner **out_spawner,
                      const yk_ops **out_ops, yk_error *error);

    /* C2 extension [any]: what the plugin can do without a spawner; NULL if unknown. */
    const void *(*extension)(const char *id);
} yk_entry;

#define YK_ENTRY_BYTES_V1_0 72
#define YK_OPS_BYTES_V1_0   144

#define YK_CAP_PARALLEL     (UINT64_C(1) << 0) /* two tasks may run at the same instant */
#define YK_CAP_LOOPS        (UINT64_C(1) << 1) /* has loops: `workers` means something */
#define YK_CAP_WORKERS      (UINT64_C(1) << 2) /* more than one loop */
#define YK_CAP_BLOCKING_OK  (UINT64_C(1) << 3) /* a blocking task holds up no other */
#define YK_CAP_VIRTUAL_TIME (UINT64_C(1) << 4) /* a clock of its own: extension "yoke.clock/1" */
#define YK_CAP_PRIORITY     (UINT64_C(1) << 5) /* io_wait knows YK_PRI */

/* Extension "yoke.entries/1" of the host: other runtimes, for one that wraps another. */
typedef struct {
    uint32_t size;
    uint32_t reserved;
    /* Finds, checks and loads the runtime of that name as the host would.  NULL: there is none, or
     * it was refused; the log says why. */
    const yk_entry *(*find)(const char *name);
} yk_entries_v1;

/* Extension "yoke.stacks/1" of a spawner: whose stack is it?  [any], async-signal-safe. */
typedef struct {
    uint32_t size;
    uint32_t reserved;
    /* Finds the task whose stack or guard holds `address`.  Returns 1 if it lies in the guard, 0 if
     * in the stack, -1 if in none.  The name is borrowed. */
    int32_t (*find)(yk_spawner *spawner, const void *address, const char **out_name,
                    uint64_t *out_stack_bytes);
} yk_stacks_v1;

/* Extension "yoke.clock/1" of a spawner with YK_CAP_VIRTUAL_TIME. */
typedef struct {
    uint32_t size;
    uint32_t reserved;
    int64_t (*now)(yk_spawner *spawner);
} yk_clock_v1;

#define YK_RUNTIME_SYMBOL yoke_runtime_v1
#define YK_EXPORT         __attribute__((visibility("default")))

#ifndef __cplusplus
_Static_assert(sizeof(yk_task) == YK_TASK_HEAD_BYTES, "the task head is fixed");
_Static_assert(offsetof(yk_task, ops) == 8 && offsetof(yk_task, spawner) == 16, "fixed");
_Static_assert(offsetof(yk_spawner, ops) == 8 && offsetof(yk_spawner, host_data) == 24, "fixed");
#endif

#ifdef __cplusplus
}
#endif
