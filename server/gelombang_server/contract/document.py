"""The OpenAPI document of a site: its routes, each with what it takes and every status that it may answer."""

import re
from collections import defaultdict
from collections.abc import Iterable

from gelombang.attempt import Code
from gelombang.profile import Profile
from gelombang.steps import PhotoKind
from gelombang_server.bodies import Fields
from gelombang_server.contract.operation import Operation
from gelombang_server.contract.operations import OPERATIONS
from gelombang_server.idempotency import HEADER, KEY_LIMIT
from gelombang_server.problem import PROBLEM_TYPE, STATUS_OF_CODE
from gelombang_server.routes import RouteRow

_PARAMETER = re.compile(r"\{(\w+)(?::([^}]*))?\}")
_MULTIPART = {"type": "object", "properties": {"photo": {"type": "string", "format": "binary"}}, "required": ["photo"]}
_BINARY = {"type": "string", "format": "binary"}
_PAGES = "Where the site has pages for people, they are HTML at addresses outside /api/, and no part of this contract."
_MEDIA = {"image/jpeg": _BINARY, "application/offset+octet-stream": _BINARY, "multipart/form-data": _MULTIPART}


def document(profile: Profile, rows: Iterable[RouteRow]) -> dict[str, object]:
    """The contract of the site that has these routes."""
    paths: defaultdict[str, dict[str, object]] = defaultdict(dict)
    bodies: dict[str, object] = {}
    for row in rows:
        operation = OPERATIONS[row.route]
        if operation.body is not None:
            _add(bodies, operation.body)
        paths[_PARAMETER.sub(r"{\1}", row.path)][row.method.lower()] = _operation(row, operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": f"The site {profile.name}", "description": f"{profile.title}. {_PAGES}", "version": "1"},
        "paths": dict(paths),
        "components": {
            "schemas": bodies | {"Problem": _PROBLEM},
            "securitySchemes": {"session": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(row: RouteRow, operation: Operation) -> dict[str, object]:
    answers: dict[str, object] = {
        str(status): {"description": "done"} | ({} if schema is None else {"content": {"application/json": {"schema": schema}}})
        for status, schema in operation.answers.items()
    }
    codes: defaultdict[int, list[str]] = defaultdict(list)
    # A parameter that fits no route is none.
    not_a_route = (Code.UNKNOWN_ROUTE,) if _PARAMETER.search(row.path) else ()
    for code in (*operation.all_codes(), *not_a_route):
        codes[STATUS_OF_CODE[code]].append(code.name.lower())
    for status, names in sorted(codes.items()):
        problem = {"allOf": [{"$ref": "#/components/schemas/Problem"}, {"properties": {"code": {"enum": names}}}]}
        answers[str(status)] = {"description": ", ".join(names), "content": {PROBLEM_TYPE: {"schema": problem}}}
    made: dict[str, object] = {"operationId": row.route.label, "summary": operation.summary, "responses": answers}
    parameters = [_parameter(name, pattern) for name, pattern in _PARAMETER.findall(row.path)]
    parameters += [{"name": name, "in": "query", "required": True, "schema": {"type": "string"}} for name in operation.query]
    parameters += [{"name": name, "in": "header", "required": True, "schema": {"type": "string"}} for name in operation.headers]
    seconds = {"type": "number", "minimum": 0}
    parameters += [{"name": name, "in": "header", "required": False, "schema": seconds} for name in operation.optional_headers]
    if operation.takes_key:
        parameters.append(_KEY)
    if parameters:
        made["parameters"] = parameters
    if operation.body is not None:
        schema = {"$ref": f"#/components/schemas/{operation.body.__name__}"}
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    elif operation.media is not None:
        made["requestBody"] = {"required": True, "content": {operation.media: {"schema": _MEDIA[operation.media]}}}
    if operation.needs_session:
        made["security"] = [{"session": []}]
    return made


def _parameter(name: str, pattern: str) -> dict[str, object]:
    schema: dict[str, object] = (
        {"enum": [kind.value for kind in PhotoKind]} if pattern else {"type": "string", "minLength": 1, "pattern": r"^[^/{}]+$"}
    )
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _add(bodies: dict[str, object], body: type[Fields]) -> None:
    schema = body.model_json_schema(ref_template="#/components/schemas/{model}")
    for name, part in schema.pop("$defs", {}).items():
        bodies[name] = part
    bodies[body.__name__] = schema


_KEY: dict[str, object] = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "With the same key and body the write is done once and answered alike; the same key with another body is 422.",
    "schema": {"type": "string", "pattern": rf'^"[0-9A-Za-z-]{{1,{KEY_LIMIT}}}"$'},
}

_PROBLEM = {
    "description": "RFC 9457. `code` is stable; `detail` is for people.",
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "retry_after_seconds": {"type": "number"},
        "place": {"type": "string"},
    },
    "required": ["type", "title", "status", "detail", "code"],
}
