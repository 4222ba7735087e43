"""The visits that a document describes, as one of two people would make them: every operation once, each after those that it needs.

What an operation needs (a segment of its path, a session, a parameter with a name of a thing) is looked for among what earlier answers
hold: by a link of the document's own, by the same name (`orderId`), or by `id` below the collection (`/orders/{orderId}` after
`POST /orders`). An operation whose need only a later one can fill waits for that one; what is removed is removed last.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode, urlsplit

from gelombang.errors import InputError
from gelombang.har.recording import Exchange, Part
from gelombang.har.sifting import Sifted, Visit
from gelombang.openapi.document import Document, Node, Operation
from gelombang.openapi.sampling import Maker, Sampler, is_name_of_a_thing

SESSION = "session"
"""Under this name stands what an answer gives for an Authorization header."""
PHOTO_BYTES = 500_000
"""A document does not say how large a photo is."""

_SESSION = re.compile(r"^(access_?|session_?|auth_?|id_?|bearer_?)?(token|jwt|session)$", re.IGNORECASE)
_PARAMETER = re.compile(r"\{([^{}]+)\}")
_JSON = re.compile(r"^application/([a-z0-9.+-]*\+)?json$|^\*/\*$", re.IGNORECASE)
_IMAGE_NAME = re.compile(r"photo|foto|image|picture|selfie|avatar|ktp|scan", re.IGNORECASE)


@dataclass(slots=True)
class Described:
    """Both people's visits, and what the document leaves open."""

    people: tuple[Sifted, Sifted]
    doubts: list[str]


def describe(document: Document, within: str) -> Described:
    """The journey of all operations whose path begins with `within`. Raises InputError when there is none."""
    left_out: Counter[str] = Counter()
    operations = document.operations(within, left_out)
    if not operations:
        raise InputError(f"{document.name} has no operation whose path begins with {within!r}; want one that has, or no --path")
    ordered = _ordered(document, operations)
    walks = [_Walk(document, who) for who in (0, 1)]
    for operation in ordered:
        for walk in walks:
            walk.visit(operation)
    parts = urlsplit(document.base)
    origin = f"{parts.scheme}://{parts.netloc}"
    first, second = (Sifted(tuple(walk.visits), ((parts.hostname or "").lower(),), origin, left_out) for walk in walks)
    return Described((first, second), walks[0].doubts)


def _ordered(document: Document, operations: Sequence[Operation]) -> list[Operation]:
    left = sorted(operations, key=lambda operation: operation.method == "DELETE")
    gives = {operation.where: _given_by(document, operation) for operation in left}
    known: set[str] = set()
    ordered: list[Operation] = []
    while left:
        coming = set().union(*(gives[operation.where] for operation in left))
        ready = [one for one in left if not (_needed_by(document, one) & (coming - gives[one.where])) - known]
        following = ready[0] if ready else left[0]
        left.remove(following)
        ordered.append(following)
        known |= gives[following.where]
    return ordered


def _given_by(document: Document, operation: Operation) -> set[str]:
    """The names under which its answer holds things."""
    walk = _Walk(document, 0)
    walk.visit(operation)
    return set(walk.known)


def _needed_by(document: Document, operation: Operation) -> set[str]:
    parameters = [str(one.get("name")) for one in operation.parameters if one.get("in") == "path"]
    needed = {_key_of_segment(operation.path, name) for name in parameters}
    return needed | ({SESSION} if _wants_session(document, operation) else set())


