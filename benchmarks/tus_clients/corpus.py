"""Requests that both servers are asked, black box: the same ones in the same order, with each one's own address in place of `@`.

A difference is a fault unless `DIFFERENCES` says why it is there; a reason that nothing needs any more is one, too.
"""

import hashlib
import http.client
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

CHUNK = {"Content-Type": "application/offset+octet-stream"}
TOLD = ("tus-resumable", "tus-version", "upload-offset", "upload-length", "upload-metadata")
"""Headers that are compared, and `cache-control` where the protocol asks for it; of others only whether they are there."""
THERE = ("location", "tus-extension", "tus-max-size", "upload-expires", "tus-checksum-algorithm")


class Asked(NamedTuple):
    """One request. `path`: empty for the collection, `@` for the upload last created, anything else as it is below the collection."""

    name: str
    method: str
    path: str = ""
    headers: Mapping[str, str] = {}
    body: bytes = b""
    version: str | None = "1.0.0"


class Server(NamedTuple):
    name: str
    endpoint: str
    headers: Mapping[str, str]
    """What this server wants besides: who asks."""


class Answer(NamedTuple):
    method: str
    status: int
    headers: dict[str, str]

    def shown(self) -> str:
        names = (*TOLD, "cache-control") if self.method == "HEAD" and self.status == 200 else TOLD
        told = [f"{name}: {self.headers[name]}" for name in names if name in self.headers]
        there = [name for name in THERE if name in self.headers]
        return ", ".join([str(self.status), *told, *there])


def corpus(photo: bytes) -> list[Asked]:
    """Every request, in order; `photo` is what is sent."""
    length = {"Upload-Length": str(len(photo)), "Upload-Metadata": "kind a3Rw,private"}
    half = len(photo) // 2
    sha1 = b64encode(hashlib.sha1(photo[:half], usedforsecurity=False).digest()).decode()

    def at(offset: int, **more: str) -> dict[str, str]:
        return {**CHUNK, "Upload-Offset": str(offset)} | {name.replace("_", "-"): value for name, value in more.items()}

    return [
        Asked("what the server understands", "OPTIONS"),
        Asked("the same without a version", "OPTIONS", version=None),
        Asked("an upload is created", "POST", "", length),
        Asked("another version", "POST", "", length, version="0.2.2"),
        Asked("no version", "POST", "", length, version=None),
        Asked("no length", "POST", "", {"Upload-Metadata": "kind a3Rw"}),
        Asked("a length that is no number", "POST", "", length | {"Upload-Length": "many"}),
        Asked("a negative length", "POST", "", length | {"Upload-Length": "-1"}),
        Asked("length and deferred length", "POST", "", length | {"Upload-Defer-Length": "1"}),
        Asked("metadata that are no base64", "POST", "", length | {"Upload-Metadata": "kind a3Rw,bad ???"}),
        Asked("a name twice", "POST", "", length | {"Upload-Metadata": "kind a3Rw,kind a3Rw"}),
        Asked("larger than the limit", "POST", "", length | {"Upload-Length": "2000001"}),
        Asked("no upload of this name", "HEAD", "/" + "0" * 32),
        Asked("where it stands, before anything came", "HEAD", "@"),
        Asked("where it stands, another version", "HEAD", "@", version="0.2.2"),
        Asked("a piece of another type", "PATCH", "@", {"Upload-Offset": "0", "Content-Type": "image/jpeg"}, photo[:half]),
        Asked("a piece without an offset", "PATCH", "@", CHUNK, photo[:half]),
        Asked("a piece with an offset that is no number", "PATCH", "@", CHUNK | {"Upload-Offset": "x"}, photo[:half]),
        Asked("a piece at another offset", "PATCH", "@", at(5), photo[:half]),
        Asked("a piece that is too long", "PATCH", "@", at(0), photo + b"x"),
        Asked("a piece with a wrong checksum", "PATCH", "@", at(0, Upload_Checksum="sha1 " + b64encode(bytes(20)).decode()), photo[:half]),
        Asked("a checksum of an unknown kind", "PATCH", "@", at(0, Upload_Checksum="crc32 AAAA"), photo[:half]),
        Asked("nothing of it was kept", "HEAD", "@"),
        Asked("a piece with its checksum", "PATCH", "@", at(0, Upload_Checksum=f"sha1 {sha1}"), photo[:half]),
        Asked("the same piece again", "PATCH", "@", at(0), photo[:half]),
        Asked("where it stands now", "HEAD", "@"),
        Asked("a piece of no bytes", "PATCH", "@", at(half)),
        Asked("a piece for no upload", "PATCH", "/" + "0" * 32, at(0), photo[:9]),
        Asked("the last piece", "PATCH", "@", at(half), photo[half:]),
        Asked("where it stands, when it is complete", "HEAD", "@"),
        Asked("the last piece again, its answer was lost", "PATCH", "@", at(half), photo[half:]),
        Asked("no more bytes, at its end", "PATCH", "@", at(len(photo))),
        Asked("a complete upload is given up", "DELETE", "@"),
        Asked("a second one is created", "POST", "", length),
        Asked("bytes with the creation", "POST", "", length | CHUNK, photo[:9]),
        Asked("it is given up", "DELETE", "@"),
        Asked("it is gone", "HEAD", "@"),
        Asked("it is given up again", "DELETE", "@"),
        Asked("no upload is given up", "DELETE", "/" + "0" * 32),
        Asked("an upload of no bytes", "POST", "", length | {"Upload-Length": "0"}),
        Asked("an upload is read", "GET", "@"),
        Asked("a method that tus does not know", "PUT", "@", {}, b"x"),
    ]


