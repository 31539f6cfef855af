# SPDX-License-Identifier: Apache-2.0
"""Certificates by openssl, and servers that end TLS in front of another one."""
import shutil
import socket
import ssl
import subprocess
import threading
from pathlib import Path

NAME = "chat.example.com"


class Certificates:
    """An authority, and what it signed: NAME.pem and NAME.key in a folder."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.run("req", "-x509", *self.key("ca"), "-subj", "/CN=An authority of the test", "-days", "2", "-out", self.path("ca.pem"))
        self.make("server", f"subjectAltName=DNS:{NAME},DNS:*.svc.example.com")
        self.make("local", "subjectAltName=IP:127.0.0.1,DNS:localhost")
        self.make("expired", f"subjectAltName=DNS:{NAME}", days=-1)
        self.make("client", "extendedKeyUsage=clientAuth")
        self.run("req", "-x509", *self.key("stranger"), "-subj", "/CN=nobody", "-days", "2", "-out",
                 self.path("stranger.pem"))

    def path(self, name):
        return str(self.folder / name)

    def key(self, name):
        return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.path(f"{name}.key"))

    def run(self, *words):
        subprocess.run(["openssl", *words], check=True, capture_output=True)

    def make(self, name, extension, days=2):
        (self.folder / f"{name}.ext").write_text(extension + "\n")
        self.run("req", *self.key(name), "-subj", f"/CN={name}", "-out", self.path(f"{name}.csr"))
        self.run("x509", "-req", "-in", self.path(f"{name}.csr"), "-CA", self.path("ca.pem"), "-CAkey",
                 self.path("ca.key"), "-CAcreateserial", "-days", str(days), "-extfile", self.path(f"{name}.ext"), "-out",
                 self.path(f"{name}.pem"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Front:
    """Ends TLS and passes bytes on, as a load balancer of the fourth layer does. Notes the names that were asked for."""

    def __init__(self, certificates, server, name="server", protocols=("h2",), version=None, client_ca=None, family="tcp"):
        self.server = server
        self.names = []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificates.path(f"{name}.pem"), certificates.path(f"{name}.key"))
        self.context.sni_callback = lambda connection, asked, context: self.names.append(asked)
        if protocols:
            self.context.set_alpn_protocols(list(protocols))
        if version:
            self.context.maximum_version = version
        if client_ca:
            self.context.load_verify_locations(client_ca)
            self.context.verify_mode = ssl.CERT_REQUIRED
        self.listener = socket.socket(socket.AF_INET6 if family == "ip6" else socket.AF_INET)
        self.listener.bind(("::1" if family == "ip6" else "127.0.0.1", 0))
        self.listener.listen()
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.pass_on, args=(client,), daemon=True).start()

    def pass_on(self, client):
        try:
            outer = self.context.wrap_socket(client, server_side=True)
            if self.server is None:  # nobody is behind it
                outer.close()
                return
            inner = socket.create_connection(self.server)
        except OSError:  # which ssl.SSLError is
            client.close()
            return
        back = threading.Thread(target=self.copy, args=(inner, outer), daemon=True)
        back.start()
        self.copy(outer, inner)
        back.join()
        outer.close()
        inner.close()

    @staticmethod
    def copy(source, sink):
        try:
            while chunk := source.recv(65536):
                sink.sendall(chunk)
            if not isinstance(sink, ssl.SSLSocket):
                sink.shutdown(socket.SHUT_WR)
        except OSError:
            for end in (source, sink):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin")
NGINX_CONF = """
daemon off;
worker_processes 1;
pid FOLDER/nginx.pid;
error_log stderr warn;
events { worker_connections 256; }
http {
    access_log off;
    client_body_temp_path FOLDER/body;
    proxy_temp_path FOLDER/proxy;
    fastcgi_temp_path FOLDER/fastcgi;
    uwsgi_temp_path FOLDER/uwsgi;
    scgi_temp_path FOLDER/scgi;
    ssl_certificate FOLDER/server.pem;
    ssl_certificate_key FOLDER/server.key;
    # Which site: by the name of TLS first, then by :authority.
    server {
        listen 127.0.0.1:PORT ssl http2 default_server;
        listen unix:FOLDER/nginx.sock ssl http2 default_server;
        server_name _;
        location / { return 404; }
    }
    server {
        listen 127.0.0.1:PORT ssl http2;
        listen unix:FOLDER/nginx.sock ssl http2;
        server_name chat.example.com;
        location / {
            if ($http_authorization != "Bearer s3cret-of-the-test") { return 401; }
            grpc_pass grpc://SERVER;
            grpc_read_timeout 1h;
            grpc_send_timeout 1h;
            client_body_timeout 1h;
            client_max_body_size 0;
        }
    }
}
"""


class Nginx:
    """Routes by authority and asks for a bearer token, in front of the server."""

    def __init__(self, folder, server):
        self.port = free_port()
        self.socket = f"{folder}/nginx.sock"
        conf = Path(folder) / "nginx.conf"
        conf.write_text(NGINX_CONF.replace("FOLDER", str(folder)).replace("PORT", str(self.port))
                        .replace("SERVER", f"{server[0]}:{server[1]}"))
        self.process = subprocess.Popen([NGINX, "-p", str(folder), "-c", str(conf)], stderr=subprocess.PIPE, text=True)

    def wait(self):
        while self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
        raise AssertionError(self.process.stderr.read())

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.process.stderr.close()
