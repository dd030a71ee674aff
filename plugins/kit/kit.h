/* SPDX-License-Identifier: MIT
 * kit.h - the runtime kit: everything of a spawner ABI runtime but the event loop itself.
 *
 * Installed as <yoke/kit.h>, library libyoke-kit.a (pkg-config yoke-kit).  Start at yk_kit_driver.
 *
 * An author of a runtime writes a driver, the functions below over an event loop, and one line:
 *
 *     YK_KIT_RUNTIME(epoll, "1.0.0", "epoll of Linux", YK_CAP_PRIORITY, &driver);
 *
 * The kit brings tasks (fibers on guarded, pooled stacks), their queue, tokens, timers, the offload
 * pool, descriptors with one waiter a direction, several loops on threads of their own, and the
 * verbs of <yoke/spawner.h> over all that.
 *
 * Threads: each loop is driven by one thread; all driver functions but wake() are called on it.  A
 * driver keeps its state in what init() returns and has no other. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <yoke/spawner.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct yk_kit_watch yk_kit_watch; /* one descriptor on one loop; the kit's */

typedef struct {
    uint32_t size; /* sizeof(yk_kit_driver) */
    uint32_t reserved;

    /* Makes the state of one loop.  `config` carries the runtime's own options for it to check: an
     * option that it does not know is -EINVAL with a sentence in *error.  May run on another thread
     * than the loop's, before all others. Returns 0 or a negative errno. */
    int (*init)(const yk_host *host, const yk_config *config, void **out_state, yk_error *error);

    /* Frees the state; no descriptor is registered any more. */
    void (*fini)(void *state);

    /* One turn: waits until a descriptor is ready, wake() was called, or timeout_ns nanoseconds are
     * over, whichever comes first, and calls yk_kit_ready() for each descriptor that is ready.
     * timeout_ns 0: does not wait; negative: no limit.  May return early (the kit looks at the
     * clock itself), and up to timer_grain_ns late. */
    void (*poll)(void *state, int64_t timeout_ns);

    /* Ends a poll() that waits, or the next one.  Any thread. */
    void (*wake)(void *state);

    /* Registers `fd`, level-triggered, for `events` (YK_IN, YK_OUT, YK_PRI; not 0).  *out_handle is
     * the driver's own for the next two.  Returns 0; -EPERM if the descriptor cannot be polled (the
     * kit treats it as always ready); -ENOSYS for YK_PRI without YK_CAP_PRIORITY; -ENOMEM or
     * another negative errno. */
    int (*fd_add)(void *state, int fd, uint32_t events, yk_kit_watch *watch, void **out_handle);

    /* Changes what is asked for; 0: nothing, not even hang-ups.  Must not fail for want of memory
     * that fd_add could have taken.  Returns 0 or a negative errno. */
    int (*fd_set)(void *state, void *handle, uint32_t events);

    /* Forgets the descriptor: when it returns the kernel no longer knows it on this loop, and its
     * number may be used again at once.  yk_kit_ready() is not called for the watch any more. */
    void (*fd_del)(void *state, void *handle);

    /* How late a timeout of poll() may end by design, in nanoseconds: 1000000 for millisecond
     * loops. */
    int64_t timer_grain_ns;
} yk_kit_driver;

/* Tells the kit, from inside poll(), that a descriptor is ready.  `ready`: YK_IN, YK_OUT, YK_PRI,
 * YK_ERR, YK_HUP.  If the loop library reports an error of the descriptor, say YK_ERR: the task's
 * own system call will tell what it is. */
void yk_kit_ready(yk_kit_watch *watch, uint32_t ready);

/* Tells the kit, after yk_kit_ready(), that the loop library has stopped watching the descriptor by
 * itself, as some do after an error: the next wait asks for it anew by fd_set(). */
void yk_kit_disarmed(yk_kit_watch *watch);

/* The create() of a runtime on the kit (ABI C1). */
int32_t yk_kit_create(const yk_kit_driver *driver, const yk_host *host, const yk_config *config,
                      yk_spawner **out_spawner, const yk_ops **out_ops, yk_error *error);

/* Fills in *error (which may be NULL) and returns `code`. */
int yk_kit_fail(yk_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* For a driver without options of its own: -EINVAL with a sentence if there is one.  `runtime` is
 * its name. */
int yk_kit_refuse_options(const char *runtime, const yk_config *config, yk_error *error);

/* Defines the one exported symbol.  runtime_id is a bare word: the file is runtime_<id>.so.
 * more_caps: what the driver can beyond the kit's own YK_CAP_LOOPS and YK_CAP_WORKERS:
 * YK_CAP_PRIORITY or 0. */
#define YK_KIT_RUNTIME(runtime_id, runtime_version, runtime_build, more_caps, driver)              \
    static int32_t runtime_create(const yk_host *host, const yk_config *config,                    \
                                  yk_spawner **out_spawner, const yk_ops **out_ops,                \
                                  yk_error *error)                                                 \
    {                                                                                              \
        return yk_kit_create((driver), host, config, out_spawner, out_ops, error);                 \
    }                                                                                              \
    static const void *runtime_extension(const char *id)                                           \
    {                                                                                              \
        (void)id;                                                                                  \
        return NULL;                                                                               \
    }                                                                                              \
    extern const yk_entry YK_RUNTIME_SYMBOL;                                                       \
    YK_EXPORT const yk_entry YK_RUNTIME_SYMBOL = {                                                 \
        .size = sizeof(yk_entry),                                                                  \
        .abi_major = YK_ABI_MAJOR,                                                                 \
        .abi_minor = YK_ABI_MINOR,                                                                 \
        .extra_bytes_max = YK_KIT_EXTRA_BYTES_MAX,                                                 \
        .magic = YK_ENTRY_MAGIC,                                                                   \
        .id = #runtime_id,                                                                         \
        .version = (runtime_version),                                                              \
        .build = (runtime_build),                                                                  \
        .caps = YK_CAP_LOOPS | YK_CAP_WORKERS | (more_caps),                                       \
        .create = runtime_create,                                                                  \
        .extension = runtime_extension,                                                            \
    }

#define YK_KIT_EXTRA_BYTES_MAX 1024

#ifdef __cplusplus
}
#endif
