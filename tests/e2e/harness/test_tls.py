# SPDX-License-Identifier: Apache-2.0
"""Targets as they are in production: behind TLS, by name, by authority, with credentials. And what is said when not."""
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import unittest
from pathlib import Path

from support import HARNESS, SERVER, Folder, harness, scenario
from tls_support import NAME, NGINX, Certificates, Front, Nginx, free_port

SECRET = "s3cret-of-the-test"
# Each way to the server: the C core, frames of our own, a proxy, a client in another process.
WAYS = scenario(
    actors={"core": {"kind": "publisher", "transport": "grpc"}, "own": {"kind": "publisher", "transport": "h2"},
            "via": {"kind": "publisher", "via": "proxy"}, "sub": {"kind": "subscriber"},
            "far": {"kind": "child"}},
    run=[{"sub": {"subscribe": {}}}, {"far": {"spawn": {}}},
         {"core": {"send": {"count": 2}}}, {"own": {"send": {"count": 2}}}, {"via": {"send": {"count": 2}}},
         {"await": "received(sub) >= 6"}])

# The same without the client in another process, which is watched by its TCP port.
NEAR = scenario(actors={name: actor for name, actor in WAYS["actors"].items() if name != "far"},
                run=[step for step in WAYS["run"] if "far" not in step])


