"""The values of a request, each at a place of its own, so that two recordings can be laid side by side.

A place is ("path", "2"), ("query", name), ("header", name), ("form", name), ("part", name), ("json", pointer) or ("raw", ""); ("url", "")
is the whole address. What the browser adds by itself is left out: the generator adds its own.
"""

import json
from urllib.parse import parse_qsl, unquote

from gelombang.har.recording import Exchange

Place = tuple[str, str]

URL: Place = ("url", "")
_HEADERS_LEFT_OUT = frozenset(
    {
        "accept-charset",
        "accept-encoding",
        "accept-language",
        "cache-control",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "dnt",
        "host",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "keep-alive",
        "origin",
        "pragma",
        "priority",
        "referer",
        "save-data",
        "te",
        "traceparent",
        "tracestate",
        "transfer-encoding",
        "upgrade-insecure-requests",
        "user-agent",
    }
)


def values_asked(exchange: Exchange) -> dict[Place, str]:
    """Every value of a request that a scenario could write, decoded."""
    values: dict[Place, str] = {URL: exchange.url}
    for i, segment in enumerate(exchange.split.path.split("/")):
        if segment:
            values["path", str(i)] = unquote(segment)
    values |= {("query", name): value for name, value in exchange.query}
    values |= {("header", name): value for name, value in kept_headers(exchange).items()}
    return values | _body_values(exchange)


def kept_headers(exchange: Exchange) -> dict[str, str]:
    """The headers that are the page's own doing."""
    kept = {}
    for name, value in exchange.headers:
        if name in _HEADERS_LEFT_OUT or name.startswith(("sec-", ":", "x-client-data")) or (name == "accept" and value.startswith("*/*")):
            continue
        kept[name] = value
    referer = next((value for name, value in exchange.headers if name == "referer"), "")
    if referer.startswith("https://") and exchange.method not in ("GET", "HEAD"):
        # Some frameworks refuse a form over TLS that does not say which site it came from.
        kept["referer"] = "/".join(referer.split("/")[:3]) + "/"
    return kept


def form_of(exchange: Exchange) -> dict[str, str] | None:
    """The fields of a form; None for another body, or for one that names a field twice."""
    if exchange.mime_type != "application/x-www-form-urlencoded":
        return None
    pairs = parse_qsl(exchange.text, keep_blank_values=True) or [(part.name, part.value) for part in exchange.parts]
    return dict(pairs) if len({name for name, _ in pairs}) == len(pairs) else None


def json_of(exchange: Exchange) -> object:
    """The JSON value of a body; None for another body."""
    if "json" not in exchange.mime_type:
        return None
    try:
        value: object = json.loads(exchange.text)
    except ValueError:
        return None
    return value


def json_leaves(value: object, pointer: str = "") -> dict[str, str | int | float]:
    """Texts and numbers below a JSON value, by RFC 6901 pointers."""
    match value:
        case bool() | None:
            return {}
        case str() | int() | float():
            return {pointer: value}
        case dict():
            items = [(str(name).replace("~", "~0").replace("/", "~1"), item) for name, item in value.items()]
        case list():
            items = [(str(i), item) for i, item in enumerate(value)]
        case _:
            return {}
    return {place: leaf for name, item in items for place, leaf in json_leaves(item, f"{pointer}/{name}").items()}


def _body_values(exchange: Exchange) -> dict[Place, str]:
    form = form_of(exchange)
    if form is not None:
        return {("form", name): value for name, value in form.items()}
    if exchange.is_multipart:
        return {("part", part.name): part.value for part in exchange.parts if part.file_name is None}
    body = json_of(exchange)
    if body is not None:
        return {("json", place): leaf if isinstance(leaf, str) else json.dumps(leaf) for place, leaf in json_leaves(body).items()}
    return {("raw", ""): exchange.text} if exchange.text and not is_image(exchange) else {}


def is_image(exchange: Exchange) -> bool:
    """Whether the body is a photo, whose bytes the recording may or may not hold."""
    return exchange.mime_type.startswith("image/")
