"""Access logs with the attempt's trace id in each line: nginx, Envoy, or JSON lines; plain or gz.

The first fields of a line are fixed, whatever follows is left alone (docs/ledger.md shows them for copying):

    nginx   $http_traceparent $msec $status $request_time $upstream_response_time ...
    envoy   %REQ(TRACEPARENT)% %START_TIME(%s.%3f)% %RESPONSE_CODE% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% ...
    json    {"traceparent": ..., "time": s, "status": n, "request_time": s, "upstream_time": s, ...}

nginx writes a line when a request has ended, Envoy says when it began. Reading keeps a few numbers per line of this run and no text.
"""

import gzip
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gelombang.attempt_id import parse_traceparent
from gelombang.errors import InputError

LINES_LIMIT = 100_000_000
LINE_BYTES_LIMIT = 65_536
_SECONDS = re.compile(r"\d+(?:\.\d+)?")

LOG_ROW = np.dtype(
    [
        ("person", "<u8"),
        ("step", "<u2"),
        ("number", "<u2"),
        ("tab", "u1"),
        ("status", "<u2"),
        ("at_us", "<i8"),
        ("request_us", "<i8"),
        ("upstream_us", "<i8"),
    ]
)
"""One request that belongs to an attempt; `upstream_us` -1 where the log names none."""


class LogFormat(StrEnum):
    """Who wrote the log."""

    NGINX = "nginx"
    JSON = "json"
    ENVOY = "envoy"


@dataclass(frozen=True, slots=True, eq=False)
class AccessLog:
    """The lines of one run, and how many others there were."""

    rows: NDArray[np.void]
    lines: int
    other_lines: int
    unreadable_lines: int


@dataclass(frozen=True, slots=True)
class _Line:
    traceparent: str
    at_seconds: float
    status: int
    request_seconds: float
    upstream_seconds: float | None


def read_access_log(path: Path, form: LogFormat, run: int) -> AccessLog:
    """All lines of `run`. Raises InputError for a file that can't be read, or when no line at all is of the format."""
    parse = _PARSERS[form]
    found: list[tuple[int, int, int, int, int, int, int, int]] = []
    lines = others = unreadable = 0
    first_unreadable = ""
    for text in _lines(path):
        lines += 1
        try:
            line = parse(text)
        except (ValueError, KeyError, IndexError, TypeError):
            unreadable += 1
            first_unreadable = first_unreadable or text[:200]
            continue
        attempt = parse_traceparent(line.traceparent)
        if attempt is None or attempt.run != run or attempt.number > 0xFFFF:
            others += 1
            continue
        upstream_us = -1 if line.upstream_seconds is None else round(line.upstream_seconds * 1e6)
        times = (round(line.at_seconds * 1e6), round(line.request_seconds * 1e6), upstream_us)
        found.append((attempt.person, attempt.step, attempt.number, attempt.tab, line.status, *times))
    if lines and unreadable == lines:
        raise InputError(f"{path} has no line of the format {form}; its first is {first_unreadable!r}; want the line that its page shows")
    return AccessLog(np.array(found, dtype=LOG_ROW), lines, others, unreadable)


def _lines(path: Path) -> Iterator[str]:
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(LINE_BYTES_LIMIT), b"")):
                if number >= LINES_LIMIT:
                    raise InputError(f"{path} has more than {LINES_LIMIT} lines; want the part of this run")
                yield line.decode("utf-8", "replace").rstrip("\r\n")
    except (OSError, EOFError) as error:
        raise InputError(f"{path} can't be read ({error}); want an access log, plain or gz") from None


def _nginx(text: str) -> _Line:
    traceparent, at, status, request, rest = text.split(" ", 4)
    # Several upstreams are "0.001, 0.002" or "0.001 : 0.002"; the quoted request follows, or nothing.
    upstream = re.match(r"(?:-|[\d.]+)(?:(?:, | : )(?:-|[\d.]+))*", rest)
    if upstream is None:
        raise ValueError(rest)
    return _Line(traceparent, float(at), _status(status), float(request), _sum(upstream[0]))


def _envoy(text: str) -> _Line:
    traceparent, at, status, duration, upstream = text.split(" ")[:5]
    milliseconds = _sum(upstream)
    return _Line(traceparent, float(at), _status(status), float(duration) / 1e3, None if milliseconds is None else milliseconds / 1e3)


def _json(text: str) -> _Line:
    entry = json.loads(text)
    upstream = entry.get("upstream_time")
    return _Line(
        traceparent=str(entry.get("traceparent") or "-"),
        at_seconds=float(entry["time"]),
        status=_status(str(entry["status"])),
        request_seconds=float(entry["request_time"]),
        upstream_seconds=None if upstream is None else _sum(str(upstream)),
    )


_PARSERS: dict[LogFormat, Callable[[str], _Line]] = {LogFormat.NGINX: _nginx, LogFormat.ENVOY: _envoy, LogFormat.JSON: _json}


def _status(text: str) -> int:
    status = int(text)
    if not 0 <= status <= 999:
        raise ValueError(text)
    return status


def _sum(text: str) -> float | None:
    parts = _SECONDS.findall(text)
    return sum(map(float, parts)) if parts else None
