"""Questions to somebody's health page or Prometheus: bounded in time and bytes, with secrets that go to the named host and to no other.

A redirect to another host is followed without the question's headers. What a secret holds that may stand in no URL is encoded, as in the
requests of people.
"""

import ssl
from collections.abc import Mapping
from http.client import HTTPException, HTTPMessage
from typing import IO
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request, build_opener

from pydantic import BaseModel

from gelombang.errors import InputError
from gelombang.secrets import look_up_secrets

ANSWER_BYTES_LIMIT = 4_000_000
_URL_MARKS = "/?#[]@!$&'()*+,;=:%~"


class Questions:
    """Whom somebody's questions go to. Raises FileError for a secret without a value, InputError for an address that is none."""

    def __init__(self, section: BaseModel, what: str, url: str, headers: Mapping[str, str], opener: OpenerDirector) -> None:
        """`section` is the part of a scenario that holds url and headers; `what` names it."""
        secrets = look_up_secrets(section, what)
        self.url = quote(secrets.filled(url), safe=_URL_MARKS)
        self._headers = {name: secrets.filled(text) for name, text in headers.items()}
        self._opener = opener
        if not self.url.startswith(("http://", "https://")):
            raise InputError(f"{what}: url {url} stands for no http:// or https:// address; want one")

    def answer(self, more: str, timeout_seconds: float) -> tuple[bytes | None, int]:
        """What `more`, added to the address, is answered, and its status; None and 0 where nothing came in time that is HTTP."""
        try:
            with self._opener.open(
                Request(self.url.rstrip("/") + more if more else self.url, headers=self._headers), timeout=timeout_seconds
            ) as answer:
                body: bytes = answer.read(ANSWER_BYTES_LIMIT)
                return body, int(answer.status)
        except HTTPError as error:
            with error:
                return error.read(ANSWER_BYTES_LIMIT), error.code
        except (OSError, ValueError, HTTPException):
            return None, 0


def opener_of(agent: str, ca_file: str | None) -> OpenerDirector:
    """Trusts the system's authorities, or those of the file; uses no proxy."""
    opener = build_opener(ProxyHandler({}), HTTPSHandler(context=ssl.create_default_context(cafile=ca_file)), _Redirects)
    opener.addheaders = [("User-Agent", agent)]
    return opener


class _Redirects(HTTPRedirectHandler):
    """Leaves a question's headers behind where a redirect leaves scheme, host or port."""

    def redirect_request(self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str) -> Request | None:
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        if following is not None and urlsplit(newurl)[:2] != urlsplit(req.full_url)[:2]:
            following.headers.clear()
        return following
