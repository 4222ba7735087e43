"""The form that carries a photo."""

from gelombang_loadtests.multipart_body import multipart_photo


def test_the_length_is_that_of_all_parts() -> None:
    body = multipart_photo((b"abc", memoryview(b"defg")), b"selfie.jpg")
    assert body.length_bytes == sum(len(part) for part in body.parts)


def test_the_form_is_spelt_as_browsers_do() -> None:
    body = multipart_photo((b"JPEG",), b"ktp.jpg")
    assert body.content_type == b"multipart/form-data; boundary=gelombang-8f0c6a4be1d24f7f9a3d5b7c2e60d918"
    assert b"".join(body.parts) == (
        b"--gelombang-8f0c6a4be1d24f7f9a3d5b7c2e60d918\r\n"
        b'Content-Disposition: form-data; name="photo"; filename="ktp.jpg"\r\n'
        b"Content-Type: image/jpeg\r\n"
        b"\r\n"
        b"JPEG\r\n"
        b"--gelombang-8f0c6a4be1d24f7f9a3d5b7c2e60d918--\r\n"
    )


def test_the_photo_is_not_copied() -> None:
    photo = memoryview(bytearray(1_000_000))
    body = multipart_photo((photo,), b"ktp.jpg")
    assert any(part is photo for part in body.parts)
