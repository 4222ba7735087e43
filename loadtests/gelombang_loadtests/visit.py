"""One attempt at a request step: its exchanges one after the other, with the person's cookies, along the site's redirects.

All exchanges of a visit are one attempt: one row, one patience, the answer of the last one. Where a redirect leaves the scheme, host or
port, the step's Authorization header stays behind, as browsers and curl do.
"""

from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import quote

from gelombang.attempt import Code, Outcome
from gelombang.attempt_id import AttemptId
from gelombang.clock import MICROSECONDS, utc_now
from gelombang.person import Person
from gelombang_loadtests.answer_headers import surely_lacks
from gelombang_loadtests.applicant import Applicant
from gelombang_loadtests.bodies import NOTHING, Carried
from gelombang_loadtests.cookies import Jar, parse
from gelombang_loadtests.exchange import HEADS_KEPT_LIMIT
from gelombang_loadtests.exchanged import Answer, Headers, Request
from gelombang_loadtests.exchanges import ExchangeListener, Exchanges, Tally
from gelombang_loadtests.hooked import Hooked
from gelombang_loadtests.redirects import REDIRECTS_LIMIT, next_hop
from gelombang_loadtests.target import Target, url_of

_PATH_MARKS = "/?#[]@!$&'()*+,;=:%~"
"""Besides letters and digits, what may stand in a request's target; spaces, line ends and letters with accents are encoded."""
ACCEPT_JSON = "application/json"
ACCEPT_LINE = (b"accept", ACCEPT_JSON.encode())


class Visit:
    """One attempt's way through the site. `tally` adds up its exchanges."""

    __slots__ = (
        "_answer",
        "_base",
        "_exchanges",
        "_hooked",
        "_jar",
        "_listener",
        "_target",
        "applicant",
        "attempt",
        "branch",
        "person",
        "tally",
    )

    def __init__(
        self,
        base: Target,
        exchanges: Exchanges,
        listener: ExchangeListener,
        applicant: Applicant,
        person: Person,
        attempt: AttemptId,
        keeps_cookies: bool,
        hooked: Hooked | None = None,
        branch: int = 0,
    ) -> None:
        """`branch` tells the requests of one attempt apart that are under way at the same time."""
        self.branch = branch
        self._hooked = hooked
        self._base = base
        self._exchanges = exchanges
        self._listener = listener
        self.applicant = applicant
        self.person = person
        self.attempt = attempt
        self.tally = Tally()
        self._target = base
        self._answer: Answer | None = None
        """The last one."""
        self._jar: Jar | None = None
        if keeps_cookies:
            if applicant.cookies is None:
                applicant.cookies = Jar()
            self._jar = applicant.cookies

    def go(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        carried: Carried,
        patience_seconds: float,
        follows: bool,
        answered: Answer | None = None,
    ) -> tuple[Answer, str] | None:
        """Ask, and follow where the answer leads; the last answer and its method. None for a URL that nobody may follow.

        `answered` is the first answer, where somebody has asked already.
        """
        left_seconds = patience_seconds
        origin: tuple[str, int, bool] | None = None
        for hops in range(REDIRECTS_LIMIT + 1):
            try:
                target = _target_at(self._base, url)
            except ValueError:
                return None
            if hops and origin != (target.host, target.port, target.tls):
                headers = {name: text for name, text in headers.items() if name != "authorization"}
            if answered is None:
                answer = self._ask(method, target, headers, carried, left_seconds)
            else:
                answer, answered = answered, None
                self._take(target, answer)
            if not follows or not 300 <= answer.status < 400 or answer.outcome_error is not None:
                return answer, method
            hop = next_hop(method, url_of(target), answer.status, answer.headers)
            if hop is None:
                return answer, method
            origin = (target.host, target.port, target.tls)
            left_seconds -= (answer.connect_us + answer.send_us + answer.wait_us + answer.receive_us) / MICROSECONDS
            self._listener(method, self.attempt, answer, Outcome.OK, Code.NONE)
            method, url = hop.method, hop.url
            if not hop.with_body:
                carried = NOTHING
                headers = {name: text for name, text in headers.items() if name != "content-type"}
        return None

    @property
    def url(self) -> str:
        """Where the last answer came from."""
        return url_of(self._target)

    def cookie(self, name: str) -> str | None:
        """What the last answer set by that name; otherwise what the person would send there."""
        now = utc_now().timestamp()
        target = self._target
        for one in reversed(_set_cookies(self._answer)):
            cookie = parse(one, target.host, target.path, target.tls, now)
            if cookie is not None and cookie.name == name:
                return cookie.value
        return None if self._jar is None else self._jar.value(name, target.host, target.path, target.tls, now)

    def _ask(self, method: str, target: Target, headers: Mapping[str, str], carried: Carried, patience_seconds: float) -> Answer:
        tally, jar = self.tally, self._jar
        traceparent = self.attempt.traceparent(self.branch << 8 | tally.exchanges + 1)
        cookies = "" if jar is None else jar.header(target.host, target.path, target.tls, utc_now().timestamp())
        if self._hooked is None:
            lines = _own_lines(headers, carried, traceparent, cookies)
        else:
            own = {"accept": ACCEPT_JSON, "traceparent": traceparent}
            own |= {name: text for name, text in (("content-type", carried.content_type), ("cookie", cookies)) if text}
            found, spent_us = self._hooked.headers(method, url_of(target), {**own, **headers}, carried)
            tally.hook_us += spent_us
            lines = header_lines(found)
        request = Request(_method_bytes(method), path_bytes(target.path), target.host, target.port, lines, carried.content, tls=target.tls)
        answer = self._exchanges(self.applicant, self.person, request, patience_seconds)
        self._take(target, answer)
        if jar is not None and (taken := _set_cookies(answer)):
            now = utc_now().timestamp()
            for one in taken:
                jar.take(one, target.host, target.path, target.tls, now)
        return answer

    def _take(self, target: Target, answer: Answer) -> None:
        self.tally.add(answer)
        self._target, self._answer = target, answer


def _set_cookies(answer: Answer | None) -> list[str]:
    """What an answer's Set-Cookie lines say."""
    if answer is None or surely_lacks(answer.headers, b"set-cookie"):
        return []
    taken = answer.headers.get(b"set-cookie")
    return taken.decode("utf-8", "replace").split("\n") if taken else []


def _own_lines(headers: Mapping[str, str], carried: Carried, traceparent: str, cookies: str) -> Headers:
    """The header lines of a request: ours, but those that its step names itself, and the step's."""
    lines: list[tuple[bytes, bytes]] = []
    if "accept" not in headers:
        lines.append(ACCEPT_LINE)
    if "traceparent" not in headers:
        lines.append((b"traceparent", traceparent.encode()))
    if carried.content_type and "content-type" not in headers:
        lines.append(_content_type_line(carried.content_type))
    if cookies and "cookie" not in headers:
        lines.append((b"cookie", cookies.encode("latin-1", "replace")))
    return (*lines, *header_lines(headers)) if headers else tuple(lines)


def header_lines(headers: Mapping[str, str]) -> Headers:
    """Headers as they are sent."""
    return tuple([(_name_bytes(name), text.encode("latin-1", "replace")) for name, text in headers.items()])


@lru_cache(HEADS_KEPT_LIMIT)
def _content_type_line(content_type: str) -> tuple[bytes, bytes]:
    return b"content-type", content_type.encode("latin-1", "replace")


_target_at = lru_cache(HEADS_KEPT_LIMIT)(Target.at)


@lru_cache(HEADS_KEPT_LIMIT)
def path_bytes(path: str) -> bytes:
    """A path and query as they are sent."""
    return quote(path, safe=_PATH_MARKS).encode()


@lru_cache(HEADS_KEPT_LIMIT)
def _name_bytes(name: str) -> bytes:
    return name.encode("latin-1", "replace")


_method_bytes = lru_cache(HEADS_KEPT_LIMIT)(str.encode)
