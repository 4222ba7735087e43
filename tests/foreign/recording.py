"""Records the shop's sign-up as a browser's network panel would save it (HAR 1.2), once per person.

Usage: python tests/foreign/recording.py URL CATCHER_URL one.har two.har
"""

import http.client
import json
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

sys.path.insert(0, str(Path(__file__).parents[1]))
from foreign.bed_processes import TOKEN

Entry = dict[str, object]
PHOTO = b"\xff\xd8" + bytes(range(256)) * 400


class Recorder:
    """One browser with its network panel open."""

    def __init__(self, base: str, begun: datetime) -> None:
        self._base = base
        self._cookies: dict[tuple[str, str], str] = {}
        self._at = begun
        self._page = ""
        self.pages: list[Entry] = []
        self.entries: list[Entry] = []

    def open(self, title: str) -> None:
        """A new page, some seconds after the one before."""
        self._at += timedelta(seconds=4)
        self._page = f"page_{len(self.pages) + 1}"
        self.pages.append({"id": self._page, "title": title, "startedDateTime": self._at.isoformat(), "pageTimings": {}})

    def send(self, method: str, url: str, body: bytes = b"", kind: str = "", accept: str = "text/html") -> str:
        """A request with its redirects; the last answer's body."""
        url = urljoin(self._base, url)
        while True:
            status, headers, text = self._once(method, url, body, kind, accept)
            if status not in (301, 302, 303):
                return text
            method, url, body, kind = "GET", urljoin(url, headers["location"]), b"", ""

    def _once(self, method: str, url: str, body: bytes, kind: str, accept: str) -> tuple[int, Mapping[str, str], str]:
        parts = urlsplit(url)
        own = {name: value for (host, name), value in self._cookies.items() if host == parts.hostname}
        sent = {"accept": accept, "user-agent": "Mozilla/5.0 (X11; Linux x86_64)"}
        sent |= {"content-type": kind} if kind else {}
        sent |= {"cookie": "; ".join(f"{name}={value}" for name, value in own.items())} if own else {}
        connection = http.client.HTTPConnection(parts.netloc, timeout=10)
        connection.request(method, url[len(f"{parts.scheme}://{parts.netloc}") :], body or None, sent)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        if "set-cookie" in headers:
            name, _, value = headers["set-cookie"].split(";")[0].partition("=")
            self._cookies[parts.hostname or "", name] = value
        self._keep(method, url, sent, body, kind, answer.status, answer.reason, headers, data)
        return answer.status, headers, data.decode("utf-8", "replace")

    def _keep(
        self,
        method: str,
        url: str,
        sent: Mapping[str, str],
        body: bytes,
        kind: str,
        status: int,
        reason: str,
        got: Mapping[str, str],
        data: bytes,
    ) -> None:
        self._at += timedelta(milliseconds=30)
        request: Entry = {
            "method": method,
            "url": url,
            "httpVersion": "HTTP/1.1",
            "headers": pairs(sent.items()),
            "cookies": [],
            "queryString": pairs(parse_qsl(urlsplit(url).query)),
            "headersSize": -1,
            "bodySize": len(body),
        }
        if body:
            params = pairs(parse_qsl(body.decode())) if kind.startswith("application/x-www-form") else []
            request["postData"] = {"mimeType": kind, "text": body.decode("latin-1"), "params": params}
        response = {
            "status": status,
            "statusText": reason,
            "httpVersion": "HTTP/1.1",
            "headers": pairs(got.items()),
            "cookies": [],
            "content": {"size": len(data), "mimeType": got.get("content-type", ""), "text": data.decode("utf-8", "replace")},
            "redirectURL": got.get("location", ""),
            "headersSize": -1,
            "bodySize": len(data),
        }
        entry: Entry = {
            "pageref": self._page,
            "startedDateTime": self._at.isoformat(),
            "time": 20,
            "request": request,
            "response": response,
        }
        self.entries.append(entry | {"cache": {}, "timings": {"send": 1, "wait": 18, "receive": 1}})

    def har(self) -> dict[str, object]:
        creator = {"name": "recording.py", "version": "1"}
        return {"log": {"version": "1.2", "creator": creator, "pages": self.pages, "entries": self.entries}}


def pairs(items: object) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in items]  # type: ignore[attr-defined]


def caught(catcher_url: str, address: str, pattern: str) -> str:
    """What somebody reads in another window: no part of the recording."""
    parts = urlsplit(catcher_url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    connection.request("GET", "/api/messages?limit=50", headers={"Authorization": f"Bearer {TOKEN}"})
    messages = json.loads(connection.getresponse().read())["messages"]
    connection.close()
    text = next(message["Snippet"] for message in messages if message["To"][0]["Address"] == address)
    found = re.search(pattern, text)
    assert found is not None
    return found[0]


def record(base: str, catcher_url: str, number: int) -> dict[str, object]:
    """Somebody signs up."""
    name, email, phone = f"Tester {number}", f"tester.{number}.{id(object())}@shop.example", f"+620000000{number:04}"
    browser = Recorder(base, datetime(2027, 1, 4, 9, number, tzinfo=UTC))

    def form(url: str, page: str, fields: Mapping[str, str]) -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert found is not None
        body = urlencode({"csrf_token": found[1], **fields}).encode()
        return browser.send("POST", url, body, "application/x-www-form-urlencoded")

    def script(method: str, url: str) -> dict[str, str]:
        answer: dict[str, str] = json.loads(
            browser.send(method, url, b"{}" if method == "POST" else b"", "application/json", "application/json")
        )
        return answer

    browser.open("Sign up")
    page = browser.send("GET", "/signup")
    browser.open("Look into your inbox")
    form("/signup", page, {"name": name, "email": email, "password": f"secret-of-{number}"})
    browser.open("Your phone")
    page = browser.send("GET", caught(catcher_url, email, r"https?://\S+"))
    browser.open("The code")
    page = form("/phone", page, {"phone": phone})
    browser.open("Welcome")
    form("/code", page, {"code": caught(catcher_url, phone, r"\d{6}")})
    upload = script("POST", "/uploads")
    browser.send("PUT", upload["put_url"], PHOTO, "image/jpeg", "*/*")
    script("POST", f"/uploads/{upload['id']}/done")
    for _ in range(3):
        script("GET", f"/uploads/{upload['id']}")
    return browser.har()


def main() -> None:
    base, catcher_url, *files = sys.argv[1:]
    for number, file in enumerate(files, 1):
        Path(file).write_text(json.dumps(record(base, catcher_url, number), indent=1))


if __name__ == "__main__":
    main()
