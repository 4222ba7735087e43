"""Identity numbers at rest: AES-SIV under a key from the environment, so that a copied database or backup shows nobody's NIK or KK.

AES-SIV (RFC 5297) is deterministic: the same number under the same name gives the same text, so the database goes on holding a NIK unique,
and a second hand-in is recognised, without anybody opening a seal. What that gives away is which rows have equal numbers: for a NIK
none, for a KK who lives in one household. The key is never on the disk; its fingerprint is in the database (`data_key.py`): an
HMAC-SHA256 (RFC 2104) of a fixed text under a key that is derived from it for this alone, which of 64 random bytes gives nothing away. Who
runs the site twice over one database keeps the key in `GELOMBANG_DATA_KEY`; without it each start draws one.
"""

import binascii
import hmac
import os
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from gelombang.errors import HostError, InputError

KEY_VARIABLE = "GELOMBANG_DATA_KEY"
KEY_BYTES = 64
"""AES-256 twice: for the synthetic vector and for the text."""
SEALED_PREFIX = "v1:"
"""Of every text that is closed."""
_FINGERPRINT_BYTES = 16


def ensure_key() -> None:
    """A key in the environment of this process and of those that it starts. Raises InputError when the one that is there is none."""
    if KEY_VARIABLE not in os.environ:
        os.environ[KEY_VARIABLE] = urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode()
    Seal.from_environment()


class Seal:
    """Closes and opens. Without a key it hands through: a profile that seals nothing."""

    def __init__(self, key: bytes | None) -> None:
        self._cipher = AESSIV(key) if key is not None else None
        self.fingerprint = None if key is None else _fingerprint(key)
        """Tells keys apart, and nothing else about them; None without a key."""

    @classmethod
    def from_environment(cls) -> "Seal":
        """The seal of the key in the environment. Raises InputError."""
        try:
            key = urlsafe_b64decode(os.environ.get(KEY_VARIABLE, ""))
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != KEY_BYTES:
            raise InputError(f"{KEY_VARIABLE} holds {len(key)} bytes; want {KEY_BYTES} random ones in URL-safe base64")
        return cls(key)

    def close(self, name: str, text: str) -> str:
        """The text as the database keeps it; `name` is what the text is, and goes into the seal."""
        if self._cipher is None:
            return text
        return SEALED_PREFIX + urlsafe_b64encode(self._cipher.encrypt(text.encode(), [name.encode()])).decode()

    def open(self, name: str, kept: str) -> str:
        """The inverse; what was written before the site sealed anything is as it stands. Raises HostError when it was sealed under another
        key, or changed since."""
        if self._cipher is None or not kept.startswith(SEALED_PREFIX):
            return kept
        try:
            return self._cipher.decrypt(urlsafe_b64decode(kept.removeprefix(SEALED_PREFIX)), [name.encode()]).decode()
        except (InvalidTag, ValueError):
            raise HostError(f"a {name} of this site was sealed under another {KEY_VARIABLE}; want the one it was started with") from None


def _fingerprint(key: bytes) -> str:
    derived = hmac.digest(key, b"fingerprint", "sha256")
    return hmac.digest(derived, KEY_VARIABLE.encode(), "sha256")[:_FINGERPRINT_BYTES].hex()
