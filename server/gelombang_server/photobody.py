"""A photo's bytes as they come in: read with a limit on pauses, digested and inspected."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from gelombang.attempt import Code
from gelombang.clock import monotonic_us
from gelombang.profile_uploads import Uploads
from gelombang_server.attempts import ServerAttempt
from gelombang_server.inspect_jpeg import JpegWalk
from gelombang_server.problem import Problem


async def read_body(request: web.Request, uploads: Uploads, take: Callable[[bytes], Awaitable[None] | None]) -> None:
    """Give each piece of the body to `take`, to the end. What `take` raises ends the reading; what it returns is waited for before the next
    piece, in the server's time and not in the client's.

    Raises Problem(body_too_slow) after a pause of `body_stall_seconds`, or when the whole is slower than `body_min_bytes_per_second`,
    Problem(malformed_request) when the body is not framed as HTTP, and
    ConnectionResetError when the client left.
    """
    loop = asyncio.get_running_loop()
    stall_seconds, min_rate = uploads.body_stall_seconds, uploads.body_min_bytes_per_second
    slowest_end = loop.time() + stall_seconds
    patience = _Patience(loop)
    try:
        async with patience.timeout:
            patience.ends_at(slowest_end)
            while piece := await request.content.readany():
                size = len(piece)
                pause = take(piece)
                if pause is not None:
                    del piece  # `take` may have written it out; it must not stay in memory until the next one comes.
                    patience.ends_at(None)
                    waited_from = loop.time()
                    await pause
                    slowest_end += loop.time() - waited_from
                next_end = loop.time() + stall_seconds
                if min_rate is not None:
                    slowest_end += size / min_rate
                    next_end = min(next_end, slowest_end)
                patience.ends_at(next_end)
    except (web.RequestPayloadError, HttpProcessingError):
        if request.transport is None:
            raise ConnectionResetError("the client left before the body's end") from None
        raise Problem(Code.MALFORMED_REQUEST, "the body can't be decoded") from None
    except OSError as error:
        if patience.timeout.expired():
            raise Problem(Code.BODY_TOO_SLOW, f"the body came too slowly, or paused for more than {stall_seconds:.1f} s") from None
        raise ConnectionResetError("the client left before the body's end") from error
    finally:
        patience.close()


class _Patience:
    """A time-out that is put off with each piece, by a number: a timer of the loop, set anew when it is due and was put off meanwhile.
    Setting one for each piece cost as much as digesting it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.timeout = asyncio.timeout(None)
        self._loop = loop
        self._ends_at: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def ends_at(self, moment: float | None) -> None:
        """When it ends, never before an earlier one; None: not for now."""
        self._ends_at = moment
        if self._timer is None and moment is not None:
            self._timer = self._loop.call_at(moment, self._look)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self._timer, moment = None, self._ends_at
        if moment is None:
            return
        if self._loop.time() < moment:
            self.ends_at(moment)
        else:
            self.timeout.reschedule(moment)


class Inspection:
    """Digest and walk of one photo, and what each cost: it is the same work whether the bytes come in pieces or at once."""

    def __init__(self, pixels_limit: int) -> None:
        self._digest = hashlib.sha256()
        self._walk = JpegWalk(pixels_limit)
        self._digest_us = 0
        self._inspect_us = 0

    def feed(self, piece: bytes) -> None:
        """The next bytes."""
        began_us = monotonic_us()
        self._digest.update(piece)
        digested_us = monotonic_us()
        self._walk.feed(piece)
        self._digest_us += digested_us - began_us
        self._inspect_us += monotonic_us() - digested_us

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def note(self, attempt: ServerAttempt) -> None:
        """Write into the ledger what it cost."""
        attempt.stage_us("digest_us", self._digest_us)
        attempt.stage_us("inspect_us", self._inspect_us)

    def check(self) -> None:
        """Raises Problem with what is wrong with the photo."""
        match self._walk.verdict():
            case Code.NONE:
                return
            case Code.PHOTO_TRUNCATED:
                raise Problem(Code.PHOTO_TRUNCATED, "the photo breaks off; please send it again")
            case Code.PHOTO_TOO_MANY_PIXELS:
                raise Problem(Code.PHOTO_TOO_MANY_PIXELS, "the photo has too many pixels; please send a smaller one")
            case Code.PHOTO_POLYGLOT:
                raise Problem(Code.PHOTO_POLYGLOT, "the file holds more than a photo; please send the photo alone")
            case _:
                raise Problem(Code.PHOTO_WRONG_FORMAT, "the photo is not a JPEG; please send it as JPEG")
