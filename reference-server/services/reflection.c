/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/services/reflection.h"

#include "lib/base/alloc.h"
#include "reference-server/chat/pb.h"

/* Field numbers of reflection.proto. */
enum {
    REQUEST_HOST = 1,
    REQUEST_FILE = 3,
    REQUEST_SYMBOL = 4,
    REQUEST_EXTENSION = 5,
    REQUEST_NUMBERS = 6,
    REQUEST_LIST = 7,
    EXTENSION_TYPE = 1,
    EXTENSION_NUMBER = 2,
    RESPONSE_HOST = 1,
    RESPONSE_REQUEST = 2,
    RESPONSE_FILES = 4,
    RESPONSE_NUMBERS = 5,
    RESPONSE_LIST = 6,
    RESPONSE_ERROR = 7,
    FILES_FILE = 1,
    NUMBERS_TYPE = 1,
    NUMBERS_NUMBER = 2,
    LIST_SERVICE = 1,
    SERVICE_NAME = 1,
    ERROR_CODE = 1,
    ERROR_TEXT = 2,
};

enum {
    REQUEST_MAX = 16384,
    ANSWER_MAX =
        4 * 1024 * 1024, /* the files of our own set, beside the request that is sent back */
};

static const char *const services[] = {
    "chat.v1.ChatService",
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
};

struct reflection_stream {
    struct srv_stream stream;
    const struct srv_reflection *reflection;
    struct srv_frame *answer; /* that waits; NULL: none */
    bool is_half_closed;
    bool is_broken; /* the client sent something that is no request */
    bool is_too_long;
    bool has_given_file;   /* a wrong server: it was asked for one before */
    bool is_unknown_fatal; /* the same: what it was asked for is not known */
};

/* A request, borrowed from its frame. */
struct request {
    uint32_t which;            /* the number of the last member of message_request, 0 without one */
    struct sl_span host, name; /* name: whatever the member names */
    int32_t number;
};

static bool take_extension(struct sl_span bytes, struct request *request)
{
    struct sl_rd rd;
    struct srv_pb_field field;
    sl_rd_init(&rd, bytes);
    while (srv_pb_next(&rd, &field)) {
        if (!srv_pb_take_string(&field, EXTENSION_TYPE, &request->name)) {
            return false;
        }
        if (field.number == EXTENSION_NUMBER && field.wire == SRV_PB_VARINT) {
            request->number = (int32_t)field.value;
        }
    }
    return sl_rd_ok(&rd);
}

static bool take_member(const struct srv_pb_field *field, struct request *request)
{
    if (field->number < REQUEST_FILE || field->number > REQUEST_LIST ||
        field->wire != SRV_PB_BYTES) {
        return true;
    }
    /* The parts of one member are merged, another one begins anew. */
    if (request->which != field->number) {
        request->name = sl_span(NULL, 0);
        request->number = 0;
    }
    request->which = field->number;
    return field->number == REQUEST_EXTENSION
               ? take_extension(field->bytes, request)
               : srv_pb_take_string(field, field->number, &request->name);
}

static bool decode(struct sl_span bytes, struct request *ret_request)
{
    struct sl_rd rd;
    struct srv_pb_field field;
    sl_rd_init(&rd, bytes);
    *ret_request = (struct request){0};
    while (srv_pb_next(&rd, &field)) {
        if (!srv_pb_take_string(&field, REQUEST_HOST, &ret_request->host) ||
            !take_member(&field, ret_request)) {
            return false;
        }
    }
    return sl_rd_ok(&rd);
}

/* ---- answers: each fills the message of one member of message_response and gives its number ---- */

static uint32_t refuse(struct sl_buf *out, enum sl_grpc_status status, const char *text)
{
    srv_pb_put_varint(out, ERROR_CODE, status);
    srv_pb_put_string(out, ERROR_TEXT, sl_span_str(text));
    return RESPONSE_ERROR;
}

