"""Options that several commands share, and how their values are read."""

import argparse
import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

from gelombang.errors import ExitCode, InputError
from gelombang.scale import Scale, parse_sample
from gelombang.scenario import Scenario

Command = Callable[[argparse.Namespace], ExitCode]
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


def add_scale_options(parser: argparse.ArgumentParser) -> None:
    """--sample, --speed, --bytes, --load: the four numbers of a scale; defaults come from the scenario."""
    group = parser.add_argument_group("scale (defaults: the scenario's own)")
    group.add_argument("--sample", metavar="F", help="share of the people, such as 1/50; `auto` looks at the machine first")
    group.add_argument("--speed", type=float, metavar="K", help="how many times as fast the clock runs")
    group.add_argument("--bytes", type=float, metavar="B", help="size of a photo, times this")
    group.add_argument("--load", type=float, default=1.0, metavar="M", help="people, times this, on the same site (default 1)")


def read_scale(parsed: argparse.Namespace, scenario: Scenario, choose: Callable[[], Fraction]) -> Scale:
    """The scale that the command line and the scenario ask for; `choose` is called for `auto`. Raises InputError."""
    text = parsed.sample or scenario.scale.sample
    sample = choose() if text == "auto" else parse_sample(text)
    speed = positive("--speed", scenario.scale.speed if parsed.speed is None else parsed.speed)
    bytes_ratio = positive("--bytes", scenario.scale.bytes_ratio if parsed.bytes is None else parsed.bytes)
    if bytes_ratio > 1:
        raise InputError(f"--bytes is {bytes_ratio:g}; want a ratio above 0, up to 1")
    return Scale(sample, speed, bytes_ratio, positive("--load", parsed.load))


def positive(option: str, value: float) -> float:
    """The value, or InputError when it is not above 0."""
    if not 0 < value < float("inf"):
        raise InputError(f"{option} is {value:g}; want a number above 0")
    return value


_SIZE_FACTORS = {"": 1, "K": 1_000, "M": 1_000_000, "G": 1_000_000_000, "T": 1_000_000_000_000}


def size_bytes(option: str, text: str, at_least: int) -> int:
    """A size such as 20G or 500M (powers of 1,000). Raises InputError."""
    number, letter = (text[:-1], text[-1].upper()) if text[-1:].isalpha() else (text, "")
    try:
        found = round(float(number) * _SIZE_FACTORS[letter])
    except (KeyError, ValueError, OverflowError):
        found = 0
    if found < at_least:
        raise InputError(f"{option} is {text!r}; want a size of {at_least:,} bytes or more, such as 20G or 500M")
    return found


def read_target(target: str, owned: str | None) -> str:
    """A base URL without a trailing slash. Anything off loopback needs `--i-own-this-target HOST` with its host. Raises InputError."""
    parts = urlsplit(target)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(f"--target is {target!r}; want a URL such as http://127.0.0.1:8080")
    if parts.hostname not in LOOPBACK_HOSTS and owned != parts.hostname:
        raise InputError(
            f"--target is {parts.hostname}, which is not this machine; want --i-own-this-target {parts.hostname}, from somebody who may"
        )
    return target.rstrip("/")


def check_writable(option: str, path: Path | None) -> None:
    """Before anything is done. Raises InputError for a file that can't be written."""
    if path is not None and (path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK)):
        raise InputError(f"{option} is {path}, which can't be written; want a file in a folder that exists")
