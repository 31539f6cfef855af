# SPDX-License-Identifier: Apache-2.0
"""client.py HOST:PORT ROUNDS: the calls of bench/midway with grpcio. client.js and main.go make the same."""
import sys

import grpc


def field(number, text):
    return bytes([number << 3 | 2, len(text)]) + text


def message(room, i):
    return field(2, room) + field(3, b"user-%d" % (i % 3)) + field(4, b"hello number %d" % i)


def main(target, rounds):
    with grpc.insecure_channel(target) as channel:
        send = channel.unary_unary("/chat.v1.ChatService/SendMessage")
        check = channel.unary_unary("/grpc.health.v1.Health/Check")
        room = channel.stream_stream("/chat.v1.ChatService/ChatRoom")

        def unary(method, body, i):
            try:
                method(body, timeout=5, metadata=(("x-request", f"r-{i}"),))
            except grpc.RpcError:
                pass  # the unknown service, for one

        for i in range(rounds):
            unary(send, message(b"lobby", i), i)
            unary(send, message(b"kitchen", i), i)
            unary(check, b"", i)
            unary(check, field(1, b"nope"), i)
            if i % 3 == 0:
                list(room(iter([message(b"lobby", i), message(b"lobby", i + 1)]), timeout=5))


main(sys.argv[1], int(sys.argv[2]))
