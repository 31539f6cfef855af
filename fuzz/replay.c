/* SPDX-License-Identifier: Apache-2.0 */
/* Runs every file of the given folders and files through one fuzz target, in builds without
 * libFuzzer: a corpus is then a plain regression test. Fails when there was nothing to run. */
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#include "fuzz/fuzz.h"
#include "lib/base/alloc.h"
#include "lib/base/buf.h"

enum {
    INPUT_MAX = 4 * 1024 * 1024,
};

static size_t replayed;

static bool replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return false;
    }
    struct sl_buf input;
    sl_buf_init(&input, INPUT_MAX);
    uint8_t chunk[4096];
    size_t len = fread(chunk, 1, sizeof chunk, file);
    while (len > 0 && sl_buf_add(&input, chunk, len) == SL_OK) {
        len = fread(chunk, 1, sizeof chunk, file);
    }
    (void)fclose(file);
    /* An exact copy: a read past the end is seen by the address sanitizer. */
    uint8_t *exact = sl_alloc(input.len);
    if (input.len > 0) {
        memcpy(exact, input.data, input.len);
    }
    (void)LLVMFuzzerTestOneInput(exact, input.len);
    sl_free(exact);
    sl_buf_release(&input);
    replayed++;
    return true;
}

static bool replay_folder(const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return replay_file(path);
    }
    bool is_good = true;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char *file = sl_asprintf("%s/%s", path, entry->d_name);
        struct stat info;
        if (stat(file, &info) == 0 && S_ISREG(info.st_mode)) {
            is_good = replay_file(file) && is_good;
        }
        sl_free(file);
    }
    (void)closedir(folder);
    return is_good;
}

int main(int argc, char **argv)
{
    bool is_good = true;
    for (int i = 1; i < argc; i++) {
        is_good = replay_folder(argv[i]) && is_good;
    }
    (void)printf("replayed %zu inputs\n", replayed);
    return is_good && replayed > 0 ? 0 : 1;
}
