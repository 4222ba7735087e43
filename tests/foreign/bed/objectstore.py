"""Object storage that takes what is signed as S3 wants it, on an address of its own. Not part of gelombang.

Usage: objectstore.py ADDRESS PORT; STORE_KEY is the secret of the key "bed".
"""

import os
import signal
import sys
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import sigv4

KEY = os.environ.get("STORE_KEY", "bed")
kept = {}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        data = self.rfile.read(int(self.headers.get("content-length", "0")))
        code = sigv4.fault("PUT", self.path, self.headers["host"], "bed", KEY)
        if code:
            return self.answer(403, f"<Error><Code>{code}</Code></Error>".encode())
        kept[urlsplit(self.path).path] = len(data)
        return self.answer(200, b"", {"ETag": f'"{md5(data).hexdigest()}"'})

    def do_GET(self):
        self.answer(200, repr(kept).encode())

    def answer(self, status, body, headers=()):
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Handler)
server.daemon_threads = True
print(server.server_port, flush=True)
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
server.serve_forever()
