/* SPDX-License-Identifier: MIT
 * check_load.c - behaviours of the plugin's file, its entry and create()'s arguments.
 *
 * Layer: tests/conformance.  Source: <yoke/spawner.h>, V1 to V6, C1, C2; elf(5). */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/conformance/behaviours.h"
#include "tests/conformance/verbs.h"
#include "tests/conformance/verdict.h"

#define LOAD_MS_MAX   100
#define CREATE_MS_MAX 100

static int64_t monotonic_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void load_or_fail(struct bed *bed)
{
    char error[BED_ERROR_BYTES];
    EXPECT(bed_load(bed, error) == 0, "%s", error);
}

static void rtld_now_local(struct bed *bed)
{
    load_or_fail(bed);
    EXPECT(!dlsym(RTLD_DEFAULT, "yoke_runtime_v1"),
           "loaded with RTLD_LOCAL, yet its symbol is visible to everybody");
    struct link_map *map = NULL;
    EXPECT(dlinfo(bed->module, RTLD_DI_LINKMAP, &map) == 0, "the kit cannot ask dlinfo");
    EXPECT(map->l_ld, "the plugin has no dynamic section");
}

/* A symbol that others can see and that the linker did not make by itself. */
static bool is_exported(const ElfW(Sym) * symbol, const char *name)
{
    static const char *const linkers_own[] = {"_init", "_fini", "_edata", "_end", "__bss_start"};
    unsigned bind = ELF64_ST_BIND(symbol->st_info);
    unsigned visibility = ELF64_ST_VISIBILITY(symbol->st_other);
    if (symbol->st_shndx == SHN_UNDEF || symbol->st_shndx == SHN_ABS || name[0] == '\0')
        return false;
    if ((bind != STB_GLOBAL && bind != STB_WEAK) ||
        (visibility != STV_DEFAULT && visibility != STV_PROTECTED))
        return false;
    for (size_t i = 0; i < sizeof linkers_own / sizeof *linkers_own; i++)
        if (strcmp(name, linkers_own[i]) == 0)
            return false;
    return true;
}

/* Checks one table of dynamic symbols; `file` is the whole file. */
static int count_exported(const char *file, const ElfW(Shdr) * table, const ElfW(Shdr) * strings)
{
    const ElfW(Sym) *symbols = (const ElfW(Sym) *)(const void *)(file + table->sh_offset);
    int found = 0;
    for (size_t i = 0; i < table->sh_size / sizeof *symbols; i++) {
        const char *name = file + strings->sh_offset + symbols[i].st_name;
        if (!is_exported(&symbols[i], name))
            continue;
        EXPECT(strcmp(name, "yoke_runtime_v1") == 0,
               "it exports '%s'; yoke_runtime_v1 must be the only one", name);
        EXPECT_EQUAL("yoke_runtime_v1 is a data object", ELF64_ST_TYPE(symbols[i].st_info),
                     STT_OBJECT);
        found++;
    }
    return found;
}

static void only_one_symbol_exported(struct bed *bed)
{
    int fd = open(bed->path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    EXPECT(fd >= 0 && fstat(fd, &status) == 0, "the kit cannot open %s", bed->path);
    const char *file = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    EXPECT(file != MAP_FAILED, "the kit cannot map %s", bed->path);
    const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)(const void *)file;
    const ElfW(Shdr) *sections = (const ElfW(Shdr) *)(const void *)(file + header->e_shoff);
    if (header->e_shnum == 0)
        verdict_skip("the file has no section headers to read symbols from");

    int found = 0;
    for (int i = 0; i < header->e_shnum; i++)
        if (sections[i].sh_type == SHT_DYNSYM)
            found += count_exported(file, &sections[i], &sections[sections[i].sh_link]);
    EXPECT_EQUAL("symbols named yoke_runtime_v1", found, 1);
}

static void nothing_before_create(struct bed *bed)
{
    static struct footprint before;
    static struct footprint after;
    footprint_take(&before);
    int64_t start = monotonic_ns();
    load_or_fail(bed);
    int64_t took_ms = (monotonic_ns() - start) / 1000000;
    footprint_take(&after);

    EXPECT_EQUAL("threads that loading started", after.threads - before.threads, 0);
    const char *excess = footprint_excess(&before, &after, NULL);
    EXPECT(!excess[0], "loading alone: %s", excess);
    if (took_ms > LOAD_MS_MAX * bed_patience())
        verdict_warn("loading took %" PRId64 " ms, expected at most %d", took_ms, LOAD_MS_MAX);
}

