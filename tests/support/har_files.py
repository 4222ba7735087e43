"""Recordings of a fictional service, as a browser saves them: sign-up, an order, two uploads, a page that asks until it is done."""

import json
from pathlib import Path
from typing import Any

SITE = "https://daftar.example"
BUCKET = "https://berkas.example"


class Tape:
    """A recording that grows entry by entry; `seconds` is its clock."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self.seconds = 0.0

    def add(
        self,
        method: str,
        url: str,
        *,
        after: float = 0.0,
        took: float = 0.1,
        headers: dict[str, str] | None = None,
        body: dict[str, Any] | None = None,
        body_size: int = 0,
        status: int = 200,
        answer: str = "",
        kind: str = "application/json",
        answer_headers: list[tuple[str, str]] | None = None,
        resource: str = "xhr",
    ) -> None:
        """One exchange that begins `after` seconds after the end of the last one."""
        self.seconds += after
        self.entries.append(
            {
                "startedDateTime": f"2026-11-23T09:{int(self.seconds) // 60:02d}:{self.seconds % 60:06.3f}+07:00",
                "time": took * 1000,
                "pageref": "page_1",
                "_resourceType": resource,
                "request": {
                    "method": method,
                    "url": url,
                    "headers": [{"name": name, "value": value} for name, value in (headers or {}).items()],
                    "bodySize": body_size,
                    **({"postData": body} if body else {}),
                },
                "response": {
                    "status": status,
                    "headers": [{"name": name, "value": value} for name, value in answer_headers or []],
                    "content": {"mimeType": kind, "text": answer},
                    "redirectURL": dict(answer_headers or []).get("Location", ""),
                },
            }
        )
        self.seconds += took

    def save(self, path: Path) -> Path:
        log = {"version": "1.2", "pages": [{"id": "page_1", "title": "Daftar"}], "entries": self.entries}
        path.write_text(json.dumps({"log": log}))
        return path


def form(**fields: str) -> dict[str, Any]:
    """The body of a page's form."""
    params = [{"name": name, "value": value} for name, value in fields.items()]
    return {"mimeType": "application/x-www-form-urlencoded", "params": params, "text": ""}


def as_json(value: object) -> dict[str, Any]:
    """A body of JSON."""
    return {"mimeType": "application/json; charset=utf-8", "text": json.dumps(value)}


def sign_up(email: str, csrf: str, session: str, order: int, key: str, otp: str, think_seconds: float) -> Tape:
    """One person's visit. What is an argument differs from person to person."""
    tape = Tape()
    browser = {"User-Agent": "Browser", "Sec-Fetch-Mode": "navigate", "Accept-Encoding": "br", "Cookie": f"sid={session}"}
    page = f'<html><form action="/signup" method="post"><input type="hidden" name="csrf_token" value="{csrf}"></form></html>'
    cookie = [("Set-Cookie", f"sid={session}; Path=/; HttpOnly")]
    tape.add("GET", f"{SITE}/", kind="text/html; charset=utf-8", answer=page, answer_headers=cookie, resource="document", headers=browser)
    tape.add("GET", f"{SITE}/static/app.css", kind="text/css", resource="stylesheet")
    tape.add("GET", f"{SITE}/static/logo.png", kind="image/png", resource="image")
    tape.add("GET", "https://fonts.huruf.example/font.woff2", kind="font/woff2", resource="font")
    tape.add("POST", "https://hitung.example/collect", status=204, resource="ping")
    fields = form(csrf_token=csrf, full_name="Ombak Samudera", email=email, password="rahasia-sekali", plan="free")
    location = [("Location", "/welcome")]
    tape.add(
        "POST",
        f"{SITE}/signup",
        after=think_seconds,
        body=fields,
        status=303,
        answer_headers=location,
        resource="document",
        headers=browser,
    )
    tape.add("GET", f"{SITE}/welcome", kind="text/html", answer="<p>Selamat datang</p>", resource="document", headers=browser)
    api = {"X-Api-Key": "k-1f2e3d4c5b6a7988", "Accept": "application/json", **browser}
    tape.add(
        "POST", f"{SITE}/api/v1/orders", headers=api, body=as_json({"kind": "card"}), status=201, answer=json.dumps({"data": {"id": order}})
    )
    put = f"{BUCKET}/photos/{key}?X-Amz-Signature={key[::-1]}"
    tape.add("POST", f"{SITE}/api/v1/orders/{order}/upload", headers=api, answer=json.dumps({"upload": {"url": put}}), status=201)
    tape.add("PUT", put, body={"mimeType": "image/jpeg", "text": ""}, body_size=240_000, status=200, kind="")
    parts = [
        {"name": "order", "value": str(order)},
        {"name": "selfie", "value": "", "fileName": "me.jpg", "contentType": "image/jpeg"},
    ]
    multipart = {"mimeType": "multipart/form-data; boundary=x", "params": parts, "text": ""}
    tape.add("POST", f"{SITE}/api/v1/photos", headers=api, body=multipart, status=201, answer="{}")
    for state in ("waiting", "waiting", "checked"):
        tape.add("GET", f"{SITE}/api/v1/orders/{order}", after=0.9, headers=api, answer=json.dumps({"state": state}))
    done = as_json({"otp": otp, "order": order, "note": None})
    tape.add("POST", f"{SITE}/api/v1/confirm", after=4.0, headers=api, body=done, answer="{}")
    return tape


FIRST = {
    "email": "satu@kotak.example",
    "csrf": "aaa111bbb222",
    "session": "s-0001-first",
    "order": 4711,
    "key": "0123456789abcdef0123",
    "otp": "111222",
}
SECOND = {
    "email": "dua@kotak.example",
    "csrf": "ccc333ddd444",
    "session": "s-0002-other",
    "order": 4712,
    "key": "fedcba98765432100000",
    "otp": "333444",
}
