"""How a run reaches a service of the operator's own: TLS, proxy, names and addresses, and which client carries the requests.

The section `[network]` of a scenario. Without it, requests go straight to the target's address, and https is checked against the system's
certificate authorities. Nothing here opens a socket: `gelombang_loadtests.network` does what this says.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from gelombang.errors import Fault
from gelombang.scale import Ratio

_HOST = re.compile(r"^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$")


def split_authority(text: str) -> tuple[str, int]:
    """`host:port` or `[v6]:port`, taken apart. Raises ValueError for anything else."""
    host, _, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536) or not bare or (":" in bare and bare == host):
        raise ValueError(f"{text!r}; want HOST:PORT")
    return bare, int(port)


def _address(text: str) -> str:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        raise ValueError(f"{text!r}; want an IP address such as 192.0.2.7") from None
    return text


def _host(text: str) -> str:
    if _HOST.match(text) is None:
        raise ValueError(f"{text!r}; want the name of a host, without scheme and port")
    return text.lower()


def _host_and_port(text: str) -> str:
    return "{}:{}".format(*split_authority(text)).lower()


def _address_and_port(text: str) -> str:
    try:
        _address(split_authority(text)[0])
    except ValueError:
        raise ValueError(f"{text!r}; want ADDRESS:PORT such as 192.0.2.7:443") from None
    return text


def _proxy(text: str) -> str:
    try:
        parts = urlsplit(text)
        fine = parts.scheme == "http" and bool(parts.hostname) and bool(parts.port) and parts.path in ("", "/")
    except ValueError:
        fine = False
    if not fine:
        # Not shown: a password may stand in it.
        raise ValueError("no proxy that can be used; want http://HOST:PORT, with USER:PASSWORD@ before it where the proxy asks")
    return text


def _no_proxy(text: str) -> str:
    if text != "*" and "/" in text:
        try:
            ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise ValueError(f"{text!r}; want a host, .domain, host:port, address, network such as 10.0.0.0/8, or *") from None
    if not text.strip():
        raise ValueError("empty; want a host, .domain, host:port, address, network such as 10.0.0.0/8, or *")
    return text.strip().lower()


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


class ClientCertificate(_Part):
    """What the generator shows to a host that asks who it is."""

    certificate: str
    """PEM file with the certificate, and those between it and its authority."""
    key: str | None = None
    """PEM file with its key, without a passphrase; without it, the key stands in the certificate's file."""


class Network(_Part):
    """TLS, proxy, names and addresses of a run."""

    client: Literal["lean", "library"] = "lean"
    """`library` carries requests with Locust's FastHttpSession: slower, and times inside an exchange are not told apart."""
    ca_file: str | None = None
    """PEM file of certificate authorities that are trusted beside the system's."""
    client_certificate: dict[Annotated[str, AfterValidator(_host)], ClientCertificate] = Field(default_factory=dict)
    """By host, as the URL has it."""
    minimum_tls: Literal["1.2", "1.3"] = "1.2"
    server_name: Annotated[str, AfterValidator(_host)] | None = None
    """The name that the target's certificate must have, and that is asked for by SNI, where the URL has another or an address."""
    resumed_ratio: Annotated[Ratio, Field(ge=0, le=1)] = 0.0
    """Share of people whose connections resume an earlier TLS session; the others pay for a whole handshake on each connection."""
    proxy: Annotated[str, AfterValidator(_proxy)] | None = None
    """`http://HOST:PORT`: https goes through it by CONNECT, http is forwarded by it."""
    no_proxy: list[Annotated[str, AfterValidator(_no_proxy)]] = Field(default_factory=list, max_length=100)
    """Hosts that are reached without it."""
    resolve: dict[Annotated[str, AfterValidator(_host_and_port)], Annotated[str, AfterValidator(_address_and_port)]] = Field(
        default_factory=dict
    )
    """`"host:port" = "address:port"`: where a host is reached, in place of what its name says."""
    source_addresses: list[Annotated[str, AfterValidator(_address)]] = Field(default_factory=list, max_length=1000)
    """Addresses of this machine that people connect from, one after the other."""

    @model_validator(mode="after")
    def _library_can_do_it(self) -> Self:
        beyond = [name for name in ("server_name", "resumed_ratio", "resolve", "source_addresses") if getattr(self, name)]
        if self.client == "library" and beyond:
            raise ValueError(f"given {' and '.join(beyond)} with client = 'library', which can't do that; want client = 'lean'")
        if self.client == "library" and len(self.client_certificate) > 1:
            raise ValueError("given several client certificates with client = 'library'; want one, or client = 'lean'")
        return self


def goes_direct(no_proxy: Sequence[str], host: str, port: int) -> bool:
    """Whether a host is reached without the proxy: by its name, a domain above it, its address, or a network around it."""
    host = host.lower()
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    for rule in no_proxy:
        if rule in ("*", host, f"{host}:{port}"):
            return True
        if address is not None:
            if "/" in rule and address in ipaddress.ip_network(rule, strict=False):
                return True
        elif host.endswith(rule if rule.startswith(".") else f".{rule}"):
            return True
    return False


def place_files(section: object, find: Callable[[str], Path | None]) -> Iterator[Fault]:
    """Put the path that `find` gives in the place of each file that `[network]` names; a fault for each that isn't there, and for a
    password, which would stand in the run's files."""
    if not isinstance(section, dict):
        return
    tables: list[tuple[str, dict[str, object], tuple[str, ...]]] = [("network", section, ("ca_file",))]
    certificates = section.get("client_certificate")
    for host, table in certificates.items() if isinstance(certificates, dict) else ():
        if isinstance(table, dict):
            tables.append((f"network.client_certificate.{host}", table, ("certificate", "key")))
    for where, table, names in tables:
        for name in names:
            file = table.get(name)
            if not isinstance(file, str):
                continue
            found = find(file)
            if found is None:
                yield Fault(f"{where}.{name}", f"{file!r}, which is not there", "a PEM file, by its path or beside the scenario")
            else:
                table[name] = str(found.resolve())
    proxy = section.get("proxy")
    if isinstance(proxy, str) and ":" in (user := proxy.partition("://")[2].rpartition("@")[0]) and "${" not in user:
        yield Fault("network.proxy", "a proxy with its password written out", "${env:NAME} or ${file:PATH} in the password's place")
