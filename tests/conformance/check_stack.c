/* SPDX-License-Identifier: MIT
 * check_stack.c - behaviours of a task's stack and registers.
 *
 * Layer: tests/conformance.  Source: <yoke/spawner.h>, T2, T3, yk_spawn_options.stack_bytes,
 * yoke.stacks/1; the processor's ABI: alignment, floating-point control words, frames. */
#include <execinfo.h>
#include <fenv.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/conformance/behaviours.h"
#include "tests/conformance/gate.h"
#include "tests/conformance/verbs.h"
#include "tests/conformance/verdict.h"

#define FRAMES_MAX        200
#define FRAME_BYTES       1024
#define STACK_BYTES_ASKED (256U * 1024)
#define OVERFLOW_NAME     "overflowing"

static int32_t aligned_entry(yk_task *self, void *arg)
{
    _Alignas(16) volatile float numbers[4] = {1, 2, 3, 4}; /* moved by aligned instructions */
    EXPECT((uintptr_t)numbers % 16 == 0, "a local aligned to 16 lies at %p: the stack is not",
           (volatile void *)numbers);
    EXPECT((uintptr_t)__builtin_frame_address(0) % 16 == 0,
           "the entry's frame lies at %p, not aligned to 16", __builtin_frame_address(0));
    for (int i = 0; i < 4; i++)
        numbers[i] = numbers[i] * 2;
    yield(self);
    EXPECT(numbers[0] + numbers[1] + numbers[2] + numbers[3] == 20,
           "floating point gave another result");
    char text[64];
    (void)snprintf(text, sizeof text, "%.2f", (double)numbers[3]); /* libc's own use of SSE */
    EXPECT(strcmp(text, "8.00") == 0, "printf of a number gave '%s'", text);
    gate_pass(arg);
    return 0;
}

static void stack_alignment_16(yk_task *self, struct bed *bed)
{
    struct gate gate;
    int count = bed_count(bed, 50, 20);
    gate_init(&gate, self, count);
    for (int i = 0; i < count; i++)
        bed_spawn(self->spawner, aligned_entry, &gate);
    gate_wait(self, &gate, "tasks that use aligned locals");
}

struct deep {
    struct gate gate;
    uint32_t bytes;
};

/* Uses the stack down to `end`, frame by frame; the sum keeps the compiler from leaving it out. */
__attribute__((noinline)) static unsigned use_stack(uintptr_t end)
{
    volatile unsigned char frame[FRAME_BYTES];
    memset((void *)(uintptr_t)frame, 0x55, sizeof frame);
    unsigned sum = frame[FRAME_BYTES / 2];
    if ((uintptr_t)frame > end)
        sum += use_stack(end);
    return sum + frame[0];
}

/* 90 %, without what was used before; ThreadSanitizer needs most of a stack for itself. */
#ifdef __SANITIZE_THREAD__
#define BYTES_TO_USE(stack_bytes) ((stack_bytes) / 4)
#else
#define BYTES_TO_USE(stack_bytes) ((stack_bytes) / 10 * 9 - 4096)
#endif

static int32_t deep_entry(yk_task *self, void *arg)
{
    (void)self;
    struct deep *deep = arg;
    (void)use_stack((uintptr_t)__builtin_frame_address(0) - deep->bytes);
    gate_pass(&deep->gate);
    return 0;
}

static void stack_size_honoured(yk_task *self, struct bed *bed)
{
    int count = bed_count(bed, 20, 10);
    for (uint32_t asked = 64 * 1024; asked <= 1024 * 1024; asked *= 4) {
        struct deep deep = {.bytes = BYTES_TO_USE(asked)};
        gate_init(&deep.gate, self, count);
        yk_spawn_options options = {.size = sizeof options, .stack_bytes = asked};
        verdict_step("using 90 %% of stacks of %" PRIu32 " bytes", asked);
        for (int i = 0; i < count; i++)
            EXPECT_CODE(spawn(self->spawner, &options, deep_entry, &deep, NULL), 0);
        gate_wait(self, &deep.gate, "tasks that use 90 % of their stacks");
        bed_await_alone(self);
    }
}

