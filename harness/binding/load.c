/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/binding/load.h"

#include <string.h>

#include "harness/binding/file.h"
#include "harness/scenario/lines.h"
#include "harness/scenario/read_file.h"
#include "lib/base/alloc.h"
#include "lib/base/cli.h"
#include "lib/base/hex.h"
#include "lib/schema/protojson.h"

enum {
    FIELD_NUMBER_MAX = 536870911, /* of protobuf */
    PREFIX_BYTES = 5,
    REPLY_MAX = 16 * 1024 * 1024,
    PATH_BYTES = 64,
};

/* grpc.health.v1: any server that has it answers an empty request with the state of the whole server, and the fields of
 * chat.v1 are none of its. */
static const char health[] =
    "{\"schema\": \"" HAR_BINDING_SCHEMA "\",\n"
    " \"unary\": {\"method\": \"/grpc.health.v1.Health/Check\", \"request\": {}, \"reply_bytes\": "
    "7,\n"
    "  \"takes\": [\"empty\", \"chat\"]},\n"
    " \"server_stream\": {\"method\": \"/grpc.health.v1.Health/Watch\", \"request\": {},\n"
    "  \"cancelled_at_deadline\": true}}\n";

static const char *const opening_names[] = {"message", "headers", "nothing", NULL};
static const char *const taken_names[] = {"empty", "chat", NULL};

struct method_file {
    const char *method, *hex, *base64;
    json_t *request;
    int opening;
    json_t *half_close; /* true or false */
    bool may_cancel;
    bool is_echo;
    struct har_strings takes;
    struct har_int64 reply_bytes;
};
#define AT(member) offsetof(struct method_file, member)
#define METHOD_ROWS                                                                              \
    {"method", HAR_FIELD_STRING, AT(method), .is_required = true,                                \
     .help = "\"/package.Service/Method\""},                                                     \
        {"request", HAR_FIELD_JSON, AT(request),                                                 \
         .help = "the message as proto3 JSON, of the schema that is given; default: empty"},     \
        {"hex", HAR_FIELD_STRING, AT(hex), .help = "the message as bytes, in place of request"}, \
    {                                                                                            \
        "base64", HAR_FIELD_STRING, AT(base64), .help = "the same"                               \
    }
static const struct har_field unary_fields[] = {
    METHOD_ROWS,
    {"takes", HAR_FIELD_STRINGS, AT(takes), .choices = taken_names,
     .help = "what else is answered with OK: \"empty\", a message of no bytes; \"chat\", one of "
             "chat.v1, for whose fields 2 and 4 the method has no use"},
    {"reply_bytes", HAR_FIELD_INT64, AT(reply_bytes),
     .help =
         "an answer has at least so many bytes of DATA, the 5 of its prefix included; default 5"},
};
static const struct har_field stream_fields[] = {
    METHOD_ROWS,
    {"opens", HAR_FIELD_CHOICE, AT(opening), .choices = opening_names,
     .help = "by what the server shows that the stream is open; default message"},
    {"half_close", HAR_FIELD_JSON, AT(half_close),
     .help = "false: the stream does not outlive the end of the client's side; default true, of a "
             "method that takes a stream false"},
    {"cancelled_at_deadline", HAR_FIELD_BOOL, AT(may_cancel),
     .help =
         "true: the method itself may end with CANCELLED when its deadline is over, as health's "
         "Watch of grpc-go does; default false"},
};
static const struct har_field bidi_fields[] = {
    METHOD_ROWS,
    {"echo", HAR_FIELD_BOOL, AT(is_echo), .help = "true: each message is answered by one"},
};
#undef AT

