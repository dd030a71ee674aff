/* SPDX-License-Identifier: MIT
 * thread.c - see thread.h. */
#include "plugins/kit/thread.h"

#include <signal.h>

void kit_thread_mask(sigset_t *out_mask)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
    sigfillset(out_mask);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        sigdelset(out_mask, faults[i]);
}

int kit_thread_start(const char *name, size_t stack_bytes, void *(*fn)(void *), void *arg,
                     pthread_t *out_thread)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    int r = stack_bytes ? pthread_attr_setstacksize(&attributes, stack_bytes) : 0;
    if (r == 0) {
        sigset_t mask, before;
        kit_thread_mask(&mask);
        pthread_sigmask(SIG_SETMASK, &mask, &before);
        r = pthread_create(out_thread, &attributes, fn, arg);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    pthread_attr_destroy(&attributes);
    if (r == 0)
        (void)pthread_setname_np(*out_thread, name); /* for people only */
    return -r;
}
