/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Lets protojson_conformance.py and raw_guess.py drive lib/schema: protojson_driver SET, then a request a line.
 *   write TYPE HEX  ->  {"status":"ok","json":...,"unknown":...,"problem":"..."}
 *   read TYPE JSON  ->  {"status":"ok","hex":"...","problem":"..."}
 *   raw - HEX       ->  {"json":...}
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/hex.h"
#include "lib/schema/protojson.h"

enum { BYTES_MAX = 64 * 1024 * 1024 };

static void write_message(const struct sl_pool *pool, const struct sl_message_type *type,
                          const char *hex, struct sl_json_out *out)
{
    struct sl_buf bytes;
    struct sl_buf unknown;
    struct sl_protojson_result result;
    sl_buf_init(&bytes, BYTES_MAX);
    sl_buf_init(&unknown, BYTES_MAX);
    enum sl_status status = sl_hex_decode(sl_span_str(hex), &bytes);
    if (status == SL_OK) {
        sl_json_out_key(out, "json");
        status = sl_protojson_write(pool, type, sl_buf_span(&bytes), out, &unknown, &result);
        sl_json_out_key_str(out, "status", sl_status_text(status));
        sl_json_out_key_str(out, "problem", result.problem);
        if (result.has_unknown) {
            sl_json_out_key(out, "unknown");
            sl_json_out_raw(out, sl_buf_span(&unknown));
        }
    }
    sl_buf_release(&bytes);
    sl_buf_release(&unknown);
}

static void read_message(const struct sl_pool *pool, const struct sl_message_type *type,
                         const char *text, struct sl_json_out *out)
{
    struct sl_buf bytes;
    struct sl_buf hex;
    struct sl_error error = {0};
    sl_buf_init(&bytes, BYTES_MAX);
    sl_buf_init(&hex, BYTES_MAX);
    const size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES;
    json_t *json = json_loads(text, flags, NULL);
    if (json == NULL) { /* jansson takes no integer above INT64_MAX as one */
        json = json_loads(text, flags | JSON_DECODE_INT_AS_REAL, NULL);
    }
    enum sl_status status = json == NULL ? SL_USAGE : SL_OK;
    if (status == SL_OK) {
        status = sl_protojson_read(pool, type, json, &bytes, &error);
    }
    (void)sl_hex_encode(sl_buf_span(&bytes), &hex);
    sl_json_out_key_str(out, "status", sl_status_text(status));
    sl_json_out_key_str(out, "problem", error.text);
    sl_json_out_key(out, "hex");
    sl_json_out_span(out, sl_buf_span(&hex));
    json_decref(json);
    sl_buf_release(&bytes);
    sl_buf_release(&hex);
}

static void guess(const char *hex, struct sl_json_out *out)
{
    struct sl_buf bytes;
    sl_buf_init(&bytes, BYTES_MAX);
    sl_json_out_key(out, "json");
    if (sl_hex_decode(sl_span_str(hex), &bytes) == SL_OK) {
        (void)!sl_raw_write(sl_buf_span(&bytes), out);
    } else {
        sl_json_out_null(out);
    }
    sl_buf_release(&bytes);
}

static void answer(const struct sl_pool *pool, char *line)
{
    char *saved = NULL;
    const char *verb = strtok_r(line, " \n", &saved);
    const char *name = strtok_r(NULL, " \n", &saved);
    const char *rest = strtok_r(NULL, "\n", &saved);
    struct sl_buf text;
    struct sl_json_out out;
    sl_buf_init(&text, BYTES_MAX);
    sl_json_out_init(&out, &text);
    sl_json_out_begin_object(&out);
    const struct sl_message_type *type =
        name == NULL ? NULL : sl_pool_message(pool, sl_span_str(name));
    if (verb != NULL && strcmp(verb, "raw") == 0) {
        guess(rest == NULL ? "" : rest, &out);
    } else if (type == NULL) {
        sl_json_out_key_str(&out, "status", "no such type");
    } else if (strcmp(verb, "write") == 0) {
        write_message(pool, type, rest == NULL ? "" : rest, &out);
    } else {
        read_message(pool, type, rest == NULL ? "" : rest, &out);
    }
    sl_json_out_end_object(&out);
    (void)printf("%s\n", sl_buf_str(&text));
    (void)fflush(stdout);
    sl_buf_release(&text);
}

int main(int argc, char **argv)
{
    struct sl_buf set;
    struct sl_pool *pool = sl_pool_new();
    struct sl_error error = {0};
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (file == NULL) {
        return 2;
    }
    sl_buf_init(&set, SL_POOL_SET_MAX);
    uint8_t chunk[4096];
    size_t len;
    while ((len = fread(chunk, 1, sizeof(chunk), file)) > 0) {
        (void)sl_buf_add(&set, chunk, len);
    }
    (void)fclose(file);
    enum sl_status status = sl_pool_add_set(pool, sl_buf_span(&set), &error);
    if (status == SL_OK) {
        sl_pool_add_builtin(pool);
        status = sl_pool_link(pool, &error);
    }
    char *line = NULL;
    size_t size = 0;
    while (status == SL_OK && getline(&line, &size, stdin) > 0) {
        answer(pool, line);
    }
    free(line);
    sl_buf_release(&set);
    sl_pool_free(pool);
    return status == SL_OK ? 0 : 1;
}
