/* SPDX-License-Identifier: MIT
 * program.c - see program.h. */
#include "core/process/program.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/process/pipe.h"

#define SCRIPT_LINE_BYTES 256 /* BINPRM_BUF_SIZE: what the kernel reads of a script's first line */

int program_open_directory(const char *directory, const char *program, struct error *err)
{
    int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int r = fd < 0 ? -errno : pipe_above_standard(fd);
    if (r == -ENOENT)
        return fail(err, r, "program '%s': its directory '%s' does not exist", program, directory);
    if (r == -ENOTDIR)
        return fail(err, r, "program '%s': '%s' is not a directory", program, directory);
    if (r < 0)
        return fail(err, r, "program '%s': its directory '%s': %s", program, directory,
                    error_words(r));
    if (faccessat(r, ".", X_OK, AT_EACCESS) < 0) {
        int code = -errno;
        (void)close(r);
        return fail(err, code, "program '%s': its directory '%s' may not be entered: %s", program,
                    directory, error_words(code));
    }
    return r;
}

static const char *env_value(const char *const *env, const char *name)
{
    size_t len = strlen(name);
    for (; *env; env++) {
        if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
            return *env + len + 1;
    }
    return NULL;
}

/* 0 if the kernel would try to run the file, else why not. */
static int candidate_check(const char *path, int directory_fd)
{
    struct stat status;
    if (fstatat(directory_fd, path, &status, 0) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode))
        return -EACCES;
    return faccessat(directory_fd, path, X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

/* Tries the folders of `path_list` in turn.  Returns 0 and the path in `path`, -ENOENT or
 * -EACCES. */
static int path_search(const char *program, const char *path_list, int directory_fd,
                       char path[PATH_MAX])
{
    int found = -ENOENT;
    for (const char *at = path_list;; at++) {
        size_t len = strcspn(at, ":");
        int n = len == 0 ? snprintf(path, PATH_MAX, "./%s",
                                    program) /* an empty element is the current folder */
                         : snprintf(path, PATH_MAX, "%.*s/%s", (int)len, at, program);
        if (n > 0 && n < PATH_MAX) {
            int r = candidate_check(path, directory_fd);
            if (r == 0)
                return 0;
            if (r == -EACCES)
                found = r; /* the search goes on, as execvp(3) does */
        }
        at += len;
        if (*at == '\0')
            return found;
    }
}

static int path_take(const char *path, char **out_path, const char *program, struct error *err)
{
    *out_path = strdup(path);
    return *out_path ? 0 : fail(err, -ENOMEM, "program '%s': out of memory", program);
}

int program_find(const char *program, const char *const *env, int directory_fd, char **out_path,
                 struct error *err)
{
    if (!program || program[0] == '\0')
        return fail(err, -EINVAL, "the name of the program to start is empty");
    if (strchr(program, '/'))
        return path_take(program, out_path, program, err);
    if (strlen(program) > NAME_MAX)
        return fail(err, -ENAMETOOLONG, "program '%.64s...': the name is longer than %d bytes",
                    program, NAME_MAX);

    const char *path_list = env_value(env, "PATH");
    if (!path_list)
        path_list = PROGRAM_PATH_DEFAULT;
    char *path = malloc(PATH_MAX);
    if (!path)
        return fail(err, -ENOMEM, "program '%s': out of memory", program);
    int r = path_search(program, path_list, directory_fd, path);
    if (r == 0)
        r = path_take(path, out_path, program, err);
    else if (r == -EACCES)
        (void)fail(err, r, "program '%s': found, but may not be run, in PATH '%s'", program,
                   path_list);
    else
        (void)fail(err, r, "program '%s' was not found in PATH '%s'", program, path_list);
    free(path);
    return r;
}

/* The first line of a script: the interpreter's path in `line`, or an empty string if the file is
 * no script. */
static void interpreter_read(const char *path, int directory_fd, char line[SCRIPT_LINE_BYTES])
{
    line[0] = '\0';
    int fd = openat(directory_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return;
    ssize_t len = read(fd, line, SCRIPT_LINE_BYTES - 1);
    (void)close(fd);
    if (len < 2 || line[0] != '#' || line[1] != '!') {
        line[0] = '\0';
        return;
    }
    line[len] = '\0';
    line[strcspn(line, "\n")] = '\0';
    const char *begin = line + 2 + strspn(line + 2, " \t");
    size_t name_len =
        strcspn(begin, " \t"); /* a final '\r' stays: it is why some interpreters do not exist */
    memmove(line, begin, name_len);
    line[name_len] = '\0';
}

/* What ENOENT means for a file that exists: its interpreter does not. */
static int explain_interpreter(int code, const char *program, const char *path, int directory_fd,
                               struct error *err)
{
    char interpreter[SCRIPT_LINE_BYTES];
    interpreter_read(path, directory_fd, interpreter);
    size_t len = strlen(interpreter);
    if (len > 0 && interpreter[len - 1] == '\r') {
        interpreter[len - 1] = '\0';
        return fail(
            err, code,
            "program '%s' is a script with DOS line ends: it asks for the interpreter '%s\\r'",
            path, interpreter);
    }
    if (len > 0)
        return fail(err, code, "program '%s' is a script whose interpreter '%s' %s", path,
                    interpreter, code == -ENOENT ? "does not exist" : "may not be run");
    return fail(err, code, "program '%s' is there, but the loader it was linked for is not (%s)",
                path, program);
}

int program_explain(int code, const char *program, const char *directory, const char *path,
                    int directory_fd, struct error *err)
{
    const char *in = directory && path[0] != '/' ? ", seen from directory " : "";
    const char *where = directory && path[0] != '/' ? directory : "";
    struct stat status;
    bool there = fstatat(directory_fd, path, &status, 0) == 0;

    if (code == -ENOENT && !there)
        return fail(err, code, "program '%s' does not exist%s%s", path, in, where);
    if (code == -ENOENT)
        return explain_interpreter(code, program, path, directory_fd, err);
    if (code == -EACCES && there && S_ISDIR(status.st_mode))
        return fail(err, code, "program '%s' is a directory%s%s", path, in, where);
    if (code == -EACCES && there && candidate_check(path, directory_fd) == 0)
        return explain_interpreter(code, program, path, directory_fd, err);
    if (code == -EACCES)
        return fail(err, code, "program '%s' may not be run: no execute permission%s%s", path, in,
                    where);
    if (code == -ENOEXEC)
        return fail(
            err, code,
            "program '%s' is neither a program for this machine nor a script that begins with #!",
            path);
    if (code == -E2BIG)
        return fail(err, code,
                    "program '%s': its arguments and environment are longer than the system takes",
                    program);
    if (code == -EAGAIN)
        return fail(err, code,
                    "program '%s': no process could be made: a limit on processes is reached",
                    program);
    return fail(err, code, "program '%s' could not be started: %s%s%s", path, error_words(code), in,
                where);
}
