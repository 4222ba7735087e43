"""Is this a whole JPEG of a sane size? A walk along its markers, fed chunk by chunk, that decodes nothing.

The walk follows ITU-T T.81 (1992), annex B: SOI, segments with their lengths, a frame header (SOF) with the dimensions, a scan (SOS) of
entropy-coded data in which `FF` is followed by `00` or a restart marker, perhaps more segments and scans, and EOI as the last two bytes.
That catches what phones and bad lines do: other formats, photos cut short, and images that would need gigabytes to decode. Whether the
pixels themselves make sense is not asked: decoding costs ten to twenty times everything else that an upload costs.

Bytes after EOI are refused as a polyglot: a file that is a JPEG and something else besides has no place in a photo store.
"""

import re

from gelombang.attempt import Code

_SCAN_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
"""The first marker after entropy-coded data: not a stuffed byte, not a restart, not a fill byte."""
_SOI = b"\xff\xd8"
_EOI = 0xD9
_SOS = 0xDA
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})
"""TEM and RST0 to RST7: markers without a length."""
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""SOF0 to SOF15 without DHT, JPG and DAC, which stand between them."""
_FRAME_HEADER_BYTES = 9
"""Marker, length, precision, height, width: what is needed of a frame header."""


class JpegWalk:
    """One photo. `feed` its bytes in order, then ask `verdict`: Code.NONE, or what is wrong. Never raises, whatever the bytes."""

    def __init__(self, pixels_limit: int) -> None:
        assert pixels_limit > 0
        self._pixels_limit = pixels_limit
        self._fault = Code.NONE
        self._carry = b""
        self._skip_bytes = 0
        self._began = False
        self._in_scan = False
        self._has_frame = False
        self._has_scan = False
        self._ended = False

    def feed(self, chunk: bytes) -> None:
        """Walk on; at most 9 bytes are kept between two calls."""
        data, self._carry = self._carry + chunk if self._carry else chunk, b""
        at = 0
        while at < len(data) and self._fault is Code.NONE:
            if self._skip_bytes:
                step = min(self._skip_bytes, len(data) - at)
                self._skip_bytes -= step
                at += step
                continue
            step = self._scan(data, at) if self._in_scan else self._marker(data, at)
            if step == 0:
                self._carry = data[at:]
                return
            at += step

    def verdict(self) -> Code:
        """What the bytes so far are, taken as the whole file."""
        if self._fault is not Code.NONE:
            return self._fault
        if not self._began:
            return Code.PHOTO_WRONG_FORMAT if self._carry and not _SOI.startswith(self._carry) else Code.PHOTO_TRUNCATED
        return Code.NONE if self._ended else Code.PHOTO_TRUNCATED

    def _scan(self, data: bytes, at: int) -> int:
        """Over entropy-coded data to the next marker; 0 when a last FF may be the beginning of one."""
        found = _SCAN_MARKER.search(data, at)
        if found:
            self._in_scan = False
            return found.start() - at or self._marker(data, at)
        kept = 1 if data[-1] == 0xFF else 0
        return len(data) - kept - at

    def _marker(self, data: bytes, at: int) -> int:
        """Read one marker and, where it has one, its length: how many bytes that took; 0 when there are not enough of them yet."""
        if self._ended:
            return self._refuse(Code.PHOTO_POLYGLOT)
        if data[at] != 0xFF:
            return self._refuse()
        if len(data) - at < 2:
            return 0
        kind = data[at + 1]
        if not self._began:
            self._began = kind == _SOI[1]
            return 2 if self._began else self._refuse()
        if kind == 0xFF:
            return 1
        if kind == _EOI:
            self._ended = True
            return 2 if self._has_scan else self._refuse()
        if kind in _STANDALONE:
            return 2
        if kind in (0x00, _SOI[1]):
            return self._refuse()
        return self._segment(kind, data, at)

    def _segment(self, kind: int, data: bytes, at: int) -> int:
        needed = _FRAME_HEADER_BYTES if kind in _FRAMES else 4
        if len(data) - at < needed:
            return 0
        length = data[at + 2] << 8 | data[at + 3]
        if length < needed - 2:
            return self._refuse()
        if kind in _FRAMES:
            height, width = data[at + 5] << 8 | data[at + 6], data[at + 7] << 8 | data[at + 8]
            if height == 0 or width == 0:
                return self._refuse()
            if height * width > self._pixels_limit:
                self._fault = Code.PHOTO_TOO_MANY_PIXELS
                return needed
            self._has_frame = True
        if kind == _SOS:
            if not self._has_frame:
                return self._refuse()
            self._in_scan = self._has_scan = True
        self._skip_bytes = length + 2 - needed
        return needed

    def _refuse(self, fault: Code = Code.PHOTO_WRONG_FORMAT) -> int:
        self._fault = fault
        return 1


def inspect_jpeg(body: bytes, pixels_limit: int) -> Code:
    """The verdict on a whole file."""
    walk = JpegWalk(pixels_limit)
    walk.feed(body)
    return walk.verdict()
