"""A mail catcher: takes mail by HTTP, shows it by HTTP (JSON, newest first) and IMAP. Not part of gelombang.

Usage: catcher.py HTTP_PORT IMAP_PORT.

GET /api/messages?limit=N needs `Authorization: Bearer $CATCHER_TOKEN`; the IMAP account is shop with that token as its password.
"""

import json
import os
import re
import signal
import socketserver
import sys
import threading
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TOKEN = os.environ.get("CATCHER_TOKEN", "letmein")
SILENT_FOR = os.environ.get("CATCHER_LOSES", "")  # mail to addresses with this text in them is lost
mails = []
lock = threading.Lock()


class Web(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        mail = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if not SILENT_FOR or SILENT_FOR not in mail["to"]:
            with lock:
                mails.append(mail | {"id": f"m{len(mails) + 1}"})
        self.answer(202, {})

    def do_GET(self):
        if self.headers.get("authorization") != f"Bearer {TOKEN}":
            return self.answer(401, {"error": "who are you?"})
        limit = int(parse_qs(urlsplit(self.path).query).get("limit", ["50"])[0])
        with lock:
            newest = mails[-limit:][::-1]
        return self.answer(
            200,
            {
                "total": len(mails),
                "messages": [{"ID": m["id"], "To": [{"Address": m["to"]}], "Subject": m["subject"], "Snippet": m["text"]} for m in newest],
            },
        )

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Imap(socketserver.StreamRequestHandler):
    """As little of RFC 3501 as a reader of new mail needs."""

    def handle(self):
        self.say(b"* OK catcher")
        for line in self.rfile:
            tag, _, rest = line.decode().strip().partition(" ")
            command = rest.upper()
            with lock:
                held = list(mails)
            if command.startswith("CAPABILITY"):
                self.say(b"* CAPABILITY IMAP4rev1")
            elif command.startswith("LOGIN"):
                if TOKEN not in rest:
                    self.say(f"{tag} NO [AUTHENTICATIONFAILED] wrong".encode())
                    continue
            elif command.startswith(("SELECT", "EXAMINE")):
                self.say(f"* {len(held)} EXISTS".encode(), b"* FLAGS ()", b"* OK [UIDVALIDITY 1] fine")
            elif found := re.match(r"UID SEARCH (?:UID )?(\d+):\*", command):
                # RFC 3501: n:* holds the last message even when its number is below n.
                uids = sorted({uid for uid in range(1, len(held) + 1) if uid >= int(found[1])} | ({len(held)} - {0}))
                self.say(("* SEARCH " + " ".join(map(str, uids))).strip().encode())
            elif found := re.match(r"UID FETCH ([\d,:]+) ", command):
                for uid in self.numbers(found[1], len(held)):
                    message = EmailMessage()
                    message["To"], message["From"], message["Subject"] = held[uid - 1]["to"], "shop@shop.example", held[uid - 1]["subject"]
                    message.set_content(held[uid - 1]["text"])
                    raw = message.as_bytes()
                    self.wfile.write(f"* {uid} FETCH (UID {uid} BODY[] {{{len(raw)}}}\r\n".encode() + raw + b")\r\n")
            elif command.startswith("LOGOUT"):
                self.say(b"* BYE bye", f"{tag} OK".encode())
                return
            self.say(f"{tag} OK done".encode())

    def numbers(self, text, last):
        for part in text.split(","):
            low, _, high = part.partition(":")
            yield from (uid for uid in range(int(low), int(high or low) + 1) if uid <= last)

    def say(self, *lines):
        self.wfile.write(b"".join(line + b"\r\n" for line in lines))


class Threaded(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


web = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Web)
web.daemon_threads = True
imap = Threaded(("127.0.0.1", int(sys.argv[2])), Imap)
threading.Thread(target=imap.serve_forever, daemon=True).start()
print(web.server_port, imap.server_address[1], flush=True)
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
web.serve_forever()
