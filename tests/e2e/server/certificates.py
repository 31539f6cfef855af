# SPDX-License-Identifier: Apache-2.0
"""Certificates for tests, made by the openssl program in a temporary folder."""

import os
import subprocess
import tempfile

# For `openssl ca`, which is the one command that takes a validity in the past in every version.
CA_CONFIG = """
[ca]
default_ca = here
[here]
database = {folder}/index.txt
new_certs_dir = {folder}
rand_serial = yes
policy = any
default_md = sha256
[any]
commonName = supplied
"""
THIS_CENTURY = ("20200101000000Z", "20991231000000Z")
LONG_PAST = ("20200101000000Z", "20210101000000Z")


def openssl(*args):
    subprocess.run(["openssl", *args], check=True, capture_output=True)


class Folder:
    """NAME.crt and NAME.key of everything that was made, until close."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory()
        self.write("config", CA_CONFIG.format(folder=self._folder.name).encode())
        self.write("index.txt", b"")

    def path(self, name):
        return os.path.join(self._folder.name, name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content)

    def authority(self, name):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-subj", "/CN=" + name, "-days", "2", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
                "-keyout", self.path(name + ".key"), "-out", self.path(name + ".crt"))

    def sign(self, name, issuer, usage, validity=THIS_CENTURY):
        self.write("ext", ("authorityKeyIdentifier=keyid\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n"
                           "extendedKeyUsage=%s\n" % usage).encode())
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                "/CN=" + name, "-keyout", self.path(name + ".key"), "-out", self.path("csr"))
        openssl("ca", "-batch", "-notext", "-config", self.path("config"), "-cert",
                self.path(issuer + ".crt"), "-keyfile", self.path(issuer + ".key"), "-in", self.path("csr"),
                "-startdate", validity[0], "-enddate", validity[1], "-extfile", self.path("ext"),
                "-out", self.path(name + ".crt"))

    def close(self):
        self._folder.cleanup()
