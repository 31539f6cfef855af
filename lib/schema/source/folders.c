/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/schema/source/folders.h"

#include <errno.h>
#include <fts.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/schema/pool.h"
#include "lib/schema/source/protoc.h"

static void clear_files(struct sl_folders *f)
{
    for (size_t i = 0; i < f->file_count; i++) {
        sl_free(f->files[i].name);
        sl_free(f->files[i].path);
    }
    f->file_count = 0;
    f->left_out = 0;
}

void sl_folders_release(struct sl_folders *folders)
{
    clear_files(folders);
    for (size_t i = 0; i < folders->folder_count; i++) {
        sl_free(folders->folders[i]);
    }
    sl_free(folders->files);
    sl_free(folders->folders);
    *folders = (struct sl_folders){0};
}

static void add_folder(struct sl_folders *f, struct sl_span path)
{
    size_t len = path.len;
    while (len > 1 && path.data[len - 1] == '/') {
        len--;
    }
    f->folders = sl_realloc(f->folders, (f->folder_count + 1) * sizeof(*f->folders));
    f->folders[f->folder_count++] = sl_strndup((const char *)path.data, len);
}

static void add_file(struct sl_folders *f, const char *path, size_t name_at)
{
    if (f->file_count == f->file_capacity) {
        f->file_capacity = f->file_capacity == 0 ? 64 : f->file_capacity * 2;
        f->files = sl_realloc(f->files, f->file_capacity * sizeof(*f->files));
    }
    f->files[f->file_count++] =
        (struct sl_folders_file){.name = sl_strdup(path + name_at), .path = sl_strdup(path)};
}

/* ---- the search ---- */

