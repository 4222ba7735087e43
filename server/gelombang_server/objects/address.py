"""Which bucket a site has, who may write there, and how the store's troubles are called.

Access keys come from the environment alone (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`), each process looks them up
itself, and nothing prints them. Every object goes with the SHA-256 of its bytes (`x-amz-checksum-sha256`, and the signature covers the same
digest), so a store that checks it refuses what was damaged on the way.

obstore tells its troubles in words: the status and the kind of failure are read from what its Rust side prints of the error.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from gelombang.attempt import Code
from gelombang.errors import GelombangError, InputError, TargetUnreachableError
from gelombang.profile_objects import Objects
from gelombang_server.problem import Problem

KEY_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
TOKEN_VARIABLE = "AWS_SESSION_TOKEN"
TROUBLES = (BaseError, OSError, ValueError)
"""What obstore raises."""
_STATUS = re.compile(r"\bstatus: (\d{3})\b")
_TIMED_OUT = re.compile(r"\bkind: Timeout\b")
_ASKS_FOR_LESS = (429, 503)


class Address(NamedTuple):
    """A part of a bucket, and who writes there."""

    store: S3Store
    shown: str
    """Without whatever is secret."""


def address_of(objects: Objects, run: int, environment: Mapping[str, str] = os.environ) -> Address:
    """The bucket of a profile; nobody is asked anything yet. Raises InputError for a key that is not in the environment."""
    missing = [name for name in KEY_VARIABLES if not environment.get(name)]
    if missing:
        raise InputError(f"[objects] url: {' and '.join(missing)} not set; want the store's access key in the server's environment")
    place = objects.place
    key, secret = (environment[name] for name in KEY_VARIABLES)
    token = environment.get(TOKEN_VARIABLE)
    store = S3Store(
        place.bucket,
        prefix=place.prefix or f"gelombang_run_{run:010x}",
        config={
            "region": place.region,
            "access_key_id": key,
            "secret_access_key": secret,
            "checksum_algorithm": "SHA256",
            **({"endpoint": place.endpoint} if place.endpoint else {}),
            **({"session_token": token} if token else {}),
        },
        client_options={
            "allow_http": place.endpoint is not None and place.endpoint.startswith("http://"),
            "timeout": timedelta(seconds=objects.try_seconds),
            "connect_timeout": timedelta(seconds=objects.try_seconds),
        },
        retry_config={
            "max_retries": objects.repeats_limit,
            "retry_timeout": timedelta(seconds=objects.put_seconds),
            "backoff": {
                "init_backoff": timedelta(seconds=objects.repeat_after_seconds),
                "max_backoff": timedelta(seconds=objects.put_seconds),
                "base": 2,
            },
        },
    )
    return Address(store, place.shown)


def told(error: BaseException) -> Problem:
    """What a person is told when the store did not do it."""
    match code_of(error):
        case Code.OBJECTS_SLOW:
            return Problem(Code.OBJECTS_SLOW, "the store of photos is too slow just now; please come back")
        case Code.OBJECTS_REFUSED:
            return Problem(Code.OBJECTS_REFUSED, "the store of photos did not take it; please repeat")
    return Problem(Code.OBJECTS_GONE, "the store of photos can't be reached just now; please come back")


def code_of(error: BaseException) -> Code:
    """What an error of obstore's, or a time-out around it, comes to."""
    text = str(error)
    found = _STATUS.search(text)
    status = int(found[1]) if found else 0
    if isinstance(error, TimeoutError) or status in _ASKS_FOR_LESS or _TIMED_OUT.search(text):
        return Code.OBJECTS_SLOW
    if isinstance(error, FileNotFoundError) or 400 <= status < 500:
        return Code.OBJECTS_REFUSED
    return Code.OBJECTS_GONE


@contextmanager
def told_to_operator(shown: str) -> Iterator[None]:
    """Turns what obstore raises into one sentence for whoever started the command."""
    try:
        yield
    except GelombangError:
        raise
    except TROUBLES as error:
        words = str(error).partition("\n")[0]
        if code_of(error) is Code.OBJECTS_REFUSED:
            raise InputError(f"[objects] url: {shown} said: {words}; want a bucket that is there and a key that may write") from None
        raise TargetUnreachableError(f"[objects] url: nobody answers for the {shown} ({words}); want a running object store") from None


def require_bucket(address: Address) -> None:
    """Ask the store for something small. Raises InputError when who answers can't be used, TargetUnreachableError when nobody does."""
    with told_to_operator(address.shown):
        obstore.list(address.store, chunk_size=1).collect()
