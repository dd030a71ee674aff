/* SPDX-License-Identifier: MIT
 * inject_parameter.c - injection, second pattern: a function that starts work in the background
 * takes the spawner and returns the handle.
 *
 * Layer: docs/examples, on installed headers only.  docs/INJECTION.md quotes it.  Start at
 * word_counter_start(). */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <yoke/channel.h>
#include <yoke/default.h>

#define LINE_BYTES_MAX 80
#define LINES_UNREAD   2

struct line {
    char text[LINE_BYTES_MAX];
};

static int words_of(const char *text)
{
    int count = 0;
    bool inside = false;
    for (; *text; text++) {
        bool was_inside = inside;
        inside = !isspace((unsigned char)*text);
        count += inside && !was_inside;
    }
    return count;
}

static int count_words(yk_task *self, void *arg)
{
    yk_channel *lines = arg;
    struct line line;
    int words = 0;
    int r;
    while ((r = yk_channel_receive(self, lines, &line, YK_NEVER)) == 0)
        words += words_of(line.text);
    return r == -EPIPE ? words : r; /* closed: that was all */
}

/* Starts to count the words of the lines that come on a channel.
 *
 * spawner   where the counting is done
 * lines     of struct line; borrowed until the task has ended, which it does when the channel is
 *           closed
 * out_task  a handle, owned by the caller; the task's result is the number of words
 * Returns 0, -ENOMEM, -EAGAIN (a limit of the spawner). */
static int word_counter_start(yk_spawner *spawner, yk_channel *lines, yk_task **out_task)
{
    return yk_task_spawn(spawner, "word counter", count_words, lines, out_task);
}

static int program(yk_task *self, void *arg)
{
    static const char *const text[] = {"What is started in the background",
                                       "gets its spawner from who starts it,",
                                       "and who starts it gets the handle."};
    (void)arg;
    OWNED(yk_channel) yk_channel *lines = NULL;
    int r = yk_channel_new(sizeof(struct line), LINES_UNREAD, &lines);
    if (r < 0)
        return r;
    yk_task *counter = NULL;
    r = word_counter_start(yk_task_spawner(self), lines, &counter);
    if (r < 0)
        return r;

    for (size_t i = 0; r == 0 && i < sizeof text / sizeof text[0]; i++) {
        struct line line;
        (void)snprintf(line.text, sizeof line.text, "%s", text[i]); /* none is longer */
        r = yk_channel_send(self, lines, &line, YK_NEVER);
    }
    yk_channel_close(lines);
    int words = yk_task_join_free(self, counter);
    assert(r == 0 && words == 20);
    printf("%d words\n", words);
    return 0;
}

int main(void)
{
    yk_spawner *spawner = yk_default_spawner();
    return spawner && yk_run(spawner, program, NULL) == 0 ? 0 : 1;
}
