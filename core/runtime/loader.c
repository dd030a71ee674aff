/* SPDX-License-Identifier: MIT
 * loader.c - see loader.h. */
#include "core/runtime/loader.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/runtime/plugin_file.h"
#include "core/runtime/plugin_path.h"

#define STRING(token)    STRING_OF(token)
#define STRING_OF(token) #token
#define SYMBOL_NAME      STRING(YK_RUNTIME_SYMBOL)

_Static_assert(sizeof(yk_entry) == YK_ENTRY_BYTES_V1_0, "this host reads an entry of version 1.0");
_Static_assert(sizeof(((yk_entry *)0)->magic) == sizeof YK_ENTRY_MAGIC,
               "the magic has eight bytes");

/* The bytes that an object at `symbol` has according to the file's symbol table; 0 if the table
 * does not tell. */
static size_t symbol_bytes(const void *symbol)
{
    Dl_info info;
    void *found = NULL;
    if (dladdr1(symbol, &info, &found, RTLD_DL_SYMENT) == 0 || !found)
        return 0;
    const ElfW(Sym) *entry = found;
    return entry->st_size;
}

static int check_version(const yk_entry *entry, const char *path, struct error *err)
{
    if (entry->abi_major != YK_ABI_MAJOR)
        return fail(err, -EPROTO, "%s was compiled for spawner ABI %u.%u; wanted is ABI %d", path,
                    entry->abi_major, entry->abi_minor, YK_ABI_MAJOR);
    if (entry->host_minor_min > YK_ABI_MINOR)
        return fail(err, -EPROTO,
                    "%s wants a host with spawner ABI %u.%u or newer; this one has %d.%d", path,
                    entry->abi_major, entry->host_minor_min, YK_ABI_MAJOR, YK_ABI_MINOR);
    if (entry->size < YK_ENTRY_BYTES_V1_0)
        return fail(err, -EPROTO, "%s: its entry has %u bytes; wanted are %d or more", path,
                    entry->size, YK_ENTRY_BYTES_V1_0);
    return 0;
}

/* Checks the fixed part first, and touches nothing behind it until it fits. */
static int check_entry(const yk_entry *entry, const struct plugin_file *file, struct error *err)
{
    const char *path = file->path;
    size_t bytes = symbol_bytes(entry);
    if (bytes > 0 && bytes < offsetof(yk_entry, magic) + sizeof entry->magic)
        return fail(err, -EPROTO, "%s: its " SYMBOL_NAME " has %zu bytes; wanted are %d or more",
                    path, bytes, YK_ENTRY_BYTES_V1_0);
    if (memcmp(entry->magic, YK_ENTRY_MAGIC, sizeof entry->magic) != 0)
        return fail(err, -ENOEXEC,
                    "%s is no runtime: its " SYMBOL_NAME " does not have the magic bytes YKRT",
                    path);
    int r = check_version(entry, path, err);
    if (r < 0)
        return r;
    if (bytes > 0 && bytes < entry->size)
        return fail(err, -EPROTO, "%s: its entry says that it has %u bytes, and has %zu", path,
                    entry->size, bytes);
    if (!entry->id || !entry->version || !entry->build || !entry->create)
        return fail(err, -EPROTO, "%s: its entry has no %s", path,
                    !entry->id        ? "id"
                    : !entry->version ? "version"
                    : !entry->build   ? "build"
                                      : "create function");
    if (strcmp(entry->id, file->name) != 0)
        return fail(err, -EPROTO, "%s is the runtime '%.40s'; wanted is '%s', as its file is named",
                    path, entry->id, file->name);
    return 0;
}

static int load(const struct plugin_file *file, const yk_entry **out_entry, struct error *err)
{
    void *handle = dlopen(file->path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE); /* never closed: V6 */
    if (!handle)
        return fail(err, -ENOEXEC, "%s cannot be loaded: %s", file->path, dlerror());
    const yk_entry *entry = dlsym(handle, SYMBOL_NAME);
    if (!entry)
        return fail(err, -ENOEXEC, "%s is no runtime: it does not export " SYMBOL_NAME, file->path);
    int r = plugin_file_holds(file, entry, err);
    if (r == 0)
        r = check_entry(entry, file, err);
    if (r == 0)
        *out_entry = entry;
    return r;
}

int loader_open_file(const char *path, const yk_entry **out_entry, char **out_path,
                     struct error *err)
{
    OWNED(plugin_file) struct plugin_file *file = NULL;
    int r = plugin_file_open(path, &file, err);
    if (r < 0)
        return r;
    const yk_entry *entry = NULL;
    r = load(file, &entry, err);
    if (r < 0)
        return r;
    if (out_path)
        *out_path = MOVE(file->path);
    *out_entry = entry;
    return 0;
}

int loader_open(const char *runtime, const char *plugin_dir, const yk_entry **out_entry,
                char **out_path, struct error *err)
{
    if (runtime[0] == '/')
        return loader_open_file(runtime, out_entry, out_path, err);
    OWNED(plugin_path) struct plugin_path *path = NULL;
    int r = plugin_path_new(plugin_dir, &path, err);
    if (r < 0)
        return r;
    char *file = NULL;
    r = plugin_path_find(path, runtime, &file, err);
    if (r < 0)
        return r;
    r = loader_open_file(file, out_entry, out_path, err);
    free(file);
    return r;
}
