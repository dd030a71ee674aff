/* SPDX-License-Identifier: MIT
 * stack_switch.h - leave one stack, go on on another: the registers alone.
 *
 * Layer: plugins/kit.  Threads: both stacks belong to the calling thread.  Used by context.h only.
 *
 * On x86-64 it is inline, for the sake of the predictor of returns.  A function that is called, and
 * leaves by a jump, leaves the predictor one return ahead of the stack, and every return on the way
 * out of a wait is then mispredicted; one that leaves by a return mispredicts each new stack.  A
 * jump without a call does neither: two tasks that wait in the same place return from it as if
 * there had been no switch (docs/adr/0006-a-switch-is-a-jump-without-a-call.md).
 * Source: System V ABI, AMD64 supplement, 3.2.1: which registers a call preserves. */
#pragma once

#include <stdint.h>

#if !defined(KIT_CONTEXT_PORTABLE) && !defined(__x86_64__) && !defined(__aarch64__)
#define KIT_CONTEXT_PORTABLE 1
#endif

#if defined(__x86_64__) && !defined(KIT_CONTEXT_PORTABLE)

#define KIT_SWITCH_INLINE 1

/* What lies at the stack pointer of a stack that nobody runs on. */
struct kit_frame {
    void *address; /* where to go on; what lies behind the control words is known there */
    uint32_t mxcsr;
    uint16_t x87_control;
    uint16_t unused;
    void (*entry)(void *); /* these two on a new stack */
    void *arg;
};
_Static_assert(sizeof(struct kit_frame) == 32, "kit_stack_start takes it off");

/* With the old stack's control words in eax and dx: goes on at the stack pointer.  Loading control
 * words costs more than the rest, so they are loaded only when they differ. */
#define KIT_GO_ON                                                                                  \
    "    cmpl 8(%%rsp), %%eax\n"                                                                   \
    "    jne 2f\n"                                                                                 \
    "3:  cmpw 12(%%rsp), %%dx\n"                                                                   \
    "    jne 4f\n"                                                                                 \
    "5:  jmp *(%%rsp)\n"                                                                           \
    "2:  ldmxcsr 8(%%rsp)\n"                                                                       \
    "    jmp 3b\n"                                                                                 \
    "4:  fldcw 12(%%rsp)\n"                                                                        \
    "    jmp 5b\n"

#if defined(__AVX512F__)
#define KIT_MORE_VECTORS                                                                           \
    , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25",    \
        "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3", "k4", "k5", "k6",  \
        "k7"
#else
#define KIT_MORE_VECTORS
#endif

/* All that a call does not preserve. */
#define KIT_SCRATCH_REGISTERS                                                                      \
    "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", \
        "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",               \
        "xmm15" KIT_MORE_VECTORS, "memory", "cc"

/* Stores the stack pointer with all registers behind it, goes on at `sp`; returns when somebody
 * goes on there.  Steps over the red zone first, which may hold what the compiler keeps. */
/* clang-format off */
static inline __attribute__((always_inline)) void kit_stack_switch(void **out_sp, void *sp)
{
    __asm__ volatile("    subq $128, %%rsp\n"
                     "    pushq %%rbp\n"
                     "    pushq %%rbx\n"
                     "    pushq %%r12\n"
                     "    pushq %%r13\n"
                     "    pushq %%r14\n"
                     "    pushq %%r15\n"
                     "    subq $16, %%rsp\n"
                     "    leaq 1f(%%rip), %%rax\n"
                     "    movq %%rax, (%%rsp)\n"
                     "    stmxcsr 8(%%rsp)\n"
                     "    fnstcw 12(%%rsp)\n"
                     "    movl 8(%%rsp), %%eax\n"
                     "    movzwl 12(%%rsp), %%edx\n"
                     "    movq %%rsp, (%0)\n"
                     "    movq %1, %%rsp\n"
                     KIT_GO_ON
                     "1:  endbr64\n"
                     "    addq $16, %%rsp\n"
                     "    popq %%r15\n"
                     "    popq %%r14\n"
                     "    popq %%r13\n"
                     "    popq %%r12\n"
                     "    popq %%rbx\n"
                     "    popq %%rbp\n"
                     "    addq $128, %%rsp\n"
                     : "+D"(out_sp), "+S"(sp)
                     :
                     : KIT_SCRATCH_REGISTERS);
}

/* Goes on at `sp` and never comes back: stores nothing. */
static inline __attribute__((always_inline, noreturn)) void kit_stack_leave(void *sp)
{
    __asm__ volatile("    stmxcsr -8(%%rsp)\n"
                     "    fnstcw -4(%%rsp)\n"
                     "    movl -8(%%rsp), %%eax\n"
                     "    movzwl -4(%%rsp), %%edx\n"
                     "    movq %0, %%rsp\n"
                     KIT_GO_ON
                     :
                     : "S"(sp)
                     : "rax", "rdx", "memory", "cc");
    __builtin_unreachable();
}
/* clang-format on */

#else

void kit_stack_switch(void **out_sp, void *sp);
__attribute__((noreturn)) void kit_stack_leave(void *sp);

#endif