/* file -1: there is none. */
static uint32_t give_files(const struct srv_reflection *reflection, int file, struct sl_buf *out)
{
    const struct srv_descriptors *set = &reflection->files;
    bool needed[SRV_DESCRIPTOR_FILES_MAX] = {false};
    if (file < 0 || reflection->misbehave->reflection_knows_no_file) {
        return refuse(out, SL_GRPC_NOT_FOUND, "no file that is known here has it");
    }
    srv_descriptors_mark_needed(set, file, needed);
    srv_pb_put_string(out, FILES_FILE, set->files[file]); /* what was asked for comes first */
    for (size_t i = 0; i < set->count; i++) {
        if (needed[i] && i != (size_t)file) {
            srv_pb_put_string(out, FILES_FILE, set->files[i]);
        }
    }
    return RESPONSE_FILES;
}

static void put_number(void *owner, int32_t number, int file)
{
    (void)file;
    srv_pb_put_varint(owner, NUMBERS_NUMBER, (uint64_t)number);
}

static uint32_t give_numbers(const struct srv_reflection *reflection, struct sl_span type,
                             struct sl_buf *out)
{
    if (srv_descriptors_by_symbol(&reflection->files, type) < 0) {
        return refuse(out, SL_GRPC_NOT_FOUND, "the type is not known here");
    }
    srv_pb_put_string(out, NUMBERS_TYPE, type);
    srv_descriptors_extensions(&reflection->files, type, put_number, out);
    return RESPONSE_NUMBERS;
}

static uint32_t give_list(const struct srv_reflection *reflection, struct sl_buf *out)
{
    size_t count = sizeof(services) / sizeof(services[0]);
    for (size_t i = 0; i < count && !reflection->misbehave->reflection_lists_nothing; i++) {
        struct sl_buf service;
        sl_buf_init(&service, 256);
        srv_pb_put_string(&service, SERVICE_NAME, sl_span_str(services[i]));
        srv_pb_put_string(out, LIST_SERVICE, sl_buf_span(&service));
        sl_buf_release(&service);
    }
    return RESPONSE_LIST;
}

static uint32_t give(const struct srv_reflection *reflection, const struct request *request,
                     struct sl_buf *out)
{
    const struct srv_descriptors *set = &reflection->files;
    switch (request->which) {
    case REQUEST_FILE:
        return give_files(reflection, srv_descriptors_by_name(set, request->name), out);
    case REQUEST_SYMBOL:
        return give_files(reflection, srv_descriptors_by_symbol(set, request->name), out);
    case REQUEST_EXTENSION:
        return give_files(reflection,
                          srv_descriptors_by_extension(set, request->name, request->number), out);
    case REQUEST_NUMBERS:
        return give_numbers(reflection, request->name, out);
    case REQUEST_LIST:
        return give_list(reflection, out);
    default:
        return refuse(out, SL_GRPC_INVALID_ARGUMENT, "the request asks for nothing");
    }
}

static struct srv_frame *answer(const struct srv_reflection *reflection,
                                const struct request *request, struct sl_span bytes)
{
    struct sl_buf member;
    struct sl_buf out;
    sl_buf_init(&member, ANSWER_MAX);
    sl_buf_init(&out, 2 * ANSWER_MAX + 2 * bytes.len);
    uint32_t number = give(reflection, request, &member);
    srv_pb_put_string(&out, RESPONSE_HOST, request->host);
    srv_pb_put_string(&out, RESPONSE_REQUEST, bytes);
    srv_pb_put_string(&out, number, sl_buf_span(&member));
    struct srv_frame *frame = srv_frame_copy(sl_buf_span(&out));
    sl_buf_release(&member);
    sl_buf_release(&out);
    return frame;
}

/* ---- the stream ---- */

