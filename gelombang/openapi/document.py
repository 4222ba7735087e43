"""Reading an OpenAPI document: its operations in their order, with every reference looked up.

OpenAPI 3.0 and 3.1 (spec.openapis.org), as JSON or YAML. Only what a journey can use is read; whatever else stands there is passed over.
Left out: references to other files, callbacks, webhooks, Swagger 2.0.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

import orjson
import yaml

from gelombang.errors import InputError

DOCUMENT_BYTES_LIMIT = 20_000_000
OPERATIONS_LIMIT = 2_000
REFERENCES_LIMIT = 100
"""From a reference to what it means, over other references."""
_METHODS = ("get", "put", "post", "delete", "head", "patch")
_NO_SERVER = "http://127.0.0.1:8000"

Node: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    node: Node
    parameters: tuple[Node, ...]
    """Of the path and of the operation, references looked up."""
    where: str
    """Its place in the document, for errors."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document whose references can be looked up."""

    name: str
    root: Node

    @property
    def title(self) -> str:
        info = self.root.get("info")
        return str(info.get("title", "")) if isinstance(info, Mapping) else ""

    @property
    def base(self) -> str:
        """The first server's address, with the defaults of its variables; loopback when there is none with a host."""
        servers = self.root.get("servers")
        first = self.node(servers[0], "servers/0") if isinstance(servers, list) and servers else {}
        url = str(first.get("url", ""))
        for name, variable in self.node(first.get("variables", {}), "servers/0/variables").items():
            url = url.replace(f"{{{name}}}", str(self.node(variable, f"servers/0/variables/{name}").get("default", "")))
        return url.rstrip("/") if urlsplit(url).hostname else _NO_SERVER + url.rstrip("/")

    def operations(self, within: str, left_out: Counter[str]) -> list[Operation]:
        """Those whose path begins with `within`, in the document's order; what is not wanted is counted by its reason."""
        found: list[Operation] = []
        for operation in self._all_operations():
            if not operation.path.startswith(within):
                left_out["other path"] += 1
            elif operation.node.get("deprecated") is True:
                left_out["deprecated"] += 1
            elif len(found) >= OPERATIONS_LIMIT:
                raise InputError(f"{self.name} has more than {OPERATIONS_LIMIT:,} operations; want --path with what the journey needs")
            else:
                found.append(operation)
        return found

    def _all_operations(self) -> Iterator[Operation]:
        for path, item in self.node(self.root["paths"], "paths").items():
            below = self.node(item, f"paths/{path}")
            for method, operation in below.items():
                if method in _METHODS:
                    where = f"paths/{path}/{method}"
                    node = self.node(operation, where)
                    listed = [*_listed(below.get("parameters")), *_listed(node.get("parameters"))]
                    known = {(str(one.get("in")), str(one.get("name"))): one for one in (self.node(each, where) for each in listed)}
                    yield Operation(method.upper(), path, node, tuple(known.values()), where)

    def node(self, value: object, where: str) -> Node:
        """The object that stands at a place, or that the reference there means. Raises InputError."""
        for _ in range(REFERENCES_LIMIT):
            if not isinstance(value, Mapping):
                raise InputError(f"{self.name}: {where} is {type(value).__name__}; want an object, as OpenAPI has it there")
            reference = value.get("$ref")
            if not isinstance(reference, str):
                return value
            value = self._referred(reference, where)
        raise InputError(f"{self.name}: {where} is a reference that leads to no end; want one that ends in an object")

    def _referred(self, reference: str, where: str) -> object:
        if not reference.startswith("#/"):
            raise InputError(f"{self.name}: {where} refers to {reference!r}; want a document in one file (a bundler makes one)")
        value: object = self.root
        for part in reference[2:].split("/"):
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            if not isinstance(value, Mapping) or name not in value:
                raise InputError(f"{self.name}: {where} refers to {reference!r}, which is not there")
            value = value[name]
        return value


def read_document(path: Path) -> Document:
    """An OpenAPI 3 document. Raises InputError with the place of what is wrong."""
    try:
        if path.stat().st_size > DOCUMENT_BYTES_LIMIT:
            raise InputError(f"{path} has {path.stat().st_size:,} bytes; want a document of at most {DOCUMENT_BYTES_LIMIT:,}")
        text = path.read_bytes()
        root: object = orjson.loads(text) if text.lstrip()[:1] == b"{" else yaml.load(text, Loader=_Loader)
    except OSError as error:
        raise InputError(f"{path} can't be read ({error.strerror}); want an OpenAPI document, JSON or YAML") from None
    except orjson.JSONDecodeError as error:
        raise InputError(f"{path} can't be read as JSON ({error}); want an OpenAPI document") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" at line {mark.line + 1}" if mark is not None else ""
        raise InputError(f"{path} can't be read as YAML{line}; want an OpenAPI document") from None
    version = str(root.get("openapi", "none")) if isinstance(root, Mapping) else "none"
    if not isinstance(root, Mapping) or not version.startswith("3.") or not isinstance(root.get("paths"), Mapping):
        raise InputError(f"{path} has openapi: {version}; want an OpenAPI 3 document with paths")
    return Document(path.name, root)


class _Loader(yaml.CSafeLoader):  # type: ignore[misc]  # yaml has no types
    """Times stay the texts that they are written as."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []
