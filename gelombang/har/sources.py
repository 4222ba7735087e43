"""Where a value can have come from: the parts of an answer that a step can capture, each with the rule that finds it again.

In order of how well the rule stands a change of the page: a JSON pointer, a header, a cookie, a form's field or a page's meta or link by
CSS, at last a regular expression made from the characters around the value.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from http.cookies import CookieError, SimpleCookie

from gelombang.har.recording import Exchange

VALUES_LIMIT = 5_000
"""Captures considered in one answer."""
AROUND_CHARACTERS = 24
VALUE_CHARACTERS_MIN = 3

_HEADERS = (
    "location",
    "etag",
    "authorization",
    "x-csrf-token",
    "x-xsrf-token",
    "x-auth-token",
    "x-request-id",
    "x-session-id",
    "x-session",
)
_SIMPLE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Rule:
    """One way of `gelombang.steps.Capture`, and what it finds."""

    way: str
    rule: str


def values_of(exchange: Exchange) -> dict[Rule, str]:
    """Everything that could be captured of an answer by a rule of its own, the best rules first."""
    found: dict[Rule, str] = {}
    for rule, value in _all_values(exchange):
        if len(found) >= VALUES_LIMIT:
            break
        if len(value) >= VALUE_CHARACTERS_MIN:
            found.setdefault(rule, value)
    return found


def value_at(exchange: Exchange, rule: Rule) -> str | None:
    """What the rule finds in another answer."""
    if rule.way == "regex":
        found = re.search(rule.rule, exchange.answer)
        return found[1] if found else None
    return values_of(exchange).get(rule)


def rule_around(exchange: Exchange, value: str) -> Rule | None:
    """A regular expression for a value that stands in an answer in some other way; None when it does not, or none is needed."""
    at = exchange.answer.find(value)
    if at < 0:
        return None
    before = re.escape(exchange.answer[max(at - AROUND_CHARACTERS, 0) : at])
    after = exchange.answer[at + len(value) : at + len(value) + 1]
    rule = Rule("regex", f"{before}([^{re.escape(after)}]+)" if after else f"{before}(.+)")
    return rule if value_at(exchange, rule) == value else None


def _all_values(exchange: Exchange) -> Iterator[tuple[Rule, str]]:
    if "json" in exchange.answer_type or exchange.answer.lstrip()[:1] in ("{", "["):
        yield from _json_values(exchange.answer)
    for name, value in exchange.answer_headers:
        if name in _HEADERS:
            yield Rule("header", name), value
    for name, value in exchange.answer_headers:
        if name == "set-cookie":
            yield from _cookie_values(value)
    if "html" in exchange.answer_type:
        page = _Page()
        page.feed(exchange.answer)
        yield from page.found


def _json_values(text: str) -> Iterator[tuple[Rule, str]]:
    try:
        value = json.loads(text)
    except ValueError:
        return
    yield from _leaves(value, "")


def _leaves(value: object, pointer: str) -> Iterator[tuple[Rule, str]]:
    match value:
        case str():
            yield Rule("json_pointer", pointer), value
        case bool():
            return
        case int() | float():
            yield Rule("json_pointer", pointer), json.dumps(value)
        case dict():
            for name, item in value.items():
                yield from _leaves(item, f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}")
        case list():
            for i, item in enumerate(value):
                yield from _leaves(item, f"{pointer}/{i}")


def _cookie_values(header: str) -> Iterator[tuple[Rule, str]]:
    # Firefox joins several Set-Cookie headers by line breaks.
    for line in header.split("\n"):
        try:
            cookies = SimpleCookie(line)
        except CookieError:
            continue
        for name, morsel in cookies.items():
            yield Rule("cookie", name), morsel.value


class _Page(HTMLParser):
    """Fields of forms, meta elements and links, with the selectors that find them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[Rule, str]] = []
        self._links = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        match tag:
            case "input" if has.get("name") and has.get("value"):
                self._add(f"input[name={_quoted(has['name'])}]@value", has["value"])
            case "meta" if has.get("name") and has.get("content"):
                self._add(f"meta[name={_quoted(has['name'])}]@content", has["content"])
            case "form" if has.get("action"):
                self._add(f"form{_identity(has)}@action", has["action"])
            case "a" if has.get("href") and _identity(has):
                self._add(f"a{_identity(has)}@href", has["href"])
        for name, value in has.items():
            if name.startswith("data-") and value:
                self._add(f"[{name}]@{name}", value)

    def _add(self, rule: str, value: str) -> None:
        self.found.append((Rule("css", rule), value))


def _identity(has: dict[str, str]) -> str:
    if has.get("id") and _SIMPLE.fullmatch(has["id"]):
        return f"#{has['id']}"
    return f".{has['class'].split()[0]}" if has.get("class", "").split() and _SIMPLE.fullmatch(has["class"].split()[0]) else ""


def _quoted(text: str) -> str:
    return text if _SIMPLE.fullmatch(text) else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