static void entry_is_complete(struct bed *bed)
{
    const yk_entry *entry = bed->entry;
    EXPECT(entry->id[0] && entry->version[0] && entry->build[0],
           "id, version or build of the entry is empty");
    EXPECT(strspn(entry->id, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(entry->id),
           "the id '%s' is not made of a-z, 0-9, _ and -", entry->id);
    EXPECT_EQUAL("the entry's reserved field", entry->reserved, 0);
    EXPECT(!bed_has(bed, YK_CAP_WORKERS) || bed_has(bed, YK_CAP_LOOPS),
           "caps claim WORKERS without LOOPS");
    if (entry->extra_bytes_max < BED_EXTRA_BYTES)
        verdict_warn("extra_bytes_max is %" PRIu32 ", Yoke asks for %u", entry->extra_bytes_max,
                     BED_EXTRA_BYTES);
}

static void verbs_are_complete(struct bed *bed)
{
    yk_spawner *spawner = bed_create(bed);
    const yk_ops *ops = spawner->ops;
    EXPECT(ops->block_on && ops->destroy && ops->spawn && ops->ref && ops->unref && ops->yield &&
               ops->park && ops->unpark && ops->io_open && ops->io_wait && ops->io_close &&
               ops->offload && ops->walk && ops->stats && ops->extension,
           "a verb that is required is NULL; only after_fork_child and blocking are optional");
    EXPECT_EQUAL("the reserved field of the verbs", ops->reserved, 0);
    bed_close(spawner);
}

/* An id that is nearly a known one is unknown. */
static void unknown_extension_is_null(struct bed *bed)
{
    static const char *const ids[] = {"",
                                      "yoke",
                                      "yoke.nonsense/1",
                                      "yoke.stacks/",
                                      "yoke.stacks/1 ",
                                      "yoke.stacks/11",
                                      "yoke.stacks/2",
                                      "yoke.stacks",
                                      "Yoke.stacks/1",
                                      "yoke.clock/1x",
                                      "yoke.clock/10",
                                      "yoke.clock"};
    yk_spawner *spawner = bed_create(bed);
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        EXPECT(!bed->entry->extension(ids[i]), "C2: the entry knows an extension '%s'", ids[i]);
        EXPECT(!spawner->ops->extension(spawner, ids[i]), "M5: the spawner knows an extension '%s'",
               ids[i]);
    }
    bed_close(spawner);
}

static void known_extensions_fit(struct bed *bed)
{
    yk_spawner *spawner = bed_create(bed);
    const yk_stacks_v1 *stacks = spawner->ops->extension(spawner, "yoke.stacks/1");
    const yk_clock_v1 *clock = spawner->ops->extension(spawner, "yoke.clock/1");
    EXPECT(!stacks || (stacks->size >= sizeof *stacks && stacks->find),
           "yoke.stacks/1: size or find is missing");
    EXPECT(!clock || (clock->size >= sizeof *clock && clock->now),
           "yoke.clock/1: size or now is missing");
    EXPECT(!clock == !bed_has(bed, YK_CAP_VIRTUAL_TIME),
           "YK_CAP_VIRTUAL_TIME and the extension yoke.clock/1 go together");
    bed_close(spawner);
}

static void refuse_create(struct bed *bed, const yk_config *config, const char *what,
                          const char *named)
{
    static struct footprint before;
    static struct footprint after;
    footprint_take(&before);
    yk_error error = {.size = sizeof error};
    yk_spawner *spawner = NULL;
    int32_t r = bed_create_with(bed, config, &spawner, &error);
    EXPECT(r != 0, "C1: create took %s", what);
    EXPECT(r == -EINVAL, "C1: %s gave %s, expected -EINVAL", what, code_name(r));
    EXPECT(memchr(error.text, '\0', sizeof error.text), "C1: the error's text has no end");
    EXPECT(error.text[0], "C1: %s was refused without a sentence", what);
    EXPECT(strstr(error.text, named), "C1: %s: the sentence '%s' does not name '%s'", what,
           error.text, named);
    footprint_settle(&before, &after);
    const char *excess = footprint_excess(&before, &after, NULL);
    EXPECT(!excess[0], "C1: after a refused create %s", excess);
}

static void unknown_option_refused(struct bed *bed)
{
    bed_close(bed_create(bed)); /* what libraries keep once for the process */
    yk_config config = bed_config_with_option(bed, "no_such_option", "1");
    refuse_create(bed, &config, "an option that it cannot know", "no_such_option");
}

