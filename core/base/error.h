/* SPDX-License-Identifier: MIT
 * error.h - what went wrong, for people: a code and one sentence.
 *
 * Layer: core/base.  Threads: none of its own.  Start at fail().
 *
 * Functions return 0 or a count on success and a negative errno on failure.  Where a human will
 * read the failure, the last parameter is `struct error *err`; the text is built once, where the
 * cause is known. */
#pragma once

#include <stdarg.h>

#define ERROR_TEXT_BYTES 512

struct error {
    int code;                    /* negative errno; 0: nothing went wrong */
    char text[ERROR_TEXT_BYTES]; /* one sentence that names thing, place and remedy; no final
                                    newline */
};

/* Writes code and text into `err` (which may be NULL) and returns `code`.  A text that is too long
 * ends in "...". */
int fail(struct error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As fail(), with the arguments as a va_list. */
int fail_list(struct error *err, int code, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

/* The name of a negative errno for programs and tests, "ENOMEM"; "E?" where the C library knows
 * none.  Static. */
const char *error_name(int code);

/* The system's words for a negative errno.  Static. */
const char *error_words(int code);