static bool is_proto(const char *name, size_t len)
{
    static const char ending[] = ".proto";
    size_t ending_len = sizeof(ending) - 1;
    return len > ending_len && strcmp(name + len - ending_len, ending) == 0;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool is_folder_of_ours(const struct sl_folders *f, const struct stat *found)
{
    for (size_t i = 0; i < f->folder_count; i++) {
        struct stat ours;
        if (stat(f->folders[i], &ours) == 0 && ours.st_ino == found->st_ino &&
            ours.st_dev == found->st_dev) {
            return true;
        }
    }
    return false;
}

/* Hidden, or where package managers put other people's files: named on their own they are searched. */
static bool is_passed_over(const char *name)
{
    static const char *const names[] = {"node_modules", "site-packages", "dist-packages"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return name[0] == '.';
}

/* Puts the proto files in and below the folder into the list. */
static enum sl_status search(struct sl_folders *f, char *folder, struct sl_error *reterr)
{
    char *const roots[] = {folder, NULL};
    size_t name_at = strlen(folder) + (folder[strlen(folder) - 1] != '/');
    FTS *tree = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, by_name);
    enum sl_status status = SL_OK;
    FTSENT *found;
    while (tree != NULL && status == SL_OK && (found = fts_read(tree)) != NULL) {
        bool is_below = found->fts_level > 0;
        if (found->fts_info == FTS_D && is_below &&
            (is_passed_over(found->fts_name) || found->fts_level > SL_FOLDERS_DEPTH_MAX ||
             is_folder_of_ours(f, found->fts_statp))) {
            (void)fts_set(tree, found, FTS_SKIP);
        } else if (found->fts_info == FTS_F && is_proto(found->fts_name, found->fts_namelen)) {
            if (f->file_count == SL_FOLDERS_FILES_MAX) {
                status = sl_error_set(reterr, SL_LIMIT, "%s: more than %d .proto files", folder,
                                      SL_FOLDERS_FILES_MAX);
            } else if (found->fts_path[name_at] == '-') {
                f->left_out++;
            } else {
                add_file(f, found->fts_path, name_at);
            }
        }
    }
    if (tree == NULL) {
        return sl_error_set(reterr, SL_IO, "%s: %s", folder, strerror(errno));
    }
    (void)fts_close(tree);
    return status;
}

static enum sl_status search_all(struct sl_folders *f, struct sl_error *reterr)
{
    enum sl_status status = SL_OK;
    clear_files(f);
    for (size_t i = 0; i < f->folder_count && status == SL_OK; i++) {
        status = search(f, f->folders[i], reterr);
    }
    return status;
}

/* ---- imports ---- */

/* The next import of a file's text; empty when there is none. One in a comment counts too: that does no harm. */
static struct sl_span next_import(struct sl_span *text)
{
    static const char word[] = "import";
    const uint8_t *found;
    while (text->len > 0 && (found = memmem(text->data, text->len, word, strlen(word))) != NULL) {
        *text = sl_span_from(*text, (size_t)(found - text->data) + strlen(word));
        const uint8_t *end = memchr(text->data, ';', text->len);
        struct sl_span statement =
            sl_span_first(*text, end == NULL ? 0 : (size_t)(end - text->data));
        const uint8_t *open = memchr(statement.data, '"', statement.len);
        const uint8_t *close = open == NULL ? NULL : memrchr(statement.data, '"', statement.len);
        if (close != NULL && close > open + 1) {
            return sl_span(open + 1, (size_t)(close - open) - 1);
        }
    }
    return sl_span(NULL, 0);
}

static bool is_found(const struct sl_folders *f, struct sl_span import)
{
    if (sl_pool_builtin_has_file(import) || sl_span_starts(import, "google/protobuf/")) {
        return true;
    }
    bool is_there = false;
    for (size_t i = 0; i < f->folder_count && !is_there; i++) {
        char *path = sl_asprintf("%s/%.*s", f->folders[i], SL_SPAN_ARG(import));
        is_there = access(path, R_OK) == 0;
        sl_free(path);
    }
    return is_there;
}

/* The folder of the first file whose path ends in "/import"; empty when there is none. */
static struct sl_span folder_of(const struct sl_folders *f, struct sl_span import)
{
    for (size_t i = 0; i < f->file_count; i++) {
        struct sl_span path = sl_span_str(f->files[i].path);
        size_t at = path.len > import.len + 1 ? path.len - import.len : 0;
        if (at > 0 && path.data[at - 1] == '/' && sl_span_equal(sl_span_from(path, at), import)) {
            return sl_span_first(path, at - 1);
        }
    }
    return sl_span(NULL, 0);
}

/* Adds the folder that some import of the file is relative to. False when there is none to add. */
static bool add_folder_for(struct sl_folders *f, const char *path, size_t *missing)
{
    struct sl_buf content;
    bool is_added = false;
    sl_buf_init(&content, SL_FOLDERS_SCAN_MAX);
    (void)!sl_protoc_read_file(path, &content, NULL); /* of a longer one what fits */
    struct sl_span text = sl_buf_span(&content);
    struct sl_span import = next_import(&text);
    while (import.len > 0 && !is_added && *missing < SL_FOLDERS_MISSING_MAX) {
        if (!is_found(f, import)) {
            struct sl_span folder = folder_of(f, import);
            (*missing)++;
            if (folder.len > 0) {
                add_folder(f, folder);
                is_added = true;
            }
        }
        import = next_import(&text);
    }
    sl_buf_release(&content);
    return is_added;
}

enum sl_status sl_folders_find(const char *const *folders, size_t count,
                               struct sl_folders *ret_folders, struct sl_error *reterr_error)
{
    struct sl_folders *f = ret_folders;
    size_t missing = 0;
    *f = (struct sl_folders){0};
    for (size_t i = 0; i < count; i++) {
        add_folder(f, sl_span_str(folders[i]));
    }
    f->given_count = f->folder_count;
    enum sl_status status = search_all(f, reterr_error);
    bool is_changed = false;
    for (size_t i = 0; i < f->file_count && status == SL_OK; i++) {
        while (f->folder_count < f->given_count + SL_FOLDERS_ADDED_MAX &&
               add_folder_for(f, f->files[i].path, &missing)) {
            is_changed = true;
        }
    }
    return status == SL_OK && is_changed ? search_all(f, reterr_error) : status;
}
