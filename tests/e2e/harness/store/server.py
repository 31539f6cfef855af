# SPDX-License-Identifier: Apache-2.0
"""store.v1 on grpcio: server.py PORT FOLDER-OF-GENERATED-CODE [what it does wrong [reflection]]."""
import queue
import sys
import threading
from concurrent import futures

import grpc

sys.path.insert(0, sys.argv[2])
import store_pb2  # noqa: E402
import reflection  # noqa: E402

WRONG = sys.argv[3] if len(sys.argv) > 3 else ""


class Store:
    def __init__(self):
        self.lock = threading.Lock()
        self.watchers = []
        self.seq = {}

    def put(self, entry, context):
        if not entry.key:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no key")
        with self.lock:
            self.seq[entry.space] = entry.seq = self.seq.get(entry.space, 0) + 1
            told = store_pb2.Entry()
            told.CopyFrom(entry)
            if WRONG == "number" and entry.seq == 7:
                told.seq = 17
            lost = WRONG == "loss" and entry.seq == 10
            for space, entries in self.watchers:
                for _ in range(0 if lost else 2 if WRONG == "twice" and entry.seq == 12 else 1):
                    if space == entry.space:
                        entries.put(told)
        return entry

    def watch(self, query, context):
        entries = queue.Queue()
        with self.lock:
            self.watchers.append((query.space, entries))
        context.send_initial_metadata(())
        context.add_callback(lambda: entries.put(None))
        for entry in iter(entries.get, None):
            yield entry

    def load(self, entries, context):
        return store_pb2.Loaded(count=sum(1 for _ in entries) - (WRONG == "load"))

    def echo(self, entries, context):
        count = 0
        for entry in entries:
            count += 1
            if WRONG == "echo" and count == 20:
                entry.key += "!"
            yield entry
        context.set_trailing_metadata((("store-count", str(count + (WRONG == "trailers"))),))


def main():
    store = Store()
    entry, query, loaded = store_pb2.Entry, store_pb2.Query, store_pb2.Loaded
    kinds = {
        "Put": grpc.unary_unary_rpc_method_handler(store.put, entry.FromString, entry.SerializeToString),
        "Watch": grpc.unary_stream_rpc_method_handler(store.watch, query.FromString, entry.SerializeToString),
        "Load": grpc.stream_unary_rpc_method_handler(store.load, entry.FromString, loaded.SerializeToString),
        "Echo": grpc.stream_stream_rpc_method_handler(store.echo, entry.FromString, entry.SerializeToString),
    }
    server = grpc.server(futures.ThreadPoolExecutor(32))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("store.v1.Store", kinds),))
    server.add_generic_rpc_handlers(reflection.handlers(sys.argv[4] if len(sys.argv) > 4 else ""))
    server.add_insecure_port("127.0.0.1:" + sys.argv[1])
    server.start()
    server.wait_for_termination()


main()