def start(*words):
    process = subprocess.Popen([SERVER, "--listen", "127.0.0.1:0", *words], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
    return process, process.stdout.readline().split()[-1]


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Folder()
        cls.certs = Certificates(cls.folder.path)
        cls.path = staticmethod(cls.certs.path)
        cls.ways = cls.folder.write("s/ways.json", WAYS)
        cls.good = cls.folder.write("s/good.json", scenario())
        cls.server, cls.plain = start()
        cls.behind = ("127.0.0.1", int(cls.plain.split(":")[1]))

    @classmethod
    def tearDownClass(cls):
        cls.server.kill()
        cls.server.wait()
        cls.server.stdout.close()
        cls.folder.__exit__()

    def run_on(self, target, *words, what=None, environment=None, profile="reference"):
        return subprocess.run([HARNESS, "run", what or self.good, "--profile", profile, "--target", target, *words],
                              capture_output=True, text=True, timeout=60, check=False,
                              env={**os.environ, **(environment or {})})

    def passes(self, target, *words, **more):
        done = self.run_on(target, *words, **more)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done

    def is_told(self, pattern, target, *words, **more):
        done = self.run_on(target, *words, **more)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertRegex(done.stderr, pattern)
        self.assertIn("cannot be reached", done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, "one line")

    def front(self, *arguments, **more):
        front = Front(self.certs, *arguments, **more)
        self.addCleanup(front.close)
        return front, f"127.0.0.1:{front.port}"

    def test_all_ways_lead_through_tls(self):
        front, address = self.front(self.behind)
        self.passes(address, "--ca", self.path("ca.pem"), "--authority", f"{NAME}:443", what=self.ways)
        self.assertEqual(set(front.names), {NAME}, "SNI of every connection")

    def test_the_name_of_tls_apart_from_the_authority(self):
        front, address = self.front(self.behind)
        self.passes(address, "--ca", self.path("ca.pem"), "--authority", "chat.internal", "--server-name",
                    "a.svc.example.com", what=self.ways)
        self.assertEqual(set(front.names), {"a.svc.example.com"})

    def test_the_roots_of_the_system(self):
        _, address = self.front(self.behind)
        words = ("--tls", "--authority", NAME)
        self.passes(address, *words, environment={"SSL_CERT_FILE": self.path("ca.pem")})
        roots = self.folder.path / "roots"
        roots.mkdir()
        shutil.copy(self.path("ca.pem"), roots / "ca.pem")
        self.certs.run("rehash", str(roots))
        self.passes(address, *words, environment={"SSL_CERT_DIR": str(roots), "SSL_CERT_FILE": "/nowhere"})
        self.is_told(r"nobody who is trusted.*An authority of the test.*--ca FILE", address, *words)

    def test_a_certificate_of_another_kind_is_told(self):
        ca = ("--ca", self.path("ca.pem"))
        _, address = self.front(None)
        self.is_told(r"is for chat\.example\.com, \*\.svc\.example\.com and not for 127\.0\.0\.1.*--server-name", address, *ca)
        _, address = self.front(None, "expired")
        self.is_told(r"has expired on 2\d\d\d-.*renewed", address, *ca, "--authority", NAME)
        _, address = self.front(None, "stranger")
        self.is_told(r"nobody who is trusted.*--ca", address, *ca)

    def test_a_client_without_the_right_certificate_is_told(self):
        words = ("--ca", self.path("ca.pem"), "--authority", NAME)
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.subTest(version):
                _, address = self.front(self.behind, version=version, client_ca=self.path("ca.pem"))
                self.is_told(r"wants a client's certificate.*--cert FILE --key FILE", address, *words)
                self.is_told(r"refuses the client's certificate.*signer of --cert", address, *words, "--cert",
                             self.path("stranger.pem"), "--key", self.path("stranger.key"))
                self.passes(address, *words, "--cert", self.path("client.pem"), "--key", self.path("client.key"))

    def test_another_protocol_is_told(self):
        words = ("--ca", self.path("ca.pem"), "--authority", NAME)
        _, address = self.front(self.behind, protocols=())
        self.is_told(r"did not choose h2 by ALPN", address, *words)
        _, address = self.front(self.behind, protocols=("http/1.1",))
        self.is_told(r"h2", address, *words)
        self.is_told(r"does not speak TLS on this port.*without --tls", self.plain, *words)

    def test_files_that_cannot_be_used_are_named(self):
        for words, wanted in ((("--ca", "/nowhere.pem"), "/nowhere.pem: No such file"),
                              (("--cert", self.path("client.pem")), "--cert and --key go together"),
                              (("--cert", self.path("client.pem"), "--key", self.path("server.key")), "server.key: "),
                              (("--server-name", NAME), "--server-name is of TLS")):
            with self.subTest(words):
                done = self.run_on("127.0.0.1:1", *words)
                self.assertEqual(done.returncode, 2)
                self.assertIn(wanted, done.stderr)

    @unittest.skipUnless(NGINX, "nginx is not there (ci/setup --for interop)")
    def test_nginx_that_routes_by_authority_and_asks_for_a_token(self):
        folder = Folder()
        self.addCleanup(folder.__exit__)
        for name in ("server.pem", "server.key"):
            shutil.copy(self.path(name), folder.path)
        nginx = Nginx(folder.path, self.behind)
        self.addCleanup(nginx.close)
        nginx.wait()
        near = folder.write("near.json", NEAR)
        token = folder.write("token", f"# of the test\n\nauthorization: Bearer {SECRET}\n")
        words = ("--ca", self.path("ca.pem"), "--authority", NAME)
        seed = {"profile": "seed"}  # nginx keeps the headers of a stream until the first message: nothing is "ready"
        for address in (f"localhost:{nginx.port}", f"dns:///127.0.0.1:{nginx.port}", f"unix:{nginx.socket}"):
            with self.subTest(address):
                is_path = address.startswith("unix:")
                self.passes(address, *words, "--metadata-file", token, what=near if is_path else self.ways, **seed)
        address = f"127.0.0.1:{nginx.port}"
        self.passes(address, *words, "--metadata-env", "authorization: CHAT_AUTH",
                    environment={"CHAT_AUTH": f"Bearer {SECRET}"}, **seed)
        self.passes(address, "--ca", self.path("ca.pem"), "--server-name", NAME, "--authority", f"{NAME}:8443",
                    "--metadata", f"authorization: Bearer {SECRET}", **seed)
        capture = folder.path / "socket.pcapng"
        done = self.run_on(f"unix:{nginx.socket}", *words, "--metadata-file", token, "--capture", str(capture),
                           what=self.ways, profile="seed")
        self.assertIn(b"sluice-canary", capture.read_bytes(), "a socket without addresses is captured, too")
        self.assertEqual(done.returncode, 4)
        self.assertRegex(done.stdout, r"SKIP .*socket in the file system")
        self.is_told(r"401.*--metadata-file", address, *words)

    def test_secrets_are_in_no_list_of_processes_and_in_no_report(self):
        failing = self.folder.write("s/failing.json", scenario(
            actors={"pub": {"kind": "publisher"}, "far": {"kind": "child"}},
            # The client lives long enough to be met among all processes, on a busy machine too.
            run=[{"far": {"spawn": {}}}, {"pub": {"send": {}}}, {"hold": "accepted(pub) <= 1", "for": "2s"}],
            expect=[{"count": "accepted", "of": "pub", "between": 2}]))
        token = self.folder.write("token", f"authorization: Bearer {SECRET}\n")
        reports = {kind: self.folder.path / f"report.{kind}" for kind in ("json", "junit", "tap", "md", "html")}
        evidence = self.folder.path / "evidence"
        words = [word for kind, path in reports.items() for word in ("--report", f"{kind}={path}")]
        # Each process of the run is the harness, or its client; a wrapper notes what others would see of them.
        listing = self.folder.path / "listing"
        environment = {"T": f"Bearer {SECRET}"}
        run = subprocess.Popen([HARNESS, "run", failing, "--profile", "reference", "--target", self.plain, *words,
                                "--evidence", str(evidence), "--metadata-file", token, "--metadata-env", "x-also: T",
                                "--metadata", f"x-given: {SECRET}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, env={**os.environ, **environment})
        seen = []
        while run.poll() is None:
            for process in Path("/proc").iterdir():
                try:
                    line = (process / "cmdline").read_bytes() if process.name.isdigit() else b""
                except OSError:
                    continue
                seen += [line] if b"client" in line and b"--room" in line else []
        output = run.stdout.read()
        run.stdout.close()
        self.assertEqual(run.returncode, 1, output)
        self.assertTrue(seen, "the client was seen")
        self.assertFalse([line for line in seen if SECRET.encode() in line])
        texts = {"stdout": output, **{kind: path.read_text() for kind, path in reports.items()}}
        for path in evidence.rglob("*"):
            if path.is_file() and path.suffix not in (".pcapng", ".keys"):
                texts[str(path)] = path.read_text(errors="replace")
        self.assertGreater(len(texts), 6)
        for name, text in texts.items():
            self.assertNotIn(SECRET, text, name)
        rerun = json.loads(reports["json"].read_text())["results"][0]["rerun"]
        self.assertIn(f"--metadata 'x-given: VALUE' --metadata-file '{token}' --metadata-env 'x-also: T'", rerun)
        again = subprocess.run(["sh", "-c", rerun.replace("sluice-harness", f"'{HARNESS}'", 1)], capture_output=True,
                               text=True, check=False, env={**os.environ, **environment})
        self.assertEqual(again.returncode, 1, again.stderr)
        self.assertFalse(listing.exists())

    def test_metadata_that_cannot_be_read_is_told_without_its_value(self):
        bad = self.folder.write("bad", f"x-fine: 1\n\nAuthorization {SECRET}\n")
        control = self.folder.write("control", f"x-a: {SECRET}\x01\n")
        for words, wanted in ((("--metadata-file", bad), f"{bad}:3: wanted: 'name: value'"),
                              (("--metadata-file", control), f"{control}:1: metadata values are printable"),
                              (("--metadata-file", "/nowhere"), "/nowhere: cannot be opened"),
                              (("--metadata-env", "x-a: NO_SUCH_VARIABLE"), "no variable NO_SUCH_VARIABLE"),
                              (("--metadata-env", f"x-a={SECRET}"), "wanted: 'name: VARIABLE'")):
            with self.subTest(wanted):
                done = self.run_on(self.plain, *words)
                self.assertEqual(done.returncode, 2)
                self.assertIn(wanted, done.stderr)
                if words[0] == "--metadata-file":
                    self.assertNotIn(SECRET, done.stderr)


class Addresses(unittest.TestCase):
    def test_forms_that_are_none(self):
        for text, wanted in (("localhost", "wanted: HOST:PORT"), ("localhost:0", "wanted: HOST:PORT"),
                             ("http://h:1", "without a scheme"), ("::1:50051", "in brackets: [::1]:50051"),
                             ("dns://9.9.9.9/h:1", "dns:///HOST:PORT"), ("unix:", "1 to 107 bytes"),
                             ("unix:" + "x" * 108, "1 to 107 bytes")):
            with self.subTest(text):
                done = harness("run", "--target", text)
                self.assertEqual(done.returncode, 2)
                self.assertIn(wanted, done.stderr)

    def test_an_address_that_refuses_leaves_the_next_one(self):
        """localhost is ::1 and 127.0.0.1 where there is IPv6; the server listens on one of them."""
        server, address = start()
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        with Folder() as folder:
            good = folder.write("s.json", scenario())
            for target in (f"localhost:{address.split(':')[1]}", f"dns:{address}", f"ipv4:{address}"):
                done = harness("run", good, "--profile", "reference", "--target", target)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_ipv6(self):
        try:
            with socket.socket(socket.AF_INET6) as probe:
                probe.bind(("::1", 0))
        except OSError:
            self.skipTest("this machine has no ::1")
        with Folder() as folder:
            port = free_port()
            server = subprocess.Popen([SERVER, "--listen", f"[::1]:{port}"], stdout=subprocess.PIPE,
                                      stderr=subprocess.DEVNULL, text=True)
            self.addCleanup(server.stdout.close)
            self.addCleanup(server.wait)
            self.addCleanup(server.kill)
            self.assertRegex(server.stdout.readline(), re.escape(f"[::1]:{port}"))
            done = harness("run", folder.write("s.json", WAYS), "--profile", "reference", "--target", f"[::1]:{port}")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class MadeCertificates(unittest.TestCase):
    """--exec with {cert}, {key} and {ca}: the run makes the certificates, and takes them away again."""

    def run_exec(self, marks, *words):
        command = f"exec '{SERVER}' --frontend h2 --listen 127.0.0.1:{{port}} {marks}"
        return harness("run", *words, "--profile", "reference", "--exec", command)

    def test_every_way_to_the_server_and_the_scenarios_of_tls(self):
        with Folder() as folder:
            made = folder.path / "made"
            made.mkdir()
            before = os.environ.get("TMPDIR")
            os.environ["TMPDIR"] = str(made)
            try:
                done = self.run_exec("--tls-cert {cert} --tls-key {key} --tls-client-ca {ca}",
                                     folder.write("s.json", WAYS), "wire/tls-*")
            finally:
                os.environ.pop("TMPDIR")
                if before is not None:
                    os.environ["TMPDIR"] = before
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertNotIn("SKIP", done.stdout)
            self.assertEqual(list(made.iterdir()), [])

    def test_what_the_target_lacks_is_skipped_with_the_reason(self):
        done = self.run_exec("--tls-cert {cert} --tls-key {key}", "wire/tls-client-certificates")
        self.assertEqual(done.returncode, 4, done.stdout + done.stderr)
        self.assertIn("no certificate of a client is shown", done.stdout)
        done = self.run_exec("", "wire/tls-alpn")
        self.assertEqual(done.returncode, 4, done.stdout + done.stderr)
        self.assertIn("the server is met without TLS", done.stdout)

    def test_marks_go_together_and_with_no_certificates_of_ones_own(self):
        for marks, words, part in (("--tls-cert {cert}", (), "{cert} and {key}"), ("# {ca}", (), "{cert} and {key}"),
                                   ("# {cert} {key}", ("--tls",), "the run makes the certificates")):
            done = self.run_exec(marks, "wire/tls-alpn", *words)
            self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
            self.assertIn(part, done.stderr)


if __name__ == "__main__":
    unittest.main()
