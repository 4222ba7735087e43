"""`--compose FILE --base-image A --head-image B`: two images of one service, in place of two revisions of a repository."""

import argparse

from gelombang.errors import InputError
from gelombang_gates.compose_file import read_compose_file
from gelombang_gates.container_engine import found_engine
from gelombang_gates.containers import Images

_TOGETHER = ("compose", "base_image", "head_image")
_WITH_COMPOSE = ("compose_service", "compose_port")
_OF_REVISIONS = ("base", "service", "python")


def images_of(parsed: argparse.Namespace) -> Images | None:
    """What these options say; None without any. Raises InputError for a part of them, and HostError without an engine."""
    given = [name for name in (*_TOGETHER, *_WITH_COMPOSE) if getattr(parsed, name) is not None]
    if not given:
        return None
    missing = [name for name in _TOGETHER if name not in given]
    if missing:
        raise InputError(f"{_spelled(given[0])} stands without {_spelled(missing[0])}; want all of {', '.join(map(_spelled, _TOGETHER))}")
    strangers = [name for name in _OF_REVISIONS if getattr(parsed, name) is not None]
    if strangers:
        raise InputError(f"{_spelled(strangers[0])} stands beside --compose; want two images or two revisions, not both")
    file = read_compose_file(parsed.compose, parsed.compose_service, parsed.compose_port)
    return Images(found_engine(), file, parsed.base_image, parsed.head_image)


def _spelled(name: str) -> str:
    return "--command" if name == "service" else f"--{name.replace('_', '-')}"