def ask(server: Server, photo: bytes) -> dict[str, Answer]:
    """What this server answers to each."""
    found: dict[str, Answer] = {}
    created = ""
    for asked in corpus(photo):
        url = created if asked.path == "@" else server.endpoint + asked.path
        answer = _ask(url, asked, server.headers)
        if asked.method == "POST" and answer.status == 201 and not asked.body:
            created = urljoin(url, answer.headers["location"])
        found[asked.name] = answer
    return found


def _ask(url: str, asked: Asked, more: Mapping[str, str]) -> Answer:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    headers = {**more, **asked.headers} | ({} if asked.version is None else {"Tus-Resumable": asked.version})
    try:
        connection.request(asked.method, parts.path, asked.body or None, headers)
        answer = connection.getresponse()
        answer.read()
        return Answer(asked.method, answer.status, {name.lower(): value for name, value in answer.getheaders()})
    finally:
        connection.close()


def differences(ours: Mapping[str, Answer], theirs: Mapping[str, Answer], shown: Callable[[str], None]) -> bool:
    """Tell each difference with its reason; whether all have one, and all reasons are needed."""
    is_well = True
    for name, answer in ours.items():
        other = theirs[name]
        reason = DIFFERENCES.get(name)
        if answer.shown() == other.shown():
            if reason is not None:
                shown(f"no difference any more, and a reason for one: {name}")
                is_well = False
            continue
        shown(f"{name}\n    ours:   {answer.shown()}\n    theirs: {other.shown()}\n    {reason or 'NO REASON IS KNOWN'}")
        is_well = is_well and reason is not None
    return is_well


_CHECKSUM = "@tus/server has no checksum extension and passes Upload-Checksum over; ours keeps nothing of a piece that does not fit"
_OFFSET = "ours tells with 409 where the upload stands, which saves the HEAD"
_EXPIRES = (
    "ours tells the end of the address with every answer about an upload; the protocol asks for it in answers to PATCH of unfinished ones"
)
_VERSION = "ours looks at the version first and names the one that it speaks, as the protocol asks for 412"
DIFFERENCES: Mapping[str, str] = {
    "what the server understands": _CHECKSUM,
    "the same without a version": _CHECKSUM,
    "another version": _VERSION,
    "no version": _VERSION,
    "where it stands, another version": _VERSION,
    "where it stands, before anything came": _EXPIRES,
    "a piece of another type": "ours answers 415, as the protocol asks; @tus/server 400",
    "a piece without an offset": "ours answers 400 to what is malformed; @tus/server 403",
    "a piece at another offset": _OFFSET,
    "a piece with a wrong checksum": _CHECKSUM,
    "a checksum of an unknown kind": _CHECKSUM,
    "nothing of it was kept": _CHECKSUM,
    "a piece with its checksum": _CHECKSUM,
    "the same piece again": _OFFSET,
    "where it stands now": _EXPIRES,
    "the last piece": _EXPIRES,
    "where it stands, when it is complete": _EXPIRES,
    "the last piece again, its answer was lost": _OFFSET,
    "no more bytes, at its end": _EXPIRES,
    "bytes with the creation": "ours has no creation-with-upload: admission and the offset's home come before bytes",
    "an upload of no bytes": "no photo has no bytes",
    "an upload is read": "ours never hands photos out; GET is no part of tus",
    "a method that tus does not know": "ours says 405 with Allow where the address is one",
}
"""Every known one, with its reason."""
