"""A small OpenID Connect provider: authorization code with PKCE (plain, form_post) for people, client credentials for a machine."""

import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class OidcSite:
    """What it was asked for, and what it gave."""

    def __init__(self, accounts: dict[str, str], client_secret: str, machine_seconds: float) -> None:
        self.accounts = accounts
        self.client_secret = client_secret
        self.machine_seconds = machine_seconds
        self.logins: dict[str, tuple[str, dict[str, str]]] = {}
        """By the cookie: the form's csrf and the authorization request."""
        self.codes: dict[str, tuple[str, dict[str, str]]] = {}
        self.sessions: dict[str, str] = {}
        self.machines: list[str] = []
        self.seen: list[tuple[str, str]] = []
        """(user, machine's token) of every userinfo."""
        self.refused: list[str] = []
        self.url = ""

    def answer(self, method: str, path: str, form: dict[str, str], headers: dict[str, str]) -> tuple[int, str, dict[str, str]]:
        """(status, body, headers) of one request."""
        try:
            match method, path:
                case "GET", "/authorize":
                    return self._authorize(form)
                case "POST", "/login":
                    return self._login(form, headers)
                case "POST", "/token":
                    return self._token(form)
                case "GET", "/userinfo":
                    user = self.sessions[headers["authorization"].removeprefix("Bearer ")]
                    self.seen.append((user, headers["x-machine"]))
                    return 200, json.dumps({"sub": user}), {}
            return (200, "{}", {}) if path == "/healthz" else (404, "{}", {})
        except (KeyError, AssertionError) as error:
            self.refused.append(f"{method} {path}: {error!r}")
            return 401, json.dumps({"error": "invalid_grant"}), {}

    def _authorize(self, form: dict[str, str]) -> tuple[int, str, dict[str, str]]:
        assert form["response_type"] == "code"
        assert form["redirect_uri"] == "app:/callback"
        assert 43 <= len(form["code_challenge"]) <= 128
        cookie, csrf = secrets.token_hex(8), secrets.token_hex(8)
        self.logins[cookie] = csrf, form
        page = f'<form method="post" action="/login"><input type="hidden" name="csrf" value="{csrf}"></form>'
        return 200, page, {"Set-Cookie": f"login={cookie}; Path=/; HttpOnly"}

    def _login(self, form: dict[str, str], headers: dict[str, str]) -> tuple[int, str, dict[str, str]]:
        csrf, asked = self.logins.pop(SimpleCookie(headers["cookie"])["login"].value)
        assert form["csrf"] == csrf
        assert self.accounts[form["username"]] == form["password"]
        code = secrets.token_hex(8)
        self.codes[code] = form["username"], asked
        return 200, f'<form><input name="code" value="{code}"><input name="state" value="{asked["state"]}"></form>', {}

    def _token(self, form: dict[str, str]) -> tuple[int, str, dict[str, str]]:
        token = secrets.token_hex(16)
        if form["grant_type"] == "client_credentials":
            assert form["client_secret"] == self.client_secret
            self.machines.append(token)
            return 200, json.dumps({"access_token": token, "expires_in": self.machine_seconds}), {}
        user, asked = self.codes.pop(form["code"])
        assert form["code_verifier"] == asked["code_challenge"]
        assert form["redirect_uri"] == asked["redirect_uri"]
        self.sessions[token] = user
        return 200, json.dumps({"access_token": token, "token_type": "Bearer", "expires_in": 300}), {}


@contextmanager
def oidc_site(accounts: dict[str, str], client_secret: str, machine_seconds: float) -> Iterator[OidcSite]:
    """A provider on a port of its own."""
    site = OidcSite(accounts, client_secret, machine_seconds)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            parts = urlsplit(self.path)
            text = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            form = {name: values[0] for name, values in parse_qs(parts.query or text).items()}
            status, body, headers = site.answer(self.command, parts.path, form, {k.lower(): v for k, v in self.headers.items()})
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body.encode()))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        do_GET = do_POST = handle_any  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

        def handle_error(self, *_: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
