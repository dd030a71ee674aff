/* SPDX-License-Identifier: MIT
 * command.c - see command.h. */
#include "servers/host/command.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/base/suggest.h"

#define CHOICES_MAX    64 /* commands or options that a mistyped one is compared with */
#define PATH_BYTES_MAX 64
#define USAGE_PREFIX   "usage: "

/* What one types to run the command, "yoke runtime check": the start of its help. */
static int path_len(const struct command *command)
{
    const char *path = command->help + strlen(USAGE_PREFIX);
    return (int)(strstr(path, command->name) + strlen(command->name) - path);
}

static const char *path_start(const struct command *command)
{
    return command->help + strlen(USAGE_PREFIX);
}

static void print_commands(FILE *out, const char *path, const struct command *const *commands)
{
    fprintf(out, "usage: %s COMMAND [ARGUMENT]...\n\ncommands:\n", path);
    for (size_t i = 0; commands[i]; i++)
        fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(out, "\n`%s help COMMAND` says more.\n", path);
}

static const struct command *find(const struct command *const *commands, const char *name)
{
    for (size_t i = 0; commands[i]; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static int refuse_word(const char *path, const struct command *const *commands, const char *word)
{
    const char *names[CHOICES_MAX + 1] = {NULL};
    for (size_t i = 0; commands[i] && i < CHOICES_MAX; i++)
        names[i] = commands[i]->name;
    const char *near = suggest(word, names);
    fprintf(stderr, "%s: there is no %s '%s'%s%s%s; see `%s help`\n", path,
            word[0] == '-' ? "option" : "command", word, near ? " (did you mean '" : "",
            near ? near : "", near ? "'?)" : "", path);
    return EXIT_STATUS_USAGE;
}

/* Prints help on the command that the words name one after the other, or on the table. */
static int print_help(const char *path, const struct command *const *commands, char **words)
{
    if (!words[0]) {
        print_commands(stdout, path, commands);
        return 0;
    }
    const struct command *command = find(commands, words[0]);
    if (!command)
        return refuse_word(path, commands, words[0]);
    if (words[1] && command->parts) {
        char part_path[PATH_BYTES_MAX];
        (void)snprintf(part_path, sizeof part_path, "%s %s", path, command->name);
        return print_help(part_path, command->parts, words + 1);
    }
    fputs(command->help, stdout);
    return 0;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

int command_run(const char *path, const struct command *const *commands, int argc, char **argv)
{
    if (argc < 2) {
        print_commands(stderr, path, commands);
        return EXIT_STATUS_USAGE;
    }
    if (strcmp(argv[1], "help") == 0 || is_help(argv[1]))
        return print_help(path, commands, argv + 2);
    const char *word = strcmp(argv[1], "--version") == 0 ? "version" : argv[1];
    const struct command *command = find(commands, word);
    if (!command)
        return refuse_word(path, commands, argv[1]);
    if (command->parts) {
        char part_path[PATH_BYTES_MAX];
        (void)snprintf(part_path, sizeof part_path, "%s %s", path, command->name);
        return command_run(part_path, command->parts, argc - 1, argv + 1);
    }
    for (int i = 2; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (is_help(argv[i])) {
            fputs(command->help, stdout);
            return 0;
        }
    return command->run(argc - 1, argv + 1);
}

static void print_path(const struct command *command)
{
    fprintf(stderr, "%.*s: ", path_len(command), path_start(command));
}

int command_misused(const struct command *command, const char *format, ...)
{
    print_path(command);
    va_list args;
    va_start(args, format);
    (void)vfprintf(stderr, format, args); /* there is nowhere to complain about stderr */
    va_end(args);
    fprintf(stderr, "; see `%.*s --help`\n", path_len(command), path_start(command));
    return EXIT_STATUS_USAGE;
}

int command_misused_option(const struct command *command, int returned, char **argv,
                           const struct option *options)
{
    const char *word = argv[optind - 1];
    if (returned == ':')
        return command_misused(command, "the option %s needs a value", word);
    if (strncmp(word, "--", 2) != 0)
        return command_misused(command, "there is no option -%c", optopt);

    const char *names[CHOICES_MAX + 1] = {NULL};
    for (size_t i = 0; options[i].name && i < CHOICES_MAX; i++)
        names[i] = options[i].name;
    char name[SUGGEST_WORD_BYTES_MAX + 1];
    (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="),
                   word + 2); /* may be cut */
    for (size_t i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0)
            return command_misused(command, "the option --%s takes no value", name);
    const char *near = suggest(name, names);
    return command_misused(command, "there is no option --%s%s%s%s", name,
                           near ? " (did you mean --" : "", near ? near : "", near ? "?)" : "");
}

int command_failed(const struct command *command, const char *text)
{
    print_path(command);
    fprintf(stderr, "%s\n", text);
    return 1;
}
