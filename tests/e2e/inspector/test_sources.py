# SPDX-License-Identifier: Apache-2.0
"""The same capture in every form that real tools give it, whole and while it is still being written, gives the same
records: tcpdump, editcap, mergecap, gzip and zstd are the judges."""
import gzip
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).parents[3]
INSPECTOR = os.environ["SLUICE_INSPECTOR"]
CAPTURE = ROOT / "tests/golden/calls-of-grpc-go/input.pcap"
PACKETS, CALLS = 60, 10
ENDED = 7  # the others are open when the capture ends
SECONDS = 30  # for what should take a moment


def read(*arguments, stdin=None, status=0):
    done = subprocess.run([INSPECTOR, *map(str, arguments)], input=stdin, capture_output=True, timeout=SECONDS, check=False)
    assert done.returncode == status, (arguments, done.returncode, done.stderr)
    return done.stdout.decode(), done.stderr.decode()


class Following:
    """An inspector that runs beside the test, record by record."""

    def __init__(self, *arguments):
        # without a buffer here: what follows the lines read is left to communicate()
        self.process = subprocess.Popen([INSPECTOR, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)

    def records(self, count):
        return [json.loads(self.process.stdout.readline()) for _ in range(count)]

    def end(self, by=signal.SIGINT):
        self.process.send_signal(by)
        out, err = self.process.communicate(timeout=SECONDS)
        return [json.loads(line) for line in out.splitlines()], err.decode(), self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.process.kill()
        self.process.communicate()


class Sources(unittest.TestCase):
    def setUp(self):
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.folder = pathlib.Path(held.name)
        self.expected = read(CAPTURE)[0]
        self.calls = [json.loads(line) for line in self.expected.splitlines()]
        self.assertEqual(len(self.calls), CALLS)

    def tool(self, *command, stdin=None):
        if shutil.which(command[0]) is None:
            self.skipTest(f"{command[0]} is not installed")
        return subprocess.run([*map(str, command)], input=stdin, capture_output=True, timeout=SECONDS, check=True).stdout

    def split(self, size):
        """The capture as files of so many packets, in order."""
        self.tool("editcap", "-F", "pcap", "-c", size, CAPTURE, self.folder / "part.pcap")
        return sorted(self.folder.glob("part_*.pcap"))

    def test_every_format_reads_the_same(self):
        for kind in ("pcap", "nsecpcap", "pcapng", "modpcap"):
            with self.subTest(kind=kind):
                path = self.folder / kind
                self.tool("editcap", "-F", kind, CAPTURE, path)
                self.assertEqual(read(path), (self.expected, ""))
                self.assertEqual(read("-", stdin=path.read_bytes()), (self.expected, ""))

    def test_compressed_captures_read_the_same(self):
        capture = CAPTURE.read_bytes()
        half = len(capture) // 2
        zstd = lambda *options: self.tool("zstd", "-q", "-c", *options, stdin=capture)
        forms = {
            "gzip": self.tool("gzip", "-c", CAPTURE),
            "gzip in two members": gzip.compress(capture[:half]) + gzip.compress(capture[half:]),
            "zstd": zstd(),
            "zstd -19": zstd("-19"),
            "zstd in many frames": b"".join(self.tool("zstd", "-q", "-c", stdin=capture[at:at + 1000])
                                            for at in range(0, len(capture), 1000)),
        }
        for name, packed in forms.items():
            with self.subTest(form=name):
                path = self.folder / "packed"
                path.write_bytes(packed)
                self.assertEqual(read(path), (self.expected, ""))
                self.assertEqual(read("-", stdin=packed), (self.expected, ""))
        with self.subTest(form="too much memory"):
            out, err = read("-", stdin=zstd("--ultra", "-22", "--long=27", "--no-check"), status=2)
            self.assertIn("8 MiB", err)
            self.assertEqual(out, "")

    def test_a_cut_compressed_capture_gives_what_it_has(self):
        packed = gzip.compress(CAPTURE.read_bytes())
        out, err = read("--view", "summary", "-", stdin=packed[:len(packed) * 3 // 4])
        summary = json.loads(out)
        packet = summary["packets"] + 1
        self.assertGreater(packet, PACKETS // 4)
        self.assertEqual([place["packet"] for place in summary["loss"]["damage"]], [packet])
        self.assertIn(f"damaged at packet {packet} ", err)
        self.assertIn("gzip data is cut", err)

    def test_files_of_a_ring_are_one_capture_in_any_order(self):
        parts = self.split(3)
        self.assertEqual(len(parts), PACKETS // 3)
        self.assertEqual(read(*reversed(parts)), (self.expected, ""))
        self.tool("zstd", "-q", "--rm", *parts)
        self.assertEqual(read(*sorted(self.folder.glob("*.zst"), reverse=True)), (self.expected, ""))

    def test_captures_of_two_hosts_merge_as_mergecap_does(self):
        odd, even, merged = (self.folder / name for name in ("odd", "even", "merged"))
        self.tool("editcap", "-r", CAPTURE, odd, *range(1, PACKETS + 1, 2))
        self.tool("editcap", "-r", CAPTURE, even, *range(2, PACKETS + 1, 2))
        self.tool("mergecap", "-w", merged, odd, even)
        self.assertEqual(read(even, odd), (self.expected, ""))
        self.assertEqual(read(merged), (self.expected, ""))

    def test_a_filter_takes_the_packets_that_tcpdump_takes(self):
        self.tool("tcpdump", "-r", CAPTURE, "-w", self.folder / "filtered", "tcp[tcpflags] & tcp-push != 0")
        self.assertEqual(read("--filter", "tcp[tcpflags] & tcp-push != 0", CAPTURE)[0], read(self.folder / "filtered")[0])

    def test_a_growing_file_is_followed(self):
        for form in ("pcap", "pcapng"):
            with self.subTest(form=form):
                whole = self.folder / f"whole.{form}"
                self.tool("editcap", "-F", form, CAPTURE, whole)
                content = whole.read_bytes()
                growing = self.folder / f"growing.{form}"
                growing.write_bytes(content[:10])
                with Following("--follow", growing) as running:
                    half = len(content) * 2 // 3 + 5  # in the middle of a packet
                    with open(growing, "ab") as file:
                        file.write(content[10:half])
                        file.flush()
                        first = running.records(1)
                        file.write(content[half:])
                    rest = running.records(ENDED - 1)
                    last, err, status = running.end()
                self.assertEqual(first + rest + last, self.calls)
                self.assertEqual((err, status), ("", 0))

    def test_what_is_not_written_whole_when_it_ends_is_no_damage(self):
        growing = self.folder / "growing"
        growing.write_bytes(CAPTURE.read_bytes()[:-7])
        for by in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(by=by), Following("--follow", growing) as running:
                first = running.records(1)
                rest, err, status = running.end(by)
                self.assertEqual((first + rest)[0], self.calls[0])
                self.assertEqual(len(first + rest), CALLS)
                self.assertEqual((err, status), ("", 0))

    def test_a_ring_is_followed_from_file_to_file(self):
        parts = self.split(20)
        ring = self.folder / "ring"
        ring.mkdir()
        for operand in (ring, ring / "*.pcap"):
            with self.subTest(operand=operand.name), Following("--follow", operand) as running:
                for part in parts:
                    shutil.copyfile(part, ring / part.name)
                records = running.records(ENDED)
                last, err, status = running.end(signal.SIGTERM)
                self.assertEqual(records + last, self.calls)
                self.assertEqual((err, status), ("", 0))
            for file in ring.iterdir():
                file.unlink()

    def test_a_ring_that_begins_anew_is_read_on(self):
        first, second, third = self.split(20)
        names = [self.folder / "ring0", self.folder / "ring1"]
        with Following("--follow", self.folder / "ring?") as running:
            shutil.copyfile(first, names[0])
            shutil.copyfile(second, names[1])
            of_two = [json.loads(line) for line in read(first, second)[0].splitlines()]
            ended = sum(call["status_source"] != "none" for call in of_two)
            known = running.records(ended)  # the second is being read
            shutil.copyfile(third, names[0])  # the same file, cut back and written anew
            known += running.records(ENDED - ended)
            last, err, status = running.end()
        self.assertEqual(known + last, self.calls)
        self.assertEqual((err, status), ("", 0))

    def test_a_pipe_is_read_to_its_end_after_a_signal(self):
        content = CAPTURE.read_bytes()
        running = subprocess.Popen([INSPECTOR, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   bufsize=0)
        running.stdin.write(content[:-500])
        running.stdin.flush()
        first = running.stdout.readline()  # it waits for more now
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(content[-500:], timeout=SECONDS)
        self.assertEqual(((first + out).decode(), err.decode(), running.returncode), (self.expected, "", 0))

    def test_why_there_is_no_record_is_told(self):
        header = self.folder / "header.pcap"
        header.write_bytes(CAPTURE.read_bytes()[:24])
        for told, arguments in (("no packet in the capture", (header,)),
                                ("no call matches", ("--method", "/no/Such", CAPTURE)),
                                ("no gRPC call: 60 packets, 0 HTTP/2 connections", ("--filter", "udp", CAPTURE))):
            with self.subTest(told):
                stdout, stderr = read(*arguments)
                self.assertEqual(stdout, "")
                self.assertIn(told, stderr)
        self.assertEqual(read(CAPTURE)[1], "")
        self.assertEqual(read("--view", "summary", header)[1], "")  # it says so itself

    def test_what_is_not_there_is_bad_usage(self):
        for arguments in ((self.folder / "none",), ("--follow", self.folder / "none"), (self.folder,), ("--follow", "-")):
            with self.subTest(arguments=arguments):
                out, err = read(*arguments, status=2)
                self.assertEqual(out, "")
                self.assertIn(str(arguments[-1]), err)


if __name__ == "__main__":
    unittest.main(verbosity=1)
