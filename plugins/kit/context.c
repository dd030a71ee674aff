/* SPDX-License-Identifier: MIT
 * context.c - see context.h. */
#include "plugins/kit/context.h"

#include <stdint.h>
#include <string.h>

#if defined(KIT_ASAN)
#include <pthread.h>
#endif

#if defined(KIT_CONTEXT_PORTABLE)

#include <ucontext.h>

struct portable {
    ucontext_t registers;
    void (*entry)(void *);
    void *arg;
};

static void portable_start(unsigned int high, unsigned int low)
{
    struct portable *own = (struct portable *)(((uintptr_t)high << 32) | low);
    own->entry(own->arg);
}

/* Lays the registers at the top of the stack that they describe. */
static void *stack_prepare(char *top, size_t stack_bytes, void (*entry)(void *), void *arg)
{
    struct portable *own = (struct portable *)(void *)(top - sizeof *own - 64);
    own = (struct portable *)((uintptr_t)own & ~(uintptr_t)63);
    (void)getcontext(&own->registers); /* cannot fail with valid memory */
    own->entry = entry;
    own->arg = arg;
    own->registers.uc_stack.ss_sp = top - stack_bytes;
    own->registers.uc_stack.ss_size = (size_t)((char *)own - (top - stack_bytes));
    own->registers.uc_link = NULL;
    makecontext(&own->registers, (void (*)(void))(void *)portable_start, 2,
                (unsigned int)((uintptr_t)own >> 32), (unsigned int)(uintptr_t)own);
    return own;
}

void kit_stack_switch(void **out_sp, void *sp)
{
    struct portable own;
    *out_sp = &own;
    (void)swapcontext(&own.registers, &((struct portable *)sp)->registers);
}

#elif defined(__x86_64__)

void kit_stack_start(void);

__asm__(".text\n"
        ".p2align 4\n"
        ".globl kit_stack_start\n"
        ".hidden kit_stack_start\n"
        ".type kit_stack_start, @function\n"
        "kit_stack_start:\n"
        "    .cfi_startproc\n"
        "    .cfi_undefined rip\n" /* a backtrace ends here */
        "    endbr64\n"
        "    movq 16(%rsp), %rax\n"
        "    movq 24(%rsp), %rdi\n"
        "    addq $32, %rsp\n"
        "    xorl %ebp, %ebp\n"
        "    callq *%rax\n"
        "    ud2\n"
        "    .cfi_endproc\n"
        ".size kit_stack_start, .-kit_stack_start\n");

static void *stack_prepare(char *top, size_t stack_bytes, void (*entry)(void *), void *arg)
{
    (void)stack_bytes;
    /* Without its frame the stack begins at `top`, a multiple of 16, and the call there makes it
     * right for entry. */
    struct kit_frame *frame = (struct kit_frame *)(void *)(top - sizeof *frame);
    frame->address = (void *)(uintptr_t)kit_stack_start;
    __asm__ volatile("stmxcsr %0" : "=m"(frame->mxcsr));
    __asm__ volatile("fnstcw %0" : "=m"(frame->x87_control));
    frame->entry = entry;
    frame->arg = arg;
    return frame;
}

#elif defined(__aarch64__)

struct frame {
    uint64_t d[8];     /* d8 to d15 */
    void *x19_x28[10]; /* x19: entry, x20: arg at the start */
    void *x29, *x30;
    uint64_t fpcr;
    uint64_t unused;
};

void kit_stack_start(void);