struct file {
    const char *editor, *schema, *title;
    struct har_strings descriptors, protos;
    struct har_int64 filler;
    struct method_file methods[HAR_ROLES];
};
#define AT(member)  offsetof(struct file, member)
#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
static const struct har_field fields[] = {
    {"$schema", HAR_FIELD_STRING, AT(editor), .help = "for editors; ignored"},
    {"schema", HAR_FIELD_STRING, AT(schema), .is_required = true,
     .help = "\"" HAR_BINDING_SCHEMA "\""},
    {"title", HAR_FIELD_STRING, AT(title), .help = "of which service; for readers"},
    {"descriptors", HAR_FIELD_STRINGS, AT(descriptors),
     .help = "FileDescriptorSets, by their paths from the folder of this file"},
    {"protos", HAR_FIELD_STRINGS, AT(protos), .help = "the same of .proto files"},
    {"unary", HAR_FIELD_OBJECT, AT(methods[HAR_ROLE_UNARY]), .is_required = true,
     .fields = unary_fields, .field_count = COUNT(unary_fields),
     .help = "a method of one message, whose request is answered with OK however often it is sent"},
    {"server_stream", HAR_FIELD_OBJECT, AT(methods[HAR_ROLE_SERVER_STREAM]),
     .fields = stream_fields, .field_count = COUNT(stream_fields),
     .help = "a stream that stays open until the client leaves; a method of two directions may "
             "play it too"},
    {"bidi", HAR_FIELD_OBJECT, AT(methods[HAR_ROLE_BIDI]), .fields = bidi_fields,
     .field_count = COUNT(bidi_fields), .help = "a stream of two directions"},
    {"filler", HAR_FIELD_INT64, AT(filler),
     .help = "number of a field that the methods pass over, by which requests are made longer; 0: "
             "they pass over none; default 100000"},
};
#undef AT

const struct har_field *har_binding_fields(size_t *ret_count)
{
    *ret_count = COUNT(fields);
    return fields;
}

/* ---- the file ---- */

static bool has_method(const struct file *file, enum har_role role)
{
    return file->methods[role].method != NULL;
}

static void place_of(enum har_role role, const char *key, char place[PATH_BYTES])
{
    (void)snprintf(place, PATH_BYTES, "$.%s%s%s", har_role_names[role], key == NULL ? "" : ".",
                   key == NULL ? "" : key);
}

static void read_bytes(struct har_reading *reading, const struct method_file *file,
                       enum har_role role, struct sl_buf *out)
{
    bool is_hex = file->hex != NULL;
    const char *text = is_hex ? file->hex : file->base64;
    char place[PATH_BYTES];
    place_of(role, is_hex ? "hex" : "base64", place);
    if (text == NULL) {
        return;
    }
    enum sl_status status =
        is_hex ? sl_hex_decode(sl_span_str(text), out) : sl_base64_decode(sl_span_str(text), out);
    if (status != SL_OK) {
        har_problem_add(reading, place, false,
                        status == SL_LIMIT ? "a request has at most 1 MiB"
                        : is_hex           ? "wanted: an even number of hex digits"
                                           : "this is not base64");
    }
}

static void read_method(struct har_reading *reading, const struct method_file *file,
                        enum har_role role, struct har_bound_method *bound)
{
    char place[PATH_BYTES];
    const char *slash = file->method[0] == '/' ? strchr(file->method + 1, '/') : NULL;
    place_of(role, "method", place);
    if (slash == NULL || slash == file->method + 1 || slash[1] == '\0' ||
        strchr(slash + 1, '/') != NULL) {
        har_problem_add(reading, place, false, "wanted: \"/package.Service/Method\"");
    }
    if ((file->request != NULL) + (file->hex != NULL) + (file->base64 != NULL) > 1) {
        place_of(role, NULL, place);
        har_problem_add(reading, place, false, "one of request, hex and base64 is enough");
    }
    bound->method = file->method;
    bound->opening = (enum har_opening)file->opening;
    bound->is_echo = file->is_echo;
    bound->may_cancel = file->may_cancel;
    read_bytes(reading, file, role, &bound->request);
    if (file->half_close != NULL && !json_is_boolean(file->half_close)) {
        place_of(role, "half_close", place);
        har_problem_add(reading, place, false, "this must be true or false");
    }
    bound->must_stay_open = json_is_false(file->half_close);
    for (size_t i = 0; i < file->takes.count; i++) {
        for (unsigned j = 0; taken_names[j] != NULL; j++) {
            bound->takes |= strcmp(file->takes.items[i], taken_names[j]) == 0 ? 1U << j : 0;
        }
    }
    bool has_reply = file->reply_bytes.is_set;
    int64_t reply = has_reply ? file->reply_bytes.value : PREFIX_BYTES;
    if (reply < PREFIX_BYTES || reply > REPLY_MAX) {
        place_of(role, "reply_bytes", place);
        har_problem_add(reading, place, false, "wanted: a number from 5 to %d", REPLY_MAX);
        reply = PREFIX_BYTES;
    }
    bound->reply_bytes = (uint32_t)reply;
}

