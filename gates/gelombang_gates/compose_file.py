"""Which service of a compose file is gated, and on which port it listens: read before any engine is asked.

Promise: what would make three copies of the service stand in one another's way (a fixed port, a fixed name) is said at once, and never as a
container that did not start. Left out: `include` and `extends`; a service that only those bring must be named by `--compose-service`, with
`--compose-port`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from gelombang.errors import InputError
from gelombang.validation import did_you_mean

HOST_NETWORK = "host"


@dataclass(frozen=True, slots=True)
class ComposeFile:
    """A compose file, and the service in it that is asked."""

    path: Path
    service: str
    port: int | None
    """Inside the container; None: the service is on the host's network and listens on ${GATE_PORT}."""


def read_compose_file(path: Path, service: str | None, port: int | None) -> ComposeFile:
    """Raises InputError for whatever would not work."""
    services = _services(path)
    name = _chosen(path, services, service)
    own = services[name]
    where = f"{path}: services.{name}"
    if not isinstance(own, Mapping):
        raise InputError(f"{where} is {own!r}; want a table")
    if "container_name" in own:
        raise InputError(f"{where}.container_name is {own['container_name']!r}; want none of it, since three of it run beside each other")
    if own.get("network_mode") == HOST_NETWORK:
        return ComposeFile(path, name, None)
    if port is not None:
        return ComposeFile(path, name, port)
    published = own.get("ports") or []
    if not isinstance(published, list) or len(published) != 1:
        raise InputError(f'{where}.ports is {published!r}; want one port, such as "127.0.0.1::8000", or --compose-port with its number')
    return ComposeFile(path, name, _port_of(published[0], f"{where}.ports[0]"))


def _services(path: Path) -> Mapping[str, object]:
    try:
        document = yaml.safe_load(path.read_text())
    except OSError as error:
        raise InputError(f"{path} can't be read ({error.strerror}); want a compose file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no YAML ({' '.join(str(error).split())}); want a compose file") from None
    services = document.get("services") if isinstance(document, Mapping) else None
    if not isinstance(services, Mapping) or not services:
        raise InputError(f"{path} has no services; want a compose file with the service that is gated")
    return {str(name): own for name, own in services.items()}


def _chosen(path: Path, services: Mapping[str, object], wanted: str | None) -> str:
    if wanted is not None:
        if wanted not in services:
            raise InputError(f"--compose-service is {wanted!r}; want {did_you_mean(wanted, dict.fromkeys(services))} of {path}")
        return wanted
    if len(services) > 1:
        raise InputError(f"{path} has {len(services)} services ({', '.join(services)}); want --compose-service with the one that is gated")
    return next(iter(services))


def _port_of(published: object, where: str) -> int:
    """Of `8000`, `127.0.0.1::8000` or `{target: 8000}`."""
    if isinstance(published, Mapping):
        target, fixed = str(published.get("target", "")), published.get("published")
    else:
        before, _, target = str(published).partition("/")[0].rpartition(":")
        fixed = before.rpartition(":")[2]
    if str(fixed or "") not in ("", "0"):
        raise InputError(
            f'{where} is {published!r}, fixed on {fixed}; want any port ("127.0.0.1::{target}"), since three run beside each other'
        )
    if not target.isdecimal():
        raise InputError(f'{where} is {published!r}; want one port, such as "127.0.0.1::8000"')
    return int(target)
