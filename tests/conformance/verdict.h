/* SPDX-License-Identifier: MIT
 * verdict.h - how a behaviour says what it found: expectations that name what was wanted and what
 * there was.
 *
 * Layer: tests/conformance.  Threads: any, on a task or off, and forked children.  Start at
 * EXPECT().
 *
 * A behaviour runs in a process of its own.  The first expectation that does not hold writes its
 * sentence on a page that is shared with the runner, and ends the process on the spot: nothing
 * needs to be tidied up. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#define VERDICT_REASON_BYTES 512
#define VERDICT_STEP_BYTES   160

enum verdict {
    VERDICT_NONE, /* it has not said: it crashed, hangs or exited */
    VERDICT_PASS,
    VERDICT_WARN, /* it works, but not well */
    VERDICT_SKIP, /* what it needs is absent */
    VERDICT_FAIL,
};

/* Shared with the runner. */
struct verdict_page {
    _Atomic uint32_t verdict;
    _Atomic uint32_t writers; /* only the first failure is written down */
    char reason[VERDICT_REASON_BYTES];
    char step[VERDICT_STEP_BYTES];
};

/* Where this process writes its verdict from now on; borrowed. */
void verdict_open(struct verdict_page *page);

/* Prints the verdict, too: for a behaviour that runs under a debugger. */
void verdict_on_stderr(void);

/* Ends the process with a verdict. */
void verdict_fail(const char *file, int line, const char *format, ...)
    __attribute__((noreturn, format(printf, 3, 4)));
void verdict_skip(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void verdict_pass(void) __attribute__((noreturn)); /* or warn, if verdict_warn() was called */

/* Notes what is not well; the behaviour goes on. */
void verdict_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Notes what is about to be done: shown if the process hangs or crashes then. */
void verdict_step(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The name of a code of the ABI with its sign, "-EBADF", "0". */
const char *code_name(int64_t code);

void verdict_expect_code(const char *file, int line, const char *call, int32_t found,
                         int32_t wanted);
void verdict_expect_equal(const char *file, int line, const char *what, int64_t found,
                          int64_t wanted);

#define FAIL(...) verdict_fail(__FILE__, __LINE__, __VA_ARGS__)

/* The sentence says what is wrong when the condition does not hold. */
#define EXPECT(condition, ...)                                                                     \
    do {                                                                                           \
        if (!(condition))                                                                          \
            FAIL(__VA_ARGS__);                                                                     \
    } while (0)

/* What a verb answered. */
#define EXPECT_CODE(call, wanted) verdict_expect_code(__FILE__, __LINE__, #call, (call), (wanted))

/* A count, an id, a value. */
#define EXPECT_EQUAL(what, found, wanted)                                                          \
    verdict_expect_equal(__FILE__, __LINE__, (what), (int64_t)(found), (int64_t)(wanted))