static void use_default_stack(yk_task *self, struct bed *bed)
{
    (void)bed;
    struct deep deep = {.bytes = BYTES_TO_USE(STACK_BYTES_ASKED)};
    gate_init(&deep.gate, self, 2);
    verdict_step("using 90 %% of a default stack of %u bytes", STACK_BYTES_ASKED);
    bed_spawn(self->spawner, deep_entry, &deep);
    (void)deep_entry(self, &deep); /* the main task has such a stack, too */
    gate_wait(self, &deep.gate, "a task that uses 90 % of the default stack");
}

static void default_stack_size_honoured(struct bed *bed)
{
    yk_config config = bed_config(bed);
    config.stack_bytes = STACK_BYTES_ASKED;
    bed_run(bed, &config, use_default_stack);
}

/* A recursion without end, in a process of its own; what the signal's handler found is told by the
 * exit status. */
enum overflow_exit { OVERFLOW_SEEN = 40, OVERFLOW_NAMED, OVERFLOW_NOT_FOUND, OVERFLOW_OFF_STACK };

static const yk_stacks_v1 *stacks_extension;
static yk_spawner *overflow_spawner;

static void on_segv(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    if (!lent_on_signal_stack(__builtin_frame_address(0)))
        _exit(OVERFLOW_OFF_STACK); /* a sanitizer's stack, if it has one */
    if (!stacks_extension)
        _exit(OVERFLOW_SEEN);
    const char *name = NULL;
    uint64_t stack_bytes = 0;
    int32_t r = stacks_extension->find(overflow_spawner, info->si_addr, &name, &stack_bytes);
    _exit(r == 1 && name && strcmp(name, OVERFLOW_NAME) == 0 && stack_bytes > 0
              ? OVERFLOW_NAMED
              : OVERFLOW_NOT_FOUND);
}

static int32_t overflowing_entry(yk_task *self, void *arg)
{
    (void)self;
    (void)arg;
    return (int32_t)use_stack(0);
}