__asm__(".text\n"
        ".p2align 4\n"
        ".globl kit_stack_switch\n"
        ".hidden kit_stack_switch\n"
        ".type kit_stack_switch, %function\n"
        "kit_stack_switch:\n"
        "    .cfi_startproc\n"
        "    sub sp, sp, #176\n"
        "    stp d8, d9, [sp, #0]\n"
        "    stp d10, d11, [sp, #16]\n"
        "    stp d12, d13, [sp, #32]\n"
        "    stp d14, d15, [sp, #48]\n"
        "    stp x19, x20, [sp, #64]\n"
        "    stp x21, x22, [sp, #80]\n"
        "    stp x23, x24, [sp, #96]\n"
        "    stp x25, x26, [sp, #112]\n"
        "    stp x27, x28, [sp, #128]\n"
        "    stp x29, x30, [sp, #144]\n"
        "    mrs x2, fpcr\n"
        "    str x2, [sp, #160]\n"
        "    mov x3, sp\n"
        "    str x3, [x0]\n"
        "    mov sp, x1\n"
        "    ldp d8, d9, [sp, #0]\n"
        "    ldp d10, d11, [sp, #16]\n"
        "    ldp d12, d13, [sp, #32]\n"
        "    ldp d14, d15, [sp, #48]\n"
        "    ldp x19, x20, [sp, #64]\n"
        "    ldp x21, x22, [sp, #80]\n"
        "    ldp x23, x24, [sp, #96]\n"
        "    ldp x25, x26, [sp, #112]\n"
        "    ldp x27, x28, [sp, #128]\n"
        "    ldp x29, x30, [sp, #144]\n"
        "    ldr x4, [sp, #160]\n"
        "    cmp x4, x2\n"
        "    b.eq 1f\n"
        "    msr fpcr, x4\n"
        "1:  add sp, sp, #176\n"
        "    ret\n" /* in step with the call, for the predictor of returns */
        "    .cfi_endproc\n"
        ".size kit_stack_switch, .-kit_stack_switch\n"
        ".p2align 4\n"
        ".globl kit_stack_start\n"
        ".hidden kit_stack_start\n"
        ".type kit_stack_start, %function\n"
        "kit_stack_start:\n"
        "    .cfi_startproc\n"
        "    .cfi_undefined x30\n"
        "    mov x0, x20\n"
        "    mov x29, xzr\n"
        "    blr x19\n"
        "    brk #1\n"
        "    .cfi_endproc\n"
        ".size kit_stack_start, .-kit_stack_start\n");

static void *stack_prepare(char *top, size_t stack_bytes, void (*entry)(void *), void *arg)
{
    (void)stack_bytes;
    struct frame *frame = (struct frame *)(void *)(top - sizeof *frame);
    memset(frame, 0, sizeof *frame);
    __asm__ volatile("mrs %0, fpcr" : "=r"(frame->fpcr));
    frame->x19_x28[0] = (void *)(uintptr_t)entry;
    frame->x19_x28[1] = arg;
    frame->x30 = (void *)(uintptr_t)kit_stack_start;
    return frame;
}

#endif

#if !defined(KIT_SWITCH_INLINE)
void kit_stack_leave(void *sp)
{
    void *never;
    kit_stack_switch(&never, sp);
    __builtin_unreachable();
}
#endif

void kit_context_init_thread(struct kit_context *context)
{
    memset(context, 0, sizeof *context);
#if defined(KIT_ASAN)
    pthread_attr_t attributes;
    void *low = NULL;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        (void)pthread_attr_getstack(&attributes, &low, &context->stack_bytes);
        pthread_attr_destroy(&attributes);
    }
    context->stack_low = low;
#endif
#if defined(KIT_TSAN)
    context->tsan = __tsan_get_current_fiber();
#endif
}

void kit_context_init(struct kit_context *context, void *top, size_t stack_bytes,
                      void (*entry)(void *), void *arg)
{
    context->sp = stack_prepare(top, stack_bytes, entry, arg);
#if defined(KIT_ASAN)
    context->fake_stack = NULL;
    context->stack_low = (char *)top - stack_bytes;
    context->stack_bytes = stack_bytes;
#endif
#if defined(KIT_TSAN)
    context->tsan = __tsan_create_fiber(0);
#endif
}

void kit_context_done(struct kit_context *context)
{
    (void)context;
#if defined(KIT_TSAN)
    __tsan_destroy_fiber(context->tsan);
#endif
}
