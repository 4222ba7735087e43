"""HMAC-SHA256 (RFC 2104) under a key that many short texts are signed with.

Its definition hashes a block of the key before the text and another before that digest. Both are hashed once here, and each signature goes
on from copies. `hmac.digest` gives the same bytes, but sets OpenSSL up anew each time and lets go of the interpreter's lock meanwhile, and
whoever waits for the lock takes it: on a busy process that costs more than the hashing.
"""

import hashlib
import hmac

_BLOCK_BYTES = 64
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


class Signer:
    """Signs under one key of at most 64 bytes."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        assert len(key) <= _BLOCK_BYTES
        block = key.ljust(_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(block.translate(_INNER))
        self._outer = hashlib.sha256(block.translate(_OUTER))

    def signature(self, text: bytes, length: int) -> bytes:
        """The first `length` bytes of the text's signature."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(text)
        outer.update(inner.digest())
        return outer.digest()[:length]

    def is_signed(self, text: bytes, signature: bytes, length: int) -> bool:
        """Whether this is the text's signature, compared in constant time."""
        return hmac.compare_digest(signature, self.signature(text, length))