static void overflow_one(yk_task *self, struct bed *bed)
{
    (void)bed;
    overflow_spawner = self->spawner;
    stacks_extension = self->ops->extension(self->spawner, "yoke.stacks/1");
    struct sigaction action = {.sa_sigaction = on_segv, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    (void)sigaction(SIGSEGV, &action, NULL);
    (void)sigaction(SIGBUS, &action, NULL);
    yk_spawn_options options = {
        .size = sizeof options, .stack_bytes = 64 * 1024, .name = OVERFLOW_NAME};
    EXPECT_CODE(spawn(self->spawner, &options, overflowing_entry, NULL, NULL), 0);
    for (;;)
        (void)park(self, YK_NEVER);
}

static void stack_overflow_is_reported(struct bed *bed)
{
    struct rlimit core = {0};
    (void)setrlimit(RLIMIT_CORE, &core);
    pid_t pid = fork();
    EXPECT(pid >= 0, "the kit cannot fork");
    if (pid == 0)
        bed_block_on(bed, bed_create(bed), overflow_one);
    int status = 0;
    EXPECT(waitpid(pid, &status, 0) == pid, "the kit cannot wait for its child");
    if (WIFSIGNALED(status))
        return; /* silent it was not */
    int code = WEXITSTATUS(status);
    EXPECT(code != 0, "T2: a task overflowed its stack, and nothing stopped it");
    EXPECT(code != OVERFLOW_NOT_FOUND,
           "yoke.stacks/1: find() does not know the task whose guard was hit");
    if (code == OVERFLOW_SEEN)
        verdict_warn(
            "a stack overflow ends in SIGSEGV, but without yoke.stacks/1 nobody can name the task");
}

/* find() on addresses that are known. */
struct found {
    struct gate gate;
    const yk_stacks_v1 *stacks;
};

static int32_t find_entry(yk_task *self, void *arg)
{
    struct found *found = arg;
    const char *name = NULL;
    uint64_t stack_bytes = 0;
    char local = 0;
    int32_t r = found->stacks->find(self->spawner, &local, &name, &stack_bytes);
    EXPECT(r == 0, "yoke.stacks/1: find of a local's address gave %d, expected 0", r);
    EXPECT(name && strcmp(name, self->name) == 0,
           "yoke.stacks/1: find says the stack is of '%s', it is of '%s'", name ? name : "NULL",
           self->name);
    EXPECT(stack_bytes >= 4096, "yoke.stacks/1: find says that a stack has %" PRIu64 " bytes",
           stack_bytes);
    gate_pass(&found->gate);
    return 0;
}

static void stacks_are_found(yk_task *self, struct bed *bed)
{
    (void)bed;
    struct found found = {.stacks = self->ops->extension(self->spawner, "yoke.stacks/1")};
    if (!found.stacks)
        verdict_skip("extension yoke.stacks/1 is absent");
    static char elsewhere;
    const char *name = NULL;
    uint64_t stack_bytes = 0;
    int32_t r = found.stacks->find(self->spawner, &elsewhere, &name, &stack_bytes);
    EXPECT(r == -1, "yoke.stacks/1: find of a static's address gave %d, expected -1", r);
    gate_init(&found.gate, self, 10);
    for (int i = 0; i < 10; i++)
        bed_spawn(self->spawner, find_entry, &found);
    gate_wait(self, &found.gate, "tasks that look for their stacks");
}

struct rounding {
    struct gate gate;
    int mode;
};

static int32_t rounding_entry(yk_task *self, void *arg)
{
    struct rounding *rounding = arg;
    EXPECT(fesetround(rounding->mode) == 0, "the kit cannot set the rounding mode");
    for (int i = 0; i < 20; i++) {
        if (i % 2)
            yield(self);
        else
            (void)park(self, in_us(self->spawner, 20));
        EXPECT(fegetround() == rounding->mode,
               "a task's rounding mode was 0x%x before a wait and 0x%x after it", rounding->mode,
               fegetround());
    }
    (void)fesetround(FE_TONEAREST);
    gate_pass(&rounding->gate);
    return 0;
}

static void fp_control_word_preserved(yk_task *self, struct bed *bed)
{
    (void)bed;
    struct rounding up = {.mode = FE_UPWARD};
    struct rounding down = {.mode = FE_DOWNWARD};
    gate_init(&up.gate, self, 1);
    gate_init(&down.gate, self, 1);
    bed_spawn(self->spawner, rounding_entry, &up);
    bed_spawn(self->spawner, rounding_entry, &down);
    gate_wait(self, &up.gate, "a task that rounds upward");
    gate_wait(self, &down.gate, "a task that rounds downward");
    EXPECT(fegetround() == FE_TONEAREST, "another task's rounding mode has reached the main task");
}

static int32_t backtrace_entry(yk_task *self, void *arg)
{
    void *frames[FRAMES_MAX];
    (void)self;
    int count = backtrace(frames, FRAMES_MAX);
    EXPECT(count > 0 && count < FRAMES_MAX, "a backtrace in a task has %d frames: it does not end",
           count);
    gate_pass(arg);
    return 0;
}

static void walk_frames(yk_task *self, struct bed *bed)
{
    (void)bed;
    struct gate gate;
    gate_init(&gate, self, 1);
    bed_spawn(self->spawner, backtrace_entry, &gate);
    gate_wait(self, &gate, "a task that walks its frames");
}

static void backtrace_ends_at_task_entry(struct bed *bed)
{
    void *frame;
    (void)backtrace(&frame, 1); /* loads a library, for which a task's stack may be too small */
    bed_run(bed, NULL, walk_frames);
}

static const struct behaviour behaviours[] = {
    {"stack_alignment_16_and_SSE",
     "the entry starts on an aligned stack, as the processor's ABI wants",
     .on_task = stack_alignment_16},
    {"stack_size_honoured", "T5: 90 % of options->stack_bytes can be used",
     .on_task = stack_size_honoured},
    {"default_stack_size_honoured", "C1: and of config->stack_bytes, by the main task, too",
     .run = default_stack_size_honoured},
    {"stack_overflow_is_reported_not_silent",
     "T2: an overflow hits a guard, and yoke.stacks/1 names the task",
     .run = stack_overflow_is_reported},
    {"stacks_are_found", "yoke.stacks/1: find() knows whose stack an address is in",
     .on_task = stacks_are_found},
    {"fp_control_word_preserved", "the processor's ABI: rounding modes are each task's own",
     .on_task = fp_control_word_preserved},
    {"backtrace_ends_at_task_entry", "the processor's ABI: a debugger's walk of the frames ends",
     .run = backtrace_ends_at_task_entry},
};

THEME(stack, behaviours);