static void too_large_extra_refused(struct bed *bed)
{
    bed_close(bed_create(bed));
    yk_config config = bed_config(bed);
    config.extra_bytes = bed->entry->extra_bytes_max / 16 * 16 + 16;
    yk_error error = {.size = sizeof error};
    yk_spawner *spawner = NULL;
    int32_t r = bed_create_with(bed, &config, &spawner, &error);
    EXPECT(r != 0,
           "C1: create took extra_bytes %" PRIu32 ", its entry's extra_bytes_max is %" PRIu32,
           config.extra_bytes, bed->entry->extra_bytes_max);
    EXPECT_CODE(r, -EINVAL);
    EXPECT(error.text[0], "C1: create failed without a sentence");
}

/* As a newer host would have it: known fields, then more. */
struct longer_config {
    yk_config config;
    uint64_t unknown[8];
};

static void longer_structs_accepted(struct bed *bed)
{
    struct longer_config longer = {.config = bed_config(bed)};
    longer.config.size = sizeof longer;
    memset(longer.unknown, 0xff, sizeof longer.unknown);
    yk_error error = {.size = sizeof error};
    yk_spawner *spawner = NULL;
    int32_t r = bed_create_with(bed, &longer.config, &spawner, &error);
    EXPECT(r == 0, "V2: a yk_config with an unknown tail gave %s: %s", code_name(r), error.text);
    bed_close(spawner);
}

/* The reader is older or the writer is newer: only what both know is written. */
static void stats_writes_no_more_than_asked(struct bed *bed)
{
    yk_spawner *spawner = bed_create(bed);
    union {
        yk_stats stats;
        unsigned char bytes[sizeof(yk_stats) + 64];
    } room;
    static const uint32_t sizes[] = {8, 16, 40, sizeof(yk_stats), sizeof(yk_stats) + 64};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        memset(&room, 0x77, sizeof room);
        room.stats.size = sizes[i];
        spawner->ops->stats(spawner, &room.stats);
        for (size_t at = sizes[i]; at < sizeof room; at++)
            EXPECT(room.bytes[at] == 0x77, "M2: out->size is %" PRIu32 ", but byte %zu was written",
                   sizes[i], at);
    }
    bed_close(spawner);
}

static void create_is_quick(struct bed *bed)
{
    int64_t start = monotonic_ns();
    yk_spawner *spawner = bed_create(bed);
    int64_t took_ms = (monotonic_ns() - start) / 1000000;
    bed_close(spawner);
    if (took_ms > CREATE_MS_MAX * bed_patience())
        verdict_warn("create took %" PRId64 " ms, expected at most %d", took_ms, CREATE_MS_MAX);
}

static const struct behaviour behaviours[] = {
    {"load.rtld_now_local",
     "V6: loads with RTLD_NOW and RTLD_LOCAL, by itself, needing nothing of the host",
     .unloaded = rtld_now_local},
    {"load.only_one_symbol_exported",
     "C1: exports the data object yoke_runtime_v1 and nothing else",
     .unloaded = only_one_symbol_exported},
    {"load.nothing_before_create", "C1: loading starts no thread, opens no descriptor, is quick",
     .unloaded = nothing_before_create},
    {"load.entry_is_complete", "V1 V3: the entry has all fields, and caps that fit together",
     .run = entry_is_complete},
    {"load.verbs_are_complete", "V2: every verb that is required is there",
     .run = verbs_are_complete},
    {"load.unknown_extension_is_null",
     "V4 C2 M5: an unknown id, also a known one with a tail, is NULL",
     .run = unknown_extension_is_null},
    {"load.known_extensions_fit", "V4: what it extends has size and functions",
     .run = known_extensions_fit},
    {"load.unknown_option_refused", "C1: an unknown key is -EINVAL, named; nothing is left",
     .run = unknown_option_refused},
    {"load.too_large_extra_refused", "C1 T4: more extra_bytes than extra_bytes_max is -EINVAL",
     .run = too_large_extra_refused},
    {"load.longer_structs_accepted", "V2: a longer yk_config is taken, its unknown tail ignored",
     .run = longer_structs_accepted},
    {"load.stats_writes_no_more_than_asked", "V2 M2: writes min(out->size, its own size) bytes",
     .run = stats_writes_no_more_than_asked},
    {"load.create_is_quick", "C1: create takes less than 100 ms (else a warning)",
     .run = create_is_quick},
};

THEME(load, behaviours);