/* Paths of a file stand for what lies beside it. */
static void keep_paths(struct har_binding *binding, const char *path,
                       const struct har_strings *given, struct har_strings *ret_paths)
{
    const char *slash = path == NULL ? NULL : strrchr(path, '/');
    size_t folder = slash == NULL ? 0 : (size_t)(slash - path) + 1;
    *ret_paths = (struct har_strings){0};
    ret_paths->items = har_arena_alloc(&binding->arena, (given->count + 1) * sizeof(char *));
    for (size_t i = 0; i < given->count && i < HAR_BINDING_FILES_MAX; i++) {
        const char *item = given->items[i];
        size_t before = item[0] == '/' ? 0 : folder;
        char *whole = har_arena_alloc(&binding->arena, before + strlen(item) + 1);
        if (before > 0) {
            memcpy(whole, path, before);
        }
        memcpy(whole + before, item, strlen(item) + 1);
        ret_paths->items[ret_paths->count++] = whole;
    }
}

static void read_file(struct har_reading *reading, const char *path, struct har_binding *binding)
{
    struct file file = {.filler = {.value = HAR_BINDING_FILLER}};
    har_fields_read(reading, binding->root, "$", fields, COUNT(fields), &file);
    if (file.schema != NULL && strcmp(file.schema, HAR_BINDING_SCHEMA) != 0) {
        har_problem_add(reading, "$.schema", false, "'%.60s' is not \"" HAR_BINDING_SCHEMA "\"",
                        file.schema);
    }
    if (file.filler.value < 0 || file.filler.value > FIELD_NUMBER_MAX) {
        har_problem_add(reading, "$.filler", false, "wanted: a number from 0 to %d",
                        FIELD_NUMBER_MAX);
        file.filler.value = 0;
    }
    if (file.descriptors.count > HAR_BINDING_FILES_MAX ||
        file.protos.count > HAR_BINDING_FILES_MAX) {
        har_problem_add(reading, "$", false, "more than %d files of a schema",
                        HAR_BINDING_FILES_MAX);
    }
    binding->filler = (uint32_t)file.filler.value;
    for (int role = 0; role < HAR_ROLES; role++) {
        sl_buf_init(&binding->methods[role].request, HAR_BINDING_REQUEST_MAX);
        if (has_method(&file, (enum har_role)role)) {
            read_method(reading, &file.methods[role], (enum har_role)role, &binding->methods[role]);
        }
    }
    keep_paths(binding, path, &file.protos, &binding->protos);
    keep_paths(binding, path, &file.descriptors, &binding->sets);
}

/* path NULL: built in. */
static enum sl_status parse(struct har_binding *binding, const char *path, struct sl_error *error)
{
    json_error_t json_error;
    struct sl_span text = sl_buf_span(&binding->text);
    binding->root =
        json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &json_error);
    if (binding->root == NULL) {
        sl_error_at(error, binding->name, (size_t)json_error.line);
        return sl_error_set(error, SL_MALFORMED, "not valid JSON: %s", json_error.text);
    }
    struct har_problems *problems = sl_alloc(sizeof(*problems));
    struct har_reading reading = {.text = text, .arena = &binding->arena, .problems = problems};
    read_file(&reading, path, binding);
    enum sl_status status = SL_OK;
    if (problems->count > 0) {
        sl_error_at(error, binding->name, problems->items[0].line);
        status = sl_error_set(error, SL_MALFORMED, "%s: %s", problems->items[0].path,
                              problems->items[0].text);
    }
    sl_free(problems);
    return status;
}

