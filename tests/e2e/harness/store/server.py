# SPDX-License-Identifier: Apache-2.0
"""store.v1 on grpcio: server.py FOLDER-OF-GENERATED-CODE. Prints its port. What it does wrong, and what its reflection is like,
stand in the two lines of the file `mode` of the folder, which each call reads: one server plays all."""
import pathlib
import queue
import sys
import threading
from concurrent import futures

import grpc

sys.path.insert(0, sys.argv[1])
import store_pb2  # noqa: E402
import reflection  # noqa: E402

MODE = pathlib.Path(sys.argv[1], "mode")


def wrong():
    return MODE.read_text().split("\n")[0]


class Store:
    def __init__(self):
        self.lock = threading.Lock()
        self.watchers = []
        self.seq = {}

    def put(self, entry, context):
        if not entry.key:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no key")
        fault = wrong()
        with self.lock:
            self.seq[entry.space] = entry.seq = self.seq.get(entry.space, 0) + 1
            told = store_pb2.Entry()
            told.CopyFrom(entry)
            if fault == "number" and entry.seq == 7:
                told.seq = 17
            lost = fault == "loss" and entry.seq == 10
            for space, entries in self.watchers:
                for _ in range(0 if lost else 2 if fault == "twice" and entry.seq == 12 else 1):
                    if space == entry.space:
                        entries.put(told)
        return entry

    def watch(self, query, context):
        entries = queue.Queue()
        watcher = (query.space, entries)
        with self.lock:
            self.watchers.append(watcher)
        context.send_initial_metadata(())
        context.add_callback(lambda: entries.put(None))
        try:
            yield from iter(entries.get, None)
        finally:
            with self.lock:
                self.watchers.remove(watcher)

    def load(self, entries, context):
        return store_pb2.Loaded(count=sum(1 for _ in entries) - (wrong() == "load"))

    def echo(self, entries, context):
        count, fault = 0, wrong()
        for entry in entries:
            count += 1
            if fault == "echo" and count == 20:
                entry.key += "!"
            yield entry
        context.set_trailing_metadata((("store-count", str(count + (fault == "trailers"))),))


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
    server.add_generic_rpc_handlers((reflection.Handler(lambda: MODE.read_text().split("\n")[1]),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    server.wait_for_termination()


main()
