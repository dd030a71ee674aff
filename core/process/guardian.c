/* SPDX-License-Identifier: MIT
 * guardian.c - see guardian.h. */
#include "core/process/guardian.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <yoke/condition.h>
#include <yoke/mutex.h>

#include "core/base/list.h"
#include "core/process/census.h"
#include "core/process/vigil.h"

#define GUARDIAN_MAGIC      UINT32_C(0x47554152)
#define RUN_ID_RANDOM_BYTES 16
#define RUN_ID_BYTES_MAX    256 /* eight runs inside each other */
#define LINE_BYTES_MAX      128
#define TELL_MS             1000 /* so long may the guardian leave the pipe full */
#define RETRY_MS            1000 /* between two replacements, at least */

/* A child's group that the guardian knows, or shall. */
struct note {
    struct list link;
    pid_t pid;
    uint64_t start;
};

struct guardian {
    uint32_t magic;
    _Atomic uint32_t holders; /* the owner and the task */
    struct guardian_options options;
    char variable[sizeof GUARDIAN_VARIABLE + RUN_ID_BYTES_MAX]; /* "YOKE_RUN_ID=..." */
    yk_task *task; /* owned handle: starts another guardian when one has ended */

    yk_mutex mutex;    /* guards the members below */
    yk_child *process; /* owned; NULL: being started */
    _Atomic pid_t pid; /* read without the mutex */
    uint32_t intents;
    struct list notes;
};

extern char **environ;

const char *guardian_run_id(const struct guardian *guardian)
{
    return guardian->variable + sizeof GUARDIAN_VARIABLE;
}

static const char *outer_run_id(void)
{
    for (char **at = environ; *at; at++) {
        if (strncmp(*at, GUARDIAN_VARIABLE "=", sizeof GUARDIAN_VARIABLE) == 0)
            return *at + sizeof GUARDIAN_VARIABLE;
    }
    return "";
}

static int run_id_make(struct guardian *guardian)
{
    uint8_t random[RUN_ID_RANDOM_BYTES];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return -EAGAIN; /* so few bytes come at once, or not at all on a kernel without a source */
    char own[2 * RUN_ID_RANDOM_BYTES + 1];
    for (size_t i = 0; i < sizeof random; i++)
        (void)snprintf(own + 2 * i, 3, "%02x", random[i]); /* fits */
    const char *outer = outer_run_id();
    if (strlen(outer) + 1 + sizeof own > RUN_ID_BYTES_MAX)
        outer = ""; /* too deep: the outer guardian finds the host itself */
    (void)snprintf(guardian->variable, sizeof guardian->variable, "%s=%s%s%s", GUARDIAN_VARIABLE,
                   outer, *outer ? "/" : "", own); /* fits */
    return 0;
}

/* --- the guardian's process ------------------------------------------------------------------- */

/* Reads what the process says first, up to a newline. */
static int greeting_read(yk_task *self, yk_child *process, const char *program, struct error *err)
{
    char text[256];
    size_t len = 0;
    int64_t deadline = yk_deadline_ms(self, GUARDIAN_READY_MS);
    while (len < sizeof text - 1 && !memchr(text, '\n', len)) {
        ssize_t n = yk_child_read(self, process, YK_CHILD_STDOUT, text + len, sizeof text - 1 - len,
                                  deadline);
        if (n < 0)
            return fail(err, (int)n, "the guardian '%s' did not say that it is ready: %s", program,
                        error_words((int)n));
        if (n == 0)
            break;
        len += (size_t)n;
    }
    text[len] = '\0';
    if (strcmp(text, VIGIL_GREETING) == 0)
        return 0;
    text[strcspn(text, "\n")] = '\0';
    return fail(err, -EPROTO, "'%s %s' is no guardian: it said '%s'", program, GUARDIAN_COMMAND,
                text);
}

static int process_start(yk_task *self, struct guardian *guardian, yk_child **out_process,
                         struct error *err)
{
    char grace[16];
    uint32_t grace_ms = guardian->options.grace_ms;
    (void)snprintf(grace, sizeof grace, "%u", grace_ms ? grace_ms : GUARDIAN_GRACE_MS); /* fits */
    const char *argv[] = {"yk-guardian", GUARDIAN_COMMAND, guardian_run_id(guardian), grace, NULL};
    yk_child_options options = {
        .program = guardian->options.program ? guardian->options.program : "/proc/self/exe",
        .argv = argv,
        .stderr_to_stdout = true,
        .reaper = guardian->options.reaper,
    };
    char text[YK_CHILD_ERROR_TEXT_BYTES];
    OWNED(yk_child) yk_child *process = NULL;
    int r = yk_child_start(self, &options, &process, text, sizeof text);
    if (r < 0)
        return fail(err, r, "the guardian: %s", text);
    r = greeting_read(self, process, options.program, err);
    if (r < 0)
        return r;
    *out_process = MOVE(process);
    return 0;
}