enum sl_status har_binding_load(const char *name_or_file, struct har_binding *ret_binding,
                                bool *ret_is_chat, struct sl_error *reterr_error)
{
    static const char *const names[] = {"chat", "health"};
    struct sl_error error = {0};
    size_t len = strlen(name_or_file);
    bool is_file = strchr(name_or_file, '/') != NULL ||
                   (len > 5 && strcmp(name_or_file + len - 5, ".json") == 0);
    *ret_binding = (struct har_binding){.name = name_or_file};
    *ret_is_chat = strcmp(name_or_file, "chat") == 0;
    enum sl_status status = SL_OK;
    sl_buf_init(&ret_binding->text, HAR_BINDING_BYTES_MAX);
    if (*ret_is_chat) {
        return SL_OK;
    }
    if (is_file) {
        char *text = har_read_file(name_or_file, HAR_BINDING_BYTES_MAX, &len, &error);
        if (text == NULL) {
            sl_error_at(&error, name_or_file, 0);
            status = error.status;
        } else {
            (void)sl_buf_add(&ret_binding->text, text, len);
        }
        sl_free(text);
    } else if (strcmp(name_or_file, "health") == 0) {
        (void)sl_buf_add(&ret_binding->text, health, sizeof(health) - 1);
    } else {
        const char *nearest = sl_cli_nearest(name_or_file, names, COUNT(names));
        status = sl_error_set(&error, SL_USAGE,
                              "no binding '%.100s'; there are chat and health%s%s%s; a file's name "
                              "ends in .json",
                              name_or_file, nearest == NULL ? "" : " (did you mean '",
                              nearest == NULL ? "" : nearest, nearest == NULL ? "" : "'?)");
    }
    if (status == SL_OK) {
        status = parse(ret_binding, is_file ? name_or_file : NULL, &error);
    }
    if (status != SL_OK && reterr_error != NULL) {
        *reterr_error = error;
    }
    return status;
}

/* ---- against a schema ---- */

/* A method of the schema that cannot play the role. */
static const char *misfit(enum har_role role, const struct sl_method *method)
{
    bool takes_many = method->is_client_streaming;
    bool gives_many = method->is_server_streaming;
    switch (role) {
    case HAR_ROLE_UNARY:
        return takes_many || gives_many ? "by the schema this is no unary method" : NULL;
    case HAR_ROLE_SERVER_STREAM:
        return gives_many ? NULL : "by the schema this method answers with one message";
    case HAR_ROLE_BIDI:
    case HAR_ROLES:
    default:
        return takes_many && gives_many ? NULL
                                        : "by the schema this is no stream of two directions";
    }
}

static enum sl_status fail(const struct har_binding *binding, enum har_role role, const char *key,
                           const char *text, struct sl_error *error)
{
    char place[PATH_BYTES];
    place_of(role, key, place);
    sl_error_at(error, binding->name, har_json_line(sl_buf_span(&binding->text), place, false));
    return sl_error_set(error, SL_MALFORMED, "%s: %s", place, text);
}

static enum sl_status compile(struct har_binding *binding, enum har_role role,
                              const struct sl_pool *pool, struct sl_error *error)
{
    struct har_bound_method *bound = &binding->methods[role];
    json_t *json = json_object_get(binding->root, har_role_names[role]);
    json_t *request = json_object_get(json, "request");
    const struct sl_method *method = sl_pool_method(pool, sl_span_str(bound->method));
    const char *problem = method == NULL ? NULL : misfit(role, method);
    if (problem != NULL) {
        return fail(binding, role, "method", problem, error);
    }
    if (role == HAR_ROLE_SERVER_STREAM && json_object_get(json, "half_close") == NULL) {
        bound->must_stay_open = method != NULL && method->is_client_streaming;
    }
    if (json_object_size(request) == 0 && (request == NULL || json_is_object(request))) {
        return SL_OK; /* hex, base64, or empty in any schema */
    }
    if (method == NULL || method->input == NULL) {
        return fail(binding, role, "request",
                    "no schema knows this method: `protos` or `descriptors` of the binding, "
                    "--proto or -d name one; or write the request in `hex` or `base64`",
                    error);
    }
    struct sl_error inner = {0};
    sl_buf_clear(&bound->request);
    if (sl_protojson_read(pool, method->input, request, &bound->request, &inner) != SL_OK) {
        return fail(binding, role, "request", inner.text, error);
    }
    return SL_OK;
}

enum sl_status har_binding_compile(struct har_binding *binding, const struct sl_pool *pool,
                                   struct sl_error *reterr_error)
{
    struct sl_error error = {0};
    enum sl_status status = SL_OK;
    for (int role = 0; role < HAR_ROLES && status == SL_OK; role++) {
        if (binding->methods[role].method != NULL) {
            status = compile(binding, (enum har_role)role, pool, &error);
        }
    }
    if (status != SL_OK && reterr_error != NULL) {
        *reterr_error = error;
    }
    return status;
}
