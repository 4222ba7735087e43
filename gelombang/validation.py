"""From pydantic's errors to faults: a path as people write it, what stands there, and what would do.

The paths of pydantic hold the tags of unions, which nobody wrote; they are taken out. An unknown key, and a word that is none of a closed
set, are answered with the one that was probably meant.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import SequenceMatcher, get_close_matches
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gelombang.errors import Fault

_DISTRIBUTIONS = ("fixed", "uniform", "lognormal")
_FOUND_LIMIT = 60
_ALIKE_FROM_RATIO = 0.6
"""Of difflib: words less alike than this are not what was meant."""
_AS_ALIKE_RATIO = 0.1
"""A second word is named when it is nearly as much alike as the first."""

_WANTED = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dict_type": "a table",
    "finite_number": "a finite number",
    "float_parsing": "a number",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "list_type": "a list",
    "string_type": "text in quotes",
    "tuple_type": "a list",
}
_LIMITS = {"gt": "more than {}", "ge": "{} or more", "lt": "less than {}", "le": "{} or less"}
_LENGTHS = {"min_length": "at least {} of them", "max_length": "at most {} of them"}
_TARGET = "^(next|retry|step:[a-z][a-z0-9-]*|fate:(finished|gave_up|rejected|unreachable))$"
_TARGETS = ("next", "retry", "step:NAME", "fate:finished", "fate:gave_up", "fate:rejected", "fate:unreachable")
_PATTERNS = {
    "^[a-z][a-z0-9-]{0,30}$": "a name of lower-case letters, digits and hyphens that begins with a letter, 31 characters at most",
    "^[a-z][a-z0-9_]{0,30}$": "a name of lower-case letters, digits and underscores that begins with a letter, 31 characters at most",
    "^[1-5][0-9x]{2}$": "a status such as 409, 40x or 4xx",
    "^(/[^/]*)*$": "a JSON pointer such as /session",
}


def faults_of(error: ValidationError, model: type[BaseModel]) -> list[Fault]:
    """One fault for each of the errors, in their order."""
    return [_fault(details, model) for details in error.errors(include_url=False)]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The close ones as a question, or all of them; empty when nothing is known. Case, and - for _, make no difference."""
    names = list(known)
    alike = {_bare(known_name): known_name for known_name in reversed(names)}
    matches = get_close_matches(_bare(name), alike, n=2, cutoff=_ALIKE_FROM_RATIO)
    if matches:
        ratios = [SequenceMatcher(None, match, _bare(name)).ratio() for match in matches]
        close = [alike[match] for match, ratio in zip(matches, ratios, strict=True) if ratio >= ratios[0] - _AS_ALIKE_RATIO]
        return f"{' or '.join(close)} (did you mean that?)"
    return f"one of {', '.join(names)}" if names else ""


def _fault(details: ErrorDetails, model: type[BaseModel]) -> Fault:
    loc, kind = details["loc"], details["type"]
    found, wanted = _shown(details["input"]), details["msg"]
    context: Mapping[str, object] = details.get("ctx", {})
    where = path_of(loc)
    if loc and loc[-1] == "[key]":
        where, found = path_of(loc[:-1]), "a key that can't stand here"
    match kind:
        case "missing":
            found, wanted = "missing", _about(model, loc)
        case "extra_forbidden":
            names = _fields_at(model, loc[:-1])
            found, wanted = "a key that nobody reads", did_you_mean(str(loc[-1]), names) or "no such key"
        case "value_error":
            text = str(context.get("error", details["msg"]))
            found, _, wanted = text.partition("; want ")
        case "literal_error" | "enum":
            wanted = _meant(details["input"], str(context["expected"]))
        case "string_pattern_mismatch":
            pattern = str(context["pattern"])
            wanted = _PATTERNS.get(pattern, f"text that matches {pattern}")
            if pattern == _TARGET:
                wanted = did_you_mean(str(details["input"]), _TARGETS)
        case "union_tag_not_found":
            where, found, wanted = f"{where}.form", "missing", "'request', 'message' or 'photo'"
        case "union_tag_invalid":
            kind_of = "kind" if "kind" in _keys(details["input"]) and "form" not in _keys(details["input"]) else "form"
            wanted = _meant(context["tag"], f"one of {context['expected_tags']}")
            where, found = f"{where}.{kind_of}", repr(context["tag"])
        case "model_type" | "model_attributes_type":
            wanted = "a table such as { value = 30.0 } or { median = 30.0, sigma = 0.5 }" if loc[-1] in _DISTRIBUTIONS else "a table"
        case _ if kind in _WANTED:
            wanted = _WANTED[kind]
        case _:
            wanted = _limit(context) or wanted
            found = f"a list of {len(details['input'])}" if kind in ("too_short", "too_long") else found
    return Fault(where, found, wanted)


def path_of(loc: tuple[int | str, ...]) -> str:
    """`phases[2].end_per_second`: pydantic's location without the tags of unions."""
    path = ""
    for i, part in enumerate(loc):
        if isinstance(part, int):
            path += f"[{part}]"
        elif not (part in _DISTRIBUTIONS or part.startswith("=") or (i == 2 and loc[0] == "journey")):
            path += f".{part}" if path else part
    return path or "the file"


def _meant(given: object, expected: str) -> str:
    """Of the words in quotes, those that are close to what was given; all of them when none is."""
    close = did_you_mean(str(given), re.findall(r"'([^']*)'", expected)) if any(map(str.isalpha, str(given))) else ""
    return close if close.endswith("?)") else expected


def _bare(name: str) -> str:
    return name.lower().replace("-", "_")


def _limit(context: Mapping[str, object]) -> str:
    for name, text in (_LIMITS | _LENGTHS).items():
        if name in context:
            limit = context[name]
            return text.format(f"{limit:g}" if isinstance(limit, float) else limit)
    return ""


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _FOUND_LIMIT else f"{text[:_FOUND_LIMIT]}…"


def _keys(value: object) -> list[str]:
    return list(value) if isinstance(value, dict) else []


def _about(model: type[BaseModel], loc: tuple[int | str, ...]) -> str:
    for owner in _models_at(model, loc[:-1]):
        for name, info in owner.model_fields.items():
            if loc[-1] in (name, info.alias) and info.description:
                return "a value: " + info.description.split("\n")[0].rstrip(".")
    return "a value"


def _fields_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    return list(dict.fromkeys(info.alias or name for owner in _models_at(model, loc) for name, info in owner.model_fields.items()))


def _models_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[type[BaseModel]]:
    """The models that may stand at a location, from the types alone."""
    models = [model]
    for part in loc:
        if isinstance(part, int):
            continue
        tagged = [m for m in models if part in _tags(m)]
        if len(models) > 1 and tagged:
            models = tagged
            continue
        fields = [info for m in models for name, info in m.model_fields.items() if part in (name, info.alias)]
        if fields:
            models = list(dict.fromkeys(found for info in fields for found in _models_in(info.annotation)))
    return models


def _tags(model: type[BaseModel]) -> tuple[str, ...]:
    fields = [model.model_fields[name] for name in ("form", "kind") if name in model.model_fields]
    return tuple(str(tag) for info in fields for tag in get_args(info.annotation))


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)
