"""The answer of a page: with headers of its own in place of those that programs get, and with cookies."""

from collections.abc import Mapping

from gelombang_server.answers import Answer, fields


class PageAnswer(Answer):
    """HTML, a style sheet, a script, or the way to another page."""

    __slots__ = ("_cookies", "_own")

    def __init__(self, status: int, own: Mapping[str, str], body: bytes = b"") -> None:
        super().__init__(status, body)
        self._own = dict(own)
        """All that such an answer always carries; a policy of nothing is not for pages."""
        self._cookies: dict[str, str] = {}

    def set_cookie(self, name: str, value: str) -> None:
        """One cookie, with what a browser has to keep to."""
        self._cookies[name] = fields({"Set-Cookie": f"{name}={value}"})

    def own(self, name: str) -> str:
        """A header of every such answer."""
        return self._own[name]

    def _always(self) -> bytes:
        return (fields(self._own) + "".join(self._cookies.values())).encode()
