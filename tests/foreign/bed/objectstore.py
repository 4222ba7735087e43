"""Object storage with pre-signed PUTs, on an address of its own. Not part of gelombang. Usage: objectstore.py ADDRESS PORT."""

import hmac
import os
import signal
import sys
from hashlib import md5, sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

KEY = os.environ.get("STORE_KEY", "bed").encode()
kept = {}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        data = self.rfile.read(int(self.headers.get("content-length", "0")))
        parts = urlsplit(self.path)
        name = parts.path.rpartition("/")[2].removesuffix(".jpg")
        given = parse_qs(parts.query).get("signature", [""])[0]
        if not hmac.compare_digest(given, hmac.new(KEY, name.encode(), sha256).hexdigest()):
            return self.answer(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
        kept[name] = len(data)
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
