/* SPDX-License-Identifier: MIT
 * verdict.c - see verdict.h. */
#include "tests/conformance/verdict.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_BEHAVIOUR_FAILED 1

static struct verdict_page *page; /* borrowed from the runner */
static bool on_stderr;

void verdict_open(struct verdict_page *shared_page)
{
    page = shared_page;
}

void verdict_on_stderr(void)
{
    on_stderr = true;
}

static void say(const char *word)
{
    if (on_stderr)
        (void)fprintf(stderr, "%s  %s\n", word, page->reason);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

void verdict_fail(const char *file, int line, const char *format, ...)
{
    if (atomic_fetch_add(&page->writers, 1) > 0)
        _exit(EXIT_BEHAVIOUR_FAILED); /* another thread was first and its sentence counts */

    va_list args;
    va_start(args, format);
    int length = vsnprintf(page->reason, sizeof page->reason, format, args);
    va_end(args);
    if (length >= 0 && (size_t)length < sizeof page->reason)
        (void)snprintf(page->reason + length, sizeof page->reason - (size_t)length, " [%s:%d]",
                       base_name(file), line);
    atomic_store(&page->verdict, VERDICT_FAIL);
    say("fail");
    _exit(EXIT_BEHAVIOUR_FAILED);
}

void verdict_skip(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(page->reason, sizeof page->reason, format, args);
    va_end(args);
    atomic_store(&page->verdict, VERDICT_SKIP);
    say("skip");
    _exit(EXIT_SUCCESS);
}

void verdict_pass(void)
{
    uint32_t none = VERDICT_NONE;
    (void)atomic_compare_exchange_strong(&page->verdict, &none,
                                         VERDICT_PASS); /* or it was warned */
    say(atomic_load(&page->verdict) == VERDICT_WARN ? "warn" : "pass");
    exit(EXIT_SUCCESS); /* not _exit: what a tool or the plugin does at exit must work, too */
}

void verdict_warn(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(page->reason, sizeof page->reason, format, args);
    va_end(args);
    atomic_store(&page->verdict, VERDICT_WARN);
}

void verdict_step(const char *format, ...)
{
    static atomic_flag busy = ATOMIC_FLAG_INIT;
    if (atomic_flag_test_and_set(&busy))
        return; /* of two at the same moment one is enough */
    va_list args;
    va_start(args, format);
    (void)vsnprintf(page->step, sizeof page->step, format, args);
    va_end(args);
    atomic_flag_clear(&busy);
}

const char *code_name(int64_t code)
{
    static const struct {
        int32_t code;
        const char *name;
    } codes[] = {
        {0, "0"},
        {-EINVAL, "-EINVAL"},
        {-ENOMEM, "-ENOMEM"},
        {-EAGAIN, "-EAGAIN"},
        {-ETIMEDOUT, "-ETIMEDOUT"},
        {-EINTR, "-EINTR"},
        {-EBADF, "-EBADF"},
        {-EBUSY, "-EBUSY"},
        {-EDEADLK, "-EDEADLK"},
        {-ENOSYS, "-ENOSYS"},
        {-EOWNERDEAD, "-EOWNERDEAD"},
        {-EMFILE, "-EMFILE"},
        {-EPERM, "-EPERM"},
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].code == code)
            return codes[i].name;
    return code > 0 ? "a positive number" : "a code that the ABI does not know";
}

void verdict_expect_code(const char *file, int line, const char *call, int32_t found,
                         int32_t wanted)
{
    if (found != wanted)
        verdict_fail(file, line, "%s gave %s (%d), expected %s", call, code_name(found), found,
                     code_name(wanted));
}

void verdict_expect_equal(const char *file, int line, const char *what, int64_t found,
                          int64_t wanted)
{
    if (found != wanted)
        verdict_fail(file, line, "%s: found %lld, expected %lld", what, (long long)found,
                     (long long)wanted);
}
