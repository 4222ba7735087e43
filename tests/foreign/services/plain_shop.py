"""A small service on the standard library, which is up in no time: `python shop.py PORT`."""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

STOCK = [{"id": n, "price": n * 100} for n in range(100)]


def items(body: bytes) -> tuple[int, object]:
    return 200, STOCK


def order(body: bytes) -> tuple[int, object]:
    asked = json.loads(body)
    return 201, {"order": asked["item"], "total": sum(item["price"] for item in STOCK)}


ROUTES = {
    "/items": items,
    "/orders": order,
}


class Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_GET(self) -> None:
        route = ROUTES.get(self.path)
        status, answer = route(self.rfile.read(int(self.headers.get("Content-Length", 0)))) if route else (404, None)
        text = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


HTTPServer(("127.0.0.1", int(sys.argv[1])), Shop).serve_forever()
