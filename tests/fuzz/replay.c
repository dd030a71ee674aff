/* SPDX-License-Identifier: MIT
 * replay.c - feeds a fuzz target its corpus, without a fuzzer: what was found once is tested
 * always.
 *
 * Layer: tests/fuzz.  The program fuzz_x reads every file of $srcdir/tests/fuzz/corpus/x, then all
 * of them again cut short at each length. */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_BYTES_MAX 65536
#define CUT_BYTES_MAX  512 /* a longer file is cut at its first so many bytes only */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In memory of just that size, so that a sanitizer sees what reads beyond it. */
static void feed(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    if (!copy)
        abort();
    memcpy(copy, bytes, len);
    (void)LLVMFuzzerTestOneInput(copy, len); /* always 0, or it does not return */
    free(copy);
}

/* Returns whether it is a file that could be read. */
static bool feed_file(const char *name)
{
    static uint8_t bytes[FILE_BYTES_MAX];
    FILE *file = fopen(name, "rb");
    if (!file)
        return false;
    size_t len = fread(bytes, 1, sizeof bytes, file);
    bool whole = feof(file) && !ferror(file);
    (void)fclose(file); /* it was only read */
    if (!whole)
        return false;
    fprintf(stderr, "%s\n", name); /* the last one named is the one that failed */
    feed(bytes, len);
    for (size_t cut = 0; cut < len && cut < CUT_BYTES_MAX; cut++)
        feed(bytes, cut);
    return true;
}

/* Goes to the folder of the target that this program is called after. */
static int enter_corpus(const char *program)
{
    const char *srcdir = getenv("srcdir");
    const char *target = strstr(program, "/fuzz_");
    if (srcdir && chdir(srcdir) < 0)
        return -1;
    if (!target || chdir("tests/fuzz/corpus") < 0)
        return -1;
    return chdir(target + strlen("/fuzz_"));
}

int main(int argc, char **argv)
{
    int r = argc > 1 ? chdir(argv[1]) : enter_corpus(argv[0]);
    DIR *dir = r == 0 ? opendir(".") : NULL;
    if (!dir) {
        perror(argc > 1 ? argv[1] : argv[0]);
        return 1;
    }
    int files = 0, failures = 0;
    for (const struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        files++;
        failures += !feed_file(entry->d_name);
    }
    (void)closedir(dir); /* it was only read */
    printf("Checks: %d, Failures: %d, Errors: 0\n", files, failures);
    return files > 0 && failures == 0 ? 0 : 1;
}
