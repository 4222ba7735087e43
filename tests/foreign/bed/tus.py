"""An upload server that speaks tus 1.0.0 to the letter and forgives nothing. Not part of gelombang.

Usage: tus.py PORT; prints its port when it listens. Uploads are made by POST /files; GET /state tells what came of all of them.
What goes wrong is asked for in the query of that POST: max=N (413 above N bytes), cut=N (the connection breaks once N bytes are kept),
busy=N (500 for the first N PATCHes), away=N (503 with Retry-After once N bytes are kept), gone (the first PATCH of all finds its upload
expired), spoil (the first chunk's checksum does not fit).
"""

import base64
import hashlib
import json
import secrets
import signal
import socket
import struct
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

uploads = {}
ended = []


class Upload:
    def __init__(self, length, metadata, faults, asked):
        self.length, self.metadata, self.faults, self.asked = length, metadata, faults, asked
        self.data = bytearray()
        self.patches = self.heads = 0
        self.traces = []


class RefusedError(Exception):
    def __init__(self, status, why, *headers):
        self.status, self.why, self.headers = status, why, headers


class BrokenError(Exception):
    pass


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, *headers, body=b""):
        self.send_response(status)
        if self.command != "GET":
            self.send_header("Tus-Resumable", "1.0.0")
        for name, value in headers:
            self.send_header(name, str(value))
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def handle_tus(self):
        self.left = int(self.headers.get("Content-Length", 0))
        try:
            if self.headers.get("Tus-Resumable") != "1.0.0":
                raise RefusedError(412, "Tus-Resumable is not 1.0.0")
            {"POST": self.create, "HEAD": self.tell, "PATCH": self.append}[self.command]()
        except RefusedError as refused:
            while self.left > 0 and self.read(65536):
                pass
            self.answer(refused.status, ("Content-Type", "text/plain"), *refused.headers, body=refused.why.encode())
        except BrokenError:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True

    do_POST = do_HEAD = do_PATCH = handle_tus  # noqa: N815

    def read(self, most):
        piece = self.rfile.read1(min(most, self.left))
        self.left -= len(piece)
        return piece

    def upload(self):
        path = urlsplit(self.path).path
        if path not in uploads:
            raise RefusedError(404, "no such upload")
        uploads[path].traces.append(self.headers.get("traceparent", ""))
        return uploads[path]

    def create(self):
        url = urlsplit(self.path)
        faults = dict(parse_qsl(url.query, keep_blank_values=True))
        length = self.headers.get("Upload-Length", "")
        if url.path != "/files" or not length.isdigit() or self.left:
            raise RefusedError(400, "want POST /files with Upload-Length and no body")
        metadata = {}
        for pair in filter(None, self.headers.get("Upload-Metadata", "").split(",")):
            name, _, value = pair.partition(" ")
            try:
                text = base64.b64decode(value, validate=True).decode()
            except ValueError:
                raise RefusedError(400, "Upload-Metadata is malformed") from None
            if not name or name in metadata:
                raise RefusedError(400, "Upload-Metadata is malformed")
            metadata[name] = text
        if int(length) > int(faults.get("max", 10**9)):
            raise RefusedError(413, "too large")
        path = f"/files/{secrets.token_hex(8)}"
        uploads[path] = upload = Upload(int(length), metadata, faults, self.path)
        upload.traces.append(self.headers.get("traceparent", ""))
        # Relative, as the protocol allows: whoever follows it must know how URLs are resolved.
        self.answer(201, ("Location", path))

    def tell(self):
        upload = self.upload()
        upload.heads += 1
        self.answer(200, ("Upload-Offset", len(upload.data)), ("Upload-Length", upload.length), ("Cache-Control", "no-store"))

    def append(self):
        upload = self.upload()
        faults, size = upload.faults, self.left
        upload.patches += 1
        if self.headers.get("Content-Type") != "application/offset+octet-stream":
            raise RefusedError(415, "want application/offset+octet-stream")
        if self.headers.get("Upload-Offset") != str(len(upload.data)):
            raise RefusedError(409, f"the upload is at {len(upload.data)}")
        if len(upload.data) + size > upload.length:
            raise RefusedError(400, "more than Upload-Length")
        if "gone" in faults and not ended:
            ended.append(uploads.pop(urlsplit(self.path).path))
            raise RefusedError(410, "expired")
        if upload.patches <= int(faults.get("busy", 0)):
            raise RefusedError(500, "a moment")
        if len(upload.data) >= int(faults.get("away", 10**9)):
            del faults["away"]
            raise RefusedError(503, "later", ("Retry-After", "0"))
        chunk = bytearray()
        while self.left:
            room = int(faults.get("cut", 10**9)) - len(upload.data) - len(chunk)
            if room <= 0:
                del faults["cut"]
            piece = self.read(min(room, 65536)) if room > 0 else b""
            if not piece:
                # What has come so far is kept, as a server should.
                upload.data += chunk
                raise BrokenError
            chunk += piece
        if "Upload-Checksum" in self.headers:
            algorithm, _, wanted = self.headers["Upload-Checksum"].partition(" ")
            if algorithm not in ("sha1", "md5", "sha256"):
                raise RefusedError(400, "unknown checksum")
            spoiled = "spoil" in faults and upload.patches == 1
            if spoiled or hashlib.new(algorithm, chunk).digest() != base64.b64decode(wanted):
                raise RefusedError(460, "checksum mismatch")
        upload.data += chunk
        self.answer(204, ("Upload-Offset", len(upload.data)))

    def do_GET(self):
        names = ("asked", "length", "metadata", "patches", "heads", "traces")
        state = [
            {name: getattr(upload, name) for name in names}
            | {"kept": len(upload.data), "sha256": hashlib.sha256(upload.data).hexdigest(), "there": upload not in ended}
            for upload in [*ended, *uploads.values()]
        ]
        self.answer(200, ("Content-Type", "application/json"), body=json.dumps(state).encode())

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (ConnectionError, ValueError):
            self.close_connection = True

    def log_message(self, *words):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *words):
        pass


if __name__ == "__main__":
    server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
    print(server.server_port, flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server.serve_forever()
