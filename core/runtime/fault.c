/* SPDX-License-Identifier: MIT
 * fault.c - see fault.h.  Everything below fault_handle() is async-signal-safe. */
#include "core/runtime/fault.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "core/runtime/host.h"

#define LINE_BYTES 512

/* A signal handler is given nothing, so what it looks through is the process's. */
static _Atomic(yk_spawner *) watched[FAULT_SPAWNERS_MAX];

void fault_watch(yk_spawner *spawner)
{
    for (int i = 0; i < FAULT_SPAWNERS_MAX; i++) {
        yk_spawner *expected = NULL;
        if (atomic_compare_exchange_strong(&watched[i], &expected, spawner))
            return;
    }
}

void fault_forget(yk_spawner *spawner)
{
    for (int i = 0; i < FAULT_SPAWNERS_MAX; i++) {
        yk_spawner *expected = spawner;
        if (atomic_compare_exchange_strong(&watched[i], &expected, NULL))
            return;
    }
}

/* ---- a line without stdio ---- */

struct line {
    char text[LINE_BYTES];
    size_t len;
};

static void add_text(struct line *line, const char *text)
{
    while (*text && line->len < sizeof line->text - 1)
        line->text[line->len++] = *text++;
}

static void add_number(struct line *line, uint64_t number, unsigned base)
{
    char digits[20];
    int count = 0;
    do
        digits[count++] = "0123456789abcdef"[number % base];
    while ((number /= base) > 0);
    while (count > 0 && line->len < sizeof line->text - 1)
        line->text[line->len++] = digits[--count];
}

/* ---- the handler ---- */

struct found {
    int where; /* 1: in the guard, 0: in the stack, -1: in neither */
    const char *task;
    const char *runtime;
    uint64_t stack_bytes;
};

static struct found find(const void *address)
{
    struct found found = {.where = -1};
    for (int i = 0; i < FAULT_SPAWNERS_MAX && found.where < 0; i++) {
        yk_spawner *spawner = atomic_load(&watched[i]);
        if (!spawner)
            continue;
        const yk_stacks_v1 *stacks = spawner->ops->extension(spawner, "yoke.stacks/1");
        if (!stacks)
            continue;
        found.where = stacks->find(spawner, address, &found.task, &found.stack_bytes);
        found.runtime = host_spawner_of(spawner)->entry->id;
    }
    return found;
}

static void fault_handle(int signal, siginfo_t *info, void *context)
{
    (void)context;
    struct line line = {.len = 0};
    struct found found = find(info->si_addr);
    const yk_task *self = host_current_task();
    add_text(&line, "yoke: fatal: ");
    if (found.where == 1) {
        add_text(&line, "task '");
        add_text(&line, found.task);
        add_text(&line, "' overflowed its stack of ");
        add_number(&line, found.stack_bytes / 1024, 10);
        add_text(&line, " KiB on runtime ");
        add_text(&line, found.runtime);
        add_text(&line, "; a larger stack_size in runtimes.conf is the remedy if it is not endless "
                        "recursion\n");
    } else {
        add_text(&line,
                 signal == SIGBUS ? "bus error at address 0x" : "segmentation fault at address 0x");
        add_number(&line, (uintptr_t)info->si_addr, 16);
        add_text(&line, self ? " in task '" : " off any task");
        add_text(&line, self ? self->name : "");
        add_text(&line, self ? "'\n" : "\n");
    }
    ssize_t written = write(STDERR_FILENO, line.text, line.len);
    (void)written; /* there is nobody else to tell */
    struct sigaction as_before = {.sa_handler = SIG_DFL};
    (void)sigaction(signal, &as_before,
                    NULL); /* the instruction is tried again, and ends the process */
}

int fault_install(void)
{
    struct sigaction action = {.sa_sigaction = fault_handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGSEGV, &action, NULL) < 0 || sigaction(SIGBUS, &action, NULL) < 0)
        return -errno;
    return 0;
}
