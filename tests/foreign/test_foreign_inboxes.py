"""Mail read from a catcher by HTTP and by IMAP, and from a function; what was there before the run is nobody's."""

import json
import sys
import types
import urllib.request
from datetime import datetime

import pytest

from foreign.bed_processes import TOKEN, Bed, free_port
from gelombang.errors import InputError, TargetUnreachableError
from gelombang.inbox import HookInbox, HttpInbox, ImapInbox
from gelombang_loadtests.hook_source import HookSource
from gelombang_loadtests.inbox_sources import HttpSource, ImapSource, Message, Source

PATTERN = r"(?P<link>https?://\S+)|code is (?P<code>\d{6})"
KINDS = {"email-link": "confirm", "otp": "SMS"}


def deliver(bed: Bed, to: str, subject: str, text: str) -> None:
    body = json.dumps({"to": to, "subject": subject, "text": text}).encode()
    urllib.request.urlopen(urllib.request.Request(bed.catcher_url + "/deliver", body), timeout=5).close()


def http_inbox(url: str, **changes: object) -> HttpInbox:
    told = {
        "source": "http",
        "url": f"{url}/api/messages?limit=50",
        "headers": {"authorization": "Bearer ${env:CATCHER_TOKEN}"},
        "messages": "/messages",
        "id": "/ID",
        "address": "/To/0/Address",
        "kind": "/Subject",
        "kinds": KINDS,
        "text": "/Snippet",
        "pattern": PATTERN,
        "answer_seconds": 2.0,
    }
    return HttpInbox.model_validate(told | changes)


def imap_inbox(port: int, password: str = TOKEN) -> ImapInbox:
    told = {"source": "imap", "host": "127.0.0.1", "port": port, "tls": False, "user": "shop", "password": password}
    return ImapInbox.model_validate(told | {"kinds": KINDS, "pattern": PATTERN, "answer_seconds": 2.0})


SECRETS = {"env:CATCHER_TOKEN": TOKEN}


@pytest.mark.parametrize("protocol", ["http", "imap"])
def test_only_mail_that_comes_after_the_beginning_is_read_and_each_once(shop: Bed, protocol: str) -> None:
    before, after = f"before-{protocol}@shop.example", f"after-{protocol}@shop.example"
    deliver(shop, before, "Please confirm", "http://old.example/1")
    source: Source
    source = (
        HttpSource("mail", http_inbox(shop.catcher_url), SECRETS)
        if protocol == "http"
        else ImapSource("mail", imap_inbox(shop.imap_port), {})
    )
    source.open()
    assert source.batch([]) == []
    deliver(shop, after, "Please confirm your address", "follow http://127.0.0.1/confirm/abc to go on")
    deliver(shop, "+6200000000009", "SMS", "Your code is 004711.")
    wanted: list[Message] = [
        {"address": after, "kind": "email-link", "link": "http://127.0.0.1/confirm/abc"},
        {"address": "+6200000000009", "kind": "otp", "code": "004711"},
    ]
    assert source.batch([]) == wanted
    assert source.batch([]) == []
    source.close()


def test_an_inbox_that_never_answers_is_a_sentence_before_the_run() -> None:
    port = free_port()
    with pytest.raises(TargetUnreachableError, match=f"inbox mail does not answer at http://127.0.0.1:{port}/.*refused"):
        HttpSource("mail", http_inbox(f"http://127.0.0.1:{port}"), SECRETS).open()
    with pytest.raises(TargetUnreachableError, match=f"inbox sms does not answer at 127.0.0.1:{port}"):
        ImapSource("sms", imap_inbox(port), {}).open()


def test_a_wrong_password_is_said_without_saying_it(shop: Bed) -> None:
    with pytest.raises(TargetUnreachableError, match="status 401") as web:
        HttpSource("mail", http_inbox(shop.catcher_url), {"env:CATCHER_TOKEN": "wrong"}).open()
    with pytest.raises(TargetUnreachableError, match="inbox mail does not answer") as imap:
        ImapSource("mail", imap_inbox(shop.imap_port, "planted-and-wrong"), {}).open()
    assert "wrong" not in str(web.value) + str(imap.value)


def test_an_answer_without_the_list_is_said(shop: Bed) -> None:
    with pytest.raises(InputError, match="no list at /items"):
        HttpSource("mail", http_inbox(shop.catcher_url, messages="/items"), SECRETS).open()


def test_a_round_that_fails_is_none_and_the_next_one_goes_on(shop: Bed) -> None:
    source = HttpSource("mail", http_inbox(shop.catcher_url), dict(SECRETS))
    source.open()
    source._url = f"http://127.0.0.1:{free_port()}/"
    assert source.batch([]) is None


def test_a_function_of_the_operators_own_is_asked_for_those_who_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []

    def wait_for_message(address: str, kind: str, since: datetime) -> dict[str, object] | None:
        assert since.tzinfo is not None
        asked.append((address, kind))
        return {"code": 42} if address == "a" else None

    module = types.ModuleType("my_inbox")
    module.wait_for_message = wait_for_message  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "my_inbox", module)
    source = HookSource("own", HookInbox(source="hook", function="my_inbox:wait_for_message"))
    source.open()
    assert source.batch([("a", "otp"), ("b", "otp")]) == [{"address": "a", "kind": "otp", "code": "42"}]
    assert asked == [("a", "otp"), ("b", "otp")]
    with pytest.raises(InputError, match="can't be imported"):
        HookSource("own", HookInbox(source="hook", function="my_inbox:nothing")).open()
