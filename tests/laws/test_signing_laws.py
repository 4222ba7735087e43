"""Signatures are those of HMAC-SHA256, as the standard library makes them."""

import hmac

from hypothesis import given
from hypothesis import strategies as st

from gelombang_server.signing import Signer


@given(key=st.binary(max_size=64), text=st.binary(max_size=300), length=st.integers(1, 32))
def test_a_signature_is_that_of_hmac(key: bytes, text: bytes, length: int) -> None:
    signer = Signer(key)
    wanted = hmac.digest(key, text, "sha256")[:length]
    assert signer.signature(text, length) == wanted
    assert signer.signature(text, length) == wanted, "the second time, too"
    assert signer.is_signed(text, wanted, length)


@given(text=st.binary(max_size=100), bit=st.integers(0, 127))
def test_a_signature_with_one_bit_changed_is_none(text: bytes, bit: int) -> None:
    signer = Signer(b"a key of this test")
    signature = bytearray(signer.signature(text, 16))
    signature[bit // 8] ^= 1 << bit % 8
    assert not signer.is_signed(text, bytes(signature), 16)
    assert not signer.is_signed(text, b"", 16)