static enum srv_pull pull(struct srv_stream *base, uint64_t now_ns, struct srv_pulled *ret_pulled)
{
    struct reflection_stream *stream = (struct reflection_stream *)base;
    (void)now_ns;
    if (stream->answer != NULL) {
        *ret_pulled = (struct srv_pulled){.frame = stream->answer};
        stream->answer = NULL;
        return SRV_PULL_FRAME;
    }
    if (stream->is_unknown_fatal) {
        *ret_pulled =
            (struct srv_pulled){.status = SL_GRPC_NOT_FOUND, .text = "the symbol is not known"};
        return SRV_PULL_END;
    }
    if (stream->is_broken) {
        *ret_pulled = (struct srv_pulled){
            .status = SL_GRPC_INTERNAL, .text = "a message is not a valid ServerReflectionRequest"};
        return SRV_PULL_END;
    }
    if (stream->is_too_long) {
        *ret_pulled = (struct srv_pulled){.status = SL_GRPC_RESOURCE_EXHAUSTED,
                                          .text = "a reflection request has at most 16384 bytes"};
        return SRV_PULL_END;
    }
    if (stream->is_half_closed) {
        *ret_pulled = (struct srv_pulled){.status = SL_GRPC_OK, .text = ""};
        return SRV_PULL_END;
    }
    *ret_pulled = (struct srv_pulled){.until_ns = SRV_NEVER};
    return SRV_PULL_WAIT;
}

static void sent(struct srv_stream *base, uint64_t now_ns)
{
    (void)base;
    (void)now_ns;
}

static bool can_receive(const struct srv_stream *base)
{
    const struct reflection_stream *stream = (const struct reflection_stream *)base;
    return stream->answer == NULL && !stream->is_half_closed && !stream->is_broken &&
           !stream->is_too_long && !stream->is_unknown_fatal;
}

/* What wrong servers do to a request; false: it gets no answer. */
static bool misread(struct reflection_stream *stream, struct request *request)
{
    const struct srv_misbehave *misbehave = stream->reflection->misbehave;
    bool asks_for_file = request->which == REQUEST_FILE || request->which == REQUEST_SYMBOL;
    if (misbehave->reflection_answers_once && asks_for_file && stream->has_given_file) {
        request->name = sl_span(NULL, 0);
    }
    stream->has_given_file |= asks_for_file;
    stream->is_unknown_fatal =
        misbehave->reflection_unknown_ends && request->which == REQUEST_SYMBOL &&
        srv_descriptors_by_symbol(&stream->reflection->files, request->name) < 0;
    return !stream->is_unknown_fatal;
}

static void receive(struct srv_stream *base, struct srv_frame *frame, uint64_t now_ns)
{
    struct reflection_stream *stream = (struct reflection_stream *)base;
    struct request request;
    (void)now_ns;
    if (frame->len > REQUEST_MAX) {
        stream->is_too_long = true; /* the answer repeats it, and waits for the client */
    } else if (!decode(srv_frame_span(frame), &request)) {
        stream->is_broken = true;
    } else if (misread(stream, &request)) {
        stream->answer = answer(stream->reflection, &request, srv_frame_span(frame));
    }
}

static void half_close(struct srv_stream *base, uint64_t now_ns)
{
    (void)now_ns;
    ((struct reflection_stream *)base)->is_half_closed = true;
}

static void close_stream(struct srv_stream *base)
{
    struct reflection_stream *stream = (struct reflection_stream *)base;
    srv_frame_unref(stream->answer);
    sl_free(stream);
}

static const struct srv_stream_ops reflection_ops = {
    .pull = pull,
    .sent = sent,
    .close = close_stream,
    .can_receive = can_receive,
    .receive = receive,
    .half_close = half_close,
};

void srv_reflection_init(struct srv_reflection *reflection, struct sl_span serialised,
                         const struct srv_misbehave *misbehave)
{
    srv_descriptors_init(&reflection->files, serialised);
    reflection->misbehave = misbehave;
}

struct srv_stream *srv_reflection_open(struct srv_reflection *reflection)
{
    struct reflection_stream *stream = sl_alloc(sizeof(*stream));
    stream->stream.ops = &reflection_ops;
    stream->reflection = reflection;
    return &stream->stream;
}