@dataclass(slots=True)
class _Walk:
    """One person's way through the operations."""

    document: Document
    who: int
    visits: list[Visit] = field(default_factory=list)
    known: dict[str, object] = field(default_factory=dict)
    linked: dict[tuple[str, str], object] = field(default_factory=dict)
    """(operationId, parameter) -> what a link of the document says it is."""
    doubts: list[str] = field(default_factory=list)
    maker: Maker = field(init=False)

    def __post_init__(self) -> None:
        self.maker = Maker(self.who)

    def visit(self, operation: Operation) -> None:
        sampler = Sampler(self.document, self.maker, lambda name: self.known.get(_key(_collection(operation.path), name)))
        url, headers = self._addressed(operation, sampler)
        mime_type, text, parts, body_bytes = self._body(operation, sampler)
        self.doubts += [f"{operation.method} {operation.path}: {doubt}" for doubt in sampler.doubts]
        status, answer_type, answer = self._answer(operation)
        at_seconds = float(len(self.visits))
        exchange = Exchange(
            method=operation.method,
            url=url,
            headers=tuple(headers.items()),
            mime_type=mime_type,
            text=text,
            parts=parts,
            body_bytes=body_bytes,
            began_seconds=at_seconds,
            ended_seconds=at_seconds + 1.0,
            page="",
            resource="fetch",
            status=status,
            answer_headers=(),
            answer_type=answer_type,
            answer=answer,
            redirect_url="",
        )
        self.visits.append(Visit(exchange, exchange))

    def _addressed(self, operation: Operation, sampler: Sampler) -> tuple[str, dict[str, str]]:
        path, query, headers = operation.path, list[tuple[str, str]](), dict[str, str]()
        for parameter in operation.parameters:
            name, place = str(parameter.get("name", "")), parameter.get("in")
            if place != "path" and parameter.get("required") is not True:
                continue
            value = _plain(self._parameter(operation, parameter, name, sampler))
            if place == "path":
                path = path.replace(f"{{{name}}}", quote(value, safe=""))
            elif place == "query":
                query.append((name, value))
            elif place == "header":
                headers[name.lower()] = value
        path = _PARAMETER.sub(lambda found: str(self.maker.made(is_number=False)), path)
        if _wants_session(self.document, operation):
            headers["authorization"] = f"Bearer {self.known.get(SESSION) or self.maker.made(is_number=False)}"
        return f"{self.document.base}{path}{'?' + urlencode(query) if query else ''}", headers

    def _parameter(self, operation: Operation, parameter: Node, name: str, sampler: Sampler) -> object:
        linked = self.linked.get((str(operation.node.get("operationId")), name))
        if linked is not None:
            return linked
        if parameter.get("example") is not None:
            return parameter["example"]
        where = f"{operation.where}/parameters/{name}"
        schema = self.document.node(parameter.get("schema", {}), where)
        if parameter.get("in") == "path":
            known = self.known.get(_key_of_segment(operation.path, name))
            if known is not None:
                return known
            if not is_name_of_a_thing(name, schema) and not ("enum" in schema or "example" in schema or "default" in schema):
                return self.maker.made(schema.get("type") == "integer")
        return sampler.value(schema, name, where, whole=False)

    def _body(self, operation: Operation, sampler: Sampler) -> tuple[str, str, tuple[Part, ...], int]:
        """Media type, text, parts and bytes of what is sent."""
        where = f"{operation.where}/requestBody"
        body = self.document.node(operation.node.get("requestBody", {}), where)
        content = self.document.node(body.get("content", {}), f"{where}/content")
        if not content:
            return "", "", (), 0
        kind = next((one for one in content if _JSON.match(one)), next(iter(content)))
        media = self.document.node(content[kind], f"{where}/content/{kind}")
        where = f"{where}/content/{kind}/schema"
        mime_type = kind.partition(";")[0].strip().lower()
        if mime_type.startswith("image/"):
            return mime_type if "*" not in mime_type else "image/jpeg", "", (), PHOTO_BYTES
        value = media.get("example")
        shown = value is not None
        value = sampler.with_sources(value, "") if shown else sampler.value(media.get("schema", {}), "", where, whole=False)
        if _JSON.match(mime_type):
            return "application/json", json.dumps(value, ensure_ascii=False), (), 0
        fields = value if isinstance(value, Mapping) else {}
        if mime_type == "application/x-www-form-urlencoded":
            return mime_type, urlencode({name: _plain(one) for name, one in fields.items()}), (), 0
        if mime_type == "multipart/form-data":
            return mime_type, "", tuple(self._part(media, name, one, where) for name, one in fields.items()), 0
        sampler.doubts.append(f"the body is {mime_type}, which the document does not show")
        return mime_type, _plain(value), (), 0

    def _part(self, media: Node, name: str, value: object, where: str) -> Part:
        schema = self.document.node(self.document.node(media.get("schema", {}), where).get("properties", {}), where)
        node = self.document.node(schema.get(name, {}), where)
        encoding = self.document.node(self.document.node(media.get("encoding", {}), where).get(name, {}), where)
        content_type = str(encoding.get("contentType", node.get("contentMediaType", ""))).partition(",")[0].strip()
        if not content_type and node.get("format") != "binary":
            return Part(name, _plain(value))
        if not content_type:
            content_type = "image/jpeg" if _IMAGE_NAME.search(name) else "application/octet-stream"
        return Part(name, "", "photo.jpg" if content_type.startswith("image/") else "file", content_type.replace("*", "jpeg"))

    def _answer(self, operation: Operation) -> tuple[int, str, str]:
        """Status, media type and text of the first answer that is good, and what it holds for those that come after."""
        where = f"{operation.where}/responses"
        responses = self.document.node(operation.node.get("responses", {}), where)
        status = next((code for code in responses if re.fullmatch(r"2(\d\d|XX)", str(code))), None)
        if status is None:
            status = next((code for code in responses if re.fullmatch(r"3\d\d", str(code))), None)
        number = int(status) if status is not None and str(status).isdigit() else 200
        if status is None:
            return number, "", ""
        response = self.document.node(responses[status], f"{where}/{status}")
        content = self.document.node(response.get("content", {}), f"{where}/{status}/content")
        kind = next((one for one in content if _JSON.match(one)), None)
        if kind is None:
            return number, next(iter(content), ""), ""
        media = self.document.node(content[kind], f"{where}/{status}/content/{kind}")
        value = Sampler(self.document, self.maker).value(media.get("schema", {}), "", where, whole=True)
        self._learn(operation, value)
        self._follow_links(response, value, f"{where}/{status}/links")
        return number, "application/json", json.dumps(value, ensure_ascii=False)

    def _learn(self, operation: Operation, value: object) -> None:
        for parent, name, leaf in _leaves(value, _collection(operation.path), ""):
            if _SESSION.match(name):
                self.known[SESSION] = leaf
            self.known[_key(parent, name)] = leaf

    def _follow_links(self, response: Node, value: object, where: str) -> None:
        for name, link in self.document.node(response.get("links", {}), where).items():
            node = self.document.node(link, f"{where}/{name}")
            for parameter, source in self.document.node(node.get("parameters", {}), f"{where}/{name}/parameters").items():
                begin, _, pointer = str(source).partition("#")
                found = _at(value, pointer) if begin == "$response.body" else None
                if found is not None:
                    self.linked[str(node.get("operationId")), str(parameter).rpartition(".")[2]] = found


