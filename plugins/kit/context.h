/* SPDX-License-Identifier: MIT
 * context.h - two stacks on one thread: leave one, go on on the other.
 *
 * Layer: plugins/kit.  Threads: both contexts belong to the calling thread.
 * Assembler for x86-64 and aarch64, ucontext elsewhere (and with -DKIT_CONTEXT_PORTABLE).  Saves
 * what the System V ABI calls callee-saved, the floating-point control words included; the signal
 * mask stays the thread's. Every switch is announced to AddressSanitizer and ThreadSanitizer. */
#pragma once

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define KIT_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KIT_ASAN 1
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#define KIT_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define KIT_TSAN 1
#endif
#endif

#if defined(KIT_ASAN)
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(KIT_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

#include "plugins/kit/stack_switch.h"

struct kit_context {
    void *sp; /* where its registers lie; meaningless while it runs */
#if defined(KIT_ASAN)
    void *fake_stack;
    const void *stack_low;
    size_t stack_bytes;
#endif
#if defined(KIT_TSAN)
    void *tsan;
#endif
};

/* The context of the thread's own stack, from which others are entered. */
void kit_context_init_thread(struct kit_context *context);

/* Prepares a stack of stack_bytes bytes below `top` (a multiple of 16) so that the first switch
 * calls entry(arg). entry must not return: it ends by kit_context_leave(). */
void kit_context_init(struct kit_context *context, void *top, size_t stack_bytes,
                      void (*entry)(void *), void *arg);

/* The first thing that `entry` calls. */
static inline void kit_context_begin(struct kit_context *context)
{
    (void)context;
#if defined(KIT_ASAN)
    __sanitizer_finish_switch_fiber(context->fake_stack, NULL, NULL);
#endif
}

/* Leaves `from`, goes on in `to`; returns when somebody switches to `from`. */
static inline void kit_context_switch(struct kit_context *from, struct kit_context *to)
{
#if defined(KIT_ASAN)
    __sanitizer_start_switch_fiber(&from->fake_stack, to->stack_low, to->stack_bytes);
#endif
#if defined(KIT_TSAN)
    __tsan_switch_to_fiber(to->tsan, 0);
#endif
    kit_stack_switch(&from->sp, to->sp);
    kit_context_begin(from);
}

/* As the switch, for a context that nobody will enter again. */
static inline void kit_context_leave(struct kit_context *from, struct kit_context *to)
{
#if defined(KIT_ASAN)
    __sanitizer_start_switch_fiber(NULL, to->stack_low, to->stack_bytes);
#endif
#if defined(KIT_TSAN)
    __tsan_switch_to_fiber(to->tsan, 0);
#endif
    (void)from;
    kit_stack_leave(to->sp);
}

/* Gives back what the announcements hold; after the context was left for ever, by another one. */
void kit_context_done(struct kit_context *context);