/* With the mutex, shielded.  A guardian that does not take the line is ended; the task starts
 * another one, which is told everything that holds then. */
static void tell(yk_task *self, struct guardian *guardian, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void tell(yk_task *self, struct guardian *guardian, const char *format, ...)
{
    if (!guardian->process)
        return;
    char line[LINE_BYTES_MAX];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    assert(len > 0 && (size_t)len < sizeof line);
    if (yk_child_write(self, guardian->process, line, (size_t)len, yk_deadline_ms(self, TELL_MS)) <
        0)
        (void)yk_child_signal(guardian->process, SIGKILL);
}

/* With the mutex, shielded. */
static void tell_all(yk_task *self, struct guardian *guardian)
{
    LIST_EACH(link, &guardian->notes)
    {
        const struct note *note = LIST_MEMBER(link, struct note, link);
        tell(self, guardian, "intent\nstart %d %llu\n", (int)note->pid,
             (unsigned long long)note->start);
    }
    for (uint32_t i = 0; i < guardian->intents; i++)
        tell(self, guardian, "intent\n");
}

/* Locks whatever happens; ends with unlock_shielded(). */
static void lock_shielded(yk_task *self, struct guardian *guardian)
{
    yk_shield_begin(self);
    int r = yk_mutex_lock(self, &guardian->mutex, YK_NEVER);
    assert(r == 0);
}

static void unlock_shielded(yk_task *self, struct guardian *guardian)
{
    yk_mutex_unlock(self, &guardian->mutex);
    yk_shield_end(self);
}

static void release(struct guardian *guardian)
{
    if (atomic_fetch_sub(&guardian->holders, 1) > 1)
        return;
    yk_child_free(guardian->process);
    LIST_EACH(link, &guardian->notes)
    {
        free(LIST_MEMBER(link, struct note, link));
    }
    guardian->magic = 0;
    free(guardian);
}

/* The process has ended: starts another one.  Only the task changes guardian->process. */
static int process_replace(yk_task *self, struct guardian *guardian)
{
    lock_shielded(self, guardian);
    yk_child *old = MOVE(guardian->process);
    guardian->pid = 0;
    unlock_shielded(self, guardian);
    yk_child_free(old);

    for (;;) {
        OWNED(yk_child) yk_child *process = NULL;
        int r = process_start(self, guardian, &process, NULL);
        if (r == 0) {
            lock_shielded(self, guardian);
            guardian->process = MOVE(process);
            guardian->pid = yk_child_pid(guardian->process);
            tell_all(self, guardian);
            unlock_shielded(self, guardian);
            return 0;
        }
        if (r != -ECANCELED)
            r = yk_task_sleep(self, yk_deadline_ms(self, RETRY_MS));
        if (r < 0)
            return r;
    }
}

static int watch(yk_task *self, void *arg)
{
    struct guardian *guardian = arg;
    int64_t started = 0; /* the first one is replaced at once, whenever it ends */
    int r = 0;
    while (r == 0) {
        r = yk_child_wait(self, guardian->process, YK_NEVER, NULL);
        if (r == -ECHILD)
            r = 0; /* ended as well */
        if (r == 0 && yk_now(self) - started < (int64_t)RETRY_MS * 1000000)
            r = yk_task_sleep(self, started + (int64_t)RETRY_MS * 1000000);
        started = yk_now(self);
        if (r == 0)
            r = process_replace(self, guardian);
    }
    release(guardian);
    return 0;
}

/* --- the host's side -------------------------------------------------------------------------- */

int guardian_open(yk_task *self, const struct guardian_options *options,
                  struct guardian **out_guardian, struct error *err)
{
    struct guardian *guardian = calloc(1, sizeof *guardian);
    if (!guardian)
        return fail(err, -ENOMEM, "the guardian: out of memory");
    guardian->magic = GUARDIAN_MAGIC;
    atomic_init(&guardian->holders, 1);
    guardian->options = *options;
    list_init(&guardian->notes);
    int r = run_id_make(guardian);
    if (r < 0)
        (void)fail(err, r, "the guardian: no random bytes for the run's id: %s", error_words(r));
    else
        r = process_start(self, guardian, &guardian->process, err);
    if (r == 0) {
        guardian->pid = yk_child_pid(guardian->process);
        atomic_store(&guardian->holders, 2);
        r = yk_task_spawn(yk_task_spawner(self), "guardian", watch, guardian, &guardian->task);
        if (r < 0) {
            atomic_store(&guardian->holders, 1);
            (void)fail(err, r, "the guardian: no task could be started: %s", error_words(r));
        }
    }
    if (r < 0) {
        release(guardian);
        return r;
    }
    *out_guardian = guardian;
    return 0;
}

pid_t guardian_pid(struct guardian *guardian)
{
    assert(guardian->magic == GUARDIAN_MAGIC);
    return guardian->pid;
}

/* The environment with the run's id in it.  The strings are borrowed; free() the list. */
static const char **env_make(const struct guardian *guardian, const char *const *env)
{
    size_t count = 0;
    while (env[count])
        count++;
    const char **with_id = malloc((count + 2) * sizeof *with_id);
    if (!with_id)
        return NULL;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (strncmp(env[i], GUARDIAN_VARIABLE "=", sizeof GUARDIAN_VARIABLE) != 0)
            with_id[kept++] = env[i];
    }
    with_id[kept++] = guardian->variable;
    with_id[kept] = NULL;
    return with_id;
}

