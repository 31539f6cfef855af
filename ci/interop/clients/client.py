# SPDX-License-Identifier: Apache-2.0
"""client.py HOST:PORT STUBS: uses every RPC of chat.v1 as a user of grpcio would; exits with 1 and says what differs.

STUBS is a folder with what protoc makes of chat/v1/chat.proto.
"""
import queue
import sys
import uuid

import grpc

sys.path.insert(0, sys.argv[2])
from chat.v1 import chat_pb2  # noqa: E402

MESSAGES = 20
WAIT = 10  # seconds: longer than anything takes on a slow machine
SERVICE = "/chat.v1.ChatService/"
ROOM = "python-" + uuid.uuid4().hex  # a new one, since a message is not delivered twice (SEND-09)


def expect(what, got, wanted):
    if got != wanted:
        sys.exit("%s: %r instead of %r" % (what, got, wanted))


def message(room, number):
    return chat_pb2.ChatMessage(message_id="m%d" % number, room_id=room, user_id="python", text="text %d" % number)


def unary(channel):
    return channel.unary_unary(SERVICE + "SendMessage", chat_pb2.ChatMessage.SerializeToString,
                               chat_pb2.ActionResponse.FromString)


def subscribe(channel, room, timeout):
    call = channel.unary_stream(SERVICE + "SubscribeToRoom", chat_pb2.RoomSubscription.SerializeToString,
                                chat_pb2.ChatMessage.FromString)
    return call(chat_pb2.RoomSubscription(room_id=room, max_rate_hz=1000), timeout=timeout)


def check_streaming(channel):
    stream = subscribe(channel, ROOM, WAIT)
    stream.initial_metadata()  # SUB-10: from here on nothing is missed
    for number in range(MESSAGES):
        reply = unary(channel)(message(ROOM, number), timeout=WAIT, metadata=[("x-request-id", "r%d" % number)])
        expect("accepted", reply.accepted, True)
        expect("request_id", reply.request_id, "r%d" % number)
    for number in range(MESSAGES):
        expect("delivered", next(stream).text, "text %d" % number)
    stream.cancel()
    expect("a cancelled call", stream.code(), grpc.StatusCode.CANCELLED)


def check_chat(channel):
    outgoing = queue.Queue()
    call = channel.stream_stream(SERVICE + "ChatRoom", chat_pb2.ChatMessage.SerializeToString,
                                 chat_pb2.ServerCommand.FromString)
    stream = call(iter(outgoing.get, None), timeout=WAIT)
    for number in range(MESSAGES):
        outgoing.put(message(ROOM + "-chat", number))
        expect("ack", next(stream).payload, "ack:m%d" % number)
    outgoing.put(None)
    expect("after the half-close", list(stream), [])
    expect("status", stream.code(), grpc.StatusCode.OK)


def check_errors(channel):
    reply = unary(channel)(chat_pb2.ChatMessage(text="no room"), timeout=WAIT)
    expect("accepted without a room", reply.accepted, False)
    stream = subscribe(channel, "", WAIT)
    expect("a subscription without a room", stream.code(), grpc.StatusCode.INVALID_ARGUMENT)
    details = dict(stream.trailing_metadata()).get("grpc-status-details-bin", b"")
    expect("details of the error", b"BadRequest" in details, True)
    stream = subscribe(channel, ROOM, 0.2)
    expect("past the deadline", stream.code(), grpc.StatusCode.DEADLINE_EXCEEDED)


def main():
    with grpc.insecure_channel(sys.argv[1]) as channel:
        health = channel.unary_unary("/grpc.health.v1.Health/Check")
        expect("health", health(b"", timeout=WAIT), b"\x08\x01")
        check_streaming(channel)
        check_chat(channel)
        check_errors(channel)


main()
