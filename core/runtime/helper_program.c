/* SPDX-License-Identifier: MIT
 * helper_program.c - see helper_program.h. */
#include "core/runtime/helper_program.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VARIABLE_BYTES_MAX 64

/* Writes "YOKE_CONFORMANCE" for "yoke-conformance"; a longer name is cut and finds nothing. */
static void name_variable(const char *name, char out_variable[VARIABLE_BYTES_MAX])
{
    size_t i = 0;
    for (; name[i] != '\0' && i < VARIABLE_BYTES_MAX - 1; i++)
        out_variable[i] = name[i] == '-' ? '_' : (char)toupper((unsigned char)name[i]);
    out_variable[i] = '\0';
}

/* execv() takes its words without const, and does not write to them. */
static char *unconst(const char *word)
{
    return (char *)(uintptr_t)word;
}

static int become(const char *path, const char *variable, const char *const *words,
                  struct error *err)
{
    size_t count = 0;
    while (words[count])
        count++;
    char **argv = calloc(count + 2, sizeof *argv);
    if (!argv)
        return fail(err, -ENOMEM, "cannot run %s: out of memory", path);
    argv[0] = unconst(path);
    for (size_t i = 0; i < count; i++)
        argv[i + 1] = unconst(words[i]);
    (void)execv(path, argv); /* returns only on failure */
    int r = fail(err, -errno, "cannot run %s: %s; %s can name another", path, error_words(-errno),
                 variable);
    free(argv);
    return r;
}

int helper_exec(const char *name, const char *const *words, struct error *err)
{
    char variable[VARIABLE_BYTES_MAX];
    name_variable(name, variable);
    const char *named = secure_getenv(variable);
    if (named && named[0] != '/')
        return fail(err, -EINVAL, "%s: '%s' is not an absolute path", variable, named);
    if (named)
        return become(named, variable, words, err);

    char *path = NULL;
    if (asprintf(&path, YOKE_LIBEXEC_DIR "/%s", name) < 0)
        return fail(err, -ENOMEM, "cannot run %s: out of memory", name);
    int r = become(path, variable, words, err);
    free(path);
    return r;
}