/* Takes a note of what came of the intent; frees it when nothing did. */
static void note_take(yk_task *self, struct guardian *guardian, struct note *take_note,
                      const yk_child *child)
{
    struct census_entry entry = {0};
    if (child && census_look(yk_child_pid(child), &entry) < 0)
        entry.start = 0; /* fits no process: what is of the group is found by its environment */

    lock_shielded(self, guardian);
    guardian->intents--;
    if (child) {
        take_note->pid = yk_child_pid(child);
        take_note->start = entry.start;
        list_add_last(&guardian->notes, &take_note->link);
        tell(self, guardian, "start %d %llu\n", (int)take_note->pid,
             (unsigned long long)take_note->start);
    } else {
        tell(self, guardian, "failed\n");
    }
    unlock_shielded(self, guardian);
    if (!child)
        free(take_note);
}

int guardian_child_start(yk_task *self, struct guardian *guardian, const yk_child_options *options,
                         yk_child **out_child, char *error_text, size_t error_text_bytes)
{
    assert(guardian->magic == GUARDIAN_MAGIC);
    union {
        char **given;
        const char *const *wanted;
    } host_env = {.given = environ};
    const char **env = env_make(guardian, options->env ? options->env : host_env.wanted);
    struct note *note = malloc(sizeof *note);
    if (!env || !note) {
        free(note);
        free(env);
        if (error_text && error_text_bytes > 0)
            (void)snprintf(error_text, error_text_bytes,
                           "program '%s' was not started: out of memory", options->program);
        return -ENOMEM;
    }
    yk_child_options with_id = *options;
    with_id.env = env;

    lock_shielded(self, guardian);
    guardian->intents++;
    tell(self, guardian, "intent\n");
    unlock_shielded(self, guardian);
    yk_child *child = NULL;
    int r = yk_child_start(self, &with_id, &child, error_text, error_text_bytes);
    note_take(self, guardian, note, child);
    free(env);
    if (r == 0)
        *out_child = child;
    return r;
}

/* With the mutex. */
static struct note *note_find(struct guardian *guardian, pid_t pid)
{
    LIST_EACH(link, &guardian->notes)
    {
        struct note *note = LIST_MEMBER(link, struct note, link);
        if (note->pid == pid)
            return note;
    }
    return NULL;
}

void guardian_child_free(yk_task *self, struct guardian *guardian, yk_child *take_child)
{
    if (!take_child)
        return;
    assert(guardian->magic == GUARDIAN_MAGIC);
    lock_shielded(self, guardian);
    struct note *note = note_find(guardian, yk_child_pid(take_child));
    if (note) {
        list_remove(&note->link);
        tell(self, guardian, "end %d\n", (int)note->pid);
    }
    unlock_shielded(self, guardian);
    free(note);
    yk_child_free(take_child);
}

int guardian_close(yk_task *self, struct guardian *take_guardian, int64_t deadline)
{
    struct guardian *guardian = take_guardian;
    assert(guardian && guardian->magic == GUARDIAN_MAGIC);
    yk_task_cancel(guardian->task);
    (void)yk_task_join_free(self,
                            MOVE(guardian->task)); /* nobody replaces the process from now on */
    int r = 0;
    if (guardian->process) {
        lock_shielded(self, guardian);
        tell(self, guardian, "farewell\n");
        unlock_shielded(self, guardian);
        yk_child_close_stdin(guardian->process);
        r = yk_child_wait(self, guardian->process, deadline, NULL);
    }
    release(guardian);
    return r == -ECHILD ? 0 : r;
}

void guardian_free(struct guardian *take_guardian)
{
    if (!take_guardian)
        return;
    assert(take_guardian->magic == GUARDIAN_MAGIC);
    yk_task_free(take_guardian->task); /* cancels; as the last holder it kills the process */
    release(take_guardian);
}