def _wants_session(document: Document, operation: Operation) -> bool:
    """Whether some way to be let in is an Authorization header, and none is to come without one."""
    wanted = operation.node.get("security", document.root.get("security"))
    if not isinstance(wanted, list) or not wanted or any(one == {} for one in wanted):
        return False
    components = document.node(document.root.get("components", {}), "components")
    schemes = document.node(components.get("securitySchemes", {}), "components/securitySchemes")
    names = [name for one in wanted if isinstance(one, Mapping) for name in one]
    found = [document.node(schemes[name], f"components/securitySchemes/{name}") for name in names if name in schemes]
    return any(scheme.get("type") in ("http", "oauth2", "openIdConnect") for scheme in found)


def _key(parent: str, name: str) -> str:
    """What a name of a thing means below `parent`: `id` of `orders` and `orderId` anywhere are the same."""
    words = _plain_words(name)
    return f"{_singular(parent)}{words}" if words in ("id", "uuid", "code", "ref") else words


def _key_of_segment(path: str, name: str) -> str:
    """Likewise for a parameter of a path; `{order}` below `/orders` means its id."""
    collection = _collection(path.partition(f"{{{name}}}")[0])
    return _key(collection, "id" if _singular(name) == _singular(collection) else name)


def _collection(path: str) -> str:
    """The last word of a path that is no parameter."""
    return next((segment for segment in reversed(path.split("/")) if segment and not segment.startswith("{")), "")


def _singular(word: str) -> str:
    plain = _plain_words(word)
    return f"{plain[:-3]}y" if plain.endswith("ies") else plain[:-1] if plain.endswith("s") and not plain.endswith("ss") else plain


def _plain_words(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _leaves(value: object, parent: str, name: str) -> list[tuple[str, str, object]]:
    """Texts and whole numbers, each with its name and the name of the object that it is in."""
    if isinstance(value, Mapping):
        return [leaf for key, one in value.items() for leaf in _leaves(one, name or parent, str(key))]
    if isinstance(value, list):
        return [leaf for one in value for leaf in _leaves(one, parent, name)]
    return [(parent, name, value)] if isinstance(value, str | int) and not isinstance(value, bool) else []


def _at(value: object, pointer: str) -> object:
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, list) and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
